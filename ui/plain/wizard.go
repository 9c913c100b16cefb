package plain

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"

	"github.com/rcwizard/rcwizard/check"
	"github.com/rcwizard/rcwizard/ui"
	"github.com/rcwizard/rcwizard/workspace"
	"github.com/rcwizard/rcwizard/workspace/question"
)

// The pages after the questions, by the names under which a draft keeps them.
const (
	pageCheck  = "check"
	pageReview = "review"
	pageDeploy = "deploy"
)

// Wizard is the way from the first answer to a running workspace, as questions
// and lines: for screen readers, terminals without abilities, and pipes. It
// asks what the wizard on the screen asks, in the same order, and comes to the
// same answers; they are kept after every page.
type Wizard struct {
	Backend ui.Backend
	Asker   Asker
	// Out is where everything goes that is no question.
	Out io.Writer
	// Style is that of Out.
	Style Style
}

// End is how a wizard ended.
type End struct {
	// Page is the page on which the person stopped; empty if nothing was left to
	// do. The answers are kept.
	Page string
	// Blocked says that checks failed on that page, or could not be made.
	Blocked bool
	// Conclusion is what a deployment came to; nil where there was none.
	Conclusion *ui.Conclusion
	// Count is what a look at a running workspace said; nil where there was none.
	Count *ui.Count
}

// errStop says that the person stops here.
var errStop = errors.New("stop")

// session is one run of the wizard.
type session struct {
	Wizard
	draft ui.Draft
	// seen is what is known of the hosts, by name and address.
	seen map[string]ui.Inspection
	// declined is the number of instances that was offered last and not taken.
	declined question.Offered
	// official are Rocket.Chat's own files as they were chosen last, with the commit
	// that was named; empty while nobody left them for rcwizard's.
	official workspace.Compose
	end      End
}

// Run asks, checks, shows what would be done, and does it. The end of the input
// is ErrInputEnded; what was answered on the pages before is kept.
func (w Wizard) Run(ctx context.Context) (End, error) {
	s := &session{Wizard: w, seen: map[string]ui.Inspection{}}
	page, err := s.start(ctx)
	for err == nil && page != "" {
		page, err = s.page(ctx, page)
	}
	if errors.Is(err, errStop) {
		err = nil
	}
	return s.end, err
}

// way are the pages in their order.
func way() []string {
	out := make([]string, 0, len(question.Pages())+3)
	for _, p := range question.Pages() {
		out = append(out, p.String())
	}
	return append(out, pageCheck, pageReview, pageDeploy)
}

// page shows one page, keeps what was answered there, and returns the next one;
// empty after the last.
func (s *session) page(ctx context.Context, name string) (next string, err error) {
	all := way()
	n := max(slices.Index(all, name), 0)
	if n+1 < len(all) {
		next = all[n+1]
	}
	switch name = all[n]; name {
	case pageCheck:
		next, err = s.check(ctx, next)
	case pageReview:
		next, err = s.review(ctx, next)
	case pageDeploy:
		return "", s.deploy(ctx)
	default:
		err = s.questions(ctx, question.Pages()[n])
	}
	switch {
	case errors.Is(err, errBack):
		return all[max(n-1, 0)], nil
	case errors.Is(err, errStop):
		s.end.Page = name
		return "", err
	case err != nil:
		return "", err
	}
	if err := s.save(ctx, next); err != nil {
		return "", err
	}
	return next, nil
}

func (s *session) save(ctx context.Context, next string) error {
	d := s.draft
	d.Page = next
	if next == pageDeploy { // whoever opens it another day is to be asked again
		d.Page = pageReview
	}
	kept, err := s.Backend.Save(ctx, d)
	if err != nil {
		return fmt.Errorf("keep the answers: %w", err)
	}
	s.draft = kept
	return nil
}

func (s *session) answers() question.Answers {
	return s.draft.Answers.Clone()
}

func (s *session) take(a question.Answers) { s.draft.Answers = a }

// print writes what is no question.
func (s *session) print(text string) error {
	if _, err := io.WriteString(s.Out, text); err != nil {
		return fmt.Errorf("print: %w", err)
	}
	return nil
}

// heading begins a page.
func (s *session) heading(title, intro string) {
	s.Asker.sayf("\n%s\n%s", title, intro)
}

// questions is a page that asks. What forbids going on from it is told, and the
// page is gone through again.
func (s *session) questions(ctx context.Context, p question.Page) error {
	s.heading(p.Title(), p.Intro())
	for {
		a := s.answers()
		var err error
		switch p {
		case question.Servers:
			err = s.servers(ctx)
			a = s.answers()
		case question.Advanced:
			err = s.advanced(&a)
		case question.Workspace, question.Files:
			err = s.Asker.questions(func() []question.Question { return question.On(p, a) }, &a)
		}
		s.take(a)
		if err != nil {
			return err
		}
		found := question.Errors(p, s.answers())
		if p == question.Advanced { // the last page answers for all of them
			found = errorsOf(question.Problems(s.answers()))
		}
		if len(found) == 0 {
			return nil
		}
		s.Asker.sayf("This must be put right first:")
		s.Asker.wrong(found)
		if found[0].Page != p {
			return errBack
		}
	}
}

// advanced lists what nobody has to change, to choose from.
func (s *session) advanced(a *question.Answers) error {
	open := func(a question.Answers) bool { return len(errorsOf(question.Problems(a))) > 0 }
	if !open(*a) {
		change, err := s.Asker.yes("Change any of the advanced settings?", "no")
		if err != nil || !change {
			return err
		}
	}
	for {
		all := question.On(question.Advanced, *a)
		lines := make([]string, 0, len(all)+1)
		for _, q := range all {
			lines = append(lines, overview(q, *a))
		}
		n, err := s.Asker.choose("Which one", append(lines, "go on"), len(all))
		if err != nil {
			return err
		}
		if n == len(all) {
			return nil
		}
		if err := s.Asker.question(all[n], a); err != nil && !errors.Is(err, errBack) {
			return err
		}
	}
}

// check proves the hosts and the rest. What fails stops, unless the person
// leaves it out, which is kept.
func (s *session) check(ctx context.Context, next string) (string, error) {
	s.heading("Check", "Hosts, connections, domain, release and images are proved before anything is installed. Nothing is changed.")
	for {
		s.Asker.sayf("Checking, which takes up to a minute.")
		report, err := s.Backend.Check(ctx, s.draft, ui.CheckOptions{Skips: s.draft.Skips}, func(check.Finding) {})
		if err != nil {
			return "", err //nolint:wrapcheck // it says what happened and what to do
		}
		if err := check.WriteOpen(s.Out, report); err != nil {
			return "", fmt.Errorf("print the report: %w", err)
		}
		s.end.Blocked = report.Verdict.Blocks()
		if report.Verdict == check.Pass {
			return next, nil
		}
		what, err := s.afterCheck(report)
		if err != nil {
			return "", err
		}
		switch what {
		case goOnAnyway:
			return next, nil
		case otherAnswer:
			return s.otherPage()
		case stopHere:
			return "", errStop
		default: // another look
		}
	}
}

// What a person may do about a check that does not pass.
const (
	checkAgain  = "check again"
	goOnAnyway  = "go on in spite of the warnings, which is recorded"
	showAll     = "show everything that was checked"
	otherAnswer = "change an answer"
	leaveOut    = "leave a check out, which is recorded"
	stopHere    = "stop here; the answers are kept"
)

// afterCheck asks what comes after a check with something to tell: a warning may
// be passed, by who says so; what failed or is not known may not.
func (s *session) afterCheck(report check.Report) (what string, err error) {
	options := []string{checkAgain, otherAnswer, leaveOut, showAll, stopHere}
	if !report.Verdict.Blocks() {
		options[2] = goOnAnyway
	}
	if s.draft.Change != nil { // of what is deployed no answer is changed here
		options = slices.DeleteFunc(options, func(o string) bool { return o == otherAnswer })
	}
	for {
		n, err := s.Asker.choose("What now", options, -1)
		if err != nil {
			return "", err
		}
		switch options[n] {
		case showAll:
			if err := check.WriteText(s.Out, report); err != nil {
				return "", fmt.Errorf("print the report: %w", err)
			}
			continue
		case leaveOut:
			if err := s.leaveOut(report); err != nil && !errors.Is(err, errBack) {
				return "", err
			}
		}
		return options[n], nil
	}
}

// leaveOut asks which check is not to be heeded.
func (s *session) leaveOut(report check.Report) error {
	for {
		id, err := s.Asker.line("Its id, or the beginning of several, such as port:rc1: ")
		if err != nil {
			return err
		}
		if id == "" || id == "<" {
			return errBack
		}
		if _, unmatched := check.Skip(report.Findings, []string{id}); len(unmatched) > 0 {
			s.Asker.sayf("  not right: no check is called %s", id)
			continue
		}
		if !slices.Contains(s.draft.Skips, id) {
			s.draft.Skips = append(slices.Clone(s.draft.Skips), id)
		}
		return nil
	}
}

// otherPage asks where the person wants to go back to.
func (s *session) otherPage() (string, error) {
	pages := question.Pages()
	titles := make([]string, len(pages))
	for n, p := range pages {
		titles[n] = p.Title()
	}
	n, err := s.Asker.choose("Which page", titles, -1)
	if err != nil {
		return "", err
	}
	return pages[n].String(), nil
}
