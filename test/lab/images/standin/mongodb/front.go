package mongodb

import (
	"context"
	"errors"
	"io"
	"net"
	"sync"

	"go.mongodb.org/mongo-driver/v2/bson"
)

// front stands between clients and FerretDB: it answers what concerns the
// replica set and passes everything else through.
type front struct {
	set     *replSet
	version string
	backend string // FerretDB's Unix socket
	log     *logger
	counters
}

// serve accepts clients until ctx ends, and then waits for their connections.
func (f *front) serve(ctx context.Context, l net.Listener) {
	var wg sync.WaitGroup
	defer wg.Wait()
	stop := context.AfterFunc(ctx, func() { _ = l.Close() })
	defer stop()
	for {
		conn, err := l.Accept()
		if err != nil {
			if ctx.Err() == nil {
				f.log.info("NETWORK", 22943, "Error accepting new connection", map[string]any{"error": err.Error()})
			}
			return
		}
		wg.Go(func() { f.client(ctx, conn) })
	}
}

// client serves one connection. Requests of one connection are answered in
// order, so one backend connection is enough.
func (f *front) client(ctx context.Context, conn net.Conn) {
	f.opened.Add(1)
	f.open.Add(1)
	defer f.open.Add(-1)
	defer func() { _ = conn.Close() }()
	stop := context.AfterFunc(ctx, func() { _ = conn.Close() })
	defer stop()
	var d net.Dialer
	backend, err := d.DialContext(ctx, "unix", f.backend)
	if err != nil {
		f.log.info("NETWORK", 22944, "Connection refused inside", map[string]any{"error": err.Error()})
		return
	}
	defer func() { _ = backend.Close() }()
	for {
		m, err := readMessage(conn)
		if err == nil {
			err = f.exchange(ctx, conn, backend, m)
		}
		if err != nil {
			if !errors.Is(err, io.EOF) && !errors.Is(err, net.ErrClosed) && ctx.Err() == nil {
				f.log.info("NETWORK", 22989, "Connection ended", map[string]any{"remote": conn.RemoteAddr().String(), "error": err.Error()})
			}
			return
		}
	}
}

// exchange answers one request, or has FerretDB answer it.
func (f *front) exchange(ctx context.Context, conn, backend io.ReadWriter, m message) error {
	doc, err := m.document()
	if err != nil {
		return err
	}
	name := command(doc)
	f.count(name)
	own, err := f.answer(ctx, name, doc)
	if err != nil {
		own = failure(err)
	}
	if own != nil {
		if m.oneWay() {
			return nil
		}
		_, err := conn.Write(m.answer(own))
		return err //nolint:wrapcheck // the caller names the connection
	}
	if _, err := backend.Write(m); err != nil {
		return err //nolint:wrapcheck // the caller names the connection
	}
	if m.oneWay() {
		return nil
	}
	reply, err := readMessage(backend)
	if err != nil {
		return err
	}
	if reply, err = f.complete(name, reply); err != nil {
		return err
	}
	_, err = conn.Write(reply)
	return err //nolint:wrapcheck // the caller names the connection
}

// answer is the reply to a command that FerretDB has no part in, or nil.
func (f *front) answer(ctx context.Context, name string, doc bson.Raw) (bson.Raw, error) {
	switch name {
	case "_isSelf":
		return must(bson.D{{Key: "id", Value: f.set.id}, {Key: "ok", Value: 1.0}}), nil
	case "replSetInitiate":
		config, ok := doc.Lookup("replSetInitiate").DocumentOK()
		if !ok {
			config = must(bson.D{})
		}
		if err := f.set.initiate(ctx, config); err != nil {
			return nil, err
		}
		return must(bson.D{{Key: "ok", Value: 1.0}}), nil
	case "replSetGetStatus":
		return f.set.status()
	case "replSetGetConfig":
		return f.set.conf()
	case "endSessions", "killSessions", "refreshSessions":
		// Drivers send these when they close; FerretDB has no sessions to end.
		return must(bson.D{{Key: "ok", Value: 1.0}}), nil
	}
	return nil, f.set.gate(name)
}

// complete changes what FerretDB says of itself into what a mongod would.
func (f *front) complete(name string, reply message) (message, error) {
	doc, err := reply.document()
	if err != nil {
		return nil, err
	}
	switch name {
	case "hello", "isMaster", "ismaster":
		if doc, err = f.set.hello(doc); err != nil {
			return nil, err
		}
	case "serverStatus":
		if doc, err = f.status(doc); err != nil {
			return nil, err
		}
		if doc, err = version(doc, f.version); err != nil {
			return nil, err
		}
	case "buildInfo", "buildinfo":
		if doc, err = version(doc, f.version); err != nil {
			return nil, err
		}
	default:
		return reply, nil
	}
	return reply.withDocument(doc)
}
