// Package mongodb is the lab's mongod as a library: FerretDB's SQLite backend
// behind a front that behaves as the only member of a replica set.
//
// It imitates, so that the wizard's database steps meet what they meet in
// reality: no primary and no set name before replSetInitiate; errors 94, 23,
// 76, 93 and 74 with MongoDB's texts; a member host that cannot be dialled from
// here, or is another process, refused (H5, H6 of the facts); after a restart
// primary again only when the configuration still leads to this process; a lock
// on the data directory; the version of the image's tag.
//
// It stops at replication (one member), at authentication and TLS, and at what
// FerretDB 1.24 lacks: TTL indexes, change streams, transactions, $expr.
package mongodb

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"syscall"
	"time"

	"github.com/FerretDB/FerretDB/ferretdb"
)

// Config is what mongod's command line says.
type Config struct {
	// DBPath must exist, be writable, and be used by no other server.
	DBPath string
	// Port is the TCP port; 0 takes any free one, for tests.
	Port int
	// Addresses are the IP addresses to listen on; empty strings mean all.
	Addresses []string
	// ReplSet is the set's name; "" is a standalone server.
	ReplSet string
	// Version is what buildInfo says; "" leaves FerretDB's.
	Version string
	// Log gets mongod's JSON lines.
	Log io.Writer
}

// The reasons for which mongod does not start.
var (
	// ErrDBPath: the data directory is missing, not writable or locked. mongod exits with 100.
	ErrDBPath = errors.New("data directory")
	// ErrListen: an address cannot be bound. mongod exits with 48.
	ErrListen = errors.New("set up listener")
)

// Server is a mongod that listens.
type Server struct {
	config    Config
	set       *replSet
	front     *front
	ferret    *ferretdb.FerretDB
	socketDir string
	lock      *os.File
	listeners []net.Listener
	log       *logger
}

// Listen opens the data directory and the addresses. The caller must Run the
// server, which also closes it.
func Listen(ctx context.Context, c Config) (_ *Server, err error) {
	s := &Server{config: c, log: &logger{w: c.Log}}
	defer func() {
		if err != nil {
			s.close()
		}
	}()
	if s.lock, err = lockDBPath(c.DBPath); err != nil {
		return nil, err
	}
	if err := s.bind(ctx); err != nil {
		return nil, err
	}
	if s.set, err = openReplSet(c.DBPath, c.ReplSet, s.Port(), s.log); err != nil {
		return nil, errors.Join(ErrDBPath, err)
	}
	if err := s.open(); err != nil {
		return nil, err
	}
	s.front = &front{set: s.set, version: c.Version, backend: filepath.Join(s.socketDir, "ferretdb.sock"), log: s.log}
	return s, nil
}

// open starts FerretDB on a socket of its own.
func (s *Server) open() (err error) {
	data := filepath.Join(s.config.DBPath, "ferretdb")
	if err := os.MkdirAll(data, 0o700); err != nil {
		return errors.Join(ErrDBPath, err)
	}
	if s.socketDir, err = os.MkdirTemp("", "mongod-"); err != nil {
		return fmt.Errorf("folder for the socket: %w", err)
	}
	s.ferret, err = ferretdb.New(&ferretdb.Config{
		Listener: ferretdb.ListenerConfig{Unix: filepath.Join(s.socketDir, "ferretdb.sock")},
		Logger:   slog.New(slog.NewTextHandler(s.config.Log, &slog.HandlerOptions{Level: slog.LevelError})),
		Handler:  "sqlite", SQLiteURL: "file:" + data + "/",
	})
	if err != nil {
		return errors.Join(ErrDBPath, err)
	}
	return nil
}

func (s *Server) bind(ctx context.Context) error {
	var listen net.ListenConfig
	port := s.config.Port
	for _, a := range s.config.Addresses {
		l, err := listen.Listen(ctx, "tcp", net.JoinHostPort(a, strconv.Itoa(port)))
		if err != nil {
			return errors.Join(ErrListen, err)
		}
		s.listeners = append(s.listeners, l)
		if tcp, ok := l.Addr().(*net.TCPAddr); ok {
			port = tcp.Port
		}
		s.log.info("NETWORK", 23015, "Listening on", map[string]any{"address": a})
	}
	if len(s.listeners) == 0 {
		return errors.Join(ErrListen, errors.New("no address to listen on"))
	}
	return nil
}

// Port is the port that the server listens on.
func (s *Server) Port() int {
	if tcp, ok := s.listeners[0].Addr().(*net.TCPAddr); ok {
		return tcp.Port
	}
	return s.config.Port
}

// Run serves until ctx ends.
func (s *Server) Run(ctx context.Context) error {
	defer s.close()
	var wg sync.WaitGroup
	defer wg.Wait()
	var ferret error
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	// FerretDB outlives the front, so that requests in flight are answered.
	inner, stop := context.WithCancel(context.WithoutCancel(ctx))
	wg.Go(func() {
		ferret = s.ferret.Run(inner)
		cancel()
	})
	var fronts sync.WaitGroup
	for _, l := range s.listeners {
		fronts.Go(func() { s.front.serve(ctx, l) })
	}
	fronts.Go(func() { s.set.run(ctx) })
	s.log.info("NETWORK", 23016, "Waiting for connections", map[string]any{"port": s.Port(), "ssl": "off"})
	fronts.Wait()
	stop()
	wg.Wait()
	s.log.info("CONTROL", 23138, "Shutting down", map[string]any{"exitCode": 0})
	if ferret != nil {
		return fmt.Errorf("ferretdb: %w", ferret)
	}
	return nil
}

func (s *Server) close() {
	for _, l := range s.listeners {
		_ = l.Close() // closed by serve, mostly
	}
	if s.socketDir != "" {
		_ = os.RemoveAll(s.socketDir) // a leftover in the temporary folder harms nobody
	}
	if s.lock != nil {
		_ = s.lock.Close()
	}
}

// lockDBPath takes the data directory as mongod does, with mongod.lock.
func lockDBPath(dbpath string) (*os.File, error) {
	if info, err := os.Stat(dbpath); errors.Is(err, fs.ErrNotExist) || err == nil && !info.IsDir() {
		return nil, fmt.Errorf("%w: NonExistentPath: Data directory %s not found. Create the missing directory or specify another path using the --dbpath command line option", ErrDBPath, dbpath)
	}
	f, err := os.OpenFile(filepath.Join(dbpath, "mongod.lock"), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fmt.Errorf("%w: IllegalOperation: Attempted to create a lock file on a read-only directory: %s: %w", ErrDBPath, dbpath, err)
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		_ = f.Close()
		return nil, fmt.Errorf("%w: DBPathInUse: Unable to lock the lock file: %s. Another mongod instance is already running on the %s directory", ErrDBPath, f.Name(), dbpath)
	}
	return f, nil
}

// logger writes JSON lines in mongod's form.
type logger struct {
	mu sync.Mutex
	w  io.Writer
}

func (l *logger) info(component string, id int, msg string, attr map[string]any) {
	type date struct {
		Date string `json:"$date"`
	}
	line := struct {
		T    date           `json:"t"`
		S    string         `json:"s"`
		C    string         `json:"c"`
		ID   int            `json:"id"`
		Ctx  string         `json:"ctx"`
		Msg  string         `json:"msg"`
		Attr map[string]any `json:"attr,omitempty"`
	}{date{time.Now().UTC().Format("2006-01-02T15:04:05.000-07:00")}, "I", component, id, "lab", msg, attr}
	text, err := json.Marshal(line)
	if err != nil {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	_, _ = l.w.Write(append(text, '\n')) // nowhere to report that the log fails
}
