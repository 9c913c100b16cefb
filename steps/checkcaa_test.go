package steps

import (
	"context"
	"net"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/miekg/dns"

	"github.com/rcwizard/rcwizard/check"
	"github.com/rcwizard/rcwizard/remote/remotetest"
)

// zone is a name server with the CAA records of each name, as in a zone file.
type zone struct {
	records map[string][]string
	// codes are what other names are answered with.
	codes map[string]int
	// mute names get no answer, and short ones are cut off over UDP.
	mute, short string

	mu    sync.Mutex
	asked []string // network and name
}

// ServeDNS answers.
func (z *zone) ServeDNS(w dns.ResponseWriter, question *dns.Msg) {
	name, network := question.Question[0].Name, w.LocalAddr().Network()
	z.mu.Lock()
	z.asked = append(z.asked, network+" "+name)
	z.mu.Unlock()
	if name == z.mute {
		return
	}
	m := new(dns.Msg)
	m.SetRcode(question, z.codes[name])
	for _, r := range z.records[name] {
		rr, err := dns.NewRR(name + " 300 IN " + r)
		if err != nil {
			panic(err)
		}
		m.Answer = append(m.Answer, rr)
	}
	if name == z.short && network == "udp" {
		m.Answer, m.Truncated = nil, true
	}
	_ = w.WriteMsg(m)
}

// serve starts the name server, over UDP and TCP on one port.
func (z *zone) serve(t *testing.T) netip.AddrPort {
	t.Helper()
	for {
		l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		p, err := (&net.ListenConfig{}).ListenPacket(t.Context(), "udp", l.Addr().String())
		if err != nil { // somebody has that one
			_ = l.Close()
			continue
		}
		for _, s := range []*dns.Server{{Listener: l, Handler: z}, {PacketConn: p, Handler: z}} {
			started := make(chan struct{})
			s.NotifyStartedFunc = func() { close(started) }
			go func() { _ = s.ActivateAndServe() }()
			<-started
			t.Cleanup(func() { _ = s.ShutdownContext(context.WithoutCancel(t.Context())) })
		}
		return netip.MustParseAddrPort(l.Addr().String())
	}
}

func TestCAA(t *testing.T) {
	t.Parallel()
	z := &zone{
		records: map[string][]string{
			"chat.own.test.":   {`CAA 0 issue "letsencrypt.org"`, `CAA 0 issuewild ";"`, `CAA 0 iodef "mailto:ops@own.test"`},
			"own.test.":        {`CAA 0 issue "ca.example.net"`},
			"above.test.":      {`CAA 0 issue "ca.example.net; policy=ev"`, `CAA 0 issue "pki.goog"`},
			"chat.iodef.test.": {`CAA 0 iodef "mailto:ops@iodef.test"`},
			"iodef.test.":      {`CAA 0 issue ";"`}, // not asked: the name itself has records
			"nobody.test.":     {`CAA 128 ISSUE ";"`},
			"strict.test.":     {`CAA 128 tbs "unknown"`, `CAA 0 issue "letsencrypt.org"`},
			"loose.test.":      {`CAA 0 tbs "unknown"`},
			"long.test.":       {`CAA 0 issue "letsencrypt.org"`},
		},
		codes: map[string]int{"chat.fails.test.": dns.RcodeServerFailure, "absent.test.": dns.RcodeNameError, "chat.absent.test.": dns.RcodeNameError},
		mute:  "chat.mute.test.", short: "long.test.",
	}
	server := z.serve(t)
	overSSH := remotetest.NewServer(t, remotetest.Options{}).Connect(t)
	for name, want := range map[string]check.CAA{
		"chat.own.test":    {State: check.LookupFound, At: "chat.own.test", Issuers: []string{"letsencrypt.org"}},
		"Chat.Own.Test":    {State: check.LookupFound, At: "chat.own.test", Issuers: []string{"letsencrypt.org"}},
		"chat.above.test":  {State: check.LookupFound, At: "above.test", Issuers: []string{"ca.example.net; policy=ev", "pki.goog"}},
		"chat.iodef.test":  {State: check.LookupNone},
		"nobody.test":      {State: check.LookupFound, At: "nobody.test", Issuers: []string{";"}},
		"strict.test":      {State: check.LookupFound, At: "strict.test", Issuers: []string{"letsencrypt.org"}, Critical: "tbs"},
		"loose.test":       {State: check.LookupNone},
		"chat.none.test":   {State: check.LookupNone},
		"chat.absent.test": {State: check.LookupNone},
		"a.long.test":      {State: check.LookupFound, At: "long.test", Issuers: []string{"letsencrypt.org"}},
		"chat.fails.test":  {State: check.LookupFailed, Detail: server.String() + ": SERVFAIL for chat.fails.test."},
	} {
		for how, r := range map[string]resolver{
			"from here":   {servers: []netip.AddrPort{server}, dial: (&net.Dialer{}).DialContext},
			"through SSH": {servers: []netip.AddrPort{server}, dial: overSSH.Dial, stream: true},
		} {
			if diff := cmp.Diff(want, r.caa(t.Context(), name)); diff != "" {
				t.Errorf("%s, %s (-want +got):\n%s", name, how, diff)
			}
		}
	}
	silent := resolver{servers: []netip.AddrPort{server}, dial: (&net.Dialer{}).DialContext}
	if got := silent.caa(t.Context(), "chat.mute.test"); got.State != check.LookupFailed || !strings.Contains(got.Detail, server.String()) {
		t.Errorf("of a server that says nothing: %+v", got)
	}
	z.mu.Lock()
	defer z.mu.Unlock()
	count := map[string]int{}
	for _, a := range z.asked {
		count[a]++
	}
	for what, want := range map[string]int{
		"udp long.test.": 1, "tcp long.test.": 2, // what was cut off is asked for again
		"udp chat.mute.test.": 2, "tcp chat.mute.test.": 0, // a lost packet is nobody's answer
		"udp iodef.test.": 0, "udp test.": 2, "tcp test.": 2,
	} {
		if count[what] != want {
			t.Errorf("%s was asked %d times, not %d", what, count[what], want)
		}
	}
}

// A server that fails, or is not there, leaves the question to the next one.
func TestCAANextServer(t *testing.T) {
	t.Parallel()
	bad := (&zone{codes: map[string]int{"chat.own.test.": dns.RcodeRefused}}).serve(t)
	good := (&zone{records: map[string][]string{"chat.own.test.": {`CAA 0 issue "letsencrypt.org"`}}}).serve(t)
	closed := netip.AddrPortFrom(netip.MustParseAddr("127.0.0.1"), 1)
	r := resolver{servers: []netip.AddrPort{closed, bad, good}, dial: (&net.Dialer{}).DialContext}
	if got := r.caa(t.Context(), "chat.own.test"); got.State != check.LookupFound {
		t.Errorf("%+v", got)
	}
}

// No program on a host is needed: this machine's name servers are asked, and the
// hosts' when those give no answer.
func TestCAAByCheck(t *testing.T) {
	t.Parallel()
	s := box(t)
	s.View.Outside = (&net.Dialer{}).DialContext
	server := (&zone{records: map[string][]string{"example.com.": {`CAA 0 issue "ca.example.net"`}}}).serve(t)
	e := Check(t.Context(), s, Looking{
		Skips: []string{"port", "exposure", "listen", "loopback", "host", "image"}, NameServers: []netip.AddrPort{server},
	})
	want := check.CAA{State: check.LookupFound, At: "example.com", Issuers: []string{"ca.example.net"}}
	if diff := cmp.Diff(want, e.Names[s.Workspace.Domain].CAA); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	// Every name server in turn is dead: the check ends all the same.
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	s.Hosts = nil
	e = Check(ctx, s, Looking{NameServers: []netip.AddrPort{netip.AddrPortFrom(netip.MustParseAddr("127.0.0.1"), 1)}, Skips: []string{"port", "exposure"}})
	if got := e.Names[s.Workspace.Domain].CAA; got.State != check.LookupFailed || ctx.Err() != nil {
		t.Errorf("%+v", got)
	}
}

func TestNameServers(t *testing.T) {
	t.Parallel()
	got := NameServers("# nameserver 192.0.2.9\nsearch example.com\nnameserver 192.0.2.1\nnameserver fd00::1\nnameserver nonsense\nnameserver 192.0.2.1\nnameserver\n")
	want := []string{"192.0.2.1:53", "[fd00::1]:53"}
	texts := make([]string, len(got))
	for i, a := range got {
		texts[i] = a.String()
	}
	if diff := cmp.Diff(want, texts); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
