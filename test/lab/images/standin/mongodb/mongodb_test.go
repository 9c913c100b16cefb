package mongodb_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strconv"
	"strings"
	"testing"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"github.com/rcwizard/rcwizard/test/lab/images/standin/mongodb"
)

// start runs a server until the test or the returned function ends it.
func start(t *testing.T, c mongodb.Config) (port int, stop func()) {
	t.Helper()
	if c.Log == nil {
		c.Log = io.Discard
	}
	if c.Addresses == nil {
		c.Addresses = []string{"127.0.0.1"}
	}
	s, err := mongodb.Listen(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- s.Run(ctx) }()
	ended := false
	stop = func() {
		if ended {
			return
		}
		ended = true
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
	t.Cleanup(stop)
	return s.Port(), stop
}

func connect(t *testing.T, uri string) *mongo.Client {
	t.Helper()
	c, err := mongo.Connect(options.Client().ApplyURI(uri).SetServerSelectionTimeout(3 * time.Second))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Disconnect(context.Background()) })
	return c
}

func direct(t *testing.T, port int) *mongo.Database {
	t.Helper()
	return connect(t, fmt.Sprintf("mongodb://127.0.0.1:%d/?directConnection=true", port)).Database("admin")
}

func initiate(t *testing.T, db *mongo.Database, set, host string) error {
	t.Helper()
	return db.RunCommand(t.Context(), bson.D{{Key: "replSetInitiate", Value: bson.D{
		{Key: "_id", Value: set}, {Key: "members", Value: bson.A{bson.D{{Key: "_id", Value: 0}, {Key: "host", Value: host}}}},
	}}}).Err()
}

// code is the number of a server's error, 0 for none.
func code(t *testing.T, err error) int32 {
	t.Helper()
	var ce mongo.CommandError
	if err != nil && !errors.As(err, &ce) {
		t.Fatalf("no command error: %v", err)
	}
	return ce.Code
}

type hello struct {
	IsWritablePrimary bool     `bson:"isWritablePrimary"`
	SetName           string   `bson:"setName"`
	Hosts             []string `bson:"hosts"`
	Me                string   `bson:"me"`
}

func ask(t *testing.T, db *mongo.Database) hello {
	t.Helper()
	var h hello
	if err := db.RunCommand(t.Context(), bson.D{{Key: "hello", Value: 1}}).Decode(&h); err != nil {
		t.Fatal(err)
	}
	return h
}

func waitPrimary(t *testing.T, db *mongo.Database) hello {
	t.Helper()
	for range 50 {
		if h := ask(t, db); h.IsWritablePrimary {
			return h
		}
		select {
		case <-t.Context().Done():
		case <-time.After(100 * time.Millisecond):
		}
	}
	t.Fatal("no primary after five seconds")
	return hello{}
}

func TestReplicaSet(t *testing.T) {
	dir := t.TempDir()
	port, stop := start(t, mongodb.Config{DBPath: dir, ReplSet: "rs0", Version: "8.0.21"})
	db := direct(t, port)
	host := fmt.Sprintf("127.0.0.1:%d", port)

	if h := ask(t, db); h.IsWritablePrimary || h.SetName != "" {
		t.Errorf("before it is initiated: %+v", h)
	}
	status := func() error { return db.RunCommand(t.Context(), bson.D{{Key: "replSetGetStatus", Value: 1}}).Err() }
	if got := code(t, status()); got != 94 {
		t.Errorf("status before: code %d, want 94 NotYetInitialized", got)
	}
	insert := db.RunCommand(t.Context(), bson.D{{Key: "insert", Value: "c"}, {Key: "documents", Value: bson.A{bson.D{{Key: "a", Value: 1}}}}}).Err()
	if got := code(t, insert); got != 10107 {
		t.Errorf("a write before: code %d, want 10107 NotWritablePrimary", got)
	}
	if got := code(t, initiate(t, db, "other", host)); got != 93 {
		t.Errorf("another set name: code %d, want 93", got)
	}
	dead, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_ = dead.Close()
	if got := code(t, initiate(t, db, "rs0", dead.Addr().String())); got != 93 {
		t.Errorf("a host that cannot be dialled: code %d, want 93", got)
	}
	if err := initiate(t, db, "rs0", host); err != nil {
		t.Fatal(err)
	}
	if got := code(t, initiate(t, db, "rs0", host)); got != 23 {
		t.Errorf("again: code %d, want 23 AlreadyInitialized", got)
	}
	if h := waitPrimary(t, db); h.SetName != "rs0" || h.Me != host || len(h.Hosts) != 1 || h.Hosts[0] != host {
		t.Errorf("after: %+v", h)
	}
	if got := code(t, status()); got != 0 {
		t.Errorf("status after: code %d", got)
	}

	set := connect(t, "mongodb://"+host+"/?replicaSet=rs0").Database("rocketchat").Collection("things")
	if _, err := set.InsertOne(t.Context(), bson.D{{Key: "_id", Value: "kept"}}); err != nil {
		t.Fatal(err)
	}
	var build struct{ Version string }
	if err := db.RunCommand(t.Context(), bson.D{{Key: "buildInfo", Value: 1}}).Decode(&build); err != nil || build.Version != "8.0.21" {
		t.Errorf("version %q, %v", build.Version, err)
	}

	stop()
	port2, stop2 := start(t, mongodb.Config{DBPath: dir, ReplSet: "rs0", Port: port})
	waitPrimary(t, direct(t, port2))
	n, err := connect(t, "mongodb://"+host+"/?replicaSet=rs0").Database("rocketchat").Collection("things").CountDocuments(t.Context(), bson.D{})
	if err != nil || n != 1 {
		t.Errorf("after a restart: %d documents, %v", n, err)
	}
	stop2()

	// The port changed (H5): the configuration leads to nobody.
	moved, _ := start(t, mongodb.Config{DBPath: dir, ReplSet: "rs0"})
	time.Sleep(1500 * time.Millisecond)
	if h := ask(t, direct(t, moved)); h.IsWritablePrimary || h.SetName != "" {
		t.Errorf("on another port: %+v", h)
	}
}

func TestStandalone(t *testing.T) {
	port, _ := start(t, mongodb.Config{DBPath: t.TempDir()})
	db := direct(t, port)
	if h := ask(t, db); !h.IsWritablePrimary || h.SetName != "" {
		t.Errorf("standalone: %+v", h)
	}
	if got := code(t, initiate(t, db, "rs0", "127.0.0.1:1")); got != 76 {
		t.Errorf("code %d, want 76 NoReplicationEnabled", got)
	}
}

func TestMemberIsAnotherProcess(t *testing.T) {
	one, _ := start(t, mongodb.Config{DBPath: t.TempDir(), ReplSet: "rs0"})
	two, _ := start(t, mongodb.Config{DBPath: t.TempDir(), ReplSet: "rs0"})
	if got := code(t, initiate(t, direct(t, one), "rs0", fmt.Sprintf("127.0.0.1:%d", two))); got != 93 {
		t.Errorf("code %d, want 93: that host is another mongod", got)
	}
}

func TestListens(t *testing.T) {
	port, _ := start(t, mongodb.Config{DBPath: t.TempDir(), Addresses: []string{"127.0.0.1", "127.0.0.7"}})
	for address, want := range map[string]bool{"127.0.0.1": true, "127.0.0.7": true, "127.0.0.8": false} {
		conn, err := net.DialTimeout("tcp", net.JoinHostPort(address, strconv.Itoa(port)), time.Second)
		if (err == nil) != want {
			t.Errorf("%s: %v", address, err)
		}
		if err == nil {
			_ = conn.Close()
		}
	}
}

func TestRefusesToStart(t *testing.T) {
	dir := t.TempDir()
	start(t, mongodb.Config{DBPath: dir})
	for name, c := range map[string]struct {
		config mongodb.Config
		want   error
		text   string
	}{
		"no directory":   {mongodb.Config{DBPath: dir + "/absent", Addresses: []string{"127.0.0.1"}}, mongodb.ErrDBPath, "NonExistentPath"},
		"in use":         {mongodb.Config{DBPath: dir, Addresses: []string{"127.0.0.1"}}, mongodb.ErrDBPath, "DBPathInUse"},
		"not an address": {mongodb.Config{DBPath: t.TempDir(), Addresses: []string{"192.0.2.77"}}, mongodb.ErrListen, "cannot assign requested address"},
	} {
		c.config.Log = io.Discard
		_, err := mongodb.Listen(t.Context(), c.config)
		if !errors.Is(err, c.want) || !strings.Contains(fmt.Sprint(err), c.text) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
