package check

import (
	"slices"
	"time"

	"github.com/rcwizard/rcwizard/workspace"
)

// How far a clock may be from the others': tokens and the registry of instances
// go by it, and certificates.
const (
	clockWarn = 5 * time.Second
	clockFail = 30 * time.Second
)

// clock judges the host's clock against the median of all hosts.
func (j *hostJudge) clock() {
	s := j.seen
	median, known := medianClock(j.w, j.e)
	if !s.ClockKnown || !known {
		j.find("clock", Unknown, "clock-unknown")
		return
	}
	off := s.ClockOffset - median
	direction := "ahead of"
	if off < 0 {
		direction = "behind"
	}
	pairs := []string{"off", seconds(off.Abs()), "direction", direction, "error", seconds(s.ClockError)}
	switch {
	case off.Abs()-s.ClockError > clockFail:
		j.find("clock", Fail, "clock-wrong", pairs...)
	case s.ClockError > clockWarn:
		j.find("clock", Unknown, "clock-unclear", pairs...)
	case off.Abs() > clockWarn:
		j.find("clock", Warn, "clock-off", pairs...)
	default:
		j.find("clock", Pass, "clock-right", pairs...)
	}
}

// medianClock is the median of the hosts' clocks, as an offset to the
// operator's. Of the two in the middle of an even number it is the one that is
// nearer to the operator's: of two hosts that differ by a minute, one is right.
func medianClock(w workspace.Workspace, e Evidence) (time.Duration, bool) {
	var all []time.Duration
	for _, h := range w.Hosts {
		if s := e.Hosts[h.Name]; s.ClockKnown {
			all = append(all, s.ClockOffset)
		}
	}
	if len(all) == 0 {
		return 0, false
	}
	slices.Sort(all)
	high := all[len(all)/2]
	if len(all)%2 == 0 {
		if low := all[len(all)/2-1]; low.Abs() <= high.Abs() {
			return low, true
		}
	}
	return high, true
}

// operatorClock tells when the hosts agree on a time that is not this machine's:
// then either is wrong, and with wrong time no certificate is accepted.
func operatorClock(w workspace.Workspace, e Evidence) []Finding {
	median, known := medianClock(w, e)
	fill := values{"off": seconds(median.Abs())}
	switch {
	case !known:
		return []Finding{finding("clock", Unknown, "clock-hosts-unknown", fill)}
	case median.Abs() > clockFail:
		return []Finding{finding("clock", Warn, "clock-hosts-off", fill)}
	}
	return []Finding{finding("clock", Pass, "clock-hosts-right", fill)}
}
