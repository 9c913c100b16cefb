package main

import (
	"os"
	"os/exec"
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
