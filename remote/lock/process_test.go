package lock_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/rcwizard/rcwizard/remote"
	"github.com/rcwizard/rcwizard/remote/lock"
	"github.com/rcwizard/rcwizard/remote/remotetest"
)

// operator is another process that takes the lock when it is told to.
type operator struct {
	name string
	cmd  *exec.Cmd
	in   io.Writer
	out  *bufio.Scanner
}

// newOperator starts this test's own program as an operator of one host.
func newOperator(t *testing.T, name string, s *remotetest.Server, file string) *operator {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestOperatorProcess$", "-test.v")
	cmd.Env = append(os.Environ(), "RCWIZARD_LOCK_OPERATOR="+name, "RCWIZARD_LOCK_PORT="+strconv.Itoa(s.Port()),
		"RCWIZARD_LOCK_KNOWN_HOSTS="+s.KnownHosts(t), "RCWIZARD_LOCK_FILE="+file)
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cmd.Process.Kill(); _ = cmd.Wait() })
	o := &operator{name: name, cmd: cmd, in: in, out: bufio.NewScanner(out)}
	if got := o.hears(); got != "ready" {
		t.Fatalf("%s says %q", name, got)
	}
	return o
}

func (o *operator) told(what string) { _, _ = io.WriteString(o.in, what+"\n") }

// hears is the operator's next word.
func (o *operator) hears() string {
	for o.out.Scan() {
		if word, ok := strings.CutPrefix(o.out.Text(), "operator: "); ok {
			return word
		}
	}
	return "nothing"
}

// TestOperatorProcess is the other process; it tests nothing by itself.
func TestOperatorProcess(t *testing.T) {
	name := os.Getenv("RCWIZARD_LOCK_OPERATOR")
	if name == "" {
		t.Skip("this is the other process of TestProcesses")
	}
	port, err := strconv.Atoi(os.Getenv("RCWIZARD_LOCK_PORT"))
	if err != nil {
		t.Fatal(err)
	}
	h, err := remote.Connect(t.Context(), remote.Target{
		Name: "box", Address: "127.0.0.1", Port: port, User: "deploy", SSHConfig: "none",
		KnownHosts: []string{os.Getenv("RCWIZARD_LOCK_KNOWN_HOSTS")},
	})
	if err != nil {
		t.Fatal(err)
	}
	defer h.Close() //nolint:errcheck // the test is over
	say := func(format string, args ...any) { _, _ = fmt.Fprintf(os.Stdout, "operator: "+format+"\n", args...) }
	place := lock.Place{Host: h, File: os.Getenv("RCWIZARD_LOCK_FILE"), NoRoot: true}
	var held *lock.Held
	say("ready")
	for told := bufio.NewScanner(os.Stdin); told.Scan(); {
		switch told.Text() {
		case "take":
			held, err = lock.Take(t.Context(), person(name), []lock.Place{place}, lock.Options{TTL: 4 * time.Second, Beat: 500 * time.Millisecond})
			var other *lock.HeldError
			switch {
			case err == nil:
				say("has it")
			case errors.As(err, &other):
				say("sees %s", other.Holder.User)
			default:
				say("fails: %v", err)
			}
		case "give":
			say("gives it: %v", held.Close())
		case "change":
			say("changes: %v", held.Hold(context.WithoutCancel(t.Context()), "box"))
		}
	}
}

// Two processes race; then the one that has the lock is killed, and then one is
// stopped and goes on too late.
func TestProcesses(t *testing.T) {
	t.Parallel()
	s := remotetest.NewServer(t, remotetest.Options{})
	file := filepath.Join(t.TempDir(), "lock")
	all := []*operator{newOperator(t, "alice", s, file), newOperator(t, "bob", s, file)}
	rounds := 200
	if testing.Short() {
		rounds = 20
	}
	wins := map[string]int{}
	for round := range rounds {
		said := make([]string, 2)
		all[0].told("take")
		all[1].told("take")
		for i, o := range all {
			said[i] = o.hears()
		}
		winner := 0
		if said[1] == "has it" {
			winner = 1
		}
		if want := "sees " + all[winner].name; said[winner] != "has it" || said[1-winner] != want {
			t.Fatalf("round %d: they say %q", round, said)
		}
		wins[all[winner].name]++
		all[winner].told("give")
		if got := all[winner].hears(); got != "gives it: <nil>" {
			t.Fatalf("round %d: %s", round, got)
		}
	}
	t.Logf("%d rounds, won %v", rounds, wins)
	killedAndStopped(t, s, file, all)
}

func killedAndStopped(t *testing.T, s *remotetest.Server, file string, all []*operator) {
	t.Helper()
	takes := func(o *operator, within time.Duration) time.Duration {
		return eventually(t, o.name+" takes it", within, func() bool {
			o.told("take")
			return o.hears() == "has it"
		})
	}
	alice, bob := all[0], all[1]
	takes(alice, time.Second)
	if err := alice.cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	t.Logf("free %v after kill -9", takes(bob, 10*time.Second).Round(100*time.Millisecond))

	carol := newOperator(t, "carol", s, file)
	if err := bob.cmd.Process.Signal(syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	took := takes(carol, 30*time.Second)
	if took < 3*time.Second {
		t.Errorf("a stopped operator lost it after %v, before its time", took)
	}
	t.Logf("free %v after SIGSTOP, with a time of 4 s", took.Round(100*time.Millisecond))
	if err := bob.cmd.Process.Signal(syscall.SIGCONT); err != nil {
		t.Fatal(err)
	}
	bob.told("change")
	if got := bob.hears(); !strings.Contains(got, "another operator has taken over: install by carol@") {
		t.Errorf("the stopped operator goes on: %s", got)
	}
	carol.told("change")
	if got := carol.hears(); got != "changes: <nil>" {
		t.Errorf("the operator of now %s", got)
	}
}
