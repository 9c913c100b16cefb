package remote

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/moby/moby/client"
)

// Docker reads a host's Docker engine, and pulls images on it, through the
// connection to the host. Changes to containers are made by docker compose on
// the host itself, so that the administrator finds there what was done. What
// it returns holds no environment of a container: that is where secrets are.
type Docker struct {
	host   string
	api    *client.Client
	redact *Redactor
	// way is how the engine is reached, for people.
	way string
	// follows has room for the logs that may be followed at a time; nil: any
	// number may, because it takes no session.
	follows chan struct{}
	// lost is the loss of the connection to the host that the last attempt to
	// reach the engine met; nil if it met none.
	lost func() *LostError
}

// askFor bounds a question that the engine answers at once when it is well. A
// host that was lost takes less to be given up, so that the error is of the
// loss; what is left is an engine that hangs.
const askFor = 3 * time.Minute

// asking gives a question its bound.
func asking(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeoutCause(ctx, askFor, fmt.Errorf("Docker's engine gave no answer in %v: look at its log (journalctl -u docker) and restart it", askFor)) //nolint:staticcheck // Docker is a name
}

// Way says how the engine is reached: "socket", "docker system dial-stdio" or
// the same by sudo.
func (d *Docker) Way() string { return d.way }

// DockerKind says why Docker cannot be used.
type DockerKind string

// The kinds.
const (
	DockerAbsent       DockerKind = "not installed"
	DockerNotRunning   DockerKind = "not running"
	DockerNotPermitted DockerKind = "not permitted"
	DockerTooOld       DockerKind = "too old"
	DockerFailed       DockerKind = "failed"
)

// DockerError is a Docker engine that cannot be used.
type DockerError struct {
	Host, User string
	Kind       DockerKind
	Err        error
}

func (e *DockerError) Error() string {
	var msg string
	switch e.Kind {
	case DockerAbsent:
		msg = "Docker is not installed: install Docker Engine and the Compose plugin (https://docs.docker.com/engine/install/)"
	case DockerNotRunning:
		msg = "Docker is installed but its engine does not run: start it (systemctl enable --now docker) and look at its log (journalctl -u docker) if it ends again"
	case DockerNotPermitted:
		msg = fmt.Sprintf("%s may not use Docker: add the user to the group docker (sudo usermod -aG docker %s) and connect again, or let it use sudo", e.User, e.User)
	case DockerTooOld:
		msg = "Docker is too old: update it to 20.10 or later"
	case DockerFailed:
		msg = "Docker's engine does not answer as it should"
	}
	if e.Err != nil {
		msg += fmt.Sprintf(" (%v)", e.Err)
	}
	return fmt.Sprintf("host %s: %s", e.Host, msg)
}

func (e *DockerError) Unwrap() error { return e.Err }

const (
	dockerSocket = "/var/run/docker.sock"
	// dialStdio goes where the docker command goes: its context and
	// DOCKER_HOST count.
	dialStdio = `PATH=$PATH:/usr/local/bin:/usr/bin:/bin:/snap/bin
command -v docker >/dev/null || { echo rcwz-docker-absent >&2; exit 127; }
exec docker system dial-stdio`
)

type dialFunc func(ctx context.Context, network, address string) (net.Conn, error)

// dockerOnce finds the way to a host's engine once.
type dockerOnce struct {
	mu     sync.Mutex
	docker *Docker
	// looking is closed when the search under way is over.
	looking chan struct{}
}

func (o *dockerOnce) close() {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.docker != nil {
		_ = o.docker.api.Close()
	}
}

func (o *dockerOnce) get(ctx context.Context, r *runner, dial dialFunc) (*Docker, error) {
	for {
		o.mu.Lock()
		if d := o.docker; d != nil {
			o.mu.Unlock()
			return d, nil
		}
		looking := o.looking
		if looking == nil {
			break
		}
		o.mu.Unlock()
		// Who waits keeps a bound of its own.
		select {
		case <-looking:
		case <-ctx.Done():
			return nil, fmt.Errorf("host %s: %w while Docker's engine is looked for", r.name, context.Cause(ctx))
		}
	}
	o.looking = make(chan struct{})
	o.mu.Unlock()
	ctx, cancel := asking(ctx)
	defer cancel()
	d, err := findDocker(ctx, r, dial, dockerSocket)
	o.mu.Lock()
	defer o.mu.Unlock()
	close(o.looking)
	o.docker, o.looking = d, nil
	return d, err
}

// viaSocket is the way to the engine that takes no session.
const viaSocket = "socket"

// findDocker tries the socket (works for root and the group docker), then a
// stream through the docker command, then the same as root. The engine is
// asked at once: after a negotiation that failed the client would go on in the
// newest version as if nothing had happened.
func findDocker(ctx context.Context, r *runner, dial dialFunc, socket string) (*Docker, error) {
	d, err := openDocker(ctx, r, viaSocket, func(ctx context.Context) (net.Conn, error) {
		return dial(ctx, "unix", socket)
	})
	var failed *DockerError
	var notDialled *DialError
	if _, ok := errors.AsType[*noAnswerError](err); ok {
		return nil, &DockerError{Host: r.name, User: r.user, Kind: DockerFailed, Err: err}
	}
	if err == nil || ctx.Err() != nil || !errors.As(err, &notDialled) {
		return d, err
	}
	var said stdioText
	d, err = openDocker(ctx, r, "docker system dial-stdio", said.dial(r, false))
	if err == nil || ctx.Err() != nil || errors.As(err, &failed) {
		return d, err
	}
	first := kindOf(said.text())
	if first != DockerNotPermitted {
		return nil, &DockerError{Host: r.name, User: r.user, Kind: first, Err: said.cause(err)}
	}
	denied := said.cause(err)
	var asRoot stdioText
	d, err = openDocker(ctx, r, "sudo docker system dial-stdio", asRoot.dial(r, true))
	if err == nil || ctx.Err() != nil || errors.As(err, &failed) {
		return d, err
	}
	text := asRoot.text()
	var sudo *SudoError
	if errors.As(err, &sudo) || errors.As(asRoot.refused(r), &sudo) {
		return nil, &DockerError{Host: r.name, User: r.user, Kind: DockerNotPermitted, Err: fmt.Errorf("%w; %w", denied, sudo)}
	}
	return nil, &DockerError{Host: r.name, User: r.user, Kind: kindOf(text), Err: asRoot.cause(err)}
}

// DockerOver gives the Docker engine that answers on the connections which dial
// opens: for hosts of another kind than this package's own. redact may be nil.
func DockerOver(ctx context.Context, host string, redact *Redactor, dial func(ctx context.Context) (net.Conn, error)) (*Docker, error) {
	return openDocker(ctx, &runner{name: host, redact: redact}, viaSocket, dial)
}

// Close ends the connections to the engine that are idle.
func (d *Docker) Close() error {
	if err := d.api.Close(); err != nil {
		return fmt.Errorf("host %s: close the way to Docker: %w", d.host, err)
	}
	return nil
}

// noAnswerError is a stream that opened and an engine that did not answer on it.
type noAnswerError struct{ err error }

func (e *noAnswerError) Error() string { return e.err.Error() }
func (e *noAnswerError) Unwrap() error { return e.err }

// stdioText is what the last docker system dial-stdio said.
type stdioText struct {
	mu   sync.Mutex
	last *stdio
}

func (t *stdioText) dial(r *runner, root bool) func(context.Context) (net.Conn, error) {
	return func(ctx context.Context) (net.Conn, error) {
		s, err := r.stdio(ctx, Command{Script: dialStdio, Root: root})
		if err != nil {
			return nil, err
		}
		t.mu.Lock()
		t.last = s
		t.mu.Unlock()
		return withDeadlines(s, bridgeAddr{"unix", dockerSocket}), nil
	}
}

func (t *stdioText) text() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.last == nil {
		return ""
	}
	return t.last.said()
}

func (t *stdioText) cause(err error) error {
	if text := strings.TrimPrefix(t.text(), "rcwz-docker-absent"); text != "" {
		return errors.New(lastLine(text))
	}
	if strings.Contains(t.text(), "rcwz-docker-absent") {
		return nil
	}
	return err
}

func (t *stdioText) refused(r *runner) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.last == nil {
		return nil
	}
	return t.last.refused(r)
}

func kindOf(text string) DockerKind {
	text = strings.ToLower(text)
	switch {
	case strings.Contains(text, "rcwz-docker-absent"):
		return DockerAbsent
	case strings.Contains(text, "permission denied"):
		return DockerNotPermitted
	case strings.Contains(text, "cannot connect to the docker daemon"), strings.Contains(text, "connection refused"),
		strings.Contains(text, "no such file"), strings.Contains(text, "failed to connect to the docker api"):
		return DockerNotRunning
	default:
		return DockerFailed
	}
}

// openDocker makes a client over one way and asks the engine for its version.
// An error of dial comes back as it is.
func openDocker(ctx context.Context, r *runner, way string, dial func(context.Context) (net.Conn, error)) (*Docker, error) {
	var mu sync.Mutex
	var dialled error
	transport := &http.Transport{ // no proxy: the request does not leave the connection
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			conn, err := dial(ctx)
			mu.Lock()
			defer mu.Unlock()
			dialled = err
			return conn, err
		},
		MaxIdleConns:    2,
		IdleConnTimeout: 30 * time.Second,
	}
	api, err := client.New(
		client.WithHost("tcp://docker.invalid:2375"),
		client.WithHTTPClient(&http.Client{Transport: again{transport}, CheckRedirect: client.CheckRedirect}),
		client.WithUserAgent("rcwizard"),
	)
	if err != nil {
		return nil, fmt.Errorf("host %s: make a Docker client: %w", r.name, err)
	}
	_, err = api.Ping(ctx, client.PingOptions{NegotiateAPIVersion: true})
	if err == nil {
		var follows chan struct{}
		if way != viaSocket {
			follows = r.follows
		}
		return &Docker{follows: follows, host: r.name, api: api, redact: r.redact, way: way, lost: func() *LostError {
			mu.Lock()
			defer mu.Unlock()
			lost, _ := errors.AsType[*LostError](dialled)
			return lost
		}}, nil
	}
	_ = api.Close()
	transport.CloseIdleConnections()
	mu.Lock()
	defer mu.Unlock()
	switch {
	case ctx.Err() != nil:
		return nil, fmt.Errorf("host %s: ask Docker's engine: %w", r.name, context.Cause(ctx))
	case dialled != nil:
		return nil, dialled
	case strings.Contains(err.Error(), "API version") && strings.Contains(err.Error(), "not supported"):
		return nil, &DockerError{Host: r.name, User: r.user, Kind: DockerTooOld, Err: err}
	default:
		return nil, &noAnswerError{err}
	}
}

// again asks once more what only looks, when the stream broke before the
// answer: a connection to a host that was lost is made again on the way.
type again struct{ *http.Transport }

func (a again) RoundTrip(req *http.Request) (*http.Response, error) {
	resp, err := a.Transport.RoundTrip(req)
	look := (req.Method == http.MethodGet || req.Method == http.MethodHead) && req.Body == nil
	broken := errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, io.ErrClosedPipe)
	if !look || !broken || req.Context().Err() != nil {
		return resp, err //nolint:wrapcheck // a transport hands on what it gets
	}
	return a.Transport.RoundTrip(req) //nolint:wrapcheck // as above
}
