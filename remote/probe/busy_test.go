package probe_test

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rcwizard/rcwizard/remote"
	"github.com/rcwizard/rcwizard/remote/probe"
	"github.com/rcwizard/rcwizard/remote/remotetest"
)

// busy is a host with one port, which is taken, that is slow to say by whom.
type busy struct {
	remotetest.Fake
	// names is how long it takes to say so, and says is what.
	names time.Duration
	says  string
	// dialled is when a connection was opened from it.
	dialled time.Time
}

func (b *busy) Run(ctx context.Context, c remote.Command) (remote.Result, error) {
	if !strings.Contains(c.Script, "LISTED") {
		return remote.Result{}, nil
	}
	timer := time.NewTimer(b.names)
	defer timer.Stop()
	select {
	case <-timer.C:
		return remote.Result{Stdout: b.says}, nil
	case <-ctx.Done():
		return remote.Result{}, &remote.OutcomeUnknownError{Host: "busy", Cause: ctx.Err(), Ended: true}
	}
}

func (b *busy) Stream(_ context.Context, _ remote.Command, emit func(remote.Line)) (remote.Result, error) {
	emit(remote.Line{Text: "TOOL perl"})
	emit(remote.Line{Text: "ERR 0 98 Address already in use"})
	return remote.Result{}, nil
}

func (b *busy) Dial(context.Context, string, string) (net.Conn, error) {
	b.dialled = time.Now()
	near, far := net.Pipe()
	_ = far.Close()
	return near, nil
}

// TestBusyHost: who has a port is found out however long the host takes to say so,
// up to a bound that is told; nobody who dials waits for it.
func TestBusyHost(t *testing.T) {
	t.Parallel()
	const (
		mongod    = "LISTED\nSOCKET 0B4D000A:6989 0A 501\nHAS 300 [501]\nNAME 300 mongod\nCGROUP 300 0::/system.slice/docker-1111222233334444555566667777888811112222333344445555666677778888.scope\n"
		container = "CONTAINER 1111222233334444555566667777888811112222333344445555666677778888|db-mongodb-1|db|mongodb|\n"
	)
	for name, test := range map[string]struct {
		host    *busy
		project string
		slow    string
		took    time.Duration
	}{
		"at once":                {&busy{says: mongod + container + "END\n"}, "db", "", 0},
		"after 45 s":             {&busy{names: 45 * time.Second, says: mongod + container + "END\n"}, "db", "", 45 * time.Second},
		"never":                  {&busy{names: time.Hour}, "", "more than 1m0s", time.Minute},
		"Docker took too long":   {&busy{says: mongod + "SLOW\nEND\n"}, "", "within 30 s", 0},
		"Docker knows nothing":   {&busy{says: mongod + "END\n"}, "", "", 0},
		"Docker does not matter": {&busy{says: strings.ReplaceAll(mongod, "docker-", "") + "SLOW\nEND\n"}, "", "", 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				h, begin := test.host, time.Now()
				r := probe.Matrix(t.Context(), map[string]probe.Host{"a": h}, nil, []probe.Edge{{From: "a", To: "a", Addr: netip.MustParseAddrPort("10.0.77.11:27017")}})[0]
				if took := time.Since(begin); took != test.took || !h.dialled.Equal(begin) {
					t.Errorf("took %v and dialled after %v, want %v and at once", took, h.dialled.Sub(begin), test.took)
				}
				s := r.Socket
				if r.Outcome.Kind != probe.Opened || s.State != probe.InUse || errors.Is(s.Err, probe.ErrTooSlow) != (test.slow != "") {
					t.Fatalf("%+v", r)
				}
				if test.slow != "" && (!strings.Contains(s.Err.Error(), "host ") || !strings.Contains(s.Err.Error(), test.slow)) {
					t.Errorf("said: %v", s.Err)
				}
				if h.says != "" && (len(s.Owners) != 1 || s.Owners[0].Program != "mongod" || s.Owners[0].Project != test.project) {
					t.Errorf("owners %+v", s.Owners)
				}
			})
		})
	}
}

// TestBusyDialler: a connection that a busy host did not open in time is tried
// again for as long as it needs; on one at ease, what does not come about within the
// deadline is the network's doing.
func TestBusyDialler(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		answers, dials time.Duration
		kind           probe.Kind
		took           time.Duration
	}{
		"at ease":         {0, 0, probe.Opened, 0},
		"filtered":        {0, time.Hour, probe.NoAnswer, probe.Deadline},
		"slow":            {8 * time.Second, 7 * time.Second, probe.Opened, probe.Deadline + 8*time.Second + 7*time.Second},
		"slow, filtered":  {8 * time.Second, time.Hour, probe.NoAnswer, probe.Deadline + 8*time.Second + probe.Deadline + 8*time.Second},
		"gone":            {time.Hour, time.Hour, probe.CannotTell, probe.Deadline + 15*time.Second},
		"gone for a time": {time.Hour, 7 * time.Second, probe.CannotTell, probe.Deadline + 15*time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				h := &remotetest.Fake{
					Label: "busy",
					OnRun: func(ctx context.Context, _ remote.Command, _ string) (remote.Result, error) {
						return remote.Result{}, after(ctx, test.answers)
					},
					OnDial: func(ctx context.Context, _, _ string) (net.Conn, error) {
						near, far := net.Pipe()
						_ = far.Close()
						return near, after(ctx, test.dials)
					},
				}
				begin := time.Now()
				o := probe.Dial(t.Context(), h, netip.MustParseAddrPort("10.0.77.11:27017"), "")
				if took := time.Since(begin); o.Kind != test.kind || took != test.took {
					t.Errorf("%+v after %v, want %s after %v", o, took, test.kind, test.took)
				}
			})
		})
	}
}

// after returns after a time, or when the context ends with its error.
func after(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
