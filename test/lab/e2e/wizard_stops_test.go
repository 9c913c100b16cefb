package e2e

import (
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/rcwizard/rcwizard/engine"
	"github.com/rcwizard/rcwizard/test/lab"
	"github.com/rcwizard/rcwizard/workspace"
	kept "github.com/rcwizard/rcwizard/workspace/state"
)

// However a person, a system or a terminal ends the wizard during a deployment:
// what is in flight ends, or is cancelled where that was asked for, nothing else
// begins, and resume finishes.
func TestWizardStops(t *testing.T) { //nolint:tparallel // one after the other, on one fleet
	t.Parallel()
	all := []situation{{"terminal closed", terminalClosed}}
	if torture() {
		all = append(all,
			situation{"ctrl+c once", ctrlCOnce},
			situation{"ctrl+c twice", ctrlCTwice},
			situation{"ctrl+c thrice", ctrlCThrice},
			situation{"SIGTERM", terminated},
		)
	}
	whileWaiting(t, all...)
}

// deploying is a wizard at a deployment that waits for Rocket.Chat on rc1.
func (r *rig) deploying() *wizard {
	r.t.Helper()
	r.forget()
	r.shutNATS()
	r.state = filepath.Join(filepath.Dir(r.state), filepath.Base(r.t.Name()))
	f, err := kept.OpenDraft(r.state)
	r.must(err)
	skips := strings.Split(unchecked()[1], ",")
	r.must(f.Save(kept.Draft{Page: "review", Workspace: r.w, Secrets: workspace.Secrets{License: "lab:scalability"}, Skips: skips}))
	w := r.wizard(80, 24)
	w.turn("Start", r.w.Domain, "Enter")
	w.review()
	w.until("the step that waits", regexp.MustCompile(`rc1 +Make the first administrator(.|\n)*for Rocket.Chat to start`).MatchString)
	w.pages.WriteString("Deploy\n" + framed(w.screen()))
	return w
}

// resumes has what was begun finished by the command that the person was told.
func (r *rig) resumes() {
	r.t.Helper()
	if o := r.run(append([]string{"resume", "--yes"}, unchecked()...)...); o.code != 0 || !strings.Contains(o.stdout, "1 of 1 instance registered") {
		r.t.Errorf("resume ended with code %d:\n%s", o.code, tail(o.text(), 40))
	}
}

// terminalClosed: nobody sees the screen any more. The step in flight ends well,
// no other is begun.
func terminalClosed(r *rig) {
	w := r.deploying()
	pid := w.pid()
	w.tmux("kill-server")
	held := time.NewTimer(3 * time.Second)
	defer held.Stop()
	select {
	case <-held.C:
	case <-r.t.Context().Done():
	}
	if s := state(pid); s == "gone" {
		r.t.Fatal("it did not wait for the step in flight")
	}
	r.openNATS()
	eventually(r.t, "the end of the wizard", 2*time.Minute, func() (bool, string) {
		s := state(pid)
		return s == "gone" || strings.HasPrefix(s, "Z"), s
	})
	ended, last := lab.StartWatch(), r.lastRun()
	if last.Outcome != "stopped" || !strings.Contains(strings.Join(last.done, " "), "rc1/first-administrator") || strings.Contains(strings.Join(last.done, " "), "rc1/compose-up-instance") {
		r.t.Errorf("the run ended as %+v", last)
	}
	r.nothingLeft(ended, 5*time.Second)
	r.resumes()
}

// ctrlCOnce: the step in flight ends, and the screen says how to go on.
func ctrlCOnce(r *rig) {
	w := r.deploying()
	w.keys("C-c")
	w.see("Deploy", "will end first", "rcwizard resume "+r.w.Name)
	r.openNATS()
	w.see("Stopped", "not finished", "rcwizard resume")
	r.leaves(w)
	r.resumes()
}

// ctrlCTwice: what is in flight is cancelled, within seconds.
func ctrlCTwice(r *rig) {
	w := r.deploying()
	w.keys("C-c")
	w.see("Deploy", "will end first")
	w.keys("C-c")
	second := lab.StartWatch()
	r.nothingLeft(second, cancelledWithin)
	r.t.Logf("lab: nothing is left on the hosts %.1f s after the second Ctrl+C", second.Elapsed().Seconds())
	w.see("Stopped", "not finished", "rcwizard resume")
	r.leaves(w)
	r.openNATS()
	r.resumes()
}

// ctrlCThrice: the screen is left at once, with the terminal as it was.
func ctrlCThrice(r *rig) {
	w := r.deploying()
	w.keys("C-c", "C-c", "C-c")
	code := w.ended()
	if said := w.screen(); code != 130 || !strings.Contains(said, "rcwizard resume") {
		r.t.Errorf("it ended with code %d, want 130 and how to go on:\n%s", code, framed(said))
	}
	r.nothingLeft(lab.StartWatch(), 10*time.Second)
	r.openNATS()
	r.resumes()
}

// terminated: a SIGTERM stops the run as ctrl+c does; the next one ends it.
func terminated(r *rig) {
	w := r.deploying()
	r.must(syscall.Kill(w.pid(), syscall.SIGTERM))
	w.see("Deploy", "will end first")
	r.must(syscall.Kill(w.pid(), syscall.SIGTERM))
	if code := w.ended(); code != 130 {
		r.t.Errorf("it ended with code %d, want 130:\n%s", code, w.all(false))
	}
	r.nothingLeft(lab.StartWatch(), 10*time.Second)
	r.openNATS()
	r.resumes()
}

// leaves leaves the wizard from where it is, which tells of a run that did not
// end well.
func (r *rig) leaves(w *wizard) {
	r.t.Helper()
	w.keys("C-c")
	w.turn("", "Leave", "Enter")
	if code := w.ended(); code != 130 || !strings.Contains(w.screen(), "rcwizard resume") {
		r.t.Errorf("it ended with code %d, want 130 and how to go on:\n%s", code, framed(w.screen()))
	}
}

// A person may stop the wizard for a while and go on, by its key or from outside.
func TestWizardSuspended(t *testing.T) {
	t.Parallel()
	f := lab.Up(t, lab.Options{Hosts: lab.Hosts("all"), Bare: true})
	r := newPerson(t, f, func(w *workspace.Workspace) { oneHost(t, f, w, "all", 1) })
	p := r.shellPane(80, 24)
	p.await("ready>")
	p.typeText("rcwizard")
	p.keys("Enter")
	p.await("Start", "New workspace")
	p.keys("Enter")
	p.await("Servers", "Type the address")
	for _, stop := range []struct {
		name string
		do   func(pid string)
	}{
		{"ctrl+z", func(string) { p.keys("C-z") }},
		{"SIGTSTP", func(pid string) { r.signal(pid, "-TSTP") }},
		{"SIGSTOP", func(pid string) { r.signal(pid, "-STOP") }},
	} {
		pid := strings.TrimSpace(r.program(p))
		stop.do(pid)
		p.await("Stopped", "ready>")
		p.keys("Enter")
		p.typeText("echo between")
		p.keys("Enter")
		p.await("between")
		p.typeText("fg")
		p.keys("Enter")
		// What stood there before it was stopped may be seen for a moment.
		eventually(t, "the screen to be drawn anew after "+stop.name, paneWithin, func() (bool, string) {
			screen := p.await("Servers", "Type the address", "f1 help")
			return !strings.Contains(screen, "between") && !strings.Contains(screen, "ready>"), framed(screen)
		})
		p.typeText("1")
		p.await("› 1")
		p.keys("BSpace")
	}
	p.keys("Escape")
	p.turnOff()
}

// program is the process of rcwizard under a shell.
func (r *rig) program(p *pane) string {
	r.t.Helper()
	var pid string
	eventually(r.t, "the program", paneWithin, func() (bool, string) {
		pid = p.tell("#{pane_pid}")
		out, err := r.Op(r.t.Context(), "pgrep", "-P", pid).Output()
		pid = string(out)
		return err == nil, pid
	})
	return pid
}

func (r *rig) signal(pid, name string) {
	r.t.Helper()
	r.must(r.Op(r.t.Context(), "kill", name, pid).Run())
}

// turnOff leaves the wizard, and the shell.
func (p *pane) turnOff() {
	p.t.Helper()
	p.await("Start")
	p.keys("C-c")
	p.await("Leave rcwizard?")
	p.keys("Enter")
	p.await("ready>")
	p.typeText("exit")
	p.keys("Enter")
	p.ended()
}

// ran is what the journal tells of the last run.
type ran struct {
	engine.RunHistory

	done []string
}

func (r *rig) lastRun() ran {
	r.t.Helper()
	history, err := engine.ReadJournal(filepath.Join(r.state, "journal.jsonl"))
	r.must(err)
	last, ok := history.Last()
	if !ok {
		r.t.Fatal("the journal tells of no run")
	}
	out := ran{RunHistory: last}
	for _, s := range last.Done {
		out.done = append(out.done, s.Step)
	}
	return out
}
