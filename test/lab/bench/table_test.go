package bench

import (
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"text/tabwriter"
	"time"
)

// series are the figures of one thing that was measured several times.
type series struct {
	name string
	took []time.Duration
	// rss is the largest resident set of any run, in bytes; 0 means not known.
	rss int64
	// cut says that a run was ended before it was done: it takes longer.
	cut bool
}

func (s *series) add(took time.Duration, rss int64) {
	s.took = append(s.took, took)
	s.rss = max(s.rss, rss)
}

// median is the middle one; of an even number, the mean of the two.
func (s *series) median() time.Duration {
	if len(s.took) == 0 {
		return 0
	}
	sorted := slices.Sorted(slices.Values(s.took))
	n := len(sorted)
	return (sorted[(n-1)/2] + sorted[n/2]) / 2
}

// sayf prints to stdout.
func sayf(format string, args ...any) { _, _ = fmt.Fprintf(os.Stdout, format, args...) }

// report prints series as a table with their ratio to the first.
func report(title string, all ...*series) {
	sayf("\n%s (load average %s)\n", title, load())
	t := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', tabwriter.AlignRight)
	var rows strings.Builder
	rows.WriteString("\tmedian\tleast\tmost\truns\tratio\tmemory\t\n")
	for _, s := range all {
		if len(s.took) == 0 {
			continue
		}
		ratio, memory := "", ""
		if len(all) > 1 {
			ratio = least(s.cut) + fmt.Sprintf("%.2f", s.median().Seconds()/all[0].median().Seconds())
		}
		if s.rss > 0 {
			memory = fmt.Sprintf("%.1f MB", float64(s.rss)/1e6)
		}
		fmt.Fprintf(&rows, "%s\t%s\t%s\t%s\t%d\t%s\t%s\t\n", s.name, least(s.cut)+pretty(s.median()), pretty(slices.Min(s.took)), pretty(slices.Max(s.took)), len(s.took), ratio, memory)
	}
	_, _ = io.WriteString(t, rows.String())
	_ = t.Flush()
}

func least(cut bool) string {
	if cut {
		return "over "
	}
	return ""
}

func pretty(d time.Duration) string {
	if d < time.Second {
		return fmt.Sprintf("%.1f ms", float64(d)/float64(time.Millisecond))
	}
	return fmt.Sprintf("%.2f s", d.Seconds())
}

// load is what the kernel says of the last minute, five and fifteen.
func load() string {
	data, err := os.ReadFile("/proc/loadavg")
	if err != nil {
		return "unknown"
	}
	return strings.Join(strings.Fields(string(data))[:3], " ")
}
