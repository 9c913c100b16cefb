package steps

import (
	"reflect"
	"time"

	"github.com/rcwizard/rcwizard/check"
)

// judgeEvery is the least time between two judgements of evidence that grows:
// short for an eye, and long beside what judging twenty hosts takes.
const judgeEvery = 50 * time.Millisecond

// tell has the evidence judged while it is collected, until the function that
// it returns was called.
func (l *looker) tell() (end func()) {
	if l.o.Found == nil {
		return func() {}
	}
	stop, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		pause := time.NewTicker(judgeEvery)
		defer pause.Stop()
		for {
			select {
			case <-stop:
				return
			case <-pause.C:
			}
			select {
			case <-l.more:
				l.found(false)
			default:
			}
		}
	}()
	return func() {
		close(stop)
		<-ended
	}
}

// found judges what there is and tells what is new. Before everything is known
// it keeps to what stands: that something is not known may be because nobody has
// looked yet.
func (l *looker) found(whole bool) {
	if l.o.Found == nil {
		return
	}
	l.mu.Lock()
	findings := check.Judge(l.s.Workspace, l.e, l.o.Skips).Findings
	l.mu.Unlock()
	for _, f := range findings {
		if !whole && f.Verdict == check.Unknown && !f.Skipped {
			continue
		}
		if old, known := l.told[f.ID]; known && reflect.DeepEqual(old, f) {
			continue
		}
		l.told[f.ID] = f
		l.o.Found(f)
	}
}
