package probe

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"sync"
)

// Edge is one connection that a network should, or should not, let through.
type Edge struct {
	// From is the host that opens it; "" is the operator's own machine.
	From string
	// To is the host that is to be reached. "" is whoever answers at Addr: no
	// listener is started, and the best outcome is Opened.
	To string
	// Addr is what is dialled.
	Addr netip.AddrPort
	// Bind is where To listens, if that is not Addr: the wildcard, where Addr
	// is a public address that a router translates.
	Bind netip.AddrPort
}

func (e Edge) bind() netip.AddrPort {
	if e.Bind.IsValid() {
		return unmap(e.Bind)
	}
	return unmap(e.Addr)
}

// Result is what came of an edge.
type Result struct {
	Edge
	// Socket is the listener on To. Only with State Listening an outcome says
	// what the network does; with InUse, Opened says that whoever has the port
	// is reached.
	Socket  Socket
	Outcome Outcome
	// By is the host whose listener answered, where it is another than To: the
	// address belongs to it.
	By string
	// Source is the address from which the connection came, as To saw it;
	// invalid when it did not come, or To has no tool that tells.
	Source netip.Addr
}

// ErrNotConnected is in Result.Outcome.Err and Result.Socket.Err for a host
// that is not among the given ones, which is how a caller leaves out those
// that it cannot reach.
var ErrNotConnected = errors.New("there is no connection to the host")

// Matrix tries all edges and gives their results in the edges' order. Each
// host listens in one session on all that others want of it, and opens all its
// connections at once, so that the whole takes as long as its slowest cell:
// Deadline, when one is filtered. From the operator's machine operator dials.
//
// When it returns, all listeners are closed, also when the context ended.
func Matrix(ctx context.Context, hosts map[string]Host, operator Dialer, edges []Edge) []Result {
	return MatrixEach(ctx, hosts, operator, edges, func(int, Result) {})
}

// MatrixEach is Matrix that tells the result of each edge, by its index, as soon
// as something came back along it, from any goroutine. The last word is what it
// returns: that a host had itself gone away, or whose listener it was that
// answered, is known only at the end.
func MatrixEach(ctx context.Context, hosts map[string]Host, operator Dialer, edges []Edge, each func(edge int, r Result)) []Result {
	m := &matrix{hosts: hosts, operator: operator, each: each, results: make([]Result, len(edges)), towers: map[string]*tower{}}
	froms := map[string][]int{}
	for i, e := range edges {
		m.results[i].Edge = e
		froms[e.From] = append(froms[e.From], i)
		if e.To == "" {
			continue
		}
		t := m.towers[e.To]
		if t == nil {
			t = &tower{ready: make(chan struct{})}
			m.towers[e.To] = t
		}
		if b := e.bind(); !slices.Contains(t.addrs, b) {
			t.addrs = append(t.addrs, b)
		}
	}
	var listening, dialling sync.WaitGroup
	for name, t := range m.towers {
		listening.Go(func() {
			defer close(t.ready)
			h := hosts[name]
			if h == nil {
				t.err = fmt.Errorf("host %s: %w", name, ErrNotConnected)
				return
			}
			t.listener, t.err = begin(ctx, h, t.addrs...)
		})
	}
	for from, cells := range froms {
		dialling.Go(func() { m.dial(ctx, from, cells) })
	}
	dialling.Wait()
	listening.Wait()
	m.close(ctx)
	return m.results
}

// matrix is one run of Matrix.
type matrix struct {
	hosts    map[string]Host
	operator Dialer
	// each hears of what came back along an edge.
	each func(edge int, r Result)
	// results are written by index, each by one goroutine.
	results []Result
	towers  map[string]*tower
}

// tower is a host that listens.
type tower struct {
	addrs []netip.AddrPort
	// listener and err are set when ready is closed.
	listener *Listener
	err      error
	ready    chan struct{}
}

// socket is what became of the listener for an edge.
func (m *matrix) socket(e Edge) Socket {
	t := m.towers[e.To]
	if t == nil {
		return Socket{}
	}
	if t.listener == nil {
		return Socket{Addr: e.bind(), State: Unknown, Err: t.err}
	}
	s, _ := t.listener.Socket(e.bind())
	return s
}

// named is the socket of a result with who has it, if that is known by now.
func (m *matrix) named(r Result) Socket {
	if r.Socket.State != InUse && r.Socket.State != NotPermitted {
		return r.Socket
	}
	return m.socket(r.Edge)
}

// dial tries the cells of one host, once all listeners that they need are
// there, or are known not to come.
func (m *matrix) dial(ctx context.Context, from string, cells []int) {
	calls := make([]call, len(cells))
	for n, i := range cells {
		e := m.results[i].Edge
		calls[n] = call{addr: unmap(e.Addr), id: i}
		if t := m.towers[e.To]; t != nil {
			<-t.ready // begin bounds itself
			m.results[i].Socket = m.socket(e)
			if m.results[i].Socket.State == Listening {
				calls[n].nonce = t.listener.Nonce()
			}
		}
	}
	var outcomes []Outcome
	heard := func(n int, o Outcome) {
		r := m.results[cells[n]]
		r.Socket, r.Outcome = m.named(r), o
		m.each(cells[n], r)
	}
	h := m.hosts[from]
	switch {
	case from == "" && m.operator != nil:
		outcomes = dialFromHere(ctx, m.operator, calls, heard)
	case from != "" && h != nil:
		outcomes = dialAll(ctx, h, calls, heard)
	default:
		what := "host " + from
		if from == "" {
			what = "the operator's machine"
		}
		outcomes = make([]Outcome, len(calls))
		for n := range outcomes {
			outcomes[n] = Outcome{Kind: CannotTell, Err: fmt.Errorf("%s: %w", what, ErrNotConnected)}
		}
	}
	for n, i := range cells {
		m.results[i].Outcome = outcomes[n]
	}
}

func dialFromHere(ctx context.Context, dial Dialer, calls []call, heard func(int, Outcome)) []Outcome {
	out := make([]Outcome, len(calls))
	var wg sync.WaitGroup
	for i := range calls {
		wg.Go(func() {
			out[i] = dialOne(ctx, dial, calls[i], Deadline)
			heard(i, out[i])
		})
	}
	wg.Wait()
	return out
}

// close ends the listeners, and reads what is known only afterwards.
func (m *matrix) close(ctx context.Context) {
	m.suspect(ctx)
	nonces := map[string]string{}
	var wg sync.WaitGroup
	for name, t := range m.towers {
		if t.listener == nil {
			continue
		}
		nonces[greeting+t.listener.Nonce()] = name
		wg.Go(func() {
			_ = t.listener.Close() // the host ends what we cannot
			<-t.listener.named
		})
	}
	wg.Wait()
	for i := range m.results {
		m.results[i].Socket = m.named(m.results[i])
	}
	for i := range m.results {
		r := &m.results[i]
		name, known := nonces[r.Outcome.Heard]
		switch {
		case known:
			r.By = name
		case r.Outcome.Kind == Answered:
			name = r.To
		default:
			continue
		}
		r.Source, _ = m.towers[name].listener.Guest(i)
	}
}

// suspect looks again at listeners that somebody got no answer from: a host
// that itself went away says nothing about the network before it.
func (m *matrix) suspect(ctx context.Context) {
	var wg sync.WaitGroup
	for name, t := range m.towers {
		var cells []int
		silent := false
		for i := range m.results {
			r := &m.results[i]
			if r.To != name || r.Socket.State != Listening || r.Outcome.Kind == Answered {
				continue
			}
			cells = append(cells, i)
			silent = silent || r.Outcome.Kind == NoAnswer
			r.Socket = m.socket(r.Edge)
		}
		if t.listener == nil || !silent {
			continue
		}
		wg.Go(func() {
			err := Alive(ctx, m.hosts[name])
			for _, i := range cells {
				if s := &m.results[i].Socket; err != nil && s.State == Listening {
					s.State, s.Err = Lost, err
				}
			}
		})
	}
	wg.Wait()
}
