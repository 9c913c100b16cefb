package engine_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/rcwizard/rcwizard/engine"
)

// killedEnv makes this test binary the program that is killed: it holds the
// moment of its death, counted in records and in the halves of each Apply.
const killedEnv = "RCWIZARD_TEST_KILL_AT"

func TestMain(m *testing.M) {
	if at := os.Getenv(killedEnv); at != "" {
		os.Exit(runUntilKilled(at, os.Args[1]))
	}
	os.Exit(m.Run())
}

// death kills the process, as kill -9 does, at the n-th moment.
type death struct{ left int }

func (d *death) moment() {
	if d.left--; d.left == 0 {
		_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
		select {}
	}
}

// mortalJournal may die right before and right after each record.
type mortalJournal struct {
	*engine.Journal

	death *death
}

func (j mortalJournal) Record(rec engine.Record) error {
	j.death.moment()
	err := j.Journal.Record(rec)
	j.death.moment()
	return err
}

// filePlan brings about two files on each of two hosts, which are folders. An
// Apply that is cut leaves the half of a file.
func filePlan(dir string, moment func()) engine.Plan {
	plan := engine.Plan{Name: "install"}
	for _, host := range []string{"a", "b"} {
		for i := range 2 {
			id := fmt.Sprintf("%s/%d", host, i)
			path := filepath.Join(dir, host+strconv.Itoa(i))
			plan.Steps = append(plan.Steps, engine.Step{
				ID: id, Title: "Write " + id, Host: host,
				Check: func(context.Context, engine.Output) (engine.Report, error) {
					data, err := os.ReadFile(path)
					if err == nil && string(data) == "whole "+id {
						return engine.Report{Verdict: engine.Done}, nil
					}
					return engine.Report{Verdict: engine.Needed}, nil
				},
				Apply: func(context.Context, engine.Output) error {
					if err := os.WriteFile(path, []byte("whole "), 0o600); err != nil {
						return err
					}
					moment()
					return os.WriteFile(path, []byte("whole "+id), 0o600)
				},
			})
		}
	}
	plan.Steps[2].Needs = []string{"a/1"}
	return plan
}

func runUntilKilled(at, dir string) int {
	n, err := strconv.Atoi(at)
	if err != nil {
		return 3
	}
	d := &death{left: n}
	journal, err := engine.OpenJournal(filepath.Join(dir, "journal.jsonl"))
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 4
	}
	_, err = engine.Run(context.Background(), filePlan(dir, d.moment), engine.Options{Journal: mortalJournal{journal, d}})
	if err = errors.Join(err, journal.Close()); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 5
	}
	return 0
}

// The program is killed with SIGKILL before and after every record and in the
// middle of every Apply. Each time the journal tells exactly what was cut, the
// next run reaches the state of an undisturbed one, and the one after that
// applies nothing.
func TestKillAtEveryMoment(t *testing.T) {
	// Two for each of the records (the run's two, and two for each of the four
	// steps), and one in each Apply.
	const moments = 2*(2+2*4) + 4
	kill := func(t *testing.T, dir string, at int) error {
		t.Helper()
		cmd := exec.CommandContext(t.Context(), os.Args[0], dir)
		cmd.Env = append(os.Environ(), killedEnv+"="+strconv.Itoa(at))
		cmd.Stderr = os.Stderr
		return cmd.Run()
	}
	if err := kill(t, t.TempDir(), moments+1); err != nil {
		t.Fatalf("there are more than %d moments: %v", moments, err)
	}
	for at := 1; at <= moments; at++ {
		t.Run(strconv.Itoa(at), func(t *testing.T) {
			dir := t.TempDir()
			path := filepath.Join(dir, "journal.jsonl")
			var exit *exec.ExitError
			if err := kill(t, dir, at); !errors.As(err, &exit) || exit.Sys().(syscall.WaitStatus).Signal() != syscall.SIGKILL {
				t.Fatalf("ended with %v, want SIGKILL", err)
			}
			h, err := engine.ReadJournal(path)
			if err != nil || h.Damaged > 0 {
				t.Fatalf("the journal: %v, %d damaged", err, h.Damaged)
			}
			if last, ok := h.Last(); ok {
				if at < moments && !h.Unfinished() {
					t.Error("the journal says that nothing is left to do")
				}
				for _, s := range last.Done {
					if s.How != engine.Applied {
						t.Errorf("%s is %s", s.Step, s.How)
					}
				}
				if len(last.Cut) > 1 {
					t.Errorf("cut: %s, but one step runs at a time", ids(last.Cut))
				}
			}
			half := halfWritten(t, dir)
			if last, _ := h.Last(); half != "" && ids(last.Cut) != half {
				t.Errorf("%s is half done, and the journal tells that %q was cut", half, ids(last.Cut))
			}
			for run, want := range []bool{true, false} {
				applied := false
				journal, err := engine.OpenJournal(path)
				if err != nil {
					t.Fatal(err)
				}
				_, err = engine.Run(t.Context(), filePlan(dir, func() { applied = true }), engine.Options{Journal: journal})
				if err = errors.Join(err, journal.Close()); err != nil {
					t.Fatal(err)
				}
				if !want && applied {
					t.Errorf("run %d after the kill applied something", run+1)
				}
			}
			if got := halfWritten(t, dir); got != "" {
				t.Errorf("%s is still half done", got)
			}
			h, err = engine.ReadJournal(path)
			if last, _ := h.Last(); err != nil || last.Outcome != engine.Succeeded || len(last.Done) != 4 {
				t.Errorf("the last run is %+v, %v", last, err)
			}
			if diff := cmp.Diff("whole b/1", read(t, filepath.Join(dir, "b1"))); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// halfWritten names the step whose file is only half there.
func halfWritten(t *testing.T, dir string) string {
	t.Helper()
	for _, id := range []string{"a/0", "a/1", "b/0", "b/1"} {
		path := filepath.Join(dir, id[:1]+id[2:])
		if _, err := os.Stat(path); err == nil && read(t, path) != "whole "+id {
			return id
		}
	}
	return ""
}

func read(t *testing.T, path string) string {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}
