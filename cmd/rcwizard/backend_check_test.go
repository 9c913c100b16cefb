package main

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/rcwizard/rcwizard/check"
	"github.com/rcwizard/rcwizard/engine"
	"github.com/rcwizard/rcwizard/remote/remotetest"
	"github.com/rcwizard/rcwizard/steps"
	"github.com/rcwizard/rcwizard/ui"
)

// leaveOut are checks that would look beyond the test's own machine, or take
// ports that others may have.
func leaveOut() []string {
	return []string{"domain", "exposure", "release", "image", "listen", "loopback", "port"}
}

// Every finding is told while the check goes on and is in the report; a second
// look at one of them leaves the others as they were.
func TestBackendCheck(t *testing.T) {
	t.Parallel()
	server := remotetest.NewServer(t, remotetest.Options{})
	b := newBackend(t)
	d := draftOf(t, server.Port(), "")
	collect := func(o ui.CheckOptions) (check.Report, map[string]check.Finding) {
		t.Helper()
		var mu sync.Mutex
		told := map[string]check.Finding{}
		report, err := b.Check(t.Context(), d, o, func(f check.Finding) {
			mu.Lock()
			defer mu.Unlock()
			told[f.ID] = f
		})
		if err != nil {
			t.Fatal(err)
		}
		return report, told
	}
	kind := func(r check.Report) check.Kind {
		for _, f := range r.Findings {
			if f.ID == "host:box:ssh" {
				return f.Kind
			}
		}
		return ""
	}
	before, told := collect(ui.CheckOptions{Skips: leaveOut()})
	if kind(before) != "ssh-key-unknown" || len(told) != len(before.Findings) {
		t.Errorf("a host that nobody knows: %s, %d of %d findings were told", kind(before), len(told), len(before.Findings))
	}
	b.a.config.Set("known-hosts", server.KnownHosts(t))
	after, told := collect(ui.CheckOptions{Skips: leaveOut(), Only: []string{"host:box:ssh"}, Before: before.Findings})
	if kind(after) != "ssh-connected" || len(told) != 1 || told["host:box:ssh"].Verdict != check.Pass {
		t.Errorf("after its key was accepted: %s, told %v", kind(after), told)
	}
	for i, f := range after.Findings {
		if old := before.Findings[i]; f.ID != "host:box:ssh" && (f.ID != old.ID || f.Kind != old.Kind) {
			t.Errorf("%s was %s and is %s", f.ID, old.Kind, f.Kind)
		}
	}
	if n := server.Logins(); n != 1 {
		t.Errorf("%d logins", n)
	}
}

// The files can be read before any host is reached, with their remarks and
// without their secrets; the plan has a line for every step.
func TestReview(t *testing.T) {
	t.Parallel()
	server := remotetest.NewServer(t, remotetest.Options{})
	b := newBackend(t)
	d := draftOf(t, server.Port(), "")
	d.Answers.Secrets.License = "licence-of-ours-0123456789"
	d, err := b.Save(t.Context(), d)
	if err != nil {
		t.Fatal(err)
	}
	review, err := b.Review(t.Context(), d)
	if err == nil || len(review.Hosts) != 1 || len(review.Plan) > 0 {
		t.Errorf("of a host whose key nobody accepted: %d hosts, %d steps, %v", len(review.Hosts), len(review.Plan), err)
	}
	b.a.config.Set("known-hosts", server.KnownHosts(t))
	if review, err = b.Review(t.Context(), d); err != nil {
		t.Fatal(err)
	}
	if len(review.Plan) == 0 || review.Estimate != 0 || review.EstimateFrom != "" {
		t.Errorf("%d steps, estimated %v from %q", len(review.Plan), review.Estimate, review.EstimateFrom)
	}
	kept, err := b.Open(t.Context(), d.Key)
	if err != nil {
		t.Fatal(err)
	}
	remarked := 0
	for _, f := range review.Hosts[0].Files {
		if !filepath.IsAbs(f.Path) || !strings.HasSuffix(f.Path, f.Name) || !strings.HasPrefix(f.Mode, "-rw") {
			t.Errorf("%s, %s, %s", f.Path, f.Name, f.Mode)
		}
		for _, secret := range kept.Answers.Secrets.Values() {
			if strings.Contains(f.Content+f.Before, secret) {
				t.Errorf("%s shows a secret", f.Name)
			}
		}
		lines := strings.Split(f.Content, "\n")
		for _, r := range f.Remarks {
			remarked++
			if !strings.HasPrefix(strings.TrimSpace(lines[r.Line-1]), "#") || r.Text == "" {
				t.Errorf("%s:%d %q has the remark %q", f.Name, r.Line, lines[r.Line-1], r.Text)
			}
		}
	}
	if remarked < 10 {
		t.Errorf("%d remarks", remarked)
	}
}

// An export has all files; without secrets it asks for none and makes none.
func TestBackendExport(t *testing.T) {
	t.Parallel()
	b := newBackend(t)
	d := draftOf(t, 22, "")
	to := filepath.Join(t.TempDir(), "files")
	out, err := b.Export(t.Context(), d, ui.ExportOptions{To: to, NoSecrets: true})
	if err != nil || out.Path != to || out.Files < 5 {
		t.Fatalf("%+v, %v", out, err)
	}
	if entries, err := os.ReadDir(to); err != nil || len(entries) == 0 {
		t.Error("nothing was written", err)
	}
	if _, err := os.Stat(filepath.Join(b.a.home, ".local")); err == nil {
		t.Error("an export without secrets keeps something")
	}
	d.Answers.Workspace.Domain = ""
	if _, err := b.Export(t.Context(), d, ui.ExportOptions{To: to}); err == nil {
		t.Error("a workspace without a domain was exported")
	}
}

func TestReleases(t *testing.T) {
	t.Parallel()
	all, err := newBackend(t).Releases(t.Context())
	if err != nil || len(all) < 2 {
		t.Fatal(all, err)
	}
	if slices.ContainsFunc(all, func(r ui.Release) bool { return r.Version == "" || r.MongoDB == "" || r.Support == "" }) {
		t.Errorf("%+v", all)
	}
	if n := slices.IndexFunc(all, func(r ui.Release) bool { return r.Default }); n < 0 {
		t.Error("none is proposed")
	}
}

// A deployment goes by the check that the person has passed, and records it as
// an installation does; of other answers it makes one of its own, and where one
// fails it begins nothing.
func TestDeployGoesByTheCheck(t *testing.T) {
	t.Parallel()
	server := remotetest.NewServer(t, remotetest.Options{})
	b := newBackend(t)
	b.a.config.Set("known-hosts", server.KnownHosts(t))
	d, err := b.Save(t.Context(), draftOf(t, server.Port(), ""))
	if err != nil {
		t.Fatal(err)
	}
	stageOf := func() (*stage, error) {
		t.Helper()
		ans, err := b.usable(d)
		if err != nil {
			t.Fatal(err)
		}
		return b.firstStage(d, ans, &steps.Site{Workspace: ans.workspace})
	}
	if s, err := stageOf(); err != nil || s.report != nil || s.ask {
		t.Errorf("before any check: %+v, %v", s, err)
	}
	report, err := b.Check(t.Context(), d, ui.CheckOptions{Skips: leaveOut()}, nil)
	if err != nil {
		t.Fatal(err)
	}
	var failed []string
	for _, f := range report.Findings {
		if f.Verdict.Blocks() && !f.Skipped {
			failed = append(failed, f.ID)
		}
	}
	if len(failed) == 0 {
		t.Fatal("the machine of the test is fit for a deployment, of which there is to be none")
	}
	_, err = b.Deploy(t.Context(), d)
	if code, _ := exitCode(err); code != exitCheckFailed || !strings.Contains(err.Error(), "Check page") {
		t.Errorf("code %d in spite of a check that fails: %v", code, err)
	}
	if known, err := b.Workspaces(t.Context()); err != nil || len(known) != 1 || known[0].State != ui.Drafted || known[0].Last != nil {
		t.Errorf("it began: %+v, %v", known, err)
	}
	d.Skips = slices.Concat(leaveOut(), failed, []string{"host:gone"})
	s, err := stageOf()
	if err != nil || s.report == nil || s.accepted != acceptedByPerson {
		t.Fatalf("of what the person chose: %+v, %v", s, err)
	}
	journal, err := engine.OpenJournal(filepath.Join(t.TempDir(), "journal"))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = journal.Close() }()
	log := engine.NewLog()
	if err := s.consent(log, journal)(t.Context()); err != nil {
		t.Fatal(err)
	}
	log.Close()
	told, err := log.Cursor().Next(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	group, _, _ := strings.Cut(failed[0], ":")
	if first, ok := told[0].(engine.Noted); !ok || !strings.Contains(first.Text, "left out on demand: ") || !strings.Contains(first.Text, " of "+group) {
		t.Errorf("the record is %+v", told)
	}
	d.Answers.Workspace.Email = "another@example.com"
	if s, err := stageOf(); err != nil || s.report != nil || s.accepted == acceptedByPerson {
		t.Errorf("with another answer: %+v, %v", s, err)
	}
}
