package steps

import "strings"

// crashCause recognises in a container's last lines the failures that people
// meet most, and says what to do.
func crashCause(text, host string) (cause, next string) {
	switch {
	case strings.Contains(text, "Can't find migration version"):
		return "the database was already used by a newer release of Rocket.Chat, and no release takes a database back",
			"set release in workspace.yaml to the release that the workspace was on, or a newer one, then run again"
	case strings.Contains(text, "EADDRINUSE"), strings.Contains(strings.ToLower(text), "address already in use"):
		// Node's way, and that of all others.
		return composeCause("address already in use", host)
	case strings.Contains(text, "ENOSPC"), strings.Contains(strings.ToLower(text), "no space left on device"):
		return composeCause("no space left on device", host)
	}
	return "the lines above are the container's last", "mend what they say, then run again; what is done stays done"
}
