package probe

import (
	"context"
	_ "embed"
	"encoding/hex"
	"errors"
	"fmt"
	"net/netip"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/rcwizard/rcwizard/remote"
)

//go:embed owners.sh
var ownersScript string

// ErrTooSlow is in Socket.Err where a host did not say in time who has a port: the
// port's owners, or what they are called, are not known.
var ErrTooSlow = errors.New("it took too long to say who has the port")

// name finds out who has the sockets with these indices. Without root it sees
// what the login may see; what fails leaves them without owners.
func (l *Listener) name(ctx context.Context, taken []int) {
	ctx, cancel := context.WithTimeoutCause(ctx, nameWithin, fmt.Errorf("host %s: %w: more than %v", l.host.Name(), ErrTooSlow, nameWithin))
	defer cancel()
	ports := make([]string, 0, len(taken))
	for _, i := range taken {
		ports = append(ports, strconv.Itoa(int(l.sockets[i].Addr.Port())))
	}
	slices.Sort(ports)
	args := append([]string{strconv.Itoa(listDocker)}, slices.Compact(ports)...)
	cmd := remote.Command{Script: ownersScript, Args: args, Root: true}
	res, err := l.host.Run(ctx, cmd)
	var refused *remote.SudoError
	if errors.As(err, &refused) {
		cmd.Root = false
		res, err = l.host.Run(ctx, cmd)
	}
	if cause := context.Cause(ctx); err != nil && errors.Is(cause, ErrTooSlow) {
		err = cause
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, i := range taken {
		l.sockets[i].name(l.host.Name(), res.Stdout, refused, err)
	}
}

// name writes down what the script said of who has the socket. refused is why root
// could not be had, err why there is no answer; both may be nil.
func (s *Socket) name(host, output string, refused *remote.SudoError, err error) {
	switch {
	case err != nil:
		s.Err = err
	default:
		if refused != nil {
			s.Err = refused
		}
		s.Owners = ownersOf(output, s.Addr)
		if slices.ContainsFunc(s.Owners, Owner.Nameless) && strings.Contains(output, "\nSLOW\n") {
			s.Err = fmt.Errorf("host %s: %w: Docker did not list its containers within %d s", host, ErrTooSlow, listDocker)
		}
		if s.State == NotPermitted {
			if slices.ContainsFunc(s.Owners, func(o Owner) bool { return o.Listens }) {
				s.State = InUse
			}
			s.Vacant = len(s.Owners) == 0 && listed(output)
		}
	}
	// Some nc know only the wildcard, which another address of the host's bars as
	// well.
	if strings.HasSuffix(s.Via, "nc") && len(s.Owners) == 0 {
		s.State = Unknown
	}
}

// Nameless reports whether Docker alone knows for which container the owner stands,
// and did not say: it knows none, or took too long (ErrTooSlow).
func (o Owner) Nameless() bool {
	return o.Container == "" && (o.ContainerID != "" || o.Program == "docker-proxy")
}

// listed reports whether the script read the host's sockets, and all of them.
func listed(output string) bool {
	return strings.HasPrefix(output, "LISTED\n") && strings.HasSuffix(output, "\nEND\n")
}

// containerID is in the cgroup of whatever runs in a container.
const containerID = `(?:docker|libpod|cri-containerd|crio)[-/]([0-9a-f]{64})`

// ownersOf reads the output of the script for one address.
func ownersOf(output string, addr netip.AddrPort) []Owner {
	type container struct{ id, name, project, service, ports string }
	type socket struct {
		Owner
		inode string
	}
	var sockets []socket
	var containers []container
	pids := map[string]int{} // the lowest, by inode
	names, inside := map[int]string{}, map[int]string{}
	id := regexp.MustCompile(containerID)
	for line := range strings.Lines(output) {
		word, rest, _ := strings.Cut(strings.TrimRight(line, "\n"), " ")
		first, second, _ := strings.Cut(rest, " ")
		pid, _ := strconv.Atoi(first)
		switch word {
		case "SOCKET":
			state, inode, _ := strings.Cut(second, " ")
			local, ok := parseHex(first)
			if ok && local.Port() == addr.Port() && meets(local.Addr(), addr.Addr()) && state != "06" { // TIME_WAIT bars nobody
				sockets = append(sockets, socket{Owner{Addr: local, Listens: state == "0A"}, inode})
			}
		case "HAS":
			inode := strings.Trim(second, "[]")
			if old, ok := pids[inode]; !ok || pid < old {
				pids[inode] = pid
			}
		case "NAME":
			names[pid] = second
		case "CGROUP":
			if m := id.FindStringSubmatch(second); m != nil {
				inside[pid] = m[1]
			}
		case "CONTAINER":
			if f := strings.Split(rest, "|"); len(f) == 5 {
				containers = append(containers, container{f[0], f[1], f[2], f[3], f[4]})
			}
		}
	}
	// Connections bar the address only where nobody listens.
	if slices.ContainsFunc(sockets, func(s socket) bool { return s.Listens }) {
		sockets = slices.DeleteFunc(sockets, func(s socket) bool { return !s.Listens })
	}
	// A socket on the wildcard of IPv6 takes IPv4, too, unless told not to, which
	// cannot be seen: where another has the IPv4, it does not.
	if addr.Addr().Is4() && slices.ContainsFunc(sockets, func(s socket) bool { return s.Addr.Addr().Is4() }) {
		sockets = slices.DeleteFunc(sockets, func(s socket) bool { return s.Addr.Addr().Is6() })
	}
	var owners []Owner
	for _, s := range sockets {
		o := s.Owner
		o.PID = pids[s.inode]
		o.Program, o.ContainerID = names[o.PID], inside[o.PID]
		for _, c := range containers {
			if c.id == o.ContainerID || o.Program == "docker-proxy" && publishes(c.ports, o.Addr) {
				o.ContainerID, o.Container, o.Project, o.Service = c.id, c.name, c.project, c.service
			}
		}
		if !slices.Contains(owners, o) {
			owners = append(owners, o)
		}
	}
	return owners
}

// meets says whether a socket on one address bars the other.
func meets(a, b netip.Addr) bool {
	return a == b || a.IsUnspecified() && (a.Is4() == b.Is4() || a.Is6()) || b.IsUnspecified() && b.Is4() == a.Is4()
}

// publishes reads the ports of docker ps, as in
// "127.0.0.1:8000->80/tcp, [::]:9000-9002->9000-9002/tcp".
func publishes(ports string, addr netip.AddrPort) bool {
	for part := range strings.SplitSeq(ports, ", ") {
		published, inner, ok := strings.Cut(part, "->")
		if !ok || !strings.HasSuffix(inner, "/tcp") {
			continue
		}
		at := strings.LastIndexByte(published, ':')
		host, err := netip.ParseAddr(strings.Trim(published[:max(at, 0)], "[]"))
		from, to, isRange := strings.Cut(published[at+1:], "-")
		if !isRange {
			to = from
		}
		low, err1 := strconv.Atoi(from)
		high, err2 := strconv.Atoi(to)
		if errors.Join(err, err1, err2) == nil && meets(host, addr.Addr()) && low <= int(addr.Port()) && int(addr.Port()) <= high {
			return true
		}
	}
	return false
}

// parseHex reads an address of /proc/net/tcp or tcp6: 32-bit words in the
// machine's order of bytes, which is little-endian wherever Docker runs.
func parseHex(s string) (netip.AddrPort, bool) {
	a, p, _ := strings.Cut(s, ":")
	b, err := hex.DecodeString(a)
	port, err2 := strconv.ParseUint(p, 16, 16)
	if err != nil || err2 != nil || len(b)%4 != 0 {
		return netip.AddrPort{}, false
	}
	for i := 0; i < len(b); i += 4 {
		slices.Reverse(b[i : i+4])
	}
	addr, ok := netip.AddrFromSlice(b)
	return netip.AddrPortFrom(addr.Unmap(), uint16(port)), ok
}
