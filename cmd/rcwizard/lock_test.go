package main

import (
	"errors"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/rcwizard/rcwizard/remote/lock"
)

// Only a process of one's own on this machine that is no more is known to have
// ended: whoever resumes after a kill is not told that somebody else is at work.
func TestEndedHere(t *testing.T) {
	t.Parallel()
	a := &app{}
	gone := exec.CommandContext(t.Context(), "true")
	if err := gone.Run(); err != nil {
		t.Fatal(err)
	}
	dead := lock.Holder{User: a.login(), From: "here", PID: gone.Process.Pid}
	alive, elsewhere, somebody, unnamed := dead, dead, dead, dead
	alive.PID = os.Getpid()
	elsewhere.From = "there"
	somebody.User += "x"
	unnamed.PID = 0
	for name, test := range map[string]struct {
		holder lock.Holder
		want   bool
	}{
		"gone": {dead, true}, "alive": {alive, false}, "on another machine": {elsewhere, false},
		"somebody else's": {somebody, false}, "without a name": {unnamed, false},
	} {
		if got := a.endedHere(test.holder, "here"); got != test.want {
			t.Errorf("%s: %t, want %t", name, got, test.want)
		}
	}
}

// Of a host that went away with its lock nobody is told that others are at work.
func TestLockLost(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		why  error
		code int
		says string
	}{
		"the host is gone":   {&lock.LostError{Host: "rc1", Err: errors.New("timeout")}, exitFailed, "see that ssh reaches rc1 from here, then go on with: rcwizard resume chat"},
		"another operator":   {&lock.LostError{Host: "rc1", Holder: lock.Holder{ID: "x", User: "ops", From: "laptop", Doing: "install"}}, exitLocked, "when nobody is at work any more"},
		"freed by somebody":  {&lock.LostError{Host: "rc1"}, exitLocked, "when nobody is at work any more"},
		"for another reason": {errors.New("why"), exitLocked, "why"},
	} {
		err := lockLost(test.why, "rcwizard resume chat")
		if code, untold := exitCode(err); code != test.code || !untold || !strings.Contains(err.Error(), test.says) {
			t.Errorf("%s: code %d, %v", name, code, err)
		}
	}
}
