package steps

import (
	"fmt"
	"strings"

	"github.com/rcwizard/rcwizard/engine"
)

// newerDatabase is what Rocket.Chat says of a database that a newer release
// has used. It keeps the lock on the migrations when it ends so, and tries for
// five minutes to get it at each start after that: no quick crash loop, and no
// patience helps.
const newerDatabase = "Can't find migration version"

// final is the problem that one line of a service's log tells, where that is
// one that stays as it is; else nil.
func final(service, host, line string) *engine.Problem {
	if !strings.Contains(line, newerDatabase) {
		return nil
	}
	cause, next := crashCause(line, host)
	return &engine.Problem{LastLines: []string{line}, Cause: cause, Next: next, Err: fmt.Errorf("%s cannot start: %s", service, strings.TrimSpace(line))}
}

// crashCause recognises in a container's last lines the failures that people
// meet most, and says what to do.
func crashCause(text, host string) (cause, next string) {
	switch {
	case strings.Contains(text, newerDatabase):
		return "the database was already used by a newer release of Rocket.Chat, and no release takes a database back",
			"set release in workspace.yaml to the release that the workspace was on, or a newer one, then run again"
	case strings.Contains(text, "EADDRINUSE"), strings.Contains(strings.ToLower(text), "address already in use"):
		// Node's way, and that of all others.
		return composeCause("address already in use", host)
	case strings.Contains(text, "EADDRNOTAVAIL"), strings.Contains(strings.ToLower(text), "cannot assign requested address"):
		return "the address that it is to listen on is none of " + host + "'s own",
			"set private_ip of " + host + " in workspace.yaml to an address of the host (ip address shows them), then run again"
	case strings.Contains(text, "ENOSPC"), strings.Contains(strings.ToLower(text), "no space left on device"):
		return composeCause("no space left on device", host)
	}
	return "the lines above are the container's last", "mend what they say, then run again; what is done stays done"
}
