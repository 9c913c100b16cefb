package tui

import (
	"fmt"
	"os"
	"runtime"
	"slices"
	"syscall"
	"testing"
	"text/tabwriter"
	"time"

	"github.com/rcwizard/rcwizard/check"
	"github.com/rcwizard/rcwizard/ui"
	"github.com/rcwizard/rcwizard/ui/uitest"
)

// crowded are the pages of the way with twenty servers. The files of Review are
// those of four.
func crowded() []scene {
	on := func(id pageID, keys ...string) scene {
		return scene{file: "twenty servers", name: string(id), backend: func() *uitest.Backend {
			b, w := reviewing(nil), many().Answers.Workspace
			b.Hosts, b.Checks = uitest.Hosts(), []check.Report{uitest.Checked(w, uitest.Blocked(w))}
			return b
		}, play: func(d *driver) {
			d.open(ui.Known{}, many(), id)
			d.pass(3 * time.Second)
			d.press(keys...)
		}}
	}
	return []scene{on(pageServers), on(pageWorkspace), on(pageFiles), on(pageAdvanced), on(pageCheck), on(pageReview)}
}

// spent is the processor time of this thread: a busy machine does not lengthen
// it.
func spent(t *testing.T) time.Duration {
	t.Helper()
	const thread = 1 // RUSAGE_THREAD, which package syscall does not name
	var u syscall.Rusage
	if err := syscall.Getrusage(thread, &u); err != nil {
		t.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// TestFramesOfPages measures the frames of every page, in every scene and with
// twenty servers, on a large terminal: what it takes to draw the screen anew when
// nothing has changed but the time.
func TestFramesOfPages(t *testing.T) {
	if !*frameTimes {
		t.Skip("-frames measures")
	}
	const frames = 200
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	w := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', tabwriter.AlignRight)
	_, _ = fmt.Fprintln(w, "median\tp99\tworst\tms\t")
	for _, s := range slices.Concat(crowded(), scenes()) {
		var m *Model
		filmed(t, s, Options{}, false, func(drawn *Model) { m = drawn })
		// The bubble of the scene is over, and so is its clock.
		now := uitest.Begin().Add(26 * time.Minute)
		m.c.now = func() time.Time { return now }
		m.resize(120, 40)
		m.View()
		runtime.GC()
		took := make([]time.Duration, frames)
		for i := range took {
			m.c.beat++
			began := spent(t)
			m.View()
			took[i] = spent(t) - began
		}
		slices.Sort(took)
		if p99 := took[frames*99/100]; p99 > frameLimit {
			t.Errorf("%s/%s: %s", s.file, s.name, p99)
		}
		ms := func(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }
		_, _ = fmt.Fprintf(w, "%.1f\t%.1f\t%.1f\t\t%s/%s\n", ms(took[frames/2]), ms(took[frames*99/100]), ms(took[frames-1]), s.file, s.name)
	}
	if err := w.Flush(); err != nil {
		t.Fatal(err)
	}
}
