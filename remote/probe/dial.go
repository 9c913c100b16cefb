package probe

import (
	"bufio"
	"context"
	_ "embed"
	"errors"
	"fmt"
	"io"
	"iter"
	"net"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"golang.org/x/crypto/ssh"

	"github.com/rcwizard/rcwizard/remote"
)

//go:embed dial.sh
var dialScript string

//go:embed dial.py
var dialPython string

//go:embed dial.pl
var dialPerl string

// Dialer opens a connection, as net.Dialer.DialContext does.
type Dialer func(ctx context.Context, network, address string) (net.Conn, error)

// call is one attempt to connect.
type call struct {
	addr netip.AddrPort
	// nonce is what the listener there will say; "" for "whoever accepts".
	nonce string
	// id is what the listener is told.
	id int
}

// Dial opens a connection from a host, which takes Deadline at most where the host
// itself answers at once, and says what came of it. With a nonce it waits for the listener that has it; without
// one, nothing is sent or read.
//
// A host that itself stopped answering meanwhile is told as CannotTell, not as
// NoAnswer.
func Dial(ctx context.Context, h Host, addr netip.AddrPort, nonce string) Outcome {
	return dialAll(ctx, h, []call{{addr: unmap(addr), nonce: nonce}}, func(int, Outcome) {})[0]
}

// atOnce bounds the connections that one host opens at a time: sshd holds a
// file for each.
const atOnce = 256

// dialAll makes all calls from one host at once, and checks at the end that
// the host itself answers if it says that others do not: what a busy one did not
// get through within Deadline is tried again, for as much longer as it took to
// answer. So is, with twice the time, what was accepted by somebody who then said
// nothing: the host there may be the busy one. heard is told of each as soon as it came back.
func dialAll(ctx context.Context, h Host, calls []call, heard func(int, Outcome)) []Outcome {
	out := make([]Outcome, len(calls))
	all := make([]int, len(calls))
	for i := range calls {
		all[i] = i
	}
	var around []int
	for i := range dialThese(ctx, h, calls, all, Deadline, out) {
		if failed, ok := errors.AsType[*remote.DialError](out[i].Err); ok && failed.Kind == remote.DialProhibited {
			around = append(around, i)
			continue
		}
		heard(i, out[i])
	}
	for from := 0; from < len(around); from += atOnce {
		dialByShell(ctx, h, calls, around[from:min(len(around), from+atOnce)], out, heard)
	}
	late := slices.DeleteFunc(all, func(i int) bool { return out[i].Kind != NoAnswer && out[i].Words != lateWords })
	if len(late) == 0 {
		return out
	}
	begin := time.Now()
	err := Alive(ctx, h)
	slow := time.Since(begin)
	if err != nil {
		for _, i := range late {
			if out[i].Kind == NoAnswer {
				out[i].Kind, out[i].Err = CannotTell, err
			}
		}
		return out
	}
	again := slices.DeleteFunc(late, func(i int) bool {
		// A tool on the host took its own time. Where something accepted it may be the
		// other host that is busy.
		return out[i].Via != viaDial || out[i].Kind == NoAnswer && slow <= atEase
	})
	for i := range dialThese(ctx, h, calls, again, Deadline+max(slow, Deadline), out) {
		heard(i, out[i])
	}
	return out
}

// dialThese makes the calls with these indices, and gives each index when its
// outcome is there.
func dialThese(ctx context.Context, h Host, calls []call, which []int, within time.Duration, out []Outcome) iter.Seq[int] {
	return func(yield func(int) bool) {
		slots := make(chan struct{}, atOnce)
		done := make(chan int, len(which))
		for _, i := range which {
			go func() {
				slots <- struct{}{}
				out[i] = dialOne(remote.WithoutBridge(ctx), h.Dial, calls[i], within)
				<-slots
				done <- i
			}()
		}
		more := true
		for range which {
			i := <-done // the last, too, where nobody wants more: each writes to out
			more = more && yield(i)
		}
	}
}

// Alive is nil if the host itself answers: what it does not reach is then the
// network's doing.
func Alive(ctx context.Context, h Host) error {
	ctx, cancel := context.WithTimeout(ctx, aliveWithin)
	defer cancel()
	if _, err := h.Run(ctx, remote.Command{Script: ":"}); err != nil {
		return fmt.Errorf("host %s does not answer itself: %w", h.Name(), err)
	}
	return nil
}

// dialOne makes one call, which takes as long as within at most.
func dialOne(ctx context.Context, dial Dialer, c call, within time.Duration) Outcome {
	begin := time.Now()
	outer := ctx
	ctx, cancel := context.WithDeadline(ctx, begin.Add(within))
	defer cancel()
	conn, err := dial(ctx, "tcp", c.addr.String())
	o := Outcome{Via: viaDial, Took: time.Since(begin)}
	if err != nil {
		o.Kind, o.Words = kindOf(err)
		if o.Kind == CannotTell {
			o.Err = err
		}
		// Our own end is no answer of the network's.
		if cause := context.Cause(outer); cause != nil {
			o.Kind, o.Err = CannotTell, cause
		}
		return o
	}
	defer func() { _ = conn.Close() }()
	if c.nonce == "" {
		o.Kind = Opened
		return o
	}
	_ = conn.SetDeadline(begin.Add(within))
	stop := context.AfterFunc(ctx, func() { _ = conn.Close() })
	defer stop()
	_, _ = io.WriteString(conn, strconv.Itoa(c.id)+"\n") // what comes back says it all
	line, err := bufio.NewReaderSize(io.LimitReader(conn, maxHeard), maxHeard).ReadString('\n')
	o.Took = time.Since(begin)
	o.hear(line, c.nonce)
	if o.Kind == Silent {
		o.Words = lateWords
		if errors.Is(err, io.EOF) || errors.Is(err, syscall.ECONNRESET) {
			o.Words = closedWords
		}
		if cause := context.Cause(outer); cause != nil {
			o.Kind, o.Err = CannotTell, cause
		}
	}
	return o
}

const (
	maxHeard    = 64
	closedWords = "closed without a byte"
	lateWords   = "nothing came before the deadline"
)

// hear says of what a first line is.
func (o *Outcome) hear(line, nonce string) {
	line = strings.TrimRight(line, "\r\n")
	switch line {
	case greeting + nonce:
		o.Kind = Answered
	case "":
		o.Kind = Silent
	default:
		o.Kind = Other
		o.Heard = strings.Map(func(r rune) rune {
			if r < ' ' || r > '~' {
				return '.'
			}
			return r
		}, line[:min(len(line), maxHeard)])
	}
}

const greeting = "RCWZ "

// kindOf reads why a connection could not be opened. Only what the network says
// counts: a connection to the dialling host that is refused is none of it.
func kindOf(err error) (Kind, string) {
	words := err.Error()
	if rejected, ok := errors.AsType[*ssh.OpenChannelError](err); ok {
		words = rejected.Message
		// sshd's connect(2) failed at once: nothing was sent.
		if rejected.Reason == ssh.ConnectionFailed && words == "open failed" {
			return NoRoute, "the host has no route to that address"
		}
	} else if errno, ok := errors.AsType[syscall.Errno](err); ok {
		words = errno.Error()
	}
	var op *net.OpError
	var lost *remote.ConnectError
	failed, dialled := errors.AsType[*remote.DialError](err)
	switch {
	case dialled && failed.Kind == remote.DialRefused:
		return Refused, words
	case dialled && (failed.Kind == remote.DialUnreachable || failed.Kind == remote.DialPermission): // as in kindOfWords
		return Unreachable, words
	case dialled && failed.Kind == remote.DialFiltered, errors.Is(err, context.DeadlineExceeded):
		return NoAnswer, ""
	case dialled:
		return CannotTell, words
	case !errors.As(err, &lost) && errors.As(err, &op): // the operator's own
		if op.Timeout() {
			return NoAnswer, ""
		}
		return kindOfWords(words), words
	default:
		// The host's own connection is in trouble, whatever it says.
		return CannotTell, words
	}
}

// kindOfWords reads connect(2)'s words, of glibc, musl and Go.
func kindOfWords(words string) Kind {
	w := strings.ToLower(words)
	switch {
	case strings.Contains(w, "refused"):
		return Refused
	case strings.Contains(w, "no route"), strings.Contains(w, "unreachable"), strings.Contains(w, "protocol not available"):
		return Unreachable
	// A firewall that forbids over IPv6 (ICMPv6 "administratively prohibited", as
	// firewalld says it) is EACCES to connect(2), other than over IPv4.
	case strings.Contains(w, "permission denied"):
		return Unreachable
	case strings.Contains(w, "timed out"):
		return NoAnswer
	default:
		return CannotTell
	}
}

// dialByShell makes the calls with these indices from one session, with the
// first tool that the host has.
func dialByShell(ctx context.Context, h Host, calls []call, which []int, out []Outcome, heard func(int, Outcome)) {
	args := make([]string, 0, 3+3*len(which))
	args = append(args, strconv.Itoa(int(Deadline/time.Second)), dialPython, dialPerl)
	for _, i := range which {
		id := "-"
		if calls[i].nonce != "" {
			id = strconv.Itoa(calls[i].id)
		}
		args = append(args, calls[i].addr.Addr().String(), strconv.Itoa(int(calls[i].addr.Port())), id)
	}
	within, cancel := context.WithTimeout(ctx, 2*Deadline)
	defer cancel()
	begin, via := time.Now(), ""
	told := make([]bool, len(which))
	res, err := h.Stream(within, remote.Command{Script: dialScript, Args: args}, func(line remote.Line) {
		word, rest, _ := strings.Cut(line.Text, " ")
		if word == "TOOL" && !line.Stderr {
			begin, via = time.Now(), rest
			return
		}
		number, rest, _ := strings.Cut(rest, " ")
		n, err := strconv.Atoi(number)
		if err != nil || n < 0 || n >= len(which) || told[n] || line.Stderr {
			return
		}
		o := Outcome{Via: via, Took: time.Since(begin)}
		if o.read(word, rest, calls[which[n]].nonce) {
			told[n], out[which[n]] = true, o
			heard(which[n], o)
		}
	})
	for n, i := range which {
		if told[n] {
			continue
		}
		switch {
		case err != nil:
			out[i] = Outcome{Kind: CannotTell, Via: via, Err: err}
		case via == "none":
			out[i].Err = fmt.Errorf("sshd forbids forwarding, and the host has none of python3, perl and bash to go around it: %w", out[i].Err)
		default:
			out[i] = Outcome{Kind: CannotTell, Via: via, Err: fmt.Errorf("host %s: the probe ended without a word: exit status %d: %s", h.Name(), res.Code, strings.TrimSpace(res.Stderr))}
		}
	}
}

// read takes one line of the script; see dial.sh.
func (o *Outcome) read(word, rest, nonce string) bool {
	switch word {
	case "OPEN":
		o.Kind = Opened
	case "HEARD":
		o.hear(rest, nonce)
	case "CLOSED":
		o.Kind, o.Words = Silent, closedWords
	case "SILENT":
		o.Kind, o.Words = Silent, lateWords
	case "TIME":
		o.Kind = NoAnswer
	case "NOROUTE":
		o.Kind, o.Words = NoRoute, "the host has no route to that address"
	case "ERR":
		_, o.Words, _ = strings.Cut(rest, " ")
		if o.Kind = kindOfWords(o.Words); o.Kind == CannotTell {
			o.Err = errors.New(o.Words)
		}
	default:
		return false
	}
	return true
}
