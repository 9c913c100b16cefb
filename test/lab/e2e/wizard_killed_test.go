package e2e

import (
	"strings"
	"syscall"
	"testing"

	"github.com/rcwizard/rcwizard/test/lab"
	"github.com/rcwizard/rcwizard/workspace"
)

// Killed with -9 after any page, the wizard begins there again, with everything
// that was typed on the pages before.
func TestWizardKilled(t *testing.T) {
	t.Parallel()
	f := lab.Up(t, lab.Options{Hosts: lab.Hosts("all")})
	r := newPerson(t, f, func(w *workspace.Workspace) { oneHost(t, f, w, "all", 1) })
	w := r.wizard(80, 24)
	w.servers()
	w.see("Workspace", "Domain")
	w = w.killed("Workspace")
	w.keys("Escape")
	w.see("Servers", r.w.Hosts[0].Address)
	w.keys("n")
	w.workspace()
	w.see("Monitoring and files", "Uploaded files")
	w = w.killed("Monitoring and files")
	w.keys("Escape")
	kept := w.see("Workspace", "Domain")
	for _, typed := range []string{r.w.Domain, r.w.Email} {
		if !strings.Contains(kept, typed) {
			t.Errorf("%s is gone:\n%s", typed, framed(kept))
		}
	}
	w.keys("C-n")
	w.turn("Monitoring and files", "Uploaded files", "C-n")
	w.see("Check", "checking")
	w = w.killed("Check")
	w.keys("Escape")
	w.see("Monitoring and files", "Uploaded files")
}

// killed ends the wizard with -9 and opens another, which goes on at the page.
func (w *wizard) killed(page string) *wizard {
	w.t.Helper()
	if err := syscall.Kill(w.pid(), syscall.SIGKILL); err != nil {
		w.t.Fatal(err)
	}
	again := w.r.wizard(80, 24)
	again.turn("Start", "go on", "Enter")
	again.see(page)
	return again
}
