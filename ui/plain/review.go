package plain

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/rcwizard/rcwizard/engine"
	"github.com/rcwizard/rcwizard/ui"
	"github.com/rcwizard/rcwizard/workspace"
)

// review shows the files and the plan, and asks what is to become of them.
func (s *session) review(ctx context.Context, next string) (string, error) {
	s.heading("Review", "What would be written where, and what would be done. Nothing is changed yet.")
	r, err := s.reviewed(ctx)
	if err != nil {
		return "", err
	}
	_, do := s.words()
	ask, options := "Deploy to "+count(len(r.Hosts), "server")+" now?", []string{
		do, "show a file", "write the files to a folder instead, to deploy them by hand",
		"change an answer", s.otherFiles(), "stop here; the answers are kept",
	}
	if s.draft.Change != nil {
		ask, options = strings.ToUpper(do[:1])+do[1:]+" now?", []string{do, "show a file", "stop here; nothing is changed"}
	}
	for {
		n, err := s.Asker.choose("What now", options, -1)
		if err != nil {
			return "", err
		}
		if s.draft.Change != nil && n == 2 {
			return "", errStop
		}
		switch n {
		case 0:
			yes, err := s.Asker.yes(ask, "")
			if err != nil && !errors.Is(err, errBack) {
				return "", err
			}
			if yes {
				return next, nil
			}
		case 1:
			if err := s.showFile(r); err != nil && !errors.Is(err, errBack) {
				return "", err
			}
		case 2:
			return "", s.export(ctx)
		case 3:
			return s.otherPage()
		case 4:
			s.takeOtherFiles()
			return pageReview, nil
		default:
			return "", errStop
		}
	}
}

// reviewed asks the servers and shows what they come to. Without Rocket.Chat's own
// files there is nothing to be shown; then it asks whether to go on with rcwizard's.
func (s *session) reviewed(ctx context.Context) (ui.Review, error) {
	for {
		s.Asker.sayf("Asking every server how it is.")
		r, err := s.Backend.Review(ctx, s.draft)
		if silent, is := errors.AsType[*ui.SilentError](err); is && s.draft.Change != nil {
			if err := s.withoutHost(silent); err != nil {
				return ui.Review{}, err
			}
			r, err = s.Backend.Review(ctx, s.draft)
		}
		if err == nil {
			return r, s.show(r)
		}
		if !errors.Is(err, ui.ErrNoOfficialFiles) || s.draft.Change != nil {
			return ui.Review{}, err //nolint:wrapcheck // it says what happened and what to do
		}
		s.Asker.sayf("%v", err)
		n, err := s.Asker.choose("What now", []string{"try again", s.otherFiles(), stopHere}, -1)
		if err != nil {
			return ui.Review{}, err
		}
		switch n {
		case 0:
		case 1:
			s.takeOtherFiles()
			if err := s.save(ctx, pageReview); err != nil {
				return ui.Review{}, err
			}
		default:
			return ui.Review{}, errStop
		}
	}
}

// otherFiles is how the other kind of compose files is offered.
func (s *session) otherFiles() string {
	if s.draft.Answers.Workspace.Compose.Official() {
		return "take rcwizard's own compose files, which need no internet"
	}
	return "take Rocket.Chat's own compose files instead of rcwizard's"
}

// takeOtherFiles goes over to the other kind. Whoever named a commit of
// Rocket.Chat's files comes back to that one.
func (s *session) takeOtherFiles() {
	kind := &s.draft.Answers.Workspace.Compose
	if kind.Official() {
		s.official, *kind = *kind, workspace.ComposeBundled
	} else {
		*kind = cmp.Or(s.official, workspace.ComposeOfficial)
	}
}

// show tells what every step would do, with the files that it would write. The
// rest of them is in the list to choose one from.
func (s *session) show(r ui.Review) error {
	if err := s.Style.Problems(s.Out, r.Warnings); err != nil {
		return err
	}
	if err := s.Style.Plan(s.Out, r.Plan); err != nil {
		return err
	}
	if r.Estimate > 0 {
		return s.print("About " + duration(r.Estimate) + ", going by " + r.EstimateFrom + ".\n")
	}
	return nil
}

// fileNote says what would happen to a file, and whether it is not the guide's.
func fileNote(f ui.ReviewFile) string {
	var parts []string
	switch {
	case f.Left != "":
		parts = append(parts, "left as it is: it "+f.Left)
	case f.Change == "":
		parts = append(parts, "as it should be")
	default:
		parts = append(parts, string(f.Change))
	}
	if len(f.Remarks) > 0 {
		parts = append(parts, "differs from the guide")
	}
	return ", " + strings.Join(parts, ", ")
}

// showFile prints one file, with what differs from the guide beside its lines.
func (s *session) showFile(r ui.Review) error {
	var files []ui.ReviewFile
	var titles []string
	for _, h := range r.Hosts {
		for _, f := range h.Files {
			files = append(files, f)
			titles = append(titles, h.Host+"  "+f.Mode+"  "+f.Path+fileNote(f))
		}
	}
	n, err := s.Asker.choose("Which file", titles, -1)
	if err != nil {
		return err
	}
	var b strings.Builder
	remark := func(line int) {
		for _, m := range files[n].Remarks {
			if m.Line == line {
				b.WriteString("       differs from the guide because " + m.Text + "\n")
			}
		}
	}
	remark(0)
	for i, line := range slices.Collect(strings.Lines(files[n].Content)) {
		fmt.Fprintf(&b, "%4d   %s\n", i+1, engine.CleanLine(strings.TrimRight(line, "\r\n")))
		remark(i + 1)
	}
	return s.print(b.String())
}

// export writes the files and ends the wizard.
func (s *session) export(ctx context.Context) error {
	to, err := s.Asker.line("Folder, or a file that ends in .tar.gz (a folder with the workspace's name here): ")
	if err != nil {
		return err
	}
	if to == "<" {
		return errBack
	}
	done, err := s.Backend.Export(ctx, s.draft, ui.ExportOptions{To: to})
	if err != nil {
		return err //nolint:wrapcheck // it says what happened and what to do
	}
	var b strings.Builder
	b.WriteString(count(done.Files, "file") + " written to " + done.Path + ". They hold secrets.\n")
	for _, left := range done.Left {
		b.WriteString("no part of it, and left as it is: " + left + "\n")
	}
	if err := s.print(b.String()); err != nil {
		return err
	}
	return errStop
}
