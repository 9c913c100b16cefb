package steps

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/rcwizard/rcwizard/check"
	"github.com/rcwizard/rcwizard/remote"
	"github.com/rcwizard/rcwizard/remote/facts"
	"github.com/rcwizard/rcwizard/remote/probe"
	"github.com/rcwizard/rcwizard/remote/remotetest"
	"github.com/rcwizard/rcwizard/workspace"
	"github.com/rcwizard/rcwizard/workspace/release"
)

func TestProbeOf(t *testing.T) {
	t.Parallel()
	addr := netip.MustParseAddrPort("10.0.0.10:27017")
	for _, test := range []struct {
		outcome probe.Outcome
		by      string
		want    check.Probe
	}{
		{probe.Outcome{Kind: probe.Answered, Via: "dial", Took: time.Second}, "", check.Probe{Outcome: check.OutcomeNonce, How: "through sshd", After: time.Second}},
		{probe.Outcome{Kind: probe.Opened}, "", check.Probe{Outcome: check.OutcomeOpened}},
		{probe.Outcome{Kind: probe.Other, Heard: "SSH-2.0"}, "", check.Probe{Outcome: check.OutcomeOther, Detail: "SSH-2.0"}},
		{probe.Outcome{Kind: probe.Other, Heard: "RCWZ x"}, "rc2", check.Probe{Outcome: check.OutcomeOther, Detail: "the host rc2"}},
		{probe.Outcome{Kind: probe.Silent}, "", check.Probe{Outcome: check.OutcomeSilence}},
		{probe.Outcome{Kind: probe.Refused, Via: "bash"}, "", check.Probe{Outcome: check.OutcomeRefused, How: "with bash"}},
		{probe.Outcome{Kind: probe.Unreachable, Words: "No route to host"}, "", check.Probe{Outcome: check.OutcomeUnreachable, Detail: "No route to host"}},
		{probe.Outcome{Kind: probe.NoRoute}, "", check.Probe{Outcome: check.OutcomeNoRoute}},
		{probe.Outcome{Kind: probe.NoAnswer}, "", check.Probe{Outcome: check.OutcomeTimeout}},
		{probe.Outcome{Kind: probe.CannotTell, Err: errors.New("lost")}, "", check.Probe{Outcome: check.OutcomeCannotTell, Detail: "lost"}},
		{probe.Outcome{Kind: probe.CannotTell, Words: "no", Err: &remote.DialError{Kind: remote.DialProhibited}}, "", check.Probe{Outcome: check.OutcomeProhibited, Detail: "no"}},
	} {
		test.want.Address = addr.String()
		got := probeOf(probe.Result{Edge: probe.Edge{From: "rc1", To: "db", Addr: addr}, Outcome: test.outcome, By: test.by})
		if diff := cmp.Diff(test.want, got); diff != "" {
			t.Errorf("%+v (-want +got):\n%s", test.outcome, diff)
		}
	}
	gone := probe.Result{Outcome: probe.Outcome{Kind: probe.CannotTell, Err: probe.ErrNotConnected}}
	if got := probeOf(gone); got != (check.Probe{}) {
		t.Errorf("a host without a connection was tried: %+v", got)
	}
}

// Another machine at the same private address, near the operator, exposes
// nothing; a port of which only is known that it is open may be the host's.
func TestFromOutside(t *testing.T) {
	t.Parallel()
	for outcome, want := range map[check.Outcome]check.Outcome{
		check.OutcomeNonce: check.OutcomeNonce, check.OutcomeOpened: check.OutcomeOpened, check.OutcomeTimeout: check.OutcomeTimeout,
		check.OutcomeOther: check.OutcomeNoRoute, check.OutcomeSilence: check.OutcomeNoRoute,
	} {
		if got := fromOutside(check.Probe{Outcome: outcome}, true); got.Outcome != want {
			t.Errorf("%s is taken for %s, not %s", outcome, got.Outcome, want)
		}
	}
	if got := fromOutside(check.Probe{Outcome: check.OutcomeTimeout}, false); got.Outcome != check.OutcomeNoRoute {
		t.Errorf("that nothing came from an address that does not lead to the host is taken for %s", got.Outcome)
	}
}

// A host that the workspace names by its DNS name is known outside by the
// addresses of that: to them its ports must be closed, and there is the proxy.
func TestExposureByName(t *testing.T) {
	t.Parallel()
	w := guide().Complete()
	proxy := w.ProxyHost()
	for i := range w.Hosts {
		w.Hosts[i].Address = w.Hosts[i].Name + ".example.net"
	}
	w.Hosts[1].SSH.ProxyJump = "jump"
	public := netip.MustParseAddr("203.0.113.7")
	l := &looker{
		s: &Site{Workspace: w}, logins: map[string][]netip.Addr{}, owned: map[string]*owned{}, more: make(chan struct{}, 1),
		e: check.Evidence{Names: map[string]check.Name{}, Outside: check.Outside{Vantage: "this machine", Probes: map[check.Place]check.Probe{}}},
		o: Looking{Lookup: func(_ context.Context, name string) ([]netip.Addr, error) {
			switch name {
			case w.Hosts[2].Address:
				return nil, errors.New("no such name")
			case w.Domain:
				return []netip.Addr{netip.MustParseAddr("104.16.0.1")}, nil // somebody in front
			}
			return []netip.Addr{public}, nil
		}},
	}
	l.names(t.Context())
	outside := map[string][]netip.Addr{}
	for _, e := range l.plan().edges {
		if e.From == check.World && !slices.Contains(outside[e.To], e.Addr.Addr()) {
			outside[e.To] = append(outside[e.To], e.Addr.Addr())
		}
	}
	for i, h := range w.Hosts {
		if got := slices.Contains(outside[h.Name], public); got != (i == 0 || i > 2) {
			t.Errorf("%s is tried at %v", h.Name, outside[h.Name])
		}
		if got := l.reaches(h); got != (i == 0 || i > 2) {
			t.Errorf("%s is reached from outside: %t", h.Name, got)
		}
	}
	if at, ok := l.proxyAddress(); !ok || at != public {
		t.Errorf("the proxy's host %s is at %v", proxy.Name, at)
	}
}

// From a host of the cluster the domain's public address is tried as well: a router
// that sends the connection back proves that the address is the proxy's.
func TestHairpin(t *testing.T) {
	t.Parallel()
	w := guide().Complete()
	public := netip.MustParseAddr("203.0.113.7")
	for outcome, want := range map[probe.Kind][]netip.Addr{probe.Answered: {public}, probe.NoAnswer: nil, probe.Other: nil} {
		l := &looker{
			s: &Site{Workspace: w}, logins: map[string][]netip.Addr{}, owned: map[string]*owned{}, more: make(chan struct{}, 1),
			e: check.Evidence{Names: map[string]check.Name{}, Probes: map[check.Path]check.Probe{}, Outside: check.Outside{Inside: "this machine is the host rc1", Probes: map[check.Place]check.Probe{}}},
			o: Looking{Lookup: func(context.Context, string) ([]netip.Addr, error) {
				return []netip.Addr{public, netip.MustParseAddr("10.0.0.13")}, nil
			}},
		}
		l.names(t.Context())
		p := l.plan()
		tried := 0
		for i, e := range p.edges {
			if e.From == check.World {
				tried++
				p.take[i](probeOf(probe.Result{Edge: e, Outcome: probe.Outcome{Kind: outcome}}))
				p.take[i](probeOf(probe.Result{Edge: e, Outcome: probe.Outcome{Kind: outcome}}))
			}
		}
		if diff := cmp.Diff(want, l.e.Names[w.Domain].Public, cmp.Comparer(func(x, y netip.Addr) bool { return x == y })); diff != "" || tried != 2 {
			t.Errorf("%s over %d ways (-want +got):\n%s", outcome, tried, diff)
		}
	}
}

func TestListenerOf(t *testing.T) {
	t.Parallel()
	ours := probe.Owner{PID: 7, Program: "mongod", Container: "mongodb-1", Project: "database"}
	theirs := probe.Owner{PID: 8, Program: "mongod"}
	inside := probe.Owner{PID: 9, Program: "mongod", ContainerID: "4711"}
	for name, test := range map[string]struct {
		socket probe.Socket
		want   check.Listener
	}{
		"free":          {probe.Socket{State: probe.Listening}, check.Listener{Result: check.ListenReady}},
		"ours":          {probe.Socket{State: probe.InUse, Owners: []probe.Owner{ours}}, check.Listener{Result: check.ListenInUse, Owner: check.OwnerUs, PID: 7, Program: "mongod", Container: "mongodb-1", Project: "database"}},
		"another":       {probe.Socket{State: probe.InUse, Owners: []probe.Owner{ours, theirs}}, check.Listener{Result: check.ListenInUse, Owner: check.OwnerOther, PID: 8, Program: "mongod"}},
		"no receipt":    {probe.Socket{State: probe.InUse, Owners: []probe.Owner{{PID: 9, Project: "shop"}}}, check.Listener{Result: check.ListenInUse, Owner: check.OwnerOther, PID: 9, Project: "shop"}},
		"nobody":        {probe.Socket{State: probe.InUse}, check.Listener{Result: check.ListenInUse}},
		"not seen":      {probe.Socket{State: probe.InUse, Owners: []probe.Owner{{Listens: true}}}, check.Listener{Result: check.ListenInUse}},
		"too slow":      {probe.Socket{State: probe.InUse, Err: probe.ErrTooSlow}, check.Listener{Result: check.ListenInUse, Owner: check.OwnerLate, Detail: probe.ErrTooSlow.Error()}},
		"late name":     {probe.Socket{State: probe.InUse, Err: probe.ErrTooSlow, Owners: []probe.Owner{inside}}, check.Listener{Result: check.ListenInUse, Owner: check.OwnerLate, PID: 9, Program: "mongod", Detail: probe.ErrTooSlow.Error()}},
		"late, another": {probe.Socket{State: probe.InUse, Err: probe.ErrTooSlow, Owners: []probe.Owner{inside, theirs}}, check.Listener{Result: check.ListenInUse, Owner: check.OwnerOther, PID: 8, Program: "mongod", Detail: probe.ErrTooSlow.Error()}},
		"no such name":  {probe.Socket{State: probe.InUse, Owners: []probe.Owner{inside}}, check.Listener{Result: check.ListenInUse, Owner: check.OwnerOther, PID: 9, Program: "mongod"}},
		"unread":        {probe.Socket{State: probe.InUse, Owners: []probe.Owner{ours, {PID: 9, Project: "chat-proxy"}}}, check.Listener{Result: check.ListenInUse, Owner: check.OwnerUnread, PID: 9, Project: "chat-proxy"}},
		"no permission": {probe.Socket{State: probe.NotPermitted, Words: "Permission denied"}, check.Listener{Result: check.ListenNoPermission, Detail: "Permission denied"}},
		"vacant":        {probe.Socket{State: probe.NotPermitted, Vacant: true}, check.Listener{Result: check.ListenVacant}},
		"not there":     {probe.Socket{State: probe.NotOnHost}, check.Listener{Result: check.ListenNotOnHost}},
		"no tool":       {probe.Socket{State: probe.NoTool}, check.Listener{Result: check.ListenNoTool}},
		"lost":          {probe.Socket{State: probe.Lost, Err: errors.New("gone")}, check.Listener{Result: check.ListenFailed, Detail: "gone"}},
		"not connected": {probe.Socket{State: probe.Unknown, Err: probe.ErrNotConnected}, check.Listener{}},
	} {
		if diff := cmp.Diff(test.want, listenerOf(test.socket, owned{ours: []string{"database"}, unread: []string{"chat-proxy"}})); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

func TestUnconnected(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		err  error
		want check.Connection
	}{
		{nil, ""},
		{&remote.UnknownHostKeyError{Fingerprint: "SHA256:x"}, check.ConnKeyUnknown},
		{&remote.ChangedHostKeyError{}, check.ConnKeyChanged},
		{&remote.RevokedHostKeyError{}, check.ConnKeyChanged},
		{&remote.AuthError{Err: errors.New("no")}, check.ConnAuth},
		{&remote.PassphraseNeededError{}, check.ConnAuth},
		{&remote.ConnectError{Kind: remote.DialFiltered, Err: errors.New("no")}, check.ConnUnreachable},
		{&remote.ConnectError{Kind: remote.DialFailed, Err: errors.New("no")}, check.ConnFailed},
		{errors.New("else"), check.ConnFailed},
	} {
		if got := unconnected(test.err); got.Connection != test.want {
			t.Errorf("%v: %s, not %s", test.err, got.Connection, test.want)
		}
	}
}

func TestImageState(t *testing.T) {
	t.Parallel()
	for kind, want := range map[remote.PullKind]check.ImageState{
		remote.PullNoImage: check.ImageMissing, remote.PullNoTag: check.ImageMissing, remote.PullDenied: check.ImageDenied,
		remote.PullRateLimit: check.ImageLimited, remote.PullUnreachable: check.ImageUnreachable,
		remote.PullNoPlatform: check.ImageArch, remote.PullFailed: "",
	} {
		if got := imageState(kind); got != want {
			t.Errorf("%s: %q, not %q", kind, got, want)
		}
	}
	missing := check.Image{Ref: "docker.io/library/mongo:8.0", State: check.ImagePullable}
	if n, known := toStore([]check.Image{missing, {State: check.ImagePresent}}); n != roomMongoDB || !known {
		t.Errorf("room for MongoDB: %d, %t", n, known)
	}
	if _, known := toStore([]check.Image{missing, {}}); known {
		t.Error("the room for an image that nobody asked for is known")
	}
}

func TestMembersOf(t *testing.T) {
	t.Parallel()
	for url, want := range map[string][]string{
		"mongodb://u:p%40@db1:27017,db2:27018/rocketchat?replicaSet=rs0": {"db1:27017", "db2:27018"},
		"mongodb://db1,[fd00::1]:27019/?tls=true":                        {"db1:27017", "[fd00::1]:27019"},
		"mongodb://": nil,
	} {
		got, options := membersOf(t.Context(), url)
		if diff := cmp.Diff(want, got); diff != "" || (options == "&tls=true") != strings.Contains(url, "tls=true") {
			t.Errorf("%s: options %q (-want +got):\n%s", url, options, diff)
		}
	}
}

func TestOutside(t *testing.T) {
	t.Parallel()
	w := guide().Complete()
	if o := outside(w, []netip.Addr{netip.MustParseAddr("192.0.2.1")}); o.Inside != "" || o.Vantage == "" {
		t.Errorf("a stranger: %+v", o)
	}
	if o := outside(w, []netip.Addr{netip.MustParseAddr("10.0.0.11")}); !strings.Contains(o.Inside, "rc1") || o.Vantage != "" {
		t.Errorf("the host rc1: %+v", o)
	}
}

// box is a workspace on one host that is this machine, reached through a server
// of the test's own, at ports that are free.
func box(t *testing.T) *Site {
	t.Helper()
	free := make([]int, 0, 8)
	for range 8 {
		l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = l.Close() }()
		at, _ := netip.ParseAddrPort(l.Addr().String())
		free = append(free, int(at.Port()))
	}
	w := workspace.Workspace{
		Version: workspace.Version, Domain: "chat.example.com", Email: "ops@example.com", Release: "8.9.1",
		Directory: t.TempDir() + "/rcwizard",
		Hosts:     []workspace.Host{{Name: "box", Address: "192.0.2.1", PrivateIP: "127.0.0.9"}},
		Database:  workspace.Database{Host: "box", MongoDBPort: free[0], NATSPort: free[1]},
		Proxy:     workspace.Proxy{Host: "box", HTTPPort: free[2], HTTPSPort: free[3]},
		Instances: []workspace.Instance{{Host: "box", Port: free[4], MetricsPort: free[5]}, {Host: "box", Port: free[6], MetricsPort: free[7]}},
	}.Complete()
	s := &Site{Workspace: w, Hosts: map[string]remote.Host{"box": remotetest.NewServer(t, remotetest.Options{}).Connect(t)}}
	s.View = ViewFrom(w, s.Hosts, nil, nil)
	return s
}

// What is there is found, what is skipped is not tried, and a host that is not
// connected is told as that.
func TestCheck(t *testing.T) {
	t.Parallel()
	s := box(t)
	w := s.Workspace
	at := netip.AddrPortFrom(netip.MustParseAddr("127.0.0.9"), uint16(w.Database.NATSPort)).String()
	stranger, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", at)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = stranger.Close() }()
	mongo := strconv.Itoa(w.Database.MongoDBPort)
	skips := []string{"port:box:box:" + strconv.Itoa(w.Instances[0].Port), "exposure", "domain:" + w.Domain + ":caa"}
	e := Check(t.Context(), s, Looking{
		Skips: skips, Addresses: []netip.Addr{netip.MustParseAddr("192.0.2.1")},
		Lookup: func(context.Context, string) ([]netip.Addr, error) {
			return []netip.Addr{netip.MustParseAddr("::ffff:192.0.2.1"), netip.MustParseAddr("192.0.2.1")}, nil
		},
		Published: func(context.Context, release.Release) (release.Published, error) {
			return release.Published{}, release.ErrNoSuchRelease
		},
	})
	got := check.Judge(w, e, skips)
	kinds := map[string]check.Kind{}
	for _, f := range got.Findings {
		kinds[f.ID] = f.Kind
	}
	for id, want := range map[string]check.Kind{
		"host:box:ssh":                "ssh-connected",
		"host:box:clock":              "clock-right",
		"listen:box:" + mongo:         "listen-free",
		"loopback:box:" + mongo:       "listen-free",
		"port:box:box:" + mongo:       "port-open",
		skips[0]:                      "port-not-tried",
		"release:exists":              "release-missing",
		"domain:" + w.Domain + ":dns": "dns-right",
		"port:world:box:" + strconv.Itoa(w.Proxy.HTTPPort): "world-no-vantage",
	} {
		if kinds[id] != want {
			t.Errorf("%s is %q, not %q", id, kinds[id], want)
		}
	}
	held := kinds["listen:box:"+strconv.Itoa(w.Database.NATSPort)]
	if !slices.Contains([]check.Kind{"listen-taken", "listen-taken-unnamed"}, held) {
		t.Errorf("a port that somebody has is %q", held)
	}
	if len(got.UnknownSkips) > 0 {
		t.Errorf("skips that name nothing: %v", got.UnknownSkips)
	}

	s.Hosts = map[string]remote.Host{}
	e = Check(t.Context(), s, Looking{Unreachable: map[string]error{"box": &remote.AuthError{Err: errors.New("no")}}})
	for _, f := range check.Judge(w, e, nil).Findings {
		if f.ID == "host:box:ssh" && f.Kind != "ssh-not-let-in" || f.Host == "box" && f.Verdict == check.Pass {
			t.Errorf("a host that lets nobody in: %s is %s", f.ID, f.Kind)
		}
	}
}

func TestHostOf(t *testing.T) {
	t.Parallel()
	f := facts.Facts{
		CPUKnown: true, Clock: time.Now(), OffsetError: time.Millisecond, Tools: map[string]bool{"nft": true}, Firewalls: []string{"nftables"}, FirewallSeen: true,
		Addresses: []facts.Address{{Prefix: netip.MustParsePrefix("10.0.0.10/24")}},
	}
	h := hostOf(f)
	if h.AVX != check.No || !h.ClockKnown || h.SELinux != "none" || !slices.Equal(h.Firewall.Active, []check.FirewallKind{check.NFTables}) ||
		!slices.Equal(h.Firewall.Installed, []check.FirewallKind{check.NFTables}) || !slices.Equal(h.Addresses, []netip.Addr{netip.MustParseAddr("10.0.0.10")}) {
		t.Errorf("%+v", h)
	}
	if h := hostOf(facts.Facts{}); h.AVX != check.NotKnown || h.ClockKnown {
		t.Errorf("of a host that says nothing: %+v", h)
	}
}
