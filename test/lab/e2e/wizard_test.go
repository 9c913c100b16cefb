package e2e

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/rcwizard/rcwizard/check"
	"github.com/rcwizard/rcwizard/cluster"
	"github.com/rcwizard/rcwizard/test/lab"
	"github.com/rcwizard/rcwizard/workspace/question"
)

const (
	// seenWithin bounds the wait for what hosts are asked for, on a machine that
	// has other tests to run.
	seenWithin = 3 * time.Minute
	// deployedWithin bounds that for a whole deployment.
	deployedWithin = 8 * time.Minute
)

// A person's whole way, by keys alone: four addresses are pasted, their keys
// accepted, a few answers typed; a port that is closed is opened by the line that
// the page shows, typed on that host; the plan is read, carried out, and counted.
func TestWizard(t *testing.T) {
	t.Parallel()
	r := newPerson(t, lab.Up(t, lab.Options{Hosts: four()}), nil)
	r.forgetRule("db", "rc1", 27017)
	w := r.wizard(80, 24)
	started := time.Now()
	w.servers()
	w.workspace()
	w.turn("Monitoring and files", "Uploaded files", "C-n")
	w.check()
	w.review()
	w.see("Deploy", "Deploying")
	done := w.within(deployedWithin).see("Done", "2 of 2 instances registered")
	if !strings.Contains(done, r.w.RootURL) && !strings.Contains(done, "rc1") {
		t.Errorf("the last page says neither where nor what:\n%s", framed(done))
	}
	t.Logf("lab: from addresses to a counted workspace by keys in %.1f s", time.Since(started).Seconds())
	w.keys("Enter")
	if code := w.ended(); code != 0 {
		t.Errorf("it ended with code %d:\n%s", code, w.all(false))
	}
	r.counts(cluster.VerdictWarning, "2 of 2 instances registered, not linked: no licence")
	r.recorded()
	r.keepsSecrets(w.pages.String() + w.all(false))
	r.wroteWorkspace()
}

// forgetRule gives a host a real firewall that lets in what the cluster needs,
// but for one way of it.
func (r *rig) forgetRule(host, from string, port int) {
	r.t.Helper()
	rules := []string{"allow 22/tcp"}
	for _, e := range check.Edges(r.w) {
		if e.To == host && (e.From != from || e.Port != port) {
			rules = append(rules, fmt.Sprintf("allow proto tcp from %s to any port %d", r.Host(e.From).Address(), e.Port))
		}
	}
	r.must(r.Host(host).NoFirewall(r.t.Context()))
	r.must(r.Host(host).StartUFW(r.t.Context(), rules...))
}

// wizard is the wizard on a terminal, with a person before it.
type wizard struct {
	*pane
	// pages are what the person saw, for who reads of a failure.
	pages *strings.Builder
}

// wizard opens the wizard on a terminal of a size.
func (r *rig) wizard(width, height int) *wizard {
	r.t.Helper()
	w := &wizard{pane: r.pane(width, height, nil).within(seenWithin), pages: &strings.Builder{}}
	r.t.Cleanup(func() {
		if r.t.Failed() {
			r.t.Logf("what the person saw:\n%s", w.pages)
		}
	})
	return w
}

func (w *wizard) within(limit time.Duration) *wizard {
	return &wizard{pane: w.pane.within(limit), pages: w.pages}
}

// see waits for texts on a page, and keeps what is on the screen then.
func (w *wizard) see(page string, texts ...string) string {
	w.t.Helper()
	screen := w.await(append([]string{page}, texts...)...)
	w.pages.WriteString(page + "\n" + framed(screen))
	return screen
}

// turn sees a page and presses keys.
func (w *wizard) turn(page, text string, keys ...string) {
	w.t.Helper()
	w.see(page, text)
	w.keys(keys...)
}

// servers begins, pastes the addresses, and accepts the keys.
func (w *wizard) servers() {
	w.t.Helper()
	w.turn("Start", "New workspace", "Enter")
	w.see("Servers", "Type the address")
	w.paste(strings.Join(w.r.addresses(), "\n") + "\n")
	hosts := len(w.r.w.Hosts)
	keys := fmt.Sprintf("%d host keys to compare and accept", hosts)
	if hosts == 1 {
		keys = "1 host key to compare and accept"
	}
	w.turn("Servers", keys, "f")
	shown := w.see("Servers", "enter accept")
	for _, h := range w.r.w.Hosts {
		if !strings.Contains(shown, fingerprint(w.t, w.r.Host(h.Name))) {
			w.t.Errorf("the fingerprint of %s is not shown:\n%s", h.Name, framed(shown))
		}
	}
	w.keys("Enter")
	w.until("what every server is", func(screen string) bool {
		return strings.Count(screen, "Debian 12") >= hosts && !strings.Contains(screen, "onnecting")
	})
	w.turn("Servers", "Debian 12", "n")
}

// workspace answers what has no default, and where certificates come from.
func (w *wizard) workspace() {
	w.t.Helper()
	w.see("Workspace", "Domain")
	w.typeText(w.r.w.Domain)
	w.keys("Enter")
	w.typeText(w.r.w.Email)
	for range 8 { // the rest has answers already
		w.keys("Enter")
	}
	// Nobody is led to an authority that issues nothing for this name.
	w.turn("Workspace", "Where the reverse proxy's certificate comes from", "Right", "Right", "Enter")
	w.typeText(w.r.ACMEDirectory())
	w.keys("Enter")
	w.typeText(w.r.ACMERootsFile())
	w.turn("Workspace", "A PEM file on this machine", "C-n")
}

// check opens the port that is closed as the page says, and looks again.
func (w *wizard) check() {
	w.t.Helper()
	w.turn("Check", "cannot reach MongoDB on db, port 27017", "Enter")
	opened := w.see("Check", "On db, as root:")
	_, after, _ := strings.Cut(opened, "On db, as root:\n")
	line, _, _ := strings.Cut(after, "\n\n")
	w.r.shell("db", line)
	w.keys("r")
	w.turn("Check", "Nothing stands in the way", "Enter")
}

// review reads the plan, and says yes twice.
func (w *wizard) review() {
	w.t.Helper()
	w.turn("Review", "enter deploy", "Enter")
	w.turn("Review", "Enter again deploys", "Enter")
}

// wroteWorkspace shows that workspace.yaml is byte for byte what the answers
// make, whichever face they were given to.
func (r *rig) wroteWorkspace() {
	r.t.Helper()
	var a question.Answers
	answers := make([][2]string, 0, 6+len(r.w.Hosts))
	answers = append(answers, [2]string{"hosts", strings.Join(r.addresses(), " ")})
	for n, h := range r.w.Hosts {
		answers = append(answers, [2]string{fmt.Sprintf("hosts[%d].private_ip", n), h.Address})
	}
	answers = append(answers, [][2]string{
		{"domain", r.w.Domain},
		{"email", r.w.Email},
		{"tls.mode", "acme"},
		{"tls.ca_server", r.ACMEDirectory()},
		{"tls.ca_cert_file", r.ACMERootsFile()},
	}...)
	for _, set := range answers {
		q, ok := question.Find(set[0], a)
		if !ok {
			r.t.Fatalf("no question %s", set[0])
		}
		r.must(q.Set(&a, set[1]))
	}
	want, err := a.File()
	if err != nil {
		r.t.Fatal(err)
	}
	got, err := os.ReadFile(filepath.Join(r.state, "workspace.yaml"))
	if err != nil {
		r.t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), string(got)); diff != "" {
		r.t.Errorf("workspace.yaml (-want +got):\n%s", diff)
	}
}
