package main

import (
	"context"
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/rcwizard/rcwizard/test/lab/images/standin/mongodb"
)

// server starts a mongod with a replica set that is not initiated.
func server(t *testing.T) string {
	t.Helper()
	s, err := mongodb.Listen(t.Context(), mongodb.Config{
		DBPath: t.TempDir(), ReplSet: "rs0", Addresses: []string{"127.0.0.1"}, Version: "8.0.21", Log: io.Discard,
	})
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
	return fmt.Sprintf("127.0.0.1:%d", s.Port())
}

// The cases run in order on one server: what the compose files of rcwizard and
// of rocketchat-compose do, and what a person would try.
func TestScripts(t *testing.T) {
	host := server(t)
	address, port, _ := strings.Cut(host, ":")
	uri := "mongodb://" + host + "/rocketchat?directConnection=true"
	for _, c := range []struct {
		name, script   string
		stdout, stderr string
		code           int
	}{
		{"ping", `db.adminCommand('ping')`, "{ ok: 1 }\n", "", 0},
		{"health check before", `quit(db.hello().isWritablePrimary ? 0 : 1)`, "", "", 1},
		{"status before", `rs.status()`, "", "MongoServerError[NotYetInitialized]: no replset config has been received\n", 1},
		{"its code", `try { rs.status() } catch (e) { print(e.code, e.codeName) }`, "94 NotYetInitialized\n", "", 0},
		{"write before", `db.things.insertOne({a: 1})`, "", "MongoServerError[NotWritablePrimary]: not primary\n", 1},
		{"initiate elsewhere", `try { rs.initiate({_id: "rs0", members: [{_id: 0, host: "127.0.0.1:1"}]}) } catch (e) { e.code }`, "93\n", "", 0},
		{"initiate once", fmt.Sprintf(`
try { rs.status().ok } catch (e) {
  if (e.code !== 94 && e.codeName !== 'NotYetInitialized') throw e;
  rs.initiate({_id: "rs0", members: [{_id: 0, host: %q}]}).ok
}`, host), "1\n", "", 0},
		{"initiate again", `rs.initiate()`, "", "MongoServerError[AlreadyInitialized]: already initialized\n", 1},
		{"wait", `for (let i = 0; i < 50 && !db.hello().isWritablePrimary; i++) sleep(100); db.hello().isWritablePrimary`, "true\n", "", 0},
		{"status", `rs.status().members.map(m => m.stateStr)`, "[ 'PRIMARY' ]\n", "", 0},
		{"conf", `rs.conf().members[0].host`, host + "\n", "", 0},
		{"version", `db.version()`, "8.0.21\n", "", 0},
		{"write", `db.things.insertMany([{_id: 1, at: new Date(0)}, {_id: 2}]); db.things.countDocuments({})`, "2\n", "", 0},
		{"read", `db.getSiblingDB("rocketchat").things.find({_id: {$lt: 2}}).toArray()`, "[ { _id: 1, at: ISODate('1970-01-01T00:00:00.000Z') } ]\n", "", 0},
		{"json", `JSON.stringify(db.things.find({at: {$gt: new Date(-1)}}, {at: 1}).toArray())`, `[{"_id":1,"at":"1970-01-01T00:00:00.000Z"}]` + "\n", "", 0},
		{"ejson", `EJSON.stringify(db.things.findOne({_id: 2}))`, `{"_id":2}` + "\n", "", 0},
		{"object id", `const r = db.ids.insertOne({}); db.ids.findOne({_id: ObjectId(String(r.insertedId))}) !== null`, "true\n", "", 0},
		{"duplicate", `db.things.insertOne({_id: 1})`, "", "MongoServerError: E11000 duplicate key error", 1},
		{"undefined", `undefined`, "", "", 0},
		{"string literal", `"db.adminCommand('ping')"`, "db.adminCommand('ping')\n", "", 0}, // H7
		{"syntax", `rs.status(`, "", "SyntaxError", 1},
		{"unknown", `nothing.there`, "", "ReferenceError: nothing is not defined\n", 1},
	} {
		var stdout, stderr strings.Builder
		code := run(t.Context(), []string{"--quiet", uri, "--eval", c.script}, &stdout, &stderr)
		if code != c.code {
			t.Errorf("%s: exit code %d, want %d (stderr %q)", c.name, code, c.code, stderr.String())
		}
		if d := cmp.Diff(c.stdout, stdout.String()); d != "" {
			t.Errorf("%s: stdout (-want +got):\n%s", c.name, d)
		}
		if !strings.HasPrefix(stderr.String(), c.stderr) || c.stderr == "" && stderr.Len() > 0 {
			t.Errorf("%s: stderr %q, want %q", c.name, stderr.String(), c.stderr)
		}
	}
	var stdout strings.Builder
	if code := run(t.Context(), []string{"--host", address, "--port", port, "--quiet", "--json", "--eval", "({ok: 1})"}, &stdout, io.Discard); code != 0 || stdout.String() != `{"ok":1}`+"\n" {
		t.Errorf("--host, --port and --json: %d, %q", code, stdout.String())
	}
}

func TestUnreachable(t *testing.T) {
	var stderr strings.Builder
	code := run(t.Context(), []string{"mongodb://127.0.0.1:1/", "--eval", "1"}, io.Discard, &stderr)
	if code != 1 || !strings.HasPrefix(stderr.String(), "MongoServerSelectionError: ") {
		t.Errorf("exit code %d, %q", code, stderr.String())
	}
}

func TestConnectionString(t *testing.T) {
	const suffix = "?directConnection=true&serverSelectionTimeoutMS=2000"
	for _, c := range []struct{ address, host, port, want string }{
		{"", "", "", "mongodb://127.0.0.1:27017/test" + suffix},
		{"", "mongodb", "27018", "mongodb://mongodb:27018/test" + suffix},
		{"rocketchat", "", "", "mongodb://127.0.0.1:27017/rocketchat" + suffix},
		{"10.0.0.1:27018/rocketchat", "", "", "mongodb://10.0.0.1:27018/rocketchat" + suffix},
		{"", "fd00::1", "27018", "mongodb://[fd00::1]:27018/test" + suffix},
		{"mongodb://h/db?replicaSet=rs0", "", "", "mongodb://h/db?replicaSet=rs0"},
	} {
		got, err := connectionString(c.address, c.host, c.port)
		if err != nil || got != c.want {
			t.Errorf("%q %q %q: %q, %v; want %q", c.address, c.host, c.port, got, err, c.want)
		}
	}
}
