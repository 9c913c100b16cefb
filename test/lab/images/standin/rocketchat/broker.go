package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"strconv"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
)

// event is what instances tell each other: lab events by one test user, and
// that they are there.
type event struct {
	From    string `json:"from"` // instance id
	Kind    string `json:"kind"` // "here" or "lab"
	Payload string `json:"payload,omitempty"`
}

// broker is a transporter that is connected (§3).
type broker interface {
	publish(ctx context.Context, e event) error
	// port is the TCP transporter's, which peers find in the registry; 0 with NATS.
	port() int
	// connected is true for an instance that was heard of lately.
	connected(id string) bool
	close()
}

// events are the lab events that reached this instance.
type events struct {
	mu        sync.Mutex
	list      []event
	listeners map[chan event]struct{}
}

func (e *events) add(ev event) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.list = append(e.list, ev)
	for l := range e.listeners {
		select {
		case l <- ev:
		default: // a client that does not read loses events, as with DDP's streams
		}
	}
}

func (e *events) all() []event {
	e.mu.Lock()
	defer e.mu.Unlock()
	return append([]event{}, e.list...)
}

func (e *events) listen() (<-chan event, func()) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.listeners == nil {
		e.listeners = map[chan event]struct{}{}
	}
	l := make(chan event, 16)
	e.listeners[l] = struct{}{}
	return l, func() {
		e.mu.Lock()
		defer e.mu.Unlock()
		delete(e.listeners, l)
	}
}

// peers remembers when which instance was heard of.
type peers struct {
	mu   sync.Mutex
	seen map[string]time.Time
}

const (
	announceEvery = 5 * time.Second
	silentAfter   = 15 * time.Second
)

func (p *peers) heard(id string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.seen == nil {
		p.seen = map[string]time.Time{}
	}
	p.seen[id] = time.Now()
}

func (p *peers) connected(id string) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	t, ok := p.seen[id]
	return ok && time.Since(t) < silentAfter
}

// receive handles what came from another instance. Without the module
// scalability nothing is taken either, since nothing is subscribed to (§3).
func (a *app) receive(p *peers, raw []byte) {
	var e event
	if json.Unmarshal(raw, &e) != nil {
		return
	}
	p.heard(e.From)
	if e.Kind == "lab" && e.From != a.id && a.linked() {
		a.events.add(e)
	}
}

// linked is whether this instance broadcasts: the broker always starts, and only
// the licence's module scalability starts broadcasting, unless
// Troubleshoot_Disable_Instance_Broadcast silences it (§3).
func (a *app) linked() bool {
	return a.has("scalability") && !a.settings.boolean("Troubleshoot_Disable_Instance_Broadcast")
}

// openBroker returns once the transporter is connected. It never gives up: with
// NATS away the instance neither registers nor fails, and tries again each five
// seconds (§1, NATS proof). That HTTP stays closed meanwhile is a choice: the
// facts leave it open (§9).
func (a *app) openBroker(ctx context.Context) (broker, error) {
	if a.transporter.natsURL == "" {
		return a.openTCP(ctx)
	}
	b := &natsBroker{}
	for {
		var err error
		b.conn, err = nats.Connect(a.transporter.natsURL, nats.Name("rocketchat-"+a.id), nats.MaxReconnects(-1), nats.ReconnectWait(time.Second))
		if err == nil {
			break
		}
		a.log.info("BROKER", "Connection is failed. "+err.Error())
		if err := pause(ctx, 5*time.Second); err != nil {
			return nil, err
		}
	}
	if _, err := b.conn.Subscribe("MOL.EVENT", func(m *nats.Msg) { a.receive(&b.peers, m.Data) }); err != nil {
		return nil, fmt.Errorf("nats: %w", err)
	}
	go a.announce(ctx, b)
	return b, nil
}

// announce tells the others that this instance is there, licence or not.
func (a *app) announce(ctx context.Context, b broker) {
	for {
		if err := b.publish(ctx, event{From: a.id, Kind: "here"}); err != nil && ctx.Err() == nil {
			a.log.info("BROKER", "announce: "+err.Error())
		}
		if pause(ctx, announceEvery) != nil {
			return
		}
	}
}

type natsBroker struct {
	peers

	conn *nats.Conn
}

func (b *natsBroker) port() int { return 0 }
func (b *natsBroker) close()    { b.conn.Close() }

func (b *natsBroker) publish(_ context.Context, e event) error {
	raw, err := json.Marshal(e)
	if err != nil {
		return fmt.Errorf("event: %w", err)
	}
	if err := b.conn.Publish("MOL.EVENT", raw); err != nil {
		return fmt.Errorf("nats: %w", err)
	}
	return nil
}

// tcpBroker is Moleculer's TCP transporter as Rocket.Chat uses it: no discovery
// by UDP, peers as host:tcpPort from the registry, so that a wrong INSTANCE_IP
// or a firewall cuts the instance off (§3).
type tcpBroker struct {
	peers

	app      *app
	listener net.Listener
}

func (a *app) openTCP(ctx context.Context) (broker, error) {
	var lc net.ListenConfig
	l, err := lc.Listen(ctx, "tcp", net.JoinHostPort("", strconv.Itoa(a.transporter.tcpPort)))
	if err != nil {
		return nil, fmt.Errorf("tcp transporter: %w", err)
	}
	b := &tcpBroker{app: a, listener: l}
	go b.accept()
	go a.announce(ctx, b)
	return b, nil
}

func (b *tcpBroker) port() int {
	if tcp, ok := b.listener.Addr().(*net.TCPAddr); ok {
		return tcp.Port
	}
	return b.app.transporter.tcpPort
}

func (b *tcpBroker) close() { _ = b.listener.Close() }

func (b *tcpBroker) accept() {
	for {
		conn, err := b.listener.Accept()
		if err != nil {
			return
		}
		go func() {
			defer func() { _ = conn.Close() }()
			_ = conn.SetDeadline(time.Now().Add(5 * time.Second)) // without deadlines the peer's close ends it
			line, err := bufio.NewReader(io.LimitReader(conn, 1<<20)).ReadBytes('\n')
			if err == nil {
				b.app.receive(&b.peers, line)
			}
		}()
	}
}

// publish reaches every other instance of the registry. Those that cannot be
// reached are named in the error; the rest have the event.
func (b *tcpBroker) publish(ctx context.Context, e event) error {
	raw, err := json.Marshal(e)
	if err != nil {
		return fmt.Errorf("event: %w", err)
	}
	records, err := b.app.records(ctx)
	if err != nil {
		return err
	}
	b.heard(b.app.id)
	var failed []error
	for _, r := range records {
		if r.ID == b.app.id || r.Extra.TCPPort == 0 {
			continue
		}
		d := net.Dialer{Timeout: 2 * time.Second}
		conn, err := d.DialContext(ctx, "tcp", net.JoinHostPort(r.Extra.Host, strconv.Itoa(r.Extra.TCPPort)))
		if err == nil {
			_, err = conn.Write(append(raw, '\n'))
			err = errors.Join(err, conn.Close())
		}
		failed = append(failed, err)
	}
	return errors.Join(failed...)
}
