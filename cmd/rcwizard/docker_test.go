package main

import (
	"bytes"
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/rcwizard/rcwizard/check"
	"github.com/rcwizard/rcwizard/engine"
	"github.com/rcwizard/rcwizard/steps"
)

// An installation of Docker that was cut between the engine and the Compose plugin is
// finished by the run that goes on, or it is said how. A host without the plugin on
// which none was begun is nobody's to change.
func TestDockerIsFinished(t *testing.T) {
	t.Parallel()
	half := check.Finding{ID: "host:rc1:compose", Kind: "compose-absent", Host: "rc1", Verdict: check.Fail}
	for _, test := range []struct {
		name    string
		cut     bool // between the engine and the plugin
		then    bool // it was finished later
		finding check.Finding
		source  steps.DockerSource
		runs    bool
		said    string
		unsaid  string
	}{
		{name: "cut", cut: true, finding: half, source: steps.DockerDocker, runs: true, said: "The installation of Docker on rc1 did not come to its end."},
		{name: "cut before it was started", cut: true, finding: check.Finding{ID: "host:rc1:docker", Kind: "docker-not-running", Host: "rc1"}, source: steps.DockerDocker, runs: true, said: "as root on rc1"},
		{name: "cut, and nobody is asked", cut: true, finding: half, said: "run again with --install-docker=distribution, or =docker, as it was begun"},
		{name: "cut and finished", cut: true, then: true, finding: half, source: steps.DockerDocker, unsaid: "rc1"},
		{name: "somebody else's", finding: half, source: steps.DockerDocker, unsaid: "rc1"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			a, ans := operator(t, nil)
			var said bytes.Buffer
			a.sys.stderr, a.sys.stdout = &said, &said
			site, _ := simulated(t, ans.workspace)
			if _, err := engine.Run(t.Context(), steps.Install(site), engine.Options{}); err != nil {
				t.Fatal(err)
			}
			for n, happens := range []bool{test.cut, test.then} {
				if !happens {
					continue
				}
				journal, err := engine.OpenJournal(ans.folder.Journal())
				if err != nil {
					t.Fatal(err)
				}
				done := false
				_, err = engine.Run(t.Context(), engine.Plan{Name: steps.PlanDocker, Steps: []engine.Step{looksAt("rc1", &done, n == 0)}}, engine.Options{Journal: journal})
				if (err == nil) != (n == 1) || journal.Close() != nil {
					t.Fatal(err)
				}
			}
			s := &stage{a: a, ans: ans, site: site, docker: test.source, say: a.sayf}
			if err := s.offerDocker(t.Context(), reportOf(test.finding)); err != nil {
				t.Fatal(err)
			}
			if s.installed != test.runs {
				t.Errorf("it is installed: %t", s.installed)
			}
			if text := said.String(); !strings.Contains(text, test.said) || test.unsaid != "" && strings.Contains(text, test.unsaid) {
				t.Errorf("%q is not said, or %q is:\n%s", test.said, test.unsaid, text)
			}
		})
	}
}

// looksAt is a step that fails, or brings about what it looks for.
func looksAt(host string, done *bool, fails bool) engine.Step {
	return engine.Step{
		ID: host + "/docker", Title: "Install Docker", Host: host,
		Check: func(context.Context, engine.Output) (engine.Report, error) {
			if *done {
				return engine.Report{Verdict: engine.Done}, nil
			}
			return engine.Report{Verdict: engine.Needed}, nil
		},
		Apply: func(context.Context, engine.Output) error {
			if fails {
				return errors.New("cut")
			}
			*done = true
			return nil
		},
	}
}

// Of many checks that are left out a line counts the groups.
func TestBriefly(t *testing.T) {
	t.Parallel()
	few := []string{"port:rc1:db:27017", "clock"}
	if got := briefly(few); got != "port:rc1:db:27017, clock" {
		t.Error(got)
	}
	many := make([]string, 0, 61)
	many = append(many, "clock")
	for range 30 {
		many = append(many, "port:rc1:db:27017", "host:db:clock")
	}
	if got := briefly(many); got != "61 checks: clock, 30 of port, 30 of host" {
		t.Error(got)
	}
}
