package bench

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/rcwizard/rcwizard/test/lab"
)

// BenchmarkInstall installs the guide's example on four hosts, and once more
// where there is nothing to do.
func BenchmarkInstall(b *testing.B) {
	bin := variable(b, "RCWIZARD_BENCH_BIN")
	f := lab.Up(b, lab.Options{Name: "four", Hosts: lab.Hosts("db", "rc1", "rc2", "edge")})
	w, err := f.Workspace()
	if err != nil {
		b.Fatal(err)
	}
	if err := f.Shield(b.Context(), w); err != nil {
		b.Fatal(err)
	}
	file, err := f.StoreWorkspace("bench", w)
	if err != nil {
		b.Fatal(err)
	}
	install := func(args ...string) *exec.Cmd {
		all := append([]string{bin, "install", "-f", file, "--yes", "--dir", filepath.Join(filepath.Dir(file), "state")}, args...)
		return f.Op(b.Context(), all...)
	}
	calm(b, runtime.NumCPU())
	first := &series{name: "rcwizard install"}
	var events bytes.Buffer
	cmd := install("--json")
	cmd.Stdout = &events
	first.add(timed(b, cmd))
	report("Installation on four fresh hosts", first)
	total, waited, err := share(&events)
	if err != nil {
		b.Fatal(err)
	}
	sayf("of %s, Docker pulled, started, or was waited for during %s; rcwizard's own are %s (%.0f %%)\n",
		pretty(total), pretty(waited), pretty(total-waited), 100*(total-waited).Seconds()/total.Seconds())

	calm(b, runtime.NumCPU())
	again, line, version := &series{name: "install, nothing to do"}, &series{name: "install, to the first line"}, &series{name: "version, to the first line"}
	for range 7 {
		again.add(timed(b, install()))
		line.add(firstOutput(b, install()), 0)
		version.add(firstOutput(b, f.Op(b.Context(), bin, "version")), 0)
	}
	report("Again on the same four hosts (aims: under 1 s; first output under 50 ms)", again, line, version)
	info, err := os.Stat(bin)
	if err != nil {
		b.Fatal(err)
	}
	sayf("\nThe program, built as released: %.1f MB\n", float64(info.Size())/1e6)
}

// event is a line of --json, as far as it is needed here.
type event struct {
	Type, Step, Phase string
	Time              time.Time
}

// waits are the kinds of step in which Docker or a service is at work while
// rcwizard waits.
func waits(step string) bool {
	for _, kind := range []string{"/images", "/compose-up", "/primary", "/answers", "/first-administrator", "/open", "/verify"} {
		if strings.Contains(step, kind) {
			return true
		}
	}
	return false
}

// share reads the events of a run: from its first to its last, and the time in
// which at least one step was being applied that waits for Docker or a service.
func share(r io.Reader) (total, waited time.Duration, err error) {
	type span struct{ from, to time.Time }
	var spans []span
	var begin, end time.Time
	applying := make(map[string]time.Time)
	lines := bufio.NewReader(r)
	for {
		line, err := lines.ReadBytes('\n')
		if errors.Is(err, io.EOF) {
			break
		}
		var e event
		if err != nil {
			return 0, 0, err
		}
		if err := json.Unmarshal(line, &e); err != nil {
			return 0, 0, fmt.Errorf("%q: %w", line, err)
		}
		switch e.Type {
		case "run_started":
			begin = e.Time
		case "run_finished":
			end = e.Time
		case "step_started", "step_done":
			if from, ok := applying[e.Step]; ok {
				spans = append(spans, span{from, e.Time})
				delete(applying, e.Step)
			}
			if e.Phase == "applying" && waits(e.Step) {
				applying[e.Step] = e.Time
			}
		}
	}
	if begin.IsZero() || end.IsZero() {
		return 0, 0, errors.New("the run has no beginning or no end")
	}
	slices.SortFunc(spans, func(x, y span) int { return x.from.Compare(y.from) })
	var until time.Time
	for _, s := range spans {
		if s.from.Before(until) {
			s.from = until
		}
		if s.to.After(s.from) {
			waited += s.to.Sub(s.from)
			until = s.to
		}
	}
	return end.Sub(begin), waited, nil
}

// The share counts steps that overlap once, and none that is not waited in.
func TestShare(t *testing.T) {
	t.Parallel()
	var lines strings.Builder
	for _, l := range []struct {
		at                int
		kind, step, phase string
	}{
		{0, "run_started", "", ""},
		{1, "step_started", "db/files-database", "applying"},
		{3, "step_started", "db/files-database", "verifying"},
		{3, "step_done", "db/files-database", ""},
		{3, "step_started", "db/images", "checking"},
		{4, "step_started", "db/images", "applying"},
		{5, "step_started", "rc1/images", "applying"},
		{8, "step_started", "rc1/images", "verifying"},
		{9, "step_started", "db/images", "verifying"},
		{10, "step_done", "db/images", ""},
		{12, "step_started", "cluster/verify", "applying"},
		{14, "step_done", "cluster/verify", ""},
		{15, "run_finished", "", ""},
	} {
		fmt.Fprintf(&lines, `{"type":%q,"step":%q,"phase":%q,"time":"2026-11-23T12:00:%02dZ"}`+"\n", l.kind, l.step, l.phase, l.at)
	}
	total, waited, err := share(strings.NewReader(lines.String()))
	if err != nil || total != 15*time.Second || waited != 7*time.Second {
		t.Errorf("total %s, waited %s, error %v; want 15 s and 7 s", total, waited, err)
	}
	if _, _, err := share(strings.NewReader("")); err == nil {
		t.Error("no events are a run")
	}
}
