package jsonl_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/rcwizard/rcwizard/engine"
	"github.com/rcwizard/rcwizard/internal/goldenfile"
	"github.com/rcwizard/rcwizard/ui"
	"github.com/rcwizard/rcwizard/ui/jsonl"
	"github.com/rcwizard/rcwizard/ui/uitest"
	"github.com/rcwizard/rcwizard/workspace"
)

var update = flag.Bool("update", false, "write the goldens")

func printed(t *testing.T, face jsonl.Face) []byte {
	t.Helper()
	log, lines := uitest.Story()
	var b bytes.Buffer
	if err := face.Run(t.Context(), log, lines, &b); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// found is a report of a run.
func found() (any, bool) { return map[string]any{"verdict": "ok", "summary": "2 of 2 <linked>"}, true }

func TestGoldens(t *testing.T) {
	nothing := func() (any, bool) { return nil, false }
	for name, face := range map[string]jsonl.Face{
		"events": {Report: nothing}, "lines": {Lines: true}, "report": {Report: found},
	} {
		t.Run(name, func(t *testing.T) {
			got := printed(t, face)
			goldenfile.Compare(t, *update, filepath.Join("testdata", name+".golden"), got)
		})
	}
}

// Every type and every field that is ever written stands in docs/events.md.
func TestDocumentIsComplete(t *testing.T) {
	doc, err := os.ReadFile(filepath.Join("..", "..", "docs", "events.md"))
	if err != nil {
		t.Fatal(err)
	}
	out := printed(t, jsonl.Face{Lines: true, Report: found})
	log, lines := engine.NewLog(), engine.NewLines(nil)
	for range 3000 {
		lines.Append(engine.Line{Step: "s"})
	}
	log.Append(engine.Found{Time: uitest.Begin(), What: "check", Value: map[string]any{"report": "as rcwizard check prints it"}})
	whole := ui.Resume{
		Doing: "install", Started: uitest.Begin(), Seen: uitest.Begin(), Outcome: engine.Failed, Failed: []engine.Failure{{}},
		Cut: []ui.CutStep{{Command: "docker pull"}}, Next: &engine.StepRef{}, Answers: []workspace.Difference{{}}, Flags: []workspace.Difference{{}}, Notes: []string{""},
	}
	log.Append(engine.Found{Time: uitest.Begin(), What: "resume", Value: whole})
	log.Append(engine.Found{Time: uitest.Begin(), What: "release", Value: map[string]any{"runs": "8.9.2", "answers": "8.9.1"}})
	log.Append(engine.RunFinished{})
	var b bytes.Buffer
	if err := (jsonl.Face{Lines: true}).Run(t.Context(), log, lines, &b); err != nil {
		t.Fatal(err)
	}
	types := map[string]bool{"progress": true}
	for line := range bytes.Lines(append(out, b.Bytes()...)) {
		var event map[string]any
		if err := json.Unmarshal(line, &event); err != nil {
			t.Fatalf("%s: %v", line, err)
		}
		kind, _ := event["type"].(string)
		types[kind] = true
		if _, err := time.Parse(time.RFC3339, event["time"].(string)); err != nil || event["schema"] != float64(jsonl.Version) {
			t.Errorf("%s: schema %v, %v", kind, event["schema"], err)
		}
		_, section, ok := strings.Cut(string(doc), "### "+kind+"\n")
		if !ok {
			t.Errorf("docs/events.md has no section %s", kind)
			continue
		}
		section, _, _ = strings.Cut(section, "\n##")
		if report, ok := event["report"].(map[string]any); ok && (kind == "resume" || kind == "release") {
			maps.Copy(event, report)
		}
		for field := range event {
			if field != "schema" && field != "type" && field != "time" && !strings.Contains(section, "`"+field+"`") {
				t.Errorf("docs/events.md does not tell of %s in %s", field, kind)
			}
		}
	}
	for line := range strings.Lines(string(doc)) {
		if kind, ok := strings.CutPrefix(line, "### "); ok && !types[strings.TrimSpace(kind)] {
			t.Errorf("docs/events.md tells of %s, which is never written", kind)
		}
	}
}

func TestProgress(t *testing.T) {
	log, lines := engine.NewLog(), engine.NewLines(nil)
	log.Append(engine.StepStarted{StepRef: engine.StepRef{Step: "db/pull", Host: "db"}, Time: uitest.Begin()})
	lines.SetProgress(engine.Progress{Time: uitest.Begin(), Step: "db/pull", Host: "db", Done: 5, Total: 9, What: "bytes"})
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	var b bytes.Buffer
	if err := jsonl.Run(ctx, log, lines, &b); !errors.Is(err, context.DeadlineExceeded) {
		t.Fatalf("error %v, want the context's", err)
	}
	const want = `{"schema":1,"type":"progress","time":"2026-11-23T09:30:00.000Z","step":"db/pull","host":"db","done":5,"total":9,"what":"bytes"}` + "\n"
	if _, got, _ := strings.Cut(b.String(), "\n"); got != want {
		t.Errorf("progress %q, want %q", got, want)
	}
}

type brokenPipe struct{}

var errPipe = errors.New("broken pipe")

func (brokenPipe) Write([]byte) (int, error) { return 0, errPipe }

func TestBrokenPipeIsTold(t *testing.T) {
	log, lines := uitest.Story()
	if err := jsonl.Run(t.Context(), log, lines, brokenPipe{}); !errors.Is(err, errPipe) {
		t.Errorf("error %v, want the pipe's", err)
	}
}
