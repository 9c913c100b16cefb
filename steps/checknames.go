package steps

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/rcwizard/rcwizard/check"
	"github.com/rcwizard/rcwizard/cluster"
	"github.com/rcwizard/rcwizard/remote"
	"github.com/rcwizard/rcwizard/remote/probe"
)

// lookupScript asks the host's own resolver, which the services there use too,
// for A and AAAA: with -A also for those that the host itself has no use for,
// where its getent knows that. Code 2 is a name that does not exist.
const lookupScript = `
command -v getent >/dev/null 2>&1 || { echo none; exit 0; }
for all in -A ''; do
	getent $all ahosts "$1" 2>/dev/null && exit 0
	code=$?
	[ $code != 2 ] || { echo missing; exit 0; }
done
echo failed
`

// names asks for the addresses of the names that must lead to the proxy: from
// here, and from every host. It asks for those of the hosts' own names, too, since
// by these are the hosts known outside.
func (l *looker) names(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, 2*probe.Deadline)
	defer cancel()
	var all sync.WaitGroup
	for _, h := range l.s.Workspace.Hosts {
		if a, err := netip.ParseAddr(h.Address); err == nil {
			l.note(func(*check.Evidence) { l.logins[h.Name] = []netip.Addr{a} })
			continue
		}
		if h.Local() || h.SSH.ProxyJump != "" || l.o.Lookup == nil {
			continue
		}
		all.Go(func() {
			// A name of the SSH configuration alone has none.
			if found, err := l.o.Lookup(ctx, h.Address); err == nil {
				l.note(func(*check.Evidence) { l.logins[h.Name] = distinct(found) })
			}
		})
	}
	for _, name := range check.DomainNames(l.s.Workspace) {
		l.note(func(e *check.Evidence) {
			e.Names[name] = check.Name{Lookups: map[string]check.Lookup{}, Ports: map[int][]check.Probe{}}
		})
		set := func(from string, seen check.Lookup) {
			l.note(func(e *check.Evidence) { e.Names[name].Lookups[from] = seen })
		}
		if l.o.Lookup != nil && !l.skips("domain:"+name+":dns") {
			all.Go(func() { set(check.Operator, lookupOf(l.o.Lookup(ctx, name))) })
		}
		for host, h := range l.s.Hosts {
			if !l.skips("domain:" + name + ":dns:" + host) {
				all.Go(func() {
					if seen, asked := lookupFrom(ctx, h, name); asked {
						set(host, seen)
					}
				})
			}
		}
	}
	all.Wait()
}

func lookupOf(found []netip.Addr, err error) check.Lookup {
	missing, ok := errors.AsType[*net.DNSError](err)
	switch {
	case ok && missing.IsNotFound:
		return check.Lookup{State: check.LookupNone}
	case err != nil:
		return check.Lookup{State: check.LookupFailed, Detail: err.Error()}
	case len(found) == 0:
		return check.Lookup{State: check.LookupNone}
	}
	return check.Lookup{State: check.LookupFound, Addresses: distinct(found)}
}

// lookupFrom asks a host; false if it has nothing to ask with.
func lookupFrom(ctx context.Context, h remote.Host, name string) (check.Lookup, bool) {
	res, err := h.Run(ctx, remote.Command{Script: lookupScript, Args: []string{name}})
	if err != nil {
		return check.Lookup{State: check.LookupFailed, Detail: err.Error()}, true
	}
	switch strings.TrimSpace(res.Stdout) {
	case "none":
		return check.Lookup{}, false
	case "missing":
		return check.Lookup{State: check.LookupNone}, true
	case "failed", "":
		return check.Lookup{State: check.LookupFailed, Detail: strings.TrimSpace(res.Stderr)}, true
	}
	var found []netip.Addr
	for line := range strings.Lines(res.Stdout) {
		word, _, _ := strings.Cut(strings.TrimSpace(line), " ")
		if a, err := netip.ParseAddr(word); err == nil {
			found = append(found, a)
		}
	}
	return lookupOf(found, nil), true
}

func distinct(addresses []netip.Addr) []netip.Addr {
	var out []netip.Addr
	for _, a := range addresses {
		if a = a.Unmap(); !slices.Contains(out, a) {
			out = append(out, a)
		}
	}
	return out
}

// external tries the members of an external database from every instance's
// host. Names are resolved there. mongodb+srv names no members: they are found
// by DNS, as the driver would.
func (l *looker) external(ctx context.Context) {
	w := l.s.Workspace
	if w.RunsMongoDB() {
		return
	}
	members, options := membersOf(ctx, l.s.Secrets.MongoURL)
	l.note(func(e *check.Evidence) { e.External = members })
	var all sync.WaitGroup
	for _, edge := range check.ExternalEdges(w, members) {
		h, ok := l.s.Hosts[edge.From]
		if !ok || l.skips(edge.ID()) {
			continue
		}
		all.Go(func() {
			seen := dialMember(ctx, h, edge.Address)
			if opened(seen.Outcome) {
				asking, cancel := context.WithTimeout(ctx, askWithin)
				defer cancel()
				// What does not say hello to strangers is not wrong for that.
				if said, _ := askMongoDB(asking, h.Dial, edge.Address, options); said == check.ServiceRight {
					seen.Service = check.ServiceRight
				}
			}
			l.note(func(e *check.Evidence) { e.Probes[edge.Path()] = seen })
		})
	}
	all.Go(func() {
		if version := l.externalVersion(ctx); version != "" {
			l.note(func(e *check.Evidence) { e.Release.ExternalMongoDB = version })
		}
	})
	all.Wait()
}

func (l *looker) externalVersion(ctx context.Context) string {
	if l.s.View.Database == nil {
		return ""
	}
	ctx, cancel := context.WithTimeout(ctx, 2*askWithin)
	defer cancel()
	set, err := cluster.Hello(ctx, l.s.View.Database, l.s.Secrets.MongoURL)
	if err != nil {
		return ""
	}
	return set.Version
}

// membersOf are the members that a connection string names, as host:port, and
// the option by which each is spoken to.
func membersOf(ctx context.Context, mongoURL string) (members []string, options string) {
	scheme, rest, _ := strings.Cut(mongoURL, "://")
	rest, query, _ := strings.Cut(rest, "?")
	hosts, _, _ := strings.Cut(rest[strings.LastIndexByte(rest, '@')+1:], "/")
	values, err := url.ParseQuery(query)
	if err != nil || hosts == "" {
		return nil, ""
	}
	secure := values.Get("tls") == "true" || values.Get("ssl") == "true"
	if scheme == "mongodb+srv" {
		secure = values.Get("tls") != "false" && values.Get("ssl") != "false"
		_, records, err := net.DefaultResolver.LookupSRV(ctx, "mongodb", "tcp", hosts)
		if err != nil {
			return nil, ""
		}
		named := make([]string, 0, len(records))
		for _, r := range records {
			named = append(named, net.JoinHostPort(strings.TrimSuffix(r.Target, "."), strconv.Itoa(int(r.Port))))
		}
		hosts = strings.Join(named, ",")
	}
	for member := range strings.SplitSeq(hosts, ",") {
		if _, _, err := net.SplitHostPort(member); err != nil {
			member = net.JoinHostPort(strings.Trim(member, "[]"), "27017")
		}
		members = append(members, member)
	}
	if secure {
		options = "&tls=true"
	}
	return members, options
}

// dialMember opens a connection to a member, by a name that the host resolves.
func dialMember(ctx context.Context, h remote.Host, address string) check.Probe {
	ctx, cancel := context.WithTimeout(ctx, probe.Deadline)
	defer cancel()
	p := check.Probe{Address: address, How: "through sshd", Outcome: check.OutcomeCannotTell}
	conn, err := h.Dial(ctx, "tcp", address)
	if err == nil {
		_ = conn.Close()
		p.Outcome = check.OutcomeOpened
		return p
	}
	p.Detail = err.Error()
	failed, ok := errors.AsType[*remote.DialError](err)
	if !ok {
		return p
	}
	switch failed.Kind {
	case remote.DialRefused:
		p.Outcome = check.OutcomeRefused
	case remote.DialUnreachable:
		p.Outcome = check.OutcomeUnreachable
	case remote.DialFiltered:
		p.Outcome = check.OutcomeTimeout
	case remote.DialProhibited:
		p.Outcome = check.OutcomeProhibited
	case remote.DialUnresolved, remote.DialPermission, remote.DialFailed:
	}
	return p
}
