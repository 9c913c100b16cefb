package engine

import "sync"

// Retries is how a person has steps that failed begun again while the run that
// they failed in goes on. The others are not touched by it: what was done stays
// done, and what is at work goes on. The zero value is ready for use, in one run
// at a time.
//
// With it, what needs a step that failed is not skipped at once: it waits until
// nothing else is left to do in the run, since the step may still be done.
type Retries struct {
	mu sync.Mutex
	// wanted is unbuffered: whoever sent knows that the run has it. It is nil
	// while there is no run.
	wanted chan int
	over   chan struct{}
	index  map[string]int
}

// Step asks for one step by its ID, and reports whether the run heard it: not if
// the run has no such step, or has come to its end. A step that did not fail, or
// is at work again already, is left alone. A run that was asked to stop begins
// nothing again: then the step has failed as before.
func (r *Retries) Step(id string) bool {
	r.mu.Lock()
	wanted, over := r.wanted, r.over
	i, known := r.index[id]
	r.mu.Unlock()
	if wanted == nil || !known {
		return false
	}
	select {
	case wanted <- i:
		return true
	case <-over:
		return false
	}
}

// open is called when a run begins; the channel is nil for a nil receiver.
func (r *Retries) open(p Plan) <-chan int {
	if r == nil {
		return nil
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.wanted, r.over, r.index = make(chan int), make(chan struct{}), make(map[string]int, len(p.Steps))
	for i, s := range p.Steps {
		r.index[s.ID] = i
	}
	return r.wanted
}

// close is called when the run visits no further step.
func (r *Retries) close() {
	if r == nil {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	close(r.over)
	r.wanted = nil
}
