package steps

import (
	"context"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/rcwizard/rcwizard/check"
	"github.com/rcwizard/rcwizard/remote"
	"github.com/rcwizard/rcwizard/remote/facts"
	"github.com/rcwizard/rcwizard/remote/probe"
	"github.com/rcwizard/rcwizard/workspace"
)

// within is one who looks from the host rc1, and is connected to the hosts.
func within(w workspace.Workspace, connected ...string) *looker {
	l := &looker{
		s: &Site{Workspace: w, Hosts: map[string]remote.Host{}}, logins: map[string][]netip.Addr{}, early: map[string]facts.Facts{},
		owned: map[string]*owned{}, more: make(chan struct{}, 1),
		e: check.Evidence{Names: map[string]check.Name{}, Probes: map[check.Path]check.Probe{}, Outside: outside(w, []netip.Addr{netip.MustParseAddr("10.0.0.11")})},
	}
	for _, name := range check.DomainNames(w) {
		l.e.Names[name] = check.Name{Ports: map[int][]check.Probe{}}
	}
	for _, name := range connected {
		l.s.Hosts[name] = &dialling{}
	}
	return l
}

// private is a place that only hosts of the workspace may reach.
func private(host string, port int) check.Place {
	return check.Place{Host: host, Scope: workspace.ScopePrivate, Port: port}
}

// at gives the host an interface with each of the addresses.
func (l *looker) at(host string, addresses ...string) {
	var f facts.Facts
	for _, a := range addresses {
		f.Addresses = append(f.Addresses, facts.Address{Prefix: netip.MustParsePrefix(a)})
	}
	l.early[host] = f
}

// A place is tried from a host that has no business there, as long as one is
// connected: the firewall lets the others in.
func TestNeighbour(t *testing.T) {
	t.Parallel()
	w := guide().Complete()
	mongo, web := private("db", w.Database.MongoDBPort), private("rc1", w.Instances[0].Port)
	for _, test := range []struct {
		connected []string
		to        check.Place
		want      string
	}{
		{[]string{"db", "rc1", "rc2", "edge"}, mongo, "edge"},
		{[]string{"db", "rc1", "rc2"}, mongo, "rc1"},
		{[]string{"db", "rc2"}, mongo, "rc2"},
		{[]string{"db"}, mongo, ""},
		{nil, mongo, ""},
		{[]string{"db", "rc1", "rc2", "edge"}, web, "db"},
		{[]string{"rc1", "rc2", "edge"}, web, "rc2"},
		{[]string{"rc1", "edge"}, web, "edge"},
	} {
		if got, found := within(w, test.connected...).neighbour(test.to); got != test.want || found != (test.want != "") {
			t.Errorf("%s is tried from %q (%t), not %q, where %v are connected", test.to.Host, got, found, test.want, test.connected)
		}
	}
}

// Public are the addresses that the internet routes, each once, whatever tells of
// it; where the services are meant to listen is none of them.
func TestPublic(t *testing.T) {
	t.Parallel()
	w := guide().Complete()
	w.Hosts[0].PrivateIP = "198.51.100.4" // some have nothing else
	l := within(w)
	l.logins["db"] = []netip.Addr{netip.MustParseAddr("203.0.113.5"), netip.MustParseAddr("10.0.0.10")}
	l.at("db", "127.0.0.1/8", "::1/128", "10.0.0.10/24", "100.64.1.1/10", "198.51.100.4/24", "::ffff:203.0.113.5/120", "203.0.113.6/24", "fd00::10/64", "fe80::1/64", "2001:db8::10/64")
	want := []netip.Addr{netip.MustParseAddr("203.0.113.5"), netip.MustParseAddr("203.0.113.6"), netip.MustParseAddr("2001:db8::10")}
	if diff := cmp.Diff(want, l.public("db"), cmp.Comparer(func(x, y netip.Addr) bool { return x == y })); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if got := l.public("rc1"); len(got) > 0 {
		t.Errorf("a host of which nothing is known is at %v", got)
	}
	many := make([]string, 0, 2*mostAddresses)
	for i := range 2 * mostAddresses {
		many = append(many, fmt.Sprintf("203.0.113.%d/24", i+1))
	}
	l.at("rc2", many...)
	if got := len(l.public("rc2")); got != mostAddresses {
		t.Errorf("%d addresses are tried", got)
	}
}

// From a host of the cluster the ports of the others are tried at their public
// addresses, from another host, and what answers is asked who it is.
func TestNearby(t *testing.T) {
	t.Parallel()
	w := guide().Complete()
	mongo, nats := private("db", w.Database.MongoDBPort), private("db", w.Database.NATSPort)
	skipped := fmt.Sprintf("exposure:db:%d", nats.Port)
	l := within(w, "db", "rc1", "rc2", "edge")
	l.o.Skips = []string{skipped}
	l.at("db", "10.0.0.10/24", "203.0.113.5/24", "2001:db8::10/64")
	p := l.plan()

	tried := map[int][]string{}
	for i, e := range p.edges {
		if !check.IsPublic(e.Addr.Addr()) {
			continue
		}
		if e.To != "db" || check.MustReach(w, e.From, private("db", int(e.Addr.Port()))) {
			t.Errorf("%s, which is let in, tries %s, of %q", e.From, e.Addr, e.To)
		}
		tried[int(e.Addr.Port())] = append(tried[int(e.Addr.Port())], e.Addr.Addr().String())
		kind := probe.NoAnswer
		if e.Addr.Port() == uint16(mongo.Port) && e.Addr.Addr().Is6() {
			kind = probe.Opened
		}
		p.take[i](probeOf(probe.Result{Edge: e, Outcome: probe.Outcome{Kind: kind}}))
	}
	if diff := cmp.Diff([]string{"203.0.113.5", "2001:db8::10"}, tried[mongo.Port]); diff != "" {
		t.Errorf("MongoDB is tried at (-want +got):\n%s", diff)
	}
	if got := tried[nats.Port]; len(got) > 0 {
		t.Errorf("%s is skipped, and tried at %v", skipped, got)
	}

	answer := func(address string, said check.ServiceAnswer) {
		i := slices.IndexFunc(p.asks, func(a ask) bool { return a.addr == address })
		if i < 0 {
			t.Fatalf("nobody is asked at %s", address)
		}
		if a := p.asks[i]; a.from != "edge" || a.place != mongo || p.edges[a.edge].Addr.String() != address {
			t.Errorf("at %s %+v is asked", address, a)
		}
		p.asks[i].take(said)
	}
	six := netip.AddrPortFrom(netip.MustParseAddr("2001:db8::10"), uint16(mongo.Port)).String()
	answer(six, check.ServiceRight)
	answer(fmt.Sprintf("203.0.113.5:%d", mongo.Port), check.ServiceWrong) // of a way that was not the best
	want := check.Nearby{From: "edge", Probe: check.Probe{Address: six, Outcome: check.OutcomeOpened, Service: check.ServiceRight}}
	if diff := cmp.Diff(want, l.e.Outside.Nearby[mongo]); diff != "" {
		t.Errorf("MongoDB, nearby (-want +got):\n%s", diff)
	}

	l.o.Skips = []string{"exposure"}
	for _, e := range l.plan().edges {
		if check.IsPublic(e.Addr.Addr()) {
			t.Errorf("exposure is skipped, and %s tried", e.Addr)
		}
	}
}

// Who is outside tries the ports itself, and has no host try them.
func TestNearbyFromOutside(t *testing.T) {
	t.Parallel()
	w := guide().Complete()
	l := within(w, "db", "rc1", "rc2", "edge")
	l.e.Outside = outside(w, []netip.Addr{netip.MustParseAddr("192.0.2.1")})
	l.at("db", "203.0.113.5/24")
	for _, e := range l.plan().edges {
		if e.From != check.World && check.IsPublic(e.Addr.Addr()) {
			t.Errorf("%s tries %s", e.From, e.Addr)
		}
	}
}

// telling is a host that tells of itself, or never comes to it.
type telling struct {
	remote.Host
	name, address string
	slow          bool
	asked         atomic.Int32
}

func (h *telling) Name() string { return h.name }

func (h *telling) Stream(ctx context.Context, _ remote.Command, emit func(remote.Line)) (remote.Result, error) {
	h.asked.Add(1)
	if h.slow {
		<-ctx.Done()
		return remote.Result{}, context.Cause(ctx)
	}
	for line := range strings.Lines("@= machine x86_64\n@@ addresses\n1: eth0    inet " + h.address + " brd 203.0.113.255 scope global eth0\n@@ end\n") {
		emit(remote.Line{Text: strings.TrimSuffix(line, "\n")})
	}
	return remote.Result{}, nil
}

// The hosts are asked for their addresses where those are tried, once, and not for
// longer than a connection may take twice.
func TestAddresses(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := guide().Complete()
		db, slow := &telling{name: "db", address: "203.0.113.5/24"}, &telling{name: "rc1", slow: true}
		l := within(w)
		l.s.Hosts = map[string]remote.Host{"db": db, "rc1": slow}
		begin := time.Now()
		l.addresses(t.Context())
		if took := time.Since(begin); took != 2*probe.Deadline {
			t.Errorf("took %s", took)
		}
		if got := l.public("db"); len(got) != 1 || got[0] != netip.MustParseAddr("203.0.113.5") {
			t.Errorf("db is at %v", got)
		}
	})
}

// What a host has told is not asked again; what it has not, is.
func TestGatheredOnce(t *testing.T) {
	t.Parallel()
	w := guide().Complete()
	db, rc1 := &telling{name: "db", address: "203.0.113.5/24"}, &telling{name: "rc1", address: "203.0.113.6/24"}
	look := func(l *looker, h *telling) {
		f, err := l.gather(t.Context(), h)
		if err != nil || len(f.Addresses) != 1 {
			t.Errorf("%+v, %v", f, err)
		}
	}
	for name, test := range map[string]struct {
		prepare func(*looker)
		before  int32 // how often each is asked before the ports are tried
	}{
		"from within":          {func(*looker) {}, 1},
		"from outside":         {func(l *looker) { l.e.Outside.Inside = "" }, 0},
		"exposure is left out": {func(l *looker) { l.o.Skips = []string{"exposure"} }, 0},
		"nobody else is there": {func(l *looker) { delete(l.s.Hosts, "rc1") }, 0},
	} {
		db.asked.Store(0)
		rc1.asked.Store(0)
		l := within(w)
		l.s.Hosts = map[string]remote.Host{"db": db, "rc1": rc1}
		test.prepare(l)
		l.addresses(t.Context())
		if got := db.asked.Load(); got != test.before {
			t.Errorf("%s: asked %d times for the addresses", name, got)
		}
		look(l, db)
		if got := db.asked.Load(); got != 1 {
			t.Errorf("%s: asked %d times in all", name, got)
		}
	}
}
