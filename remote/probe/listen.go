package probe

import (
	"context"
	"crypto/rand"
	_ "embed"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/rcwizard/rcwizard/remote"
)

//go:embed listen.sh
var listenScript string

//go:embed listen.py
var listenPython string

//go:embed listen.pl
var listenPerl string

// Listener listens on addresses of one host, in one process there, or two when
// some need root.
type Listener struct {
	host  Host
	nonce string
	runs  []*run

	// named is closed when it is known who has the sockets that are taken, or that
	// it cannot be known.
	named chan struct{}

	mu      sync.Mutex
	sockets []Socket
	guests  map[int]netip.Addr
}

// run is one process that listens.
type run struct {
	// at are the indices of its sockets, in the order of its arguments.
	at     []int
	cancel context.CancelFunc
	stdin  *io.PipeWriter
	// settled is closed when each of its sockets listens or does not.
	settled chan struct{}
	// done is closed when the host said that it ended, or the host is lost;
	// err is set before.
	done    chan struct{}
	err     error
	via     string
	pending int
}

// Listen begins to listen on addresses of a host and returns when it is known
// which of them could be had, and who has the others: see Socket. An address that a wildcard among
// them covers is listened on through that one. Ports that the login may not
// have are tried again as root, or, where root cannot be had, looked for among
// the sockets that the host lists. It fails only when the context ends; a host
// that cannot be asked is a State.
//
// The caller closes the listener.
func Listen(ctx context.Context, h Host, addrs ...netip.AddrPort) (*Listener, error) {
	l, err := begin(ctx, h, addrs...)
	if err != nil {
		return nil, err
	}
	<-l.named
	if err := l.cancelled(ctx); err != nil {
		return nil, err
	}
	return l, nil
}

// begin is Listen that does not wait until it is known who has the addresses that
// are taken. That takes long on a busy host, and nobody who dials needs it.
func begin(ctx context.Context, h Host, addrs ...netip.AddrPort) (*Listener, error) {
	l := &Listener{host: h, nonce: strings.ToLower(rand.Text()), guests: map[int]netip.Addr{}, named: make(chan struct{})}
	for _, a := range addrs {
		if a = unmap(a); !slices.ContainsFunc(l.sockets, func(s Socket) bool { return s.Addr == a }) {
			l.sockets = append(l.sockets, Socket{Addr: a, State: Unknown})
		}
	}
	within, cancel := context.WithTimeout(ctx, listenWithin)
	defer cancel()
	var own []int
	for i := range l.sockets {
		if l.cover(i) == i {
			own = append(own, i)
		}
	}
	l.start(within, own, false)
	var barred, taken []int
	for _, i := range own {
		switch l.sockets[i].State { //nolint:exhaustive // the others are final
		case NotPermitted:
			barred = append(barred, i)
		case InUse:
			taken = append(taken, i)
		}
	}
	if len(barred) > 0 {
		l.start(within, barred, true)
		for _, i := range barred {
			// Where root could not be had the list of sockets tells.
			if s := l.sockets[i].State; s == InUse || s == NotPermitted {
				taken = append(taken, i)
			}
		}
	}
	go func() {
		defer close(l.named)
		if len(taken) > 0 {
			l.name(ctx, taken)
		}
	}()
	if err := l.cancelled(ctx); err != nil {
		return nil, err
	}
	return l, nil
}

// cancelled closes the listener if the context has ended, and says so.
func (l *Listener) cancelled(ctx context.Context) error {
	err := context.Cause(ctx)
	if err == nil {
		return nil
	}
	_ = l.Close()
	<-l.named
	return fmt.Errorf("host %s: listen for probes: %w", l.host.Name(), err)
}

// Free asks which of the addresses could be listened on now. It holds none of
// them when it returns. The sockets are in the order of the addresses.
func Free(ctx context.Context, h Host, addrs []netip.AddrPort) ([]Socket, error) {
	l, err := Listen(ctx, h, addrs...)
	if err != nil {
		return nil, err
	}
	sockets := make([]Socket, len(addrs))
	for i, a := range addrs {
		sockets[i], _ = l.Socket(a)
		sockets[i].Addr = a
	}
	return sockets, l.Close()
}

func unmap(a netip.AddrPort) netip.AddrPort { return netip.AddrPortFrom(a.Addr().Unmap(), a.Port()) }

// cover is the index of the socket that stands for socket i: that on the
// wildcard of its family and port, if there is one, for the kernel gives only
// one of them to us.
func (l *Listener) cover(i int) int {
	a := l.sockets[i].Addr
	for j, s := range l.sockets {
		if s.Addr.Port() == a.Port() && s.Addr.Addr().IsUnspecified() && s.Addr.Addr().Is4() == a.Addr().Is4() {
			return j
		}
	}
	return i
}

// Socket is what became of an address; false if it was not asked for.
func (l *Listener) Socket(addr netip.AddrPort) (Socket, bool) {
	addr = unmap(addr)
	l.mu.Lock()
	defer l.mu.Unlock()
	for i, s := range l.sockets {
		if s.Addr != addr {
			continue
		}
		by := l.cover(i)
		s = l.sockets[by]
		s.Addr = addr
		if s.State == Listening {
			if r := l.runOf(by); r != nil {
				select {
				case <-r.done:
					s.State, s.Err = Lost, r.err
				default:
				}
			}
		}
		return s, true
	}
	return Socket{}, false
}

func (l *Listener) runOf(socket int) *run {
	for _, r := range slices.Backward(l.runs) {
		if slices.Contains(r.at, socket) {
			return r
		}
	}
	return nil
}

// Nonce is what the listener answers with.
func (l *Listener) Nonce() string { return l.nonce }

// Guest is the address from which the guest with this id came, as the host
// sees it. It is complete after Close; python3 and perl alone know their guests.
func (l *Listener) Guest(id int) (netip.Addr, bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	a, ok := l.guests[id]
	return a, ok
}

// Close ends the listener and returns when the host said that it is gone. An
// error means that the host did not: it is ended by the host itself then, by
// the loss of the connection or after a minute.
func (l *Listener) Close() error {
	for _, r := range l.runs {
		_ = r.stdin.Close()
	}
	var failed error
	for _, r := range l.runs {
		timer := time.NewTimer(closeWithin)
		select {
		case <-r.done:
		case <-timer.C:
			r.cancel()
			<-r.done
		}
		timer.Stop()
		r.cancel()
		if r.err != nil && failed == nil && r.began() {
			failed = fmt.Errorf("host %s: end the listener for probes: %w", l.host.Name(), r.err)
		}
	}
	return failed
}

// began says whether something of it ever listened.
func (r *run) began() bool {
	select {
	case <-r.settled:
		return true
	default:
		return false
	}
}

// start listens on the sockets with these indices, and returns when it is
// known which could be had.
func (l *Listener) start(ctx context.Context, at []int, root bool) {
	if len(at) == 0 {
		return
	}
	args := []string{l.nonce, strconv.Itoa(listenFor), listenPython, listenPerl}
	for _, i := range at {
		a := l.sockets[i].Addr
		args = append(args, a.Addr().String(), strconv.Itoa(int(a.Port())))
	}
	stdin, keep := io.Pipe()
	// It lives until Close, not until the context of the start ends.
	life, cancel := context.WithCancel(context.WithoutCancel(ctx))
	r := &run{
		at: at, cancel: cancel, stdin: keep, pending: len(at),
		settled: make(chan struct{}), done: make(chan struct{}),
	}
	l.runs = append(l.runs, r)
	told := make([]bool, len(at))
	go func() {
		defer close(r.done)
		defer func() { _ = stdin.Close() }()
		var complaint string
		res, err := l.host.Stream(life, remote.Command{Script: listenScript, Args: args, Stdin: stdin, Root: root}, func(line remote.Line) {
			if line.Stderr {
				complaint = line.Text
				return
			}
			l.hear(r, line.Text, told)
		})
		switch {
		case err != nil && life.Err() == nil:
			r.err = err
		case err == nil && complaint != "" && res.Code != 0:
			r.err = fmt.Errorf("exit status %d: %s", res.Code, complaint)
		case err != nil && !ended(err):
			r.err = err
		}
	}()
	select {
	case <-r.settled:
		return
	case <-r.done:
	case <-ctx.Done():
		_ = keep.Close()
		r.cancel()
		<-r.done
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	for n, i := range at {
		if told[n] {
			continue
		}
		s := &l.sockets[i]
		if _, refused := errors.AsType[*remote.SudoError](r.err); refused {
			s.Err = r.err // it stays NotPermitted: root could not be had
			continue
		}
		s.State, s.Err = Unknown, r.err
		switch {
		case r.via == "none":
			s.State = NoTool
		case s.Err == nil && ctx.Err() != nil:
			s.Err = fmt.Errorf("host %s: the listener did not say within %v that it listens: %w", l.host.Name(), listenWithin, context.Cause(ctx))
		case s.Err == nil:
			s.Err = fmt.Errorf("host %s: the listener ended without a word", l.host.Name())
		}
	}
}

// ended says whether the host confirmed that a cancelled script is gone.
func ended(err error) bool {
	unknown, ok := errors.AsType[*remote.OutcomeUnknownError](err)
	return ok && unknown.Ended
}

// hear takes one line of a run.
func (l *Listener) hear(r *run, line string, told []bool) {
	word, rest, _ := strings.Cut(line, " ")
	l.mu.Lock()
	defer l.mu.Unlock()
	if word == "TOOL" {
		r.via = rest
		return
	}
	number, rest, _ := strings.Cut(rest, " ")
	n, err := strconv.Atoi(number)
	if err != nil || n < 0 || n >= len(r.at) {
		return
	}
	s := &l.sockets[r.at[n]]
	switch word {
	case "READY":
		s.State, s.Words = Listening, ""
	case "ERR":
		// What listened and ended since is seen by the end of the run.
		if told[n] {
			return
		}
		code, words, _ := strings.Cut(rest, " ")
		s.Words = words
		s.State = stateOf(code, words)
	case "CONN":
		peer, id, _ := strings.Cut(rest, " ")
		guest, err := strconv.Atoi(id)
		addr, ok := netip.ParseAddr(peer)
		if err == nil && ok == nil {
			l.guests[guest] = addr.Unmap()
		}
		return
	default:
		return
	}
	s.Via = r.via
	if !told[n] {
		told[n] = true
		if r.pending--; r.pending == 0 {
			close(r.settled)
		}
	}
}

// stateOf reads errno, or where it is 0 the words for it.
func stateOf(errno, words string) State {
	w := strings.ToLower(words)
	switch {
	case errno == "98", strings.Contains(w, "address already in use"), strings.Contains(w, "address in use"):
		return InUse
	case errno == "13", errno == "1", strings.Contains(w, "permission denied"), strings.Contains(w, "not permitted"):
		return NotPermitted
	// 97 is EAFNOSUPPORT: a host without IPv6 has no such address.
	case errno == "99", errno == "97", strings.Contains(w, "cannot assign"), strings.Contains(w, "not available"), strings.Contains(w, "address family"):
		return NotOnHost
	default:
		return Unknown
	}
}
