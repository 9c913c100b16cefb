package plain_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/rcwizard/rcwizard/ui"
	"github.com/rcwizard/rcwizard/ui/uitest"
	"github.com/rcwizard/rcwizard/workspace"
)

// offline is a world in which Rocket.Chat's own files cannot be had.
type offline struct{ *uitest.Backend }

func (o offline) Review(ctx context.Context, d ui.Draft) (ui.Review, error) {
	if d.Answers.Workspace.Compose.Official() {
		return ui.Review{}, fmt.Errorf("the mirror does not answer: %w", ui.ErrNoOfficialFiles)
	}
	return o.Backend.Review(ctx, d)
}

// Whose compose files are deployed is asked where they are shown, as on the screen,
// and a commit that was named comes back. Where they cannot be had, rcwizard's are
// offered. What was chosen is kept.
func TestWhoseFiles(t *testing.T) {
	t.Parallel()
	const named = workspace.Compose("official@0123456789abcdef0123456789abcdef01234567")
	const bundled, official = workspace.ComposeBundled, workspace.ComposeOfficial
	for name, test := range map[string]struct {
		begin   workspace.Compose
		offline bool
		lines   []string
		says    []string
		want    workspace.Compose
	}{
		"to theirs":            {begin: "", lines: []string{"5", "6"}, says: []string{"take Rocket.Chat's own compose files instead of rcwizard's", "take rcwizard's own compose files, which"}, want: official},
		"and back":             {begin: bundled, lines: []string{"5", "5", "6"}, want: bundled},
		"a commit":             {begin: named, lines: []string{"5", "5", "6"}, want: named},
		"without the internet": {begin: named, offline: true, lines: []string{"1", "2", "6"}, says: []string{"the mirror does not answer", "try again", "show a file"}, want: bundled},
		"stopped without":      {begin: official, offline: true, lines: []string{"3"}, says: []string{"the mirror does not answer"}, want: official},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := world()
			b.Known = uitest.Known()
			draft := uitest.Draft()
			draft.Answers.Workspace.Compose = test.begin
			b.Drafts = map[string]ui.Draft{draft.Key: draft, "chat-example-com": draft, "intranet": draft}
			var backend ui.Backend = b
			if test.offline {
				backend = offline{b}
			}
			said, end, err := play(t, backend, append([]string{"1"}, test.lines...))
			if err != nil || end.Page != "review" {
				t.Fatalf("ended on %q: %v\n%s", end.Page, err, said)
			}
			for _, text := range test.says {
				if !strings.Contains(said, text) {
					t.Errorf("it does not say %q:\n%s", text, said)
				}
			}
			kept, there := b.Saved(draft.Key)
			if !there || kept.Answers.Workspace.Compose != test.want {
				t.Errorf("kept is %q, want %q\n%s", kept.Answers.Workspace.Compose, test.want, said)
			}
		})
	}
}
