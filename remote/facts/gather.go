package facts

import (
	"context"
	_ "embed"
	"fmt"
	"strings"
	"time"

	"github.com/rcwizard/rcwizard/remote"
)

//go:embed gather.sh
var script string

// Host is the part of remote.Host that Gather uses.
type Host interface {
	Name() string
	Stream(ctx context.Context, c remote.Command, emit func(remote.Line)) (remote.Result, error)
}

// Gather asks a host. dir is the directory that files will go to; it need not
// exist.
func Gather(ctx context.Context, h Host, dir string) (Facts, error) {
	var out, complaints strings.Builder
	begin := time.Now()
	var heard time.Time
	res, err := h.Stream(ctx, remote.Command{Script: script, Args: []string{dir}}, func(l remote.Line) {
		if l.Stderr {
			complaints.WriteString(l.Text + "\n")
			return
		}
		if heard.IsZero() && strings.HasPrefix(l.Text, "@= clock ") {
			heard = time.Now()
		}
		out.WriteString(l.Text + "\n")
	})
	if err != nil {
		return Facts{}, fmt.Errorf("gather facts: %w", err)
	}
	f, err := Parse(out.String())
	if err != nil {
		return f, fmt.Errorf("host %s: gather facts: %w (exit status %d): %s", h.Name(), err, res.Code, strings.TrimSpace(complaints.String()))
	}
	if !f.Clock.IsZero() && !heard.IsZero() {
		// The host read its clock at some moment between asking and hearing.
		f.OffsetError = heard.Sub(begin) / 2
		f.Offset = f.Clock.Sub(begin.Add(f.OffsetError).Round(0))
	}
	return f, nil
}
