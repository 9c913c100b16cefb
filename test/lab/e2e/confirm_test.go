package e2e

import (
	"regexp"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/rcwizard/rcwizard/test/lab"
	"github.com/rcwizard/rcwizard/workspace"
)

// A person in a terminal of 80 by 24 is shown the plan before anything changes,
// in lines that fit, and what is neither yes nor no is asked again. After no,
// and after Ctrl+C or SIGTERM at the question, nothing was changed. A busy host
// may take a moment to give back the lock of the run before.
func TestConfirm(t *testing.T) {
	t.Parallel()
	f := lab.Up(t, lab.Options{Hosts: lab.Hosts("all")})
	r := newRig(t, f, workspace.Secrets{}, func(w *workspace.Workspace) { oneHost(t, f, w, "all", 2) })
	before := r.remains()

	p := r.pane(80, 24, nil, "install", "-f", r.file, "--skip", "host:all:cores", "--lock-wait", "1m")
	p.within(6 * time.Minute).await("Carry this out? [y/n]") // it looks at the host first
	p.paste("maybe\n")
	p.until("the question again", func(screen string) bool { return strings.Count(screen, "Carry this out? [y/n]") == 2 })
	p.typeText("n")
	p.keys("Enter")
	if code := p.ended(); code != 130 {
		t.Errorf("no ended with code %d", code)
	}
	p.await("nothing was changed")
	// A path stays whole, to be copied; nothing else is wider than the terminal.
	path := regexp.MustCompile(`^ +create +/opt/rocketchat/\S+$`)
	for _, line := range p.wrapped() {
		if !path.MatchString(line) {
			t.Errorf("wider than the terminal: %s", line)
		}
	}

	p = r.pane(80, 24, nil, "install", "-f", r.file, "--skip", "host:all:cores", "--lock-wait", "1m")
	p.within(6 * time.Minute).await("Carry this out? [y/n]")
	p.resize(100, 30)
	if screen := p.await("Carry this out? [y/n]"); strings.Count(screen, "\n") != 30 {
		t.Errorf("after it was made 30 lines high the terminal shows:\n%s", screen)
	}
	p.keys("C-c")
	if code := p.ended(); code != 130 {
		t.Errorf("Ctrl+C at the question ended with code %d:\n%s", code, p.all(false))
	}

	p = r.pane(80, 24, []string{"NO_COLOR=1"}, "install", "-f", r.file, "--skip", "host:all:cores", "--lock-wait", "1m")
	p.within(6 * time.Minute).await("Carry this out? [y/n]")
	if err := unix.Kill(p.pid(), unix.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if code := p.ended(); code != 130 {
		t.Errorf("SIGTERM at the question ended with code %d:\n%s", code, p.all(false))
	}
	eventually(t, "the host to be as it was before", time.Minute, func() (bool, string) {
		after := r.remains()["all"]
		return after == before["all"], after
	})
}
