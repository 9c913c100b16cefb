package engine

// outcome is what became of one visit to a step.
type outcome int

const (
	waiting outcome = iota
	visiting
	finished // what needs it may go on
	failed   // failed or cut: what needs it is skipped
	skipped
	again // failed, and to be visited once more when there is room
)

// schedule visits the steps of a graph: each after the steps that must be done
// before it, many at once up to a bound, in the order of the plan where there
// is a choice. The order on one host is part of the graph.
type schedule struct {
	graph graph
	// bound is how many steps are visited at a time, at least 1.
	bound int
	// visit does the work for the step with that index and returns finished or
	// failed. It runs in a goroutine of its own.
	visit func(i int) outcome
	// skip is told of each step that will not be visited: because is the index
	// of the step that failed, or -1 where the schedule was stopped.
	skip func(i, because int)
	// retry, where it is not nil, has the indexes of steps that are to be visited
	// once more; one that did not fail is passed over. What needs a step that
	// failed then waits until nothing else is left to do. One that a stop keeps
	// from being visited again has failed as before.
	retry <-chan int
}

type visited struct {
	i  int
	as outcome
}

// run returns when every step was visited or skipped. When stop is closed it
// begins no further visit and waits for those in flight.
func (s schedule) run(stop <-chan struct{}) {
	var (
		state   = make([]outcome, len(s.graph.before))
		because = make([]int, len(s.graph.before))
		done    = make(chan visited)
		running = 0
		stopped = false
	)
	for {
		select {
		case <-stop:
			stopped, stop = true, nil
		default:
		}
		if s.retry == nil {
			s.spread(state, because)
		}
		for i := range state {
			if stopped || running >= s.bound {
				break
			}
			if state[i] != again && (state[i] != waiting || !s.ready(i, state)) {
				continue
			}
			state[i] = visiting
			running++
			go func() { done <- visited{i, s.visit(i)} }()
		}
		if running == 0 {
			break
		}
		select {
		case v := <-done:
			running--
			state[v.i] = v.as
		case i := <-s.retry:
			if state[i] == failed {
				state[i] = again
			}
		case <-stop:
			stopped, stop = true, nil
		}
	}
	for i := range state {
		if state[i] == again {
			state[i] = failed
		}
	}
	s.spread(state, because)
	for i := range state {
		if state[i] == waiting {
			s.skip(i, -1)
		}
	}
}

// ready tells whether everything before step i is done.
func (s schedule) ready(i int, state []outcome) bool {
	for _, b := range s.graph.before[i] {
		if state[b] != finished {
			return false
		}
	}
	return true
}

// spread skips what needs a step that failed, and what needs that.
func (s schedule) spread(state []outcome, because []int) {
	for _, i := range s.graph.order {
		if state[i] != waiting {
			continue
		}
		for _, b := range s.graph.before[i] {
			if state[b] == failed || state[b] == skipped {
				because[i] = b
				if state[b] == skipped {
					because[i] = because[b]
				}
				state[i] = skipped
				s.skip(i, because[i])
				break
			}
		}
	}
}
