package check

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/rcwizard/rcwizard/workspace"
)

func TestVerdicts(t *testing.T) {
	t.Parallel()
	for n, s := range scenarios() {
		t.Run(fmt.Sprintf("%d-%s", n, s.kind), func(t *testing.T) {
			t.Parallel()
			f := by(t, s.run().Findings, s.id)
			if f.Verdict != s.verdict || f.Kind != s.kind {
				t.Errorf("%s: %s %s, want %s %s", s.id, f.Verdict, f.Kind, s.verdict, s.kind)
			}
		})
	}
}

// TestTexts enumerates every kind: each has a text, each text is reached by a
// scenario, and the golden is what people read.
func TestTexts(t *testing.T) {
	t.Parallel()
	first := map[Kind]Finding{}
	for _, s := range scenarios() {
		for _, f := range s.run().Findings {
			if _, ok := texts()[f.Kind]; !ok {
				t.Fatalf("the kind %q has no text", f.Kind)
			}
			if f.ID == s.id && f.Kind == s.kind {
				if _, ok := first[f.Kind]; !ok {
					first[f.Kind] = f
				}
			}
			all := f.Title + f.Tried + f.Got + f.Means + f.Do
			if strings.ContainsAny(all, "{}") || strings.Contains(all, "  ") {
				t.Errorf("%s: a name is not filled in: %q", f.Kind, all)
			}
			if f.Title == "" || f.Tried == "" || f.Got == "" || f.Means == "" || f.Verdict != Pass && f.Do == "" {
				t.Errorf("%s: something is not said: %+v", f.Kind, f)
			}
		}
	}
	var b bytes.Buffer
	for line := range strings.Lines(textsFile) {
		name, ok := strings.CutPrefix(line, "[")
		if !ok {
			continue
		}
		kind := Kind(strings.TrimSuffix(strings.TrimSpace(name), "]"))
		f, ok := first[kind]
		if !ok {
			t.Errorf("no scenario ends as %q", kind)
			continue
		}
		fmt.Fprintf(&b, "[%s]\n", kind)
		group{first: f, commands: f.Commands}.write(&b)
		b.WriteByte('\n')
	}
	golden(t, "texts", b.Bytes())
}

func TestNothingWrong(t *testing.T) {
	t.Parallel()
	for _, w := range []workspace.Workspace{four(), one()} {
		r := Judge(w, well(w), nil)
		for _, f := range r.Findings {
			if f.Verdict != Pass && f.Kind != "dns-front" {
				t.Errorf("%s: %s %s", f.ID, f.Verdict, f.Kind)
			}
		}
		if r.Verdict != Pass || r.Counts.Pass != len(r.Findings) {
			t.Errorf("%s %+v", r.Verdict, r.Counts)
		}
	}
}

// decided reports whether the workspace and the catalogue of releases are all the
// evidence that there is to have.
func decided(f Finding) bool { return f.ID == "release:mongodb" }

// TestNothingKnown is the promise of the package: without evidence nothing
// passes, and whatever single thing is missing, its finding does not.
func TestNothingKnown(t *testing.T) {
	t.Parallel()
	w := four()
	full := Judge(w, well(w), nil)
	partial := []Evidence{{}, {At: noon}}
	connected := Evidence{Hosts: map[string]Host{}}
	for _, h := range w.Hosts {
		connected.Hosts[h.Name] = Host{Connection: Connected}
	}
	for _, e := range partial {
		r := Judge(w, e, nil)
		if len(r.Findings) < len(full.Findings)-4 || r.Verdict != Unknown {
			t.Errorf("%d findings, %s", len(r.Findings), r.Verdict)
		}
		for _, f := range r.Findings {
			if f.Verdict != Unknown && !decided(f) {
				t.Errorf("without evidence %s is %s", f.ID, f.Verdict)
			}
		}
	}
	for _, f := range Judge(w, connected, nil).Findings {
		if f.Verdict == Pass && !strings.HasSuffix(f.ID, ":ssh") && !decided(f) {
			t.Errorf("with a connection alone %s passes", f.ID)
		}
	}
	// Each piece of evidence taken away alone.
	for place := range well(w).Listeners {
		e := well(w)
		delete(e.Listeners, place)
		if f := by(t, Judge(w, e, nil).Findings, place.ID()); f.Verdict != Unknown {
			t.Errorf("%s is %s", f.ID, f.Verdict)
		}
		for _, edge := range Edges(w) {
			if edge.To == place.Host && edge.Port == place.Port && place.Scope != workspace.ScopeLoopback {
				if f := by(t, Judge(w, e, nil).Findings, edge.ID()); f.Verdict == Pass {
					t.Errorf("%s passes without a listener", f.ID)
				}
			}
		}
	}
	for _, edge := range Edges(w) {
		e := well(w)
		delete(e.Probes, edge.Path())
		if f := by(t, Judge(w, e, nil).Findings, edge.ID()); f.Verdict != Unknown {
			t.Errorf("%s is %s", f.ID, f.Verdict)
		}
	}
	for _, s := range Secluded(w) {
		e := well(w)
		delete(e.Outside.Probes, s.Place)
		if f := by(t, Judge(w, e, nil).Findings, fmt.Sprintf("exposure:%s:%d", s.Host, s.Port)); f.Verdict != Unknown {
			t.Errorf("%s is %s", f.ID, f.Verdict)
		}
	}
}

func TestMedianClock(t *testing.T) {
	t.Parallel()
	w := four()
	for _, c := range []struct {
		offsets []time.Duration // in the order of the hosts; the others do not tell
		want    time.Duration
		known   bool
	}{
		{nil, 0, false},
		{[]time.Duration{time.Hour}, time.Hour, true},
		{[]time.Duration{time.Minute, 0}, 0, true}, // the operator's clock decides
		{[]time.Duration{-time.Minute, -time.Hour}, -time.Minute, true},
		{[]time.Duration{3 * time.Second, time.Hour, 1}, 3 * time.Second, true},
		{[]time.Duration{time.Hour, 2, 1, -time.Hour}, 1, true},
	} {
		e := Evidence{Hosts: map[string]Host{}}
		for n, offset := range c.offsets {
			e.Hosts[w.Hosts[n].Name] = Host{ClockKnown: true, ClockOffset: offset}
		}
		if got, known := medianClock(w, e); got != c.want || known != c.known {
			t.Errorf("%v: %v %v", c.offsets, got, known)
		}
	}
}

func TestStableIDs(t *testing.T) {
	t.Parallel()
	ids := map[string]bool{}
	for _, f := range Judge(four(), well(four()), nil).Findings {
		if ids[f.ID] {
			t.Errorf("%s is there twice", f.ID)
		}
		ids[f.ID] = true
	}
	var b bytes.Buffer
	for _, f := range Judge(four(), well(four()), nil).Findings {
		fmt.Fprintln(&b, f.ID)
	}
	golden(t, "ids", b.Bytes())
}

func TestSkip(t *testing.T) {
	t.Parallel()
	findings := []Finding{
		{ID: "port:rc1:db:27017", Verdict: Unknown, Because: "listen:db:27017"},
		{ID: "port:rc10:db:27017", Verdict: Fail},
		{ID: "listen:db:27017", Verdict: Fail},
		{ID: "host:db:clock", Verdict: Warn},
	}
	marks := func(words ...string) (string, []string) {
		out, unmatched := Skip(findings, words)
		var marks strings.Builder
		for _, f := range out {
			marks.WriteString(map[bool]string{true: "s", false: "."}[f.Skipped])
		}
		return marks.String(), unmatched
	}
	for _, c := range []struct {
		words     []string
		want      string
		unmatched []string
	}{
		{nil, "....", nil},
		{[]string{"port:rc1"}, "s...", nil},
		{[]string{"port:rc1:"}, "s...", nil},
		{[]string{"port"}, "ss..", nil},
		{[]string{"listen:db:27017"}, "s.s.", nil},
		{[]string{"host:db:clock", "host:db:clok", ""}, "...s", []string{"host:db:clok", ""}},
	} {
		if got, unmatched := marks(c.words...); got != c.want || !slices.Equal(unmatched, c.unmatched) {
			t.Errorf("%q: %s %q", c.words, got, unmatched)
		}
	}
	if findings[0].Skipped {
		t.Error("the argument was changed")
	}
	for words, want := range map[string]Verdict{"": Fail, "port": Fail, "port listen": Warn, "port listen host": Warn} {
		out, _ := Skip(findings, strings.Fields(words))
		if got := Overall(out); got != want {
			t.Errorf("skipping %q: %s", words, got)
		}
	}
	if Overall(nil) != Unknown {
		t.Error("no findings pass")
	}
}

func TestJSON(t *testing.T) {
	t.Parallel()
	w := four()
	e := well(w)
	e.Probes[toMongo] = Probe{Outcome: OutcomeTimeout, After: 5 * time.Second}
	r := Judge(w, e, []string{"host:db:clock", "host:db:clok"})
	r.Findings = slices.DeleteFunc(r.Findings, func(f Finding) bool { return f.ID != portRC1 && f.ID != "host:db:clock" })
	out, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	golden(t, "report.json", append(out, '\n'))
}
