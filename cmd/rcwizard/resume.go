package main

import (
	"errors"
	"fmt"
	"strings"

	"github.com/rcwizard/rcwizard/engine"
)

// givenFlags are the flags that change what a run does to the hosts. What only
// says how it is shown, or how the hosts are found, is none of them.
func givenFlags() []string { return []string{"skip", "install-docker", "overwrite-edited"} }

// given is what was said of this run beside the answers, for the journal: the
// next run tells what is not as it was.
func (a *app) given() []string {
	var out []string
	for _, flag := range givenFlags() {
		value := a.config.GetString(flag)
		if flag == "skip" {
			value = strings.Join(a.config.GetStringSlice(flag), ",")
		}
		if value != "" && value != "false" {
			out = append(out, "--"+flag+"="+value)
		}
	}
	return out
}

// oddities are what a person should know of a journal before going on with its
// workspace. None keeps anybody from it, as the hosts say what is done.
func (a *app) oddities(h engine.History, unread error) []string {
	var out []string
	const looked = "what is done is seen on the hosts"
	switch {
	case errors.Is(unread, engine.ErrNotJournal):
		return append(out, "the journal cannot be read, so nobody knows how far the last run came; "+looked+", and a new journal is begun beside it")
	case h.Damaged > 0:
		out = append(out, fmt.Sprintf("%s of the journal cannot be read; %s", plural(h.Damaged, "line"), looked))
	}
	if h.Torn {
		out = append(out, "the journal was cut off in the middle of a line; "+looked)
	}
	if last, ok := h.Last(); ok && last.Program != "" && last.Program != a.build.Version {
		out = append(out, fmt.Sprintf("the last run was of rcwizard %s, and this is %s; what it would write differently is in the plan", last.Program, a.build.Version))
	}
	return out
}
