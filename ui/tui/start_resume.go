package tui

import (
	"fmt"
	"strings"
	"time"

	"github.com/rcwizard/rcwizard/engine"
	"github.com/rcwizard/rcwizard/ui"
	"github.com/rcwizard/rcwizard/workspace"
)

// fact is one thing that is said of a run before another goes on with it: a label,
// and what there is of it.
type fact struct {
	label string
	items []string
	// weight says what stays where there is little room: the greater.
	weight int
	// spare says that it is left out before anything else is shortened.
	spare bool

	// room is how many lines it has; -1 for as many as it takes.
	room int
}

// resume is what was done of a workspace, what was cut, what is next, and what is
// not as it was, in h lines: what there is no room for is the least important. What
// is the same of every workspace is said only in lines that are free.
func (l Look) resume(k ui.Known, now time.Time, w, h, free int) []string {
	const gap = 3
	facts := l.facts(k, now)
	label := 0
	for _, f := range facts {
		label = max(label, width(f.label))
	}
	const comfortable = 88
	values := min(w, comfortable) - label - gap
	l.squeeze(facts, values, h)
	var out []string
	for _, f := range facts {
		for i, line := range f.lines(l, values) {
			name := ""
			if i == 0 {
				name = f.label
			}
			out = append(out, l.Muted.Render(l.fit(name, label))+strings.Repeat(" ", gap)+line)
		}
	}
	promise := prose("What is done stays done. Going on looks at every step again and does what is missing.", w, l.Muted.Render)
	if len(out)+1+len(promise) <= min(h, free) {
		out = append(append(out, ""), promise...)
	}
	return out
}

// facts are in the order in which they are told.
func (l Look) facts(k ui.Known, now time.Time) []fact {
	r := *k.Resume
	one := func(label, text string, weight int) (f fact) {
		f.label, f.weight = label, weight
		f.tell(text)
		return f
	}
	spare := func(label string, items []string) fact { return fact{label: label, items: items, spare: true} }
	var failed, causes, nexts, cut, commands fact
	for _, f := range r.Failed {
		failed.tell(onHost(f.StepRef) + ": " + f.Message)
		causes.tell(f.Cause)
		nexts.tell(f.Next)
	}
	for _, c := range r.Cut {
		cut.tell(onHost(c.StepRef) + ", begun " + ui.Ago(c.Began, now))
		commands.tell(c.Command)
	}
	next := ""
	if r.Next != nil {
		next = onHost(*r.Next)
		if r.Left > 1 {
			next += fmt.Sprintf(", and %d more", r.Left-1)
		}
	}
	all := []fact{
		one("Change", changing(k.UnderWay), 5),
		one("Done", l.far(r, now), 4),
		{label: "Failed", items: failed.items, weight: 9},
		spare("Cause", causes.items),
		{label: "To do", items: nexts.items, weight: 2},
		{label: "Cut", items: cut.items, weight: 6},
		spare("Command", commands.items),
		one("Next", next, 7),
		{label: "Answers", items: l.differences(r.Answers), weight: 8},
		{label: "Flags", items: l.differences(r.Flags), weight: 3},
		{label: "Note", items: r.Notes, weight: 1},
	}
	kept := all[:0]
	for _, f := range all {
		if len(f.items) > 0 {
			f.room = -1
			kept = append(kept, f)
		}
	}
	return kept
}

// tell adds an item, if there is any.
func (f *fact) tell(item string) {
	if item != "" {
		f.items = append(f.items, item)
	}
}

func onHost(s engine.StepRef) string {
	return or(s.Title, s.Step) + " on " + or(s.Host, "this machine")
}

// changing is what was being done to the instances.
func changing(c *ui.Change) string {
	if c == nil {
		return ""
	}
	text := "adding "
	if c.Kind == ui.RemoveInstances {
		text = "removing "
	}
	return text + strings.Join(c.Instances, ", ")
}

// far is how far the last run came.
func (l Look) far(r ui.Resume, now time.Time) string {
	if r.Doing == "" {
		return "not known: there is no record of a run"
	}
	how := string(r.Outcome)
	switch r.Outcome {
	case "":
		how = "cut"
	case engine.Succeeded:
		how = "at its end"
	case engine.Failed, engine.Stopped, engine.Cancelled:
	}
	return fmt.Sprintf("%d of %s of %s, %s %s", r.Done, count(r.Steps, "step"), r.Doing, how, ui.Ago(r.Seen, now))
}

func (l Look) differences(all []workspace.Difference) []string {
	out := make([]string, 0, len(all))
	for _, d := range all {
		out = append(out, d.Field+": "+or(d.Before, "nothing")+" "+l.Arrow+" "+or(d.After, "nothing"))
	}
	return out
}

// squeeze gives facts fewer lines until all of them take h: first what can be
// spared goes, then what matters least is shortened, and then it goes as well.
func (l Look) squeeze(facts []fact, w, h int) {
	over := -h
	for _, f := range facts {
		over += len(f.lines(l, w))
	}
	less := func(spare bool, least int) {
		for over > 0 {
			at := -1
			for i, f := range facts {
				if f.spare == spare && len(f.lines(l, w)) > least && (at < 0 || f.weight < facts[at].weight) {
					at = i
				}
			}
			if at < 0 {
				return
			}
			had := len(facts[at].lines(l, w))
			facts[at].room = max(least, had-over)
			over -= had - len(facts[at].lines(l, w))
		}
	}
	less(true, 0)
	less(false, 1)
	less(false, 0)
}

// lines are the items of a fact, each broken; where there is no room for that,
// each in one line, and where there is none for all of them, the first.
func (f fact) lines(l Look, w int) []string {
	if f.room == 0 {
		return nil
	}
	var whole []string
	for _, item := range f.items {
		whole = append(whole, wrap(clean(item), w)...)
	}
	if f.room < 0 || len(whole) <= f.room {
		return whole
	}
	if len(f.items) == 1 {
		last := l.cut(whole[f.room-1], w-width(l.Ellipsis))
		return append(whole[:f.room-1:f.room-1], strings.TrimSuffix(last, l.Ellipsis)+l.Ellipsis)
	}
	shown, more := min(len(f.items), f.room), ""
	if shown < len(f.items) {
		more = fmt.Sprintf(", and %d more", len(f.items)-shown)
	}
	out := make([]string, 0, shown)
	for i, item := range f.items[:shown] {
		tail := ""
		if i == shown-1 {
			tail = more
		}
		out = append(out, l.cut(clean(item), w-width(tail))+tail)
	}
	return out
}

// clean is a text in one line, that moves no cursor.
func clean(s string) string { return engine.CleanLine(strings.Join(strings.Fields(s), " ")) }
