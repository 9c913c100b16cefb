package plain_test

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/rcwizard/rcwizard/check"
	"github.com/rcwizard/rcwizard/engine"
	"github.com/rcwizard/rcwizard/render"
	"github.com/rcwizard/rcwizard/ui"
	"github.com/rcwizard/rcwizard/ui/plain"
	"github.com/rcwizard/rcwizard/ui/uitest"
	"github.com/rcwizard/rcwizard/workspace"
	"github.com/rcwizard/rcwizard/workspace/question"
)

// world is four servers, of which one shows a new key, one wants a password,
// and one has a port that is closed until it is looked at again.
func world() *uitest.Backend {
	seen := func(n int) ui.Inspection {
		return ui.Inspection{Seen: &ui.Seen{
			Hostname: "box", System: "Debian 12", Cores: 4, Memory: 8_200_000_000,
			Private: []string{fmt.Sprintf("10.0.0.%d", n)}, Docker: "27.1.1", Compose: "2.29.1", Git: "2.39.5",
		}}
	}
	key := ui.Inspection{Key: &ui.HostKey{Host: "db", Address: "203.0.113.10:22", Type: "ssh-ed25519", Fingerprint: "SHA256:db"}}
	log, lines := uitest.Story()
	return &uitest.Backend{
		Hosts: map[string][]ui.Inspection{
			"203.0.113.10": {key, seen(10)},
			"203.0.113.11": {{Secret: &ui.SecretWanted{Kind: ui.SSHPassword, Of: "root on 203.0.113.11"}}, {Secret: &ui.SecretWanted{Kind: ui.SSHPassword, Of: "root on 203.0.113.11", Wrong: true}}, seen(11)},
			"203.0.113.12": {seen(12)},
			"203.0.113.13": {seen(13)},
		},
		Checks: []check.Report{report(check.Fail), report(check.Pass)},
		Reviewed: ui.Review{
			Hosts: []ui.HostFiles{{Host: "db", Roles: []render.Role{}, Files: []ui.ReviewFile{{
				Path: "/opt/rocketchat/database/.env", Name: ".env", Mode: "-rw-------", Change: engine.Create,
				Content: "MONGODB_BIND_IP=\"10.0.0.10\"\nGRAFANA_ADMIN_PASSWORD=\"…\"\n",
				Remarks: []ui.Remark{{Line: 2, Text: "the guide's password is known to everybody"}},
			}}}},
			Plan: uitest.Reports(),
		},
		Written: ui.Exported{Path: "/home/ada/chat-example-org", Files: 17},
		Runs:    []*ui.Run{{Log: log, Lines: lines, Wait: func(context.Context) (ui.Conclusion, error) { return uitest.Conclusion(), nil }}},
		Counted: uitest.Count(),
	}
}

func report(v check.Verdict) check.Report {
	return check.Report{Verdict: v, Findings: []check.Finding{{
		ID: "port:rc1:db:27017", Kind: "port-filtered", Verdict: v, Host: "db", From: "rc1", Port: 27017,
		Title: "rc1 reaches db on 27017", Tried: "a connection", Got: "nothing came back", Means: "A firewall drops it.",
		Do: "Type this on db.", Commands: []string{"ufw allow from 10.0.0.11 to any port 27017 proto tcp"},
	}}}
}

// wayThrough are the lines of a person who goes all the way.
func wayThrough() []string {
	return []string{
		"?", "203.0.113.10, 203.0.113.11 203.0.113.12 203.0.113.13", // servers
		"wrong password", "perhaps", "yes", // the password comes before the keys
		"right password", "", // go on
		"https://chat.example.org", "chat.example.org", "ops@example.org", "", "", "", "", "", "", "", // workspace
		"2", "<", "1", "", "", "1", // monitoring and files: a path, after going back
		"no",                                 // advanced
		"3", "port:rc9", "port:rc1:db:27017", // leave the check out
		"2", "1", "1", "maybe", "yes", // review: show a file, deploy
	}
}

// play gives the wizard lines to read and returns everything that it said.
func play(t *testing.T, b ui.Backend, lines []string) (said string, end plain.End, err error) {
	t.Helper()
	var out bytes.Buffer
	in := strings.Join(lines, "\n")
	if len(lines) > 0 {
		in += "\n"
	}
	end, err = plain.Wizard{
		Backend: b, Out: &out,
		Asker: plain.Asker{In: bufio.NewReader(strings.NewReader(in)), Out: &out, Echo: true},
	}.Run(t.Context())
	return out.String(), end, err
}

func TestWizard(t *testing.T) {
	b := world()
	said, end, err := play(t, b, wayThrough())
	golden(t, "wizard", []byte(said))
	if err != nil {
		t.Fatal(err)
	}
	if end.Conclusion == nil || end.Page != "" || end.Blocked {
		t.Errorf("it ended as %+v", end)
	}
	if strings.Contains(said, "right password") {
		t.Error("a password was told")
	}
	draft, ok := b.Saved("draft-1")
	if !ok {
		t.Fatal("nothing was kept")
	}
	if got := draft.Typed.Hosts["rc1"].SSHPassword; got != "right password" {
		t.Errorf("typed for rc1: %q", got)
	}
	if diff := cmp.Diff([]string{"port:rc1:db:27017"}, draft.Skips); diff != "" {
		t.Error(diff)
	}
	got, err := draft.Answers.File()
	if err != nil {
		t.Fatal(err)
	}
	golden(t, "wizard-workspace", got)
	if _, problems := workspace.Load("workspace.yaml", got); problems.Err() != nil {
		t.Error(problems)
	}
}

// The same answers make the same file, whether they are asked for line by line
// or set field by field as a screen does.
func TestWizardWritesWhatTheScreenWrites(t *testing.T) {
	b := world()
	if _, _, err := play(t, b, wayThrough()); err != nil {
		t.Fatal(err)
	}
	draft, _ := b.Saved("draft-1")
	got, err := draft.Answers.File()
	if err != nil {
		t.Fatal(err)
	}
	var a question.Answers
	for _, set := range [][2]string{
		{"hosts", "203.0.113.10\n203.0.113.11\n203.0.113.12\n203.0.113.13\n"},
		{"hosts[0].private_ip", "10.0.0.10"},
		{"hosts[1].private_ip", "10.0.0.11"},
		{"hosts[2].private_ip", "10.0.0.12"},
		{"hosts[3].private_ip", "10.0.0.13"},
		{"domain", "chat.example.org"},
		{"email", "ops@example.org"},
		{"release", "8.9.1"},
		{"grafana.mode", "path"},
		{"grafana.path", "/grafana"},
	} {
		q, ok := question.Find(set[0], a)
		if !ok {
			t.Fatalf("no question %s", set[0])
		}
		if err := q.Set(&a, set[1]); err != nil {
			t.Fatal(err)
		}
	}
	want, err := a.File()
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), string(got)); diff != "" {
		t.Error(diff)
	}
}

// The input may end at any line, or in it: that is an error, nothing is
// deployed, and what was answered on the pages before is kept.
func TestInputEnds(t *testing.T) {
	kept := map[string]int{} // by the page that comes next, how often
	for n := range wayThrough() {
		for _, cut := range []string{"", "yes"} { // a line that breaks off is none
			b := world()
			var out bytes.Buffer
			in := strings.Join(append(append([]string{}, wayThrough()[:n]...), cut), "\n")
			end, err := plain.Wizard{
				Backend: b, Out: &out,
				Asker: plain.Asker{In: bufio.NewReader(strings.NewReader(in)), Out: &out, Echo: true},
			}.Run(t.Context())
			if !errors.Is(err, plain.ErrInputEnded) {
				t.Errorf("after %d lines and %q: %v, want %v", n, cut, err, plain.ErrInputEnded)
			}
			if end.Conclusion != nil {
				t.Errorf("after %d lines and %q it deployed", n, cut)
			}
			draft, _ := b.Saved("draft-1")
			kept[draft.Page]++
		}
	}
	for _, page := range []string{"", "workspace", "files", "advanced", "check", "review"} {
		if kept[page] == 0 {
			t.Errorf("no draft is at the page %q: %v", page, kept)
		}
	}
}

// A draft goes on at the page after the last that was finished, with what was
// answered there.
func TestDraftGoesOn(t *testing.T) {
	b := world()
	if _, _, err := play(t, b, wayThrough()[:7]); !errors.Is(err, plain.ErrInputEnded) {
		t.Fatal(err)
	}
	b.Known = []ui.Known{{Key: "draft-1", State: ui.Drafted, Hosts: 4}}
	said, _, err := play(t, b, append([]string{"1"}, wayThrough()[7:20]...))
	if !errors.Is(err, plain.ErrInputEnded) || strings.Contains(said, "Connecting") {
		t.Errorf("the servers were asked for again (%v):\n%s", err, said)
	}
	if draft, _ := b.Saved("draft-1"); len(draft.Answers.Workspace.Hosts) != 4 || draft.Answers.Workspace.Domain != "chat.example.org" {
		t.Errorf("the draft is %+v", draft)
	}
}

// Answers that another run has overtaken are told to be so, and dropped if the person
// wants that.
func TestOlderAnswers(t *testing.T) {
	for _, test := range []struct {
		answers []string
		forgets bool
	}{{[]string{"1", "1"}, true}, {[]string{"1", "2"}, false}, {[]string{"1", "<"}, false}} {
		b := world()
		b.Known = []ui.Known{{Key: "chat", Name: "chat", State: ui.Unfinished, Stale: true, Notes: []string{"these answers are older"}}}
		b.Drafts = map[string]ui.Draft{"chat": uitest.Draft()}
		said, _, _ := play(t, b, test.answers)
		if !strings.Contains(said, "note: these answers are older") || !strings.Contains(said, "1  what is kept of it now, and drop those answers") {
			t.Errorf("%q:\n%s", test.answers, said)
		}
		if slices.Contains(b.Calls(), "Forget chat") != test.forgets {
			t.Errorf("%q: %q", test.answers, b.Calls())
		}
	}
}

func TestWizardEnds(t *testing.T) {
	review := uitest.Draft()
	for name, tt := range map[string]struct {
		known []ui.Known
		lines []string
		want  string
		check func(plain.End) bool
	}{
		"status":     {uitest.Known(), []string{"4", "3", "1"}, "2 of 2 instances registered", func(e plain.End) bool { return e.Count != nil }},
		"unfinished": {uitest.Known(), []string{"1", "6"}, "Review", func(e plain.End) bool { return e.Page == "review" }},
		"export":     {uitest.Known(), []string{"1", "3", ""}, "17 files written to /home/ada/chat-example-org", func(e plain.End) bool { return e.Conclusion == nil }},
		"declined":   {uitest.Known(), []string{"1", "1", "no", "6"}, "Deploy to 1 server now?", func(e plain.End) bool { return e.Conclusion == nil && e.Page == "review" }},
	} {
		t.Run(name, func(t *testing.T) {
			b := world()
			b.Known = tt.known
			b.Drafts = map[string]ui.Draft{"chat-example-com": review, "intranet": review}
			said, end, err := play(t, b, tt.lines)
			if err != nil {
				t.Fatalf("%v\n%s", err, said)
			}
			if !strings.Contains(said, tt.want) || !tt.check(end) {
				t.Errorf("ended as %+v, after\n%s", end, said)
			}
		})
	}
}

// A warning is passed by who says so, and not without; everything is shown to
// who asks for it.
func TestAWarningIsPassed(t *testing.T) {
	for name, tt := range map[string]struct {
		lines []string
		page  string
	}{
		"passed":  {[]string{"4", "3", "6"}, "review"},
		"stopped": {[]string{"5"}, "check"},
	} {
		b := world()
		b.Checks = []check.Report{report(check.Warn)}
		said, end, err := play(t, b, append(append([]string{}, wayThrough()[:24]...), tt.lines...))
		if err != nil || end.Page != tt.page || end.Blocked || end.Conclusion != nil {
			t.Errorf("%s: ended as %+v, %v\n%s", name, end, err, said)
		}
	}
}

// Stopping at a failed check says that it failed.
func TestStopAtACheck(t *testing.T) {
	b := world()
	b.Checks = b.Checks[:1]
	_, end, err := play(t, b, append(append([]string{}, wayThrough()[:24]...), "1", "5"))
	if err != nil || end.Page != "check" || !end.Blocked {
		t.Errorf("ended as %+v, %v", end, err)
	}
}
