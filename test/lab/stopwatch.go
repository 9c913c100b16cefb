package lab

import (
	"os"
	"strconv"
	"strings"
	"time"
)

// Stopwatch measures how long something took that is promised to take so long at
// most, on a machine that may have other work: the time in which something that
// wanted to run waited for a processor is told apart.
type Stopwatch struct {
	began  time.Time
	waited time.Duration
}

// StartWatch begins to measure.
func StartWatch() Stopwatch { return Stopwatch{began: time.Now(), waited: waitedForCPU()} }

// Elapsed is the time that has passed.
func (s Stopwatch) Elapsed() time.Duration { return time.Since(s.began) }

// slowest is by how much at most a machine counts as slowed down: what takes
// longer than so many times what is promised hangs, whatever the load is.
const slowest = 12

// Took is the time that has passed without that in which something waited for a
// processor. It is a twelfth of Elapsed at least, and Elapsed itself where the
// kernel does not tell (/proc/pressure/cpu).
func (s Stopwatch) Took() time.Duration { return s.Until(StartWatch()) }

// Until is what Took was when the other began.
func (s Stopwatch) Until(later Stopwatch) time.Duration {
	elapsed := later.began.Sub(s.began)
	return max(elapsed-max(later.waited-s.waited, 0), elapsed/slowest)
}

// Patience is how long to wait for what is promised within a time before it is
// taken for never: Took says whether the promise was kept.
func Patience(promised time.Duration) time.Duration { return slowest * promised }

// waitedForCPU is for how long since the boot something that could run had no
// processor; 0 where the kernel does not tell.
func waitedForCPU() time.Duration {
	data, err := os.ReadFile("/proc/pressure/cpu")
	if err != nil {
		return 0
	}
	return stallOf(string(data))
}

// stallOf reads the line "some avg10=0.00 avg60=0.00 avg300=0.00 total=MICROSECONDS".
func stallOf(pressure string) time.Duration {
	for line := range strings.Lines(pressure) {
		if !strings.HasPrefix(line, "some ") {
			continue
		}
		_, total, _ := strings.Cut(strings.TrimSpace(line), "total=")
		if micros, err := strconv.ParseInt(total, 10, 64); err == nil {
			return time.Duration(micros) * time.Microsecond
		}
	}
	return 0
}
