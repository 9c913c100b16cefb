package main

import (
	"context"
	"errors"
	"io/fs"
	"net"
	"os"
	"sync/atomic"
	"testing"
	"time"

	"github.com/rcwizard/rcwizard/cluster"
	"github.com/rcwizard/rcwizard/engine"
	"github.com/rcwizard/rcwizard/render"
	"github.com/rcwizard/rcwizard/steps"
)

// An instance that answers nobody any more once people are sent to it is taken
// back, and what was counted with it is not told, nor kept as the report.
func TestTakenBackIsNotCounted(t *testing.T) {
	t.Parallel()
	a, ans := operator(t, nil)
	before := ans.workspace
	ans.workspace = withThird(before)
	site, _ := simulated(t, ans.workspace)
	ans.secrets = site.Secrets
	tree, err := render.Render(render.Inputs{Workspace: before, Secrets: site.Secrets})
	if err != nil {
		t.Fatal(err)
	}
	installed := &steps.Site{Workspace: before, Secrets: site.Secrets, Tree: tree, Hosts: site.Hosts, Timing: site.Timing, View: site.View}
	if _, err := engine.Run(t.Context(), steps.Install(installed), engine.Options{}); err != nil {
		t.Fatal(err)
	}

	var silent atomic.Bool
	reach := site.View.Instance
	site.View.Instance = func(host string) cluster.Dial {
		dial := reach(host)
		return func(ctx context.Context, network, address string) (net.Conn, error) {
			if host == "edge" { // the proxy's host asks it, the last one to do so
				silent.Store(true)
			}
			if host == "third" && silent.Load() {
				return nil, errors.New("connection refused")
			}
			return dial(ctx, network, address)
		}
	}
	site.Timing.Verify = 100 * time.Millisecond
	c := &alteration{app: a, ans: ans, names: []string{"third"}, verb: steps.PlanAdd, adds: true, without: before}
	c.at(site)
	if err := c.begin(); err != nil {
		t.Fatal(err)
	}
	x, err := a.execution(ans)
	if err != nil {
		t.Fatal(err)
	}
	end, err := c.conclusion(t.Context(), nil, x, nil, func(string, ...any) { silent.Store(false) })
	if err != nil || end.Summary.Outcome != engine.Failed || end.Summary.Failures[0].Step != "cluster/count" {
		t.Fatalf("%+v, %v", end.Summary, err)
	}
	if report, counted := site.Result.Report(); !counted || report.Planned != 3 {
		t.Fatalf("it was not counted before: %+v", report)
	}
	if end.Aftermath != "The cluster is as it was. When the cause is mended, add again." {
		t.Errorf("it says %q", end.Aftermath)
	}
	if end.Count != nil {
		t.Errorf("it tells %q of an instance that is taken back", end.Count.Summary)
	}
	if _, err := os.Stat(ans.folder.Report()); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the report was written: %v", err)
	}
}
