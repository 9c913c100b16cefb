package steps

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/miekg/dns"

	"github.com/rcwizard/rcwizard/check"
	"github.com/rcwizard/rcwizard/cluster"
	"github.com/rcwizard/rcwizard/remote"
)

// answerWithin bounds the wait for one name server's answer to one question.
const answerWithin = 2 * time.Second

// resolver asks name servers: all that a machine is configured with, the next
// one when one does not answer.
type resolver struct {
	servers []netip.AddrPort
	dial    cluster.Dial
	// stream is for a dial that has TCP alone, as SSH forwards.
	stream bool
}

// caa asks who may issue certificates for a name: this machine's name servers,
// and while none of them answers the hosts', from each of them, the proxy's
// first. It needs no program on the hosts.
func (l *looker) caa(ctx context.Context, name string) {
	w := l.s.Workspace
	if !w.TLS.Mode.UsesACME() || l.skips("domain:"+name+":caa") {
		return
	}
	seen, asked := check.CAA{}, false
	if dial := l.s.View.Outside; dial != nil && len(l.o.NameServers) > 0 {
		seen, asked = resolver{servers: l.o.NameServers, dial: dial}.caa(ctx, name), true
	}
	for _, host := range append([]string{w.Proxy.Host}, w.HostNames()...) {
		h, connected := l.s.Hosts[host]
		if asked && seen.State != check.LookupFailed {
			break
		}
		if !connected {
			continue
		}
		res, err := h.Run(ctx, remote.Command{Script: "cat /etc/resolv.conf"})
		servers := NameServers(res.Stdout)
		if err != nil || len(servers) == 0 {
			continue
		}
		fromHere := seen
		seen = resolver{servers: servers, dial: h.Dial, stream: true}.caa(ctx, name)
		if asked && seen.State == check.LookupFailed {
			seen = fromHere // what the first said is worth as much
		}
		asked = true
	}
	if !asked {
		return
	}
	l.note(func(e *check.Evidence) {
		n := e.Names[name]
		n.CAA = seen
		e.Names[name] = n
	})
}

// caa asks for the CAA records of a name, and of what it is below until there
// are some (RFC 8659, section 3).
func (r resolver) caa(ctx context.Context, name string) check.CAA {
	for at := dns.CanonicalName(name); at != "."; {
		answer, err := r.ask(ctx, at)
		if err != nil {
			return check.CAA{State: check.LookupFailed, Detail: err.Error()}
		}
		var records []*dns.CAA
		for _, rr := range answer.Answer { // those of an alias' target count
			if found, ok := rr.(*dns.CAA); ok {
				records = append(records, found)
			}
		}
		if len(records) > 0 {
			return caaOf(strings.TrimSuffix(at, "."), records)
		}
		_, at, _ = strings.Cut(at, ".")
		if at == "" {
			at = "."
		}
	}
	return check.CAA{State: check.LookupNone}
}

// caaOf reads the records of one name. Records that are about something else
// than issuing forbid nobody to issue, unless they say that whoever does not
// understand them must not.
func caaOf(name string, records []*dns.CAA) check.CAA {
	const critical = 1 << 7
	c := check.CAA{State: check.LookupNone}
	for _, r := range records {
		switch tag := strings.ToLower(r.Tag); tag {
		case "issue":
			c.State, c.At = check.LookupFound, name
			c.Issuers = append(c.Issuers, r.Value)
		case "issuewild", "iodef", "issuemail", "issuevmc", "contactemail", "contactphone":
		default:
			if r.Flag&critical != 0 {
				c.State, c.At, c.Critical = check.LookupFound, name, tag
			}
		}
	}
	return c
}

// ask puts the question for CAA records to one server after the other, and
// gives the first answer that says whether there are some.
func (r resolver) ask(ctx context.Context, name string) (*dns.Msg, error) {
	var failed []error
	for _, server := range r.servers {
		answer, err := r.exchange(ctx, name, server)
		switch {
		case err != nil:
			failed = append(failed, fmt.Errorf("%s: %w", server, err))
		case answer.Rcode == dns.RcodeSuccess, answer.Rcode == dns.RcodeNameError:
			return answer, nil
		default:
			failed = append(failed, fmt.Errorf("%s: %s for %s", server, dns.RcodeToString[answer.Rcode], name))
		}
	}
	return nil, errors.Join(failed...)
}

// exchange asks one server: over UDP where the dial has it, once more if nothing
// comes, and over TCP when the answer does not fit.
func (r resolver) exchange(ctx context.Context, name string, server netip.AddrPort) (*dns.Msg, error) {
	question := new(dns.Msg)
	question.SetQuestion(name, dns.TypeCAA)
	question.SetEdns0(dns.DefaultMsgSize, false)
	if !r.stream {
		answer, err := r.once(ctx, "udp", question, server)
		if failed, ok := errors.AsType[net.Error](err); ok && failed.Timeout() {
			answer, err = r.once(ctx, "udp", question, server)
		}
		if err != nil || !answer.Truncated {
			return answer, err
		}
	}
	return r.once(ctx, "tcp", question, server)
}

func (r resolver) once(ctx context.Context, network string, question *dns.Msg, server netip.AddrPort) (*dns.Msg, error) {
	ctx, cancel := context.WithTimeout(ctx, answerWithin)
	defer cancel()
	conn, err := r.dial(ctx, network, server.String())
	if err != nil {
		return nil, fmt.Errorf("ask the name server: %w", err)
	}
	defer func() { _ = conn.Close() }()
	defer context.AfterFunc(ctx, func() { _ = conn.Close() })() // connections through SSH know no deadlines
	client := dns.Client{Net: network, Timeout: answerWithin}
	answer, _, err := client.ExchangeWithConnContext(ctx, question, &dns.Conn{Conn: conn, UDPSize: dns.DefaultMsgSize})
	if err != nil && ctx.Err() != nil {
		err = ctx.Err() // whichever of the two ends was first
	}
	if err != nil {
		return nil, fmt.Errorf("ask the name server: %w", err)
	}
	return answer, nil
}

// NameServers are the name servers that a resolv.conf names, in its order.
func NameServers(conf string) []netip.AddrPort {
	var out []netip.AddrPort
	lines := bufio.NewScanner(strings.NewReader(conf))
	for lines.Scan() {
		words := strings.Fields(lines.Text())
		if len(words) < 2 || words[0] != "nameserver" {
			continue
		}
		if a, err := netip.ParseAddr(words[1]); err == nil {
			if s := netip.AddrPortFrom(a.Unmap(), 53); !slices.Contains(out, s) {
				out = append(out, s)
			}
		}
	}
	return out
}
