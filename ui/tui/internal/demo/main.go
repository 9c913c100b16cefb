// Command demo shows the wizard with workspaces, hosts and a deployment that
// are made up, for whoever works on a page or takes pictures of one. It opens
// no connection, keeps nothing and deploys nothing.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/rcwizard/rcwizard/check"
	"github.com/rcwizard/rcwizard/ui"
	"github.com/rcwizard/rcwizard/ui/tui"
	"github.com/rcwizard/rcwizard/ui/uitest"
)

func main() {
	ascii := flag.Bool("ascii", false, "draw with no sign beyond ASCII")
	empty := flag.Bool("empty", false, "know no workspace yet")
	fails := flag.String("fails", "", "let Rocket.Chat fail on `HOST`")
	delay := flag.Duration("delay", 300*time.Millisecond, "`TIME` that everything takes")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGHUP)
	err := show(ctx, tui.Options{Input: os.Stdin, Output: os.Stdout, ASCII: *ascii}, *empty, *delay, *fails)
	stop()
	if err != nil && !errors.Is(err, context.Canceled) {
		complain(os.Stderr, err)
		os.Exit(1)
	}
}

func complain(w io.Writer, err error) { _, _ = fmt.Fprintf(w, "demo: %v\n", err) }

func show(ctx context.Context, o tui.Options, empty bool, delay time.Duration, fails string) error {
	w := uitest.Draft().Answers.Workspace
	reviewed, err := uitest.Reviewed(w)
	if err != nil {
		return err //nolint:wrapcheck // said as it is
	}
	b := &uitest.Backend{
		Drafts:   map[string]ui.Draft{},
		Checks:   []check.Report{uitest.Checked(w, uitest.Blocked(w)), uitest.Checked(w, nil)},
		Reviewed: reviewed,
		Counted:  uitest.Count(), Written: ui.Exported{Path: "/home/ada/chat-example-com", Files: 23},
		Hosts:  uitest.Hosts(),
		Delays: map[string]time.Duration{},
	}
	b.Delays["Check"] = delay / 10 // each finding
	for _, method := range []string{"Workspaces", "Open", "Inspect", "Releases", "Review", "Export", "Deploy", "Status"} {
		b.Delays[method] = delay
	}
	if !empty {
		b.Known = uitest.Known()
		for _, k := range b.Known {
			d := uitest.Draft()
			d.Key, d.Page = k.Key, k.Page
			b.Drafts[k.Key] = d
		}
	}
	b.Begin = func() *ui.Run {
		return uitest.Deploy(ctx, uitest.Draft().Answers.Workspace, uitest.Play{Beat: delay, Fails: fails, Conclusion: uitest.Conclusion()})
	}
	_, err = tui.Run(ctx, b, o)
	return err //nolint:wrapcheck // said as it is
}
