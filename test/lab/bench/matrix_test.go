package bench

import (
	"context"
	"fmt"
	"net/netip"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/rcwizard/rcwizard/remote"
	"github.com/rcwizard/rcwizard/remote/facts"
	"github.com/rcwizard/rcwizard/remote/probe"
	"github.com/rcwizard/rcwizard/remote/remotetest"
	"github.com/rcwizard/rcwizard/test/lab"
)

// BenchmarkMatrix proves every connection among ten hosts, each of which dials
// two ports of each, itself included; and does the same, with the facts of each
// host, on fifty SSH servers within this process, of which every fifth dials.
// What those hosts would do for their facts is done once and then said again.
func BenchmarkMatrix(b *testing.B) {
	b.Run("ten", tenHosts)
	b.Run("fifty", fiftyHosts)
}

func tenHosts(b *testing.B) {
	options := lab.Options{Name: "matrix", Bare: true}
	for i := range hosts {
		options.Hosts = append(options.Hosts, lab.HostOptions{Name: fmt.Sprintf("h%d", i), NoDocker: true})
	}
	f := lab.Up(b, options)
	all := map[string]probe.Host{}
	for _, h := range f.Hosts() {
		all[h.Name()] = connected(b, f, h)
	}
	edges := make([]probe.Edge, 0, 2*hosts*hosts)
	for from := range hosts {
		for to := range hosts {
			h := f.Host(fmt.Sprintf("h%d", to))
			for port := range uint16(2) {
				edges = append(edges, probe.Edge{From: fmt.Sprintf("h%d", from), To: h.Name(), Addr: netip.AddrPortFrom(h.Address(), 3000+port)})
			}
		}
	}
	round, matrix := &series{name: "one command on each"}, &series{name: fmt.Sprintf("the matrix, %d connections", len(edges))}
	alive(b, all)
	proven(b, all, edges) // the first also loads the hosts' interpreters
	calm(b, runtime.NumCPU())
	for range 9 {
		round.add(during(func() { alive(b, all) }), 0)
		matrix.add(during(func() { proven(b, all, edges) }), 0)
	}
	report("Ten connected hosts, all ports open", round, matrix)
}

func fiftyHosts(b *testing.B) {
	const many = 50
	all := map[string]probe.Host{}
	for n := range many {
		all[fmt.Sprintf("h%d", n)] = remotetest.NewServer(b, remotetest.Options{}).Connect(b)
	}
	var edges []probe.Edge
	for from := 0; from < many; from += 5 {
		for to := range many {
			for port := range uint16(2) {
				edges = append(edges, probe.Edge{
					From: fmt.Sprintf("h%d", from), To: fmt.Sprintf("h%d", to),
					Addr: netip.AddrPortFrom(netip.AddrFrom4([4]byte{127, 2, 0, byte(to + 1)}), 23000+port),
				})
			}
		}
	}
	// What fifty hosts do at once, each for itself, this machine would do alone.
	said := &recorded{Host: all["h0"]}
	if _, err := facts.Gather(b.Context(), said, dir); err != nil {
		b.Fatal(err)
	}
	round, both := &series{name: "one command on each"}, &series{name: fmt.Sprintf("facts, and %d connections", len(edges))}
	alive(b, all)
	proven(b, all, edges)
	calm(b, runtime.NumCPU())
	for range 7 {
		round.add(during(func() { alive(b, all) }), 0)
		both.add(during(func() {
			var wg sync.WaitGroup
			wg.Go(func() { proven(b, all, edges) })
			each(b, all, func(ctx context.Context, h probe.Host) error {
				_, err := facts.Gather(ctx, replayed{h, said.output}, dir)
				return err
			})
			wg.Wait()
		}), 0)
	}
	report("Fifty connected SSH servers within this process (aim: under 2 s)", round, both)
	if both.median() > 2*time.Second {
		sayf("the facts and connections of fifty hosts take longer than 2 s\n")
	}
}

// dir is where the facts are asked for.
const dir = "/opt/rocketchat"

// recorded keeps what a host said.
type recorded struct {
	probe.Host
	output string
}

// Stream runs the command.
func (r *recorded) Stream(ctx context.Context, c remote.Command, emit func(remote.Line)) (remote.Result, error) {
	var out strings.Builder
	res, err := r.Host.Stream(ctx, c, func(line remote.Line) {
		if !line.Stderr {
			out.WriteString(line.Text + "\n")
		}
		emit(line)
	})
	r.output = out.String()
	return res, err
}

// replayed is a host that says over its connection what another said.
type replayed struct {
	probe.Host
	output string
}

// Stream says it.
func (r replayed) Stream(ctx context.Context, _ remote.Command, emit func(remote.Line)) (remote.Result, error) {
	return r.Host.Stream(ctx, remote.Command{Script: "cat", Stdin: strings.NewReader(r.output)}, emit)
}

func during(f func()) time.Duration {
	begin := time.Now()
	f()
	return time.Since(begin)
}

// each does something on all hosts at once.
func each(b *testing.B, all map[string]probe.Host, what func(context.Context, probe.Host) error) {
	b.Helper()
	var wg sync.WaitGroup
	for _, h := range all {
		wg.Go(func() {
			if err := what(b.Context(), h); err != nil {
				b.Error(err)
			}
		})
	}
	wg.Wait()
}

// alive runs a command that does nothing on every host.
func alive(b *testing.B, all map[string]probe.Host) {
	b.Helper()
	each(b, all, probe.Alive)
}

// proven runs the matrix; all of it has to be open.
func proven(b *testing.B, all map[string]probe.Host, edges []probe.Edge) {
	b.Helper()
	for _, r := range probe.Matrix(b.Context(), all, nil, edges) {
		if r.Outcome.Kind != probe.Answered {
			b.Errorf("%+v", r)
		}
	}
}

// connected logs in to a host of the fleet from this process.
func connected(b *testing.B, f *lab.Fleet, host *lab.Host) *remote.SSH {
	b.Helper()
	at := host.Relay(b, 22)
	key, err := host.HostKey()
	if err != nil {
		b.Fatal(err)
	}
	h, err := remote.Connect(b.Context(), remote.Target{
		Name: host.Name(), Address: at.Addr().String(), Port: int(at.Port()), User: lab.Root,
		IdentityFile: f.KeyFile(), HostKey: key, SSHConfig: "none", KnownHosts: []string{filepath.Join(b.TempDir(), "known_hosts")},
	})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = h.Close() })
	return h
}
