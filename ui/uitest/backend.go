package uitest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/rcwizard/rcwizard/check"
	"github.com/rcwizard/rcwizard/ui"
)

// Backend is a ui.Backend that answers from what it was given, and remembers
// what it was asked. The zero value knows nothing and answers at once.
type Backend struct {
	Known []ui.Known
	// Drafts are what Open finds, by key; Save adds to them.
	Drafts map[string]ui.Draft
	// Hosts are the answers of Inspect by the host's address, one after the
	// other; the last one stays.
	Hosts map[string][]ui.Inspection
	// Listed are the releases.
	Listed []ui.Release
	// Checks are the reports of Check, one after the other; the last one stays.
	Checks []check.Report
	// Reviewed, Written and Counted are what the methods of like names answer.
	Reviewed ui.Review
	Written  ui.Exported
	Counted  ui.Count
	// Silent is what Review says of a removal for as long as nobody says that the
	// instances' host is gone.
	Silent *ui.SilentError
	// Runs are what Deploy hands out, one after the other; then what Begin makes.
	Runs  []*ui.Run
	Begin func() *ui.Run
	// Errors are errors by the method's name, "Save"; they come before anything
	// else.
	Errors map[string]error
	// Delays are how long a method takes, by its name; for Check, how long each
	// finding takes. Under testing/synctest they cost nothing.
	Delays map[string]time.Duration

	mu    sync.Mutex
	calls []string
}

var _ ui.Backend = (*Backend)(nil)

// ErrNotGiven is the error for what the Backend was given no answer to.
var ErrNotGiven = errors.New("the test gave no answer to this")

// Calls are the calls so far, each as "Method argument".
func (b *Backend) Calls() []string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return slices.Clone(b.calls)
}

// Saved is what is kept under a key.
func (b *Backend) Saved(key string) (ui.Draft, bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	d, ok := b.Drafts[key]
	return d.Clone(), ok
}

// begin remembers the call, takes its time and says whether it fails.
func (b *Backend) begin(ctx context.Context, method, argument string) error {
	b.mu.Lock()
	call := method
	if argument != "" {
		call += " " + argument
	}
	b.calls = append(b.calls, call)
	delay, err := b.Delays[method], b.Errors[method]
	b.mu.Unlock()
	if method != "Check" {
		if err := pause(ctx, delay); err != nil {
			return err
		}
	}
	return err
}

func pause(ctx context.Context, d time.Duration) error {
	if d <= 0 {
		return nil
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("wait: %w", ctx.Err())
	}
}

// Workspaces returns Known.
func (b *Backend) Workspaces(ctx context.Context) ([]ui.Known, error) {
	if err := b.begin(ctx, "Workspaces", ""); err != nil {
		return nil, err
	}
	return b.Known, nil
}

// Open returns the draft of a key.
func (b *Backend) Open(ctx context.Context, key string) (ui.Draft, error) {
	if err := b.begin(ctx, "Open", key); err != nil {
		return ui.Draft{}, err
	}
	d, ok := b.Saved(key)
	if !ok {
		return ui.Draft{}, fmt.Errorf("no workspace %s is kept here", key)
	}
	return d, nil
}

// Forget makes the known workspace of a key no longer stale.
func (b *Backend) Forget(ctx context.Context, key string) error {
	if err := b.begin(ctx, "Forget", key); err != nil {
		return err
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	known := slices.Clone(b.Known)
	for i := range known {
		if known[i].Key == key {
			known[i].Stale, known[i].Notes = false, nil
		}
	}
	b.Known = known
	return nil
}

// Alter returns the draft of a key with a Change. One that was saved with a
// Change is there again.
func (b *Backend) Alter(ctx context.Context, key string, kind ui.ChangeKind) (ui.Draft, error) {
	if err := b.begin(ctx, "Alter", key+" "+string(kind)); err != nil {
		return ui.Draft{}, err
	}
	if d, ok := b.Saved(key + " " + string(kind)); ok {
		return d, nil
	}
	d, ok := b.Saved(key)
	if !ok {
		return ui.Draft{}, fmt.Errorf("no workspace %s is kept here", key)
	}
	d.Answers.Workspace = d.Answers.Workspace.Complete()
	d.Change = &ui.Change{Kind: kind}
	if kind == ui.RemoveInstances {
		d.Change.Drain = 30 * time.Second
	}
	return d, nil
}

// Save keeps a draft under its key, or the first free one of draft-1, draft-2 …
func (b *Backend) Save(ctx context.Context, d ui.Draft) (ui.Draft, error) {
	if err := b.begin(ctx, "Save", d.Page); err != nil {
		return d, err
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if d.Change != nil {
		b.Drafts[d.Key+" "+string(d.Change.Kind)] = d.Clone()
		return d, nil
	}
	if b.Drafts == nil {
		b.Drafts = make(map[string]ui.Draft)
	}
	for n := 1; d.Key == ""; n++ {
		if key := fmt.Sprintf("draft-%d", n); b.Drafts[key].Key == "" {
			d.Key = key
		}
	}
	b.Drafts[d.Key] = d.Clone()
	return d, nil
}

// Inspect returns the next answer for the host's address.
func (b *Backend) Inspect(ctx context.Context, d ui.Draft, host string) ui.Inspection {
	if err := b.begin(ctx, "Inspect", host); err != nil {
		return ui.Inspection{Problem: &ui.Problem{Text: err.Error()}}
	}
	h, _ := d.Answers.Workspace.Complete().Host(host)
	b.mu.Lock()
	defer b.mu.Unlock()
	answers := b.Hosts[h.Address]
	if len(answers) == 0 {
		return ui.Inspection{Problem: &ui.Problem{
			Text: host + ": no answer from " + h.Address + " on port 22", Next: "check the address, and that the server is up",
		}}
	}
	if len(answers) > 1 {
		b.Hosts[h.Address] = answers[1:]
	}
	return answers[0]
}

// AcceptKey remembers the fingerprint.
func (b *Backend) AcceptKey(ctx context.Context, key ui.HostKey) error {
	return b.begin(ctx, "AcceptKey", key.Fingerprint)
}

// Releases returns Listed.
func (b *Backend) Releases(ctx context.Context) ([]ui.Release, error) {
	if err := b.begin(ctx, "Releases", ""); err != nil {
		return nil, err
	}
	return b.Listed, nil
}

// Check tells the findings of the next report one by one, in its order; for a
// draft with a Change, those that it brings.
func (b *Backend) Check(ctx context.Context, d ui.Draft, o ui.CheckOptions, each func(check.Finding)) (check.Report, error) {
	if err := b.begin(ctx, "Check", fmt.Sprint(o.Only)); err != nil {
		return check.Report{}, err
	}
	b.mu.Lock()
	if len(b.Checks) == 0 {
		b.mu.Unlock()
		return check.Report{}, ErrNotGiven
	}
	report, delay := b.Checks[0], b.Delays["Check"]
	if len(b.Checks) > 1 {
		b.Checks = b.Checks[1:]
	}
	b.mu.Unlock()
	if d.Change != nil {
		only := check.New(d.Without(), d.Answers.Workspace.Complete())
		report.Findings = slices.DeleteFunc(slices.Clone(report.Findings), func(f check.Finding) bool { return !check.Matches(only, f.ID) })
		report = report.Skipping(nil)
	}
	for _, f := range report.Findings {
		if len(o.Only) > 0 && !check.Matches(o.Only, f.ID) {
			continue
		}
		if err := pause(ctx, delay); err != nil {
			return check.Report{}, err
		}
		each(f)
	}
	return report, nil
}

// Review returns Reviewed.
func (b *Backend) Review(ctx context.Context, d ui.Draft) (ui.Review, error) {
	if err := b.begin(ctx, "Review", ""); err != nil {
		return ui.Review{}, err
	}
	if b.Silent != nil && d.Change != nil && !d.Change.WithoutHost {
		return ui.Review{}, b.Silent
	}
	return b.Reviewed, nil
}

// Export returns Written.
func (b *Backend) Export(ctx context.Context, _ ui.Draft, o ui.ExportOptions) (ui.Exported, error) {
	if err := b.begin(ctx, "Export", o.To); err != nil {
		return ui.Exported{}, err
	}
	return b.Written, nil
}

// Deploy hands out the next run.
func (b *Backend) Deploy(ctx context.Context, d ui.Draft) (*ui.Run, error) {
	change := ""
	if d.Change != nil {
		change = string(d.Change.Kind) + " " + strings.Join(d.Change.Instances, ",")
		if d.Change.WithoutHost {
			change += " without its host"
		}
	}
	if err := b.begin(ctx, "Deploy", change); err != nil {
		return nil, err
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	switch {
	case len(b.Runs) > 0:
	case b.Begin != nil:
		return b.Begin(), nil
	default:
		return nil, ErrNotGiven
	}
	run := b.Runs[0]
	b.Runs = b.Runs[1:]
	return run, nil
}

// Status returns Counted.
func (b *Backend) Status(ctx context.Context, _ ui.Draft) (ui.Count, error) {
	if err := b.begin(ctx, "Status", ""); err != nil {
		return ui.Count{}, err
	}
	return b.Counted, nil
}
