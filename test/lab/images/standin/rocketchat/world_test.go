package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	natsserver "github.com/nats-io/nats-server/v2/server"
	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"github.com/rcwizard/rcwizard/test/lab/images/standin/mongodb"
)

// world is a database host: a MongoDB that is primary, and NATS.
type world struct {
	mongoURL, natsURL string
	db                *mongo.Database
}

func newWorld(t *testing.T) *world {
	t.Helper()
	s, err := mongodb.Listen(t.Context(), mongodb.Config{DBPath: t.TempDir(), ReplSet: "rs0", Addresses: []string{"127.0.0.1"}, Log: io.Discard})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- s.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	host := fmt.Sprintf("127.0.0.1:%d", s.Port())
	w := &world{mongoURL: "mongodb://" + host + "/rocketchat?replicaSet=rs0"}
	direct := connect(t, "mongodb://"+host+"/?directConnection=true").Database("admin")
	err = direct.RunCommand(ctx, bson.D{{Key: "replSetInitiate", Value: bson.D{
		{Key: "_id", Value: "rs0"}, {Key: "members", Value: bson.A{bson.D{{Key: "_id", Value: 0}, {Key: "host", Value: host}}}},
	}}}).Err()
	if err != nil {
		t.Fatal(err)
	}
	w.db = connect(t, w.mongoURL).Database("rocketchat")

	n, err := natsserver.NewServer(&natsserver.Options{Host: "127.0.0.1", Port: -1, NoSigs: true, NoLog: true})
	if err != nil {
		t.Fatal(err)
	}
	n.Start()
	t.Cleanup(func() { n.Shutdown(); n.WaitForShutdown() })
	w.natsURL = "monolith+" + n.ClientURL()
	return w
}

func connect(t *testing.T, uri string) *mongo.Client {
	t.Helper()
	c, err := mongo.Connect(options.Client().ApplyURI(uri))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Disconnect(context.Background()) })
	return c
}

// buffer is a log that can be read while it is written.
type buffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (b *buffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.Write(p)
}

func (b *buffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.String()
}

// instance is one stand-in that runs in this process.
type instance struct {
	app  *app
	url  string
	env  map[string]string
	log  *buffer
	stop func() error
}

func freePort(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	_, port, _ := net.SplitHostPort(l.Addr().String())
	return port
}

// launch starts an instance without waiting for it.
func (w *world) launch(t *testing.T, extra map[string]string) (*instance, <-chan *app) {
	t.Helper()
	env := map[string]string{
		"ROOT_URL": "https://chat.example.com", "PORT": freePort(t), "BIND_IP": "127.0.0.1", "INSTANCE_IP": "127.0.0.1",
		"MONGO_URL": w.mongoURL, "TRANSPORTER": w.natsURL, "LAB_RELEASE": "8.9.1", "LAB_STARTUP": "10ms",
		"OVERWRITE_SETTING_Prometheus_Enabled": "true", "PROMETHEUS_PORT": freePort(t),
	}
	maps.Copy(env, extra)
	c, err := parseConfig(env)
	if err != nil {
		t.Fatal(err)
	}
	i := &instance{url: "http://127.0.0.1:" + env["PORT"], env: env, log: &buffer{}}
	ready, done := make(chan *app, 1), make(chan error, 1)
	ctx, cancel := context.WithCancel(context.Background())
	go func() { done <- start(ctx, c, newLogger(i.log), ready) }()
	i.stop = sync.OnceValue(func() error { cancel(); return <-done })
	t.Cleanup(func() { _ = i.stop() })
	return i, ready
}

func (w *world) start(t *testing.T, extra map[string]string) *instance {
	t.Helper()
	i, ready := w.launch(t, extra)
	select {
	case i.app = <-ready:
	case <-time.After(20 * time.Second):
		t.Fatalf("the instance does not answer:\n%s", i.log)
	}
	return i
}

// call sends a request, decodes the answer and gives its status and header.
func call(t *testing.T, method, url, body string, header map[string]string, into any) (int, http.Header) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	for k, v := range header {
		req.Header.Set(k, v)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	if s, ok := into.(*string); ok {
		*s = string(text)
	} else if into != nil {
		if err := json.Unmarshal(text, into); err != nil {
			t.Fatalf("%s: %v: %s", url, err, text)
		}
	}
	return resp.StatusCode, resp.Header
}

func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for range 100 {
		if ok() {
			return
		}
		select {
		case <-t.Context().Done():
		case <-time.After(50 * time.Millisecond):
		}
	}
	t.Errorf("not within five seconds: %s", what)
}
