package remote

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"sync"
	"time"
)

// bridgeScript connects stdin and stdout to $2:$3 ("tcp") or to the socket $2
// ("unix") with the first tool that the host has. Its first line on stdout is
// "rcwz-open" once the connection stands, else "rcwz-fail" and why.
//
// A shell script cannot pass on the end of its input as half a close; python3
// and perl can. nc and socat say nothing once they are connected, so they are
// asked to probe first.
const bridgeScript = `net=$1 host=$2 port=${3:-}
for py in python3 /usr/libexec/platform-python; do
	command -v $py >/dev/null || continue
	exec $py -c '
import os, socket, sys, threading
net, host, port = sys.argv[1:4]
try:
    if net == "unix":
        s = socket.socket(socket.AF_UNIX); s.connect(host)
    else:
        s = socket.create_connection((host, int(port)))
except OSError as e:
    print("rcwz-fail", e.strerror or e, flush=True); sys.exit(0)
s.settimeout(None)
os.write(1, b"rcwz-open\n")
def up():
    while True:
        b = os.read(0, 65536)
        if not b: break
        s.sendall(b)
    try: s.shutdown(socket.SHUT_WR)
    except OSError: pass
threading.Thread(target=up, daemon=True).start()
while True:
    b = s.recv(65536)
    if not b: break
    while b: b = b[os.write(1, b):]
' "$net" "$host" "$port" 2>/dev/null
done
if command -v perl >/dev/null; then
	exec perl -e '
use strict; use Socket qw(:all);
my ($net, $host, $port) = @ARGV; my ($s, $ok);
sub fail { my $t = "$_[0]"; syswrite STDOUT, "rcwz-fail $t\n"; exit 0 }
if ($net eq "unix") { socket($s, PF_UNIX, SOCK_STREAM, 0) or fail($!); connect($s, pack_sockaddr_un($host)) or fail($!); }
else {
  my ($e, @a) = getaddrinfo($host, $port, {socktype => SOCK_STREAM}); fail("does not resolve: $e") if $e;
  for (@a) { socket($s, $_->{family}, SOCK_STREAM, 0) or next; if (connect($s, $_->{addr})) { $ok = 1; last } }
  fail($!) unless $ok;
}
syswrite STDOUT, "rcwz-open\n";
my ($a, $b, $in) = ("", "", 1); my $open = 1;
while ($open) {
  my $r = ""; vec($r, fileno($s), 1) = 1; vec($r, 0, 1) = 1 if $in;
  select($r, undef, undef, undef) or next;
  if ($in && vec($r, 0, 1)) {
    my $n = sysread(STDIN, $a, 65536);
    if (!$n) { $in = 0; shutdown($s, 1) } else { for (my $o = 0; $o < $n;) { my $w = syswrite($s, $a, $n - $o, $o) or exit 0; $o += $w } }
  }
  if (vec($r, fileno($s), 1)) {
    my $n = sysread($s, $b, 65536) or last;
    for (my $o = 0; $o < $n;) { my $w = syswrite(STDOUT, $b, $n - $o, $o) or exit 0; $o += $w }
  }
}' "$net" "$host" "$port" 2>/dev/null
fi
if [ "$net" = tcp ] && command -v bash >/dev/null; then
	exec bash -c '
if ! e=$( { exec 3<>"/dev/tcp/$1/$2"; } 2>&1 ) || ! exec 3<>"/dev/tcp/$1/$2"; then echo "rcwz-fail ${e##*: }"; exit 0; fi 2>/dev/null
echo rcwz-open
cat <&3 & c=$!
(cat >&3; sleep 1; kill $c 2>/dev/null) <&0 3>&3 >/dev/null &
wait $c' bash "$host" "$port"
fi
if command -v socat >/dev/null; then
	if [ "$net" = unix ]; then to=UNIX-CONNECT:$host; else case $host in *:*) to="TCP:[$host]:$port" ;; *) to=TCP:$host:$port ;; esac; fi
	if ! e=$(socat -T 1 - "$to" </dev/null 2>&1 >/dev/null); then echo "rcwz-fail ${e##*: }"; exit 0; fi
	echo rcwz-open
	exec socat -t 86400 - "$to"
fi
if command -v nc >/dev/null; then
	if [ "$net" = unix ]; then
		[ -S "$host" ] || { echo "rcwz-fail No such file or directory"; exit 0; }
		[ -w "$host" ] || { echo "rcwz-fail Permission denied"; exit 0; }
		echo rcwz-open
		exec nc -U "$host"
	fi
	case $(nc -h 2>&1) in
	*-z*) probe='nc -v -z -w 5' ;;
	*) probe='nc -w 5' ;; # an old busybox
	esac
	if ! e=$($probe "$host" "$port" </dev/null 2>&1 >/dev/null); then echo "rcwz-fail ${e##*: }"; exit 0; fi
	echo rcwz-open
	exec nc "$host" "$port"
fi
echo rcwz-none
`

var errNoBridge = errors.New("sshd forbids forwarding, and the host has none of python3, perl, bash, socat and nc to go around it: allow it with AllowTcpForwarding yes in sshd_config")

// bridge is a connection over a session, for hosts whose sshd forbids
// forwarding. It takes one of the host's sessions while it lasts.
func (r *runner) bridge(ctx context.Context, network, address string) (net.Conn, error) {
	args := []string{network, address}
	if network == "tcp" {
		host, port, err := net.SplitHostPort(address)
		if err != nil {
			return nil, &DialError{Host: r.name, Network: network, Address: address, Kind: DialFailed, Err: err}
		}
		args = []string{network, host, port}
	}
	fail := func(kind DialKind, err error) (net.Conn, error) {
		return nil, &DialError{Host: r.name, Network: network, Address: address, Kind: kind, Err: err}
	}
	s, err := r.stdio(ctx, Command{Script: bridgeScript, Args: args})
	if err != nil {
		return nil, err
	}
	type answer struct {
		line string
		err  error
	}
	answers := make(chan answer, 1)
	br := bufio.NewReader(s.out)
	go func() {
		line, err := br.ReadString('\n')
		answers <- answer{strings.TrimSpace(line), err}
	}()
	select {
	case a := <-answers:
		word, text, _ := strings.Cut(a.line, " ")
		if word == "rcwz-open" {
			s.reader = br
			return withDeadlines(s, bridgeAddr{network, address}), nil
		}
		_ = s.Close()
		switch word {
		case "rcwz-fail":
			return fail(dialKindOf(text), errors.New(text))
		case "rcwz-none":
			return fail(DialProhibited, errNoBridge)
		default:
			return fail(DialFailed, fmt.Errorf("the stream over a session did not open: %s", s.said()))
		}
	case <-ctx.Done():
		_ = s.Close()
		kind := DialFailed
		if errors.Is(ctx.Err(), context.DeadlineExceeded) {
			kind = DialFiltered
		}
		return fail(kind, context.Cause(ctx))
	}
}

// stdio is a script whose stdin and stdout are a stream.
type stdio struct {
	l      *launched
	out    *io.PipeReader
	in     *io.PipeWriter
	reader io.Reader
	free   func()
	once   sync.Once

	mu   sync.Mutex
	errs tail
}

// stdio starts a script with raw streams: no frames, no supervisor. It must
// end by itself when its stdin does.
func (r *runner) stdio(ctx context.Context, c Command) (*stdio, error) {
	src, err := c.source()
	if err != nil {
		return nil, fmt.Errorf("host %s: %w", r.name, err)
	}
	if err := r.acquire(ctx); err != nil {
		return nil, err
	}
	s := &stdio{free: func() { <-r.slots }}
	s.out, s.in = io.Pipe()
	s.reader = s.out
	lines := &splitter{redact: r.redact, emit: func(line string) {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.errs.add(line)
	}}
	s.l, err = r.launch(ctx, c.Root, src, s.in, lines)
	if err != nil {
		s.free()
		return nil, err
	}
	go func() {
		<-s.l.drained
		lines.Close()
		_ = s.in.Close()
	}()
	return s, nil
}

// over waits a moment for the script to have ended and all it wrote to have
// been read, and reports whether that is so. The end of one stream comes before
// the others and before the exit status.
func (s *stdio) over() bool {
	timer := time.NewTimer(time.Second)
	defer timer.Stop()
	for _, end := range []<-chan struct{}{s.l.drained, s.l.ended} {
		select {
		case <-end:
		case <-timer.C:
			return false
		}
	}
	return true
}

// said is what the script wrote to stderr, and how it ended.
func (s *stdio) said() string {
	over := s.over()
	s.mu.Lock()
	defer s.mu.Unlock()
	if text := strings.TrimSpace(s.errs.String()); text != "" {
		return text
	}
	if over {
		return s.l.exit.String()
	}
	return "no answer"
}

// refused is why sudo did not let the script run; nil if it did.
func (s *stdio) refused(r *runner) error {
	if s.l.gate == nil || !s.over() {
		return nil
	}
	return r.refusal(s.l.gate, *s.l.exit)
}

func (s *stdio) Read(p []byte) (int, error) { return s.reader.Read(p) } //nolint:wrapcheck // a stream hands on what it gets

// Write fails when the script has ended or is about to. Who writes closes the
// stream then, so what the script said at its end is read first.
func (s *stdio) Write(p []byte) (int, error) {
	n, err := s.l.stdin.Write(p)
	if err != nil {
		s.over()
	}
	return n, err //nolint:wrapcheck // as above
}

// Close ends the script by the end of its stdin.
func (s *stdio) Close() error {
	s.once.Do(func() {
		_ = s.l.stdin.Close()
		_ = s.out.Close() // lets the copier go on
		s.l.release()
		s.free()
	})
	return nil
}

type bridgeAddr struct{ network, address string }

func (a bridgeAddr) Network() string { return a.network }
func (a bridgeAddr) String() string  { return a.address }

// deadlineConn gives deadlines to a stream that has none, such as a channel of
// SSH: database drivers insist on them.
type deadlineConn struct {
	net.Conn
	remote net.Addr
}

func (c deadlineConn) RemoteAddr() net.Addr { return c.remote }
func (c deadlineConn) LocalAddr() net.Addr  { return bridgeAddr{c.remote.Network(), "remote"} }

func withDeadlines(stream io.ReadWriteCloser, remote net.Addr) net.Conn {
	near, far := net.Pipe()
	go func() {
		_, _ = io.Copy(far, stream)
		_ = far.Close()
		_ = stream.Close()
	}()
	go func() {
		_, _ = io.Copy(stream, far)
		_ = far.Close()
		_ = stream.Close()
	}()
	return deadlineConn{Conn: near, remote: remote}
}
