package check

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/rcwizard/rcwizard/internal/plaintext"
	"github.com/rcwizard/rcwizard/workspace"
)

func TestWriteText(t *testing.T) {
	t.Parallel()
	refused := Probe{Outcome: OutcomeRefused, After: time.Millisecond, Detail: "Connection\x1b[31m refused"}
	ten := four()
	for i := range 8 {
		name := fmt.Sprintf("app%d", i+1)
		ten.Hosts = append(ten.Hosts, workspace.Host{Name: name, Address: fmt.Sprintf("192.0.2.%d", 20+i), PrivateIP: fmt.Sprintf("10.0.0.%d", 20+i)})
		ten.Instances = append(ten.Instances, workspace.Instance{Host: name})
	}
	ten = ten.Complete()
	for name, c := range map[string]struct {
		w      workspace.Workspace
		change func(e *Evidence)
		skips  []string
	}{
		"well":     {four(), func(*Evidence) {}, nil},
		"one-host": {one(), func(*Evidence) {}, nil},
		"twelve":   {ten, func(*Evidence) {}, nil},
		"default-deny": {four(), func(e *Evidence) {
			for _, edge := range Edges(four()) {
				if !edge.Self() {
					e.Probes[edge.Path()] = Probe{Outcome: OutcomeTimeout, After: 5070 * time.Millisecond, How: "through sshd"}
				}
			}
		}, nil},
		"host-down": {four(), func(e *Evidence) {
			e.Hosts["rc2"] = Host{Connection: ConnUnreachable, Detail: "dial tcp 192.0.2.12:22: i/o timeout"}
			for _, s := range Places(four()) {
				if s.Host == "rc2" {
					delete(e.Listeners, s.Place)
					delete(e.Outside.Probes, s.Place)
				}
			}
			for _, edge := range Edges(four()) {
				if edge.To == "rc2" || edge.From == "rc2" {
					delete(e.Probes, edge.Path())
				}
			}
			delete(e.Images, "rc2")
			delete(e.Names["chat.example.com"].Lookups, "rc2")
			delete(e.Release.Running, "rc2")
		}, nil},
		"taken": {four(), func(e *Evidence) {
			e.Listeners[mongo] = theirs
			for _, from := range []string{"db", "rc1", "rc2"} {
				e.Probes[Path{from, "db", 27017}] = Probe{Outcome: OutcomeSilence, After: 3 * time.Second}
			}
			e.Probes[Path{"edge", "rc1", 3000}] = refused
		}, nil},
		"skipped": {four(), func(e *Evidence) {
			e.host("db", func(h *Host) { h.ClockOffset = time.Hour })
		}, []string{"host:db:clock", "domain", "host:db:clok"}},
		"nothing": {four(), func(e *Evidence) { *e = Evidence{} }, nil},
	} {
		e := well(c.w)
		c.change(&e)
		var b bytes.Buffer
		if err := WriteText(&b, Judge(c.w, e, c.skips)); err != nil {
			t.Fatal(err)
		}
		golden(t, "text-"+name, b.Bytes())
		for line := range strings.Lines(b.String()) {
			if n := utf8.RuneCountInString(strings.TrimSuffix(line, "\n")); n > plaintext.Width && !strings.HasPrefix(line, "  ufw") {
				t.Errorf("%s: %d columns: %s", name, n, line)
			}
			if strings.ContainsRune(line, '\x1b') {
				t.Errorf("%s: a host steers the terminal: %q", name, line)
			}
		}
	}
}

type full struct{}

func (full) Write([]byte) (int, error) { return 0, errors.New("full") }

func TestWriteFails(t *testing.T) {
	t.Parallel()
	if WriteText(full{}, Report{}) == nil || WriteFirewall(full{}, nil) == nil {
		t.Error("no error")
	}
}
