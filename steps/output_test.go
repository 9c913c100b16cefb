package steps

import (
	"context"
	"errors"
	"sync"
	"testing"

	"github.com/rcwizard/rcwizard/engine"
	"github.com/rcwizard/rcwizard/remote"
)

// output keeps what a step reports.
type output struct {
	mu          sync.Mutex
	lines       []string
	notes       []string
	done, total int64
	what        string
}

func (o *output) Line(source, text string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.lines = append(o.lines, source+": "+text)
}

func (o *output) Progress(done, total int64, what string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.done, o.total, o.what = done, total, what
}

func (o *output) Note(text string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.notes = append(o.notes, text)
}

// answer is a host that answers every command alike.
func answer(res remote.Result) func(context.Context, remote.Command, string) (remote.Result, error) {
	return func(context.Context, remote.Command, string) (remote.Result, error) { return res, nil }
}

func asProblem(t *testing.T, err error) *engine.Problem {
	t.Helper()
	var p *engine.Problem
	if !errors.As(err, &p) {
		t.Fatalf("error %v is no problem with a command and what to do", err)
	}
	return p
}
