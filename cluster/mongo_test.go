package cluster

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/rcwizard/rcwizard/cluster/clustertest"
	"github.com/rcwizard/rcwizard/workspace"
)

// fleet leads planned addresses to where the test's servers really listen;
// every other address refuses.
type fleet map[string]string

func (f fleet) dial(ctx context.Context, network, address string) (net.Conn, error) {
	listening, ok := f[address]
	if !ok {
		return nil, &net.OpError{Op: "dial", Net: network, Err: syscall.ECONNREFUSED}
	}
	return (&net.Dialer{}).DialContext(ctx, network, listening)
}

const planned = "10.0.0.10:27017"

func TestHello(t *testing.T) {
	t.Parallel()
	uninitiated := bson.D{
		{Key: "isreplicaset", Value: true},
		{Key: "isWritablePrimary", Value: false},
		{Key: "ismaster", Value: false},
		{Key: "localTime", Value: clustertest.ServerNow()},
		{Key: "info", Value: "Does not have a valid replica set config"},
	}
	secondary := bson.D{
		{Key: "setName", Value: "rs0"},
		{Key: "hosts", Value: bson.A{"10.9.9.9:27017"}},
		{Key: "me", Value: "10.9.9.9:27017"},
		{Key: "isWritablePrimary", Value: false},
		{Key: "ismaster", Value: false},
		{Key: "secondary", Value: true},
		{Key: "localTime", Value: clustertest.ServerNow()},
	}
	tests := map[string]struct {
		hello, build bson.D
		want         ReplicaSet
	}{
		"primary": {
			clustertest.PrimaryHello(planned),
			bson.D{{Key: "version", Value: "8.0.12"}},
			ReplicaSet{Name: "rs0", Primary: true, Me: planned, Hosts: []string{planned}, Version: "8.0.12", Time: clustertest.ServerNow()},
		},
		"never initiated": {uninitiated, bson.D{{Key: "version", Value: "8.0.12"}}, ReplicaSet{Version: "8.0.12", Time: clustertest.ServerNow()}},
		"secondary with another address, version withheld": {
			secondary, nil,
			ReplicaSet{Name: "rs0", Me: "10.9.9.9:27017", Hosts: []string{"10.9.9.9:27017"}, Time: clustertest.ServerNow()},
		},
		"an imitation": {
			clustertest.PrimaryHello(planned),
			bson.D{{Key: "version", Value: "7.0.42"}, {Key: "ferretdbVersion", Value: "v1.24.2"}},
			ReplicaSet{Name: "rs0", Primary: true, Me: planned, Hosts: []string{planned}, Version: "7.0.42", Imitation: "FerretDB", Time: clustertest.ServerNow()},
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m := clustertest.StartMongo(t, &clustertest.Mongo{Hello: test.hello, Build: test.build})
			got, err := Hello(t.Context(), fleet{planned: m.Address}.dial, "mongodb://"+planned+"/rocketchat?directConnection=true")
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("replica set (-want +got):\n%s", diff)
			}
		})
	}
}

func TestHelloWithoutAnAnswer(t *testing.T) {
	t.Parallel()
	const url = "mongodb://" + planned + "/rocketchat?directConnection=true"
	t.Run("refused at once", func(t *testing.T) {
		t.Parallel()
		began := time.Now()
		_, err := Hello(t.Context(), fleet{}.dial, url)
		if want := "no answer on 10.0.0.10:27017: connection refused"; err == nil || err.Error() != want {
			t.Errorf("error %v, want %q", err, want)
		}
		if took := time.Since(began); took > 2*time.Second {
			t.Errorf("a closed port took %v", took)
		}
	})
	t.Run("no way there", func(t *testing.T) {
		t.Parallel()
		_, err := Hello(t.Context(), nil, url)
		if !errors.Is(err, ErrNoView) {
			t.Errorf("error %v does not wrap ErrNoView", err)
		}
	})
	t.Run("accepts and is silent", func(t *testing.T) {
		t.Parallel()
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = l.Close() })
		ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
		defer cancel()
		began := time.Now()
		_, err = Hello(ctx, fleet{planned: l.Addr().String()}.dial, url)
		if err == nil || !strings.Contains(err.Error(), "in time") {
			t.Errorf("error %v", err)
		}
		if took := time.Since(began); took > 3*time.Second {
			t.Errorf("a silent server took %v", took)
		}
	})
}

// The password of mongo_url must be in no error, in whatever way it fails.
func TestPasswordStaysOutOfErrors(t *testing.T) {
	t.Parallel()
	const canary = "s3cr%40t-canary" // as in the URL; s3cr@t-canary when decoded
	m := clustertest.StartMongo(t, &clustertest.Mongo{Hello: clustertest.PrimaryHello(planned), Refuse: "Authentication failed for s3cr@t-canary"})
	dial := fleet{planned: m.Address}.dial
	for _, url := range []string{
		"mongodb://rc:" + canary + "@" + planned + "/rocketchat?directConnection=true",
		"mongodb://rc:" + canary + "@" + planned + "/rocketchat?authMechanism=NONSENSE",
		"mongodb://rc:" + canary + "%zz@" + planned + "/rocketchat",
		"mongodb://rc:" + canary + "@" + planned + ":x/rocketchat",
		"rc:" + canary + "@" + planned,
		"mongodb://rc:" + canary + "@10.0.0.66:27017/?directConnection=true",
	} {
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		_, err := Hello(ctx, dial, url)
		cancel()
		if err == nil {
			t.Errorf("%s: no error", url)
			continue
		}
		for _, form := range []string{canary, "s3cr@t-canary"} {
			if strings.Contains(err.Error(), form) {
				t.Errorf("the password is in the error %q", err)
			}
		}
	}
}

func TestHasAdmin(t *testing.T) {
	t.Parallel()
	bot := bson.D{{Key: "_id", Value: "rocket.cat"}, {Key: "type", Value: "bot"}, {Key: "roles", Value: bson.A{"bot", "admin"}}}
	otherBot := bson.D{{Key: "_id", Value: "b2"}, {Key: "type", Value: "bot"}, {Key: "roles", Value: bson.A{"admin"}}}
	untyped := bson.D{{Key: "_id", Value: "rocket.cat"}, {Key: "roles", Value: bson.A{"admin"}}}
	user := bson.D{{Key: "_id", Value: "u1"}, {Key: "type", Value: "user"}, {Key: "roles", Value: bson.A{"user"}}}
	admin := bson.D{{Key: "_id", Value: "u2"}, {Key: "type", Value: "user"}, {Key: "roles", Value: bson.A{"user", "admin"}}}
	tests := map[string]struct {
		users []bson.D
		want  bool
	}{
		"empty":            {nil, false},
		"bots and a user":  {[]bson.D{bot, untyped, otherBot, user}, false},
		"an administrator": {[]bson.D{bot, user, admin}, true},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m := clustertest.StartMongo(t, &clustertest.Mongo{
				Hello:     clustertest.PrimaryHello(planned),
				Documents: map[string][]bson.D{"rocketchat.users": test.users, "other.users": {admin}},
			})
			got, err := HasAdmin(t.Context(), fleet{planned: m.Address}.dial, "mongodb://"+planned+"/rocketchat?directConnection=true")
			if err != nil || got != test.want {
				t.Errorf("HasAdmin = %v, %v; want %v", got, err, test.want)
			}
		})
	}
}

// An external database is reached as its URL says, names and all, from the
// database host: the driver discovers the set and dials its members there.
func TestExternalDatabaseIsResolvedOnItsSide(t *testing.T) {
	t.Parallel()
	const member = "mongo-1.internal.example:27018"
	m := clustertest.StartMongo(t, &clustertest.Mongo{
		Hello:     clustertest.PrimaryHello(member),
		Documents: map[string][]bson.D{"chat.instances": {clustertest.Document("a", "10.0.0.11", "3000", clustertest.ServerNow(), clustertest.ServerNow())}},
	})
	var dialled atomic.Int32
	dial := func(ctx context.Context, network, address string) (net.Conn, error) {
		dialled.Add(1)
		return fleet{member: m.Address}.dial(ctx, network, address)
	}
	w := workspace.Workspace{Database: workspace.Database{External: true}}
	url := MongoURL(w, workspace.Secrets{MongoURL: "mongodb://" + member + "/chat?replicaSet=rs0"})
	set, registry := lookDatabase(t.Context(), url, View{Database: dial})
	if set.Error != nil || registry.Error != nil {
		t.Fatalf("replica set %+v, registry %+v", set.Error, registry.Error)
	}
	if len(registry.Records) != 1 || registry.Database != "chat" || !set.Primary || dialled.Load() == 0 {
		t.Errorf("replica set %+v, registry %+v, dialled %d times", set, registry, dialled.Load())
	}
}

func TestMongoURL(t *testing.T) {
	t.Parallel()
	for ip, want := range map[string]string{
		"10.0.0.10": "mongodb://10.0.0.10:27017/rocketchat?directConnection=true",
		"fd00::a":   "mongodb://[fd00::a]:27017/rocketchat?directConnection=true",
	} {
		w := plan(2)
		w.Hosts[0].PrivateIP = ip
		if got := MongoURL(w, workspace.Secrets{MongoURL: "mongodb://elsewhere"}); got != want {
			t.Errorf("MongoURL = %s, want %s", got, want)
		}
		m := clustertest.StartMongo(t, &clustertest.Mongo{Hello: clustertest.PrimaryHello(net.JoinHostPort(ip, "27017"))})
		if _, err := Hello(t.Context(), fleet{net.JoinHostPort(ip, "27017"): m.Address}.dial, want); err != nil {
			t.Errorf("the driver dials another address than %s: %v", ip, err)
		}
	}
}

func TestDatabaseName(t *testing.T) {
	t.Parallel()
	for url, want := range map[string]string{
		"mongodb://a:1,b:2/rocketchat?replicaSet=rs0": "rocketchat",
		"mongodb://u:p%2Fw@a/chat":                    "chat",
		"mongodb+srv://a.example/c%20d":               "c d",
		"mongodb://a":                                 "test",
		"mongodb://a/?tls=true":                       "test",
	} {
		if got, err := databaseName(url); err != nil || got != want {
			t.Errorf("databaseName(%s) = %q, %v; want %q", url, got, err, want)
		}
	}
}

func TestRegistry(t *testing.T) {
	t.Parallel()
	ago := func(d time.Duration) time.Time { return clustertest.ServerNow().Add(-d) }
	tcp := clustertest.Document("tcp", "10.0.0.12", 3000.0, ago(time.Hour), ago(5*time.Second))
	extra := tcp[5].Value.(bson.D)
	tcp[5].Value = append(extra, bson.E{Key: "tcpPort", Value: int32(3301)})
	documents := []bson.D{
		clustertest.Document("string", "10.0.0.11", "3000", ago(time.Hour), ago(0)),
		clustertest.Document("int32", " 10.0.0.11 ", int32(3001), ago(time.Hour), ago(30*time.Second)),
		clustertest.Document("int64", "10.0.0.11", int64(3002), ago(time.Hour), ago(31*time.Second)),
		clustertest.Document("none", "10.0.0.11", "", ago(time.Hour), ago(-59*time.Second)),
		clustertest.Document("local", "localhost", "3000", ago(time.Hour), ago(time.Second)),
		clustertest.Document("ghost", "10.0.0.13", "3000", ago(time.Hour), time.Date(2257, 1, 1, 0, 0, 0, 0, time.UTC)),
		clustertest.Document("soon", "10.0.0.13", "3001", ago(time.Hour), ago(-61*time.Second)),
		clustertest.Document("far", "10.0.0.14", "3000", ago(time.Hour), time.UnixMilli(1<<60)),
		tcp,
		{{Key: "_id", Value: bson.NilObjectID}},
	}
	m := clustertest.StartMongo(t, &clustertest.Mongo{Hello: clustertest.PrimaryHello(planned), Documents: map[string][]bson.D{"rocketchat.instances": documents}})
	w := plan(2)
	_, got := lookDatabase(t.Context(), MongoURL(w, workspace.Secrets{}), View{Database: fleet{planned: m.Address}.dial})
	if got.Error != nil {
		t.Fatal(got.Error.Text)
	}
	type row struct {
		ID, Host  string
		Port, TCP int
		State     RecordState
		Age       int64
	}
	rows := make([]row, 0, len(got.Records))
	for _, r := range got.Records {
		rows = append(rows, row{r.ID, r.Host, r.Port, r.TCPPort, r.State, r.AgeSeconds})
	}
	ghostAge := clustertest.ServerNow().Unix() - time.Date(2257, 1, 1, 0, 0, 0, 0, time.UTC).Unix()
	want := []row{
		{bson.NilObjectID.Hex(), "", 0, 0, Stale, 0},
		{"none", "10.0.0.11", 0, 0, Fresh, 0},
		{"string", "10.0.0.11", 3000, 0, Fresh, 0},
		{"int32", "10.0.0.11", 3001, 0, Fresh, 30},
		{"int64", "10.0.0.11", 3002, 0, Stale, 31},
		{"tcp", "10.0.0.12", 3000, 3301, Fresh, 5},
		{"ghost", "10.0.0.13", 3000, 0, Ghost, ghostAge},
		{"soon", "10.0.0.13", 3001, 0, Ghost, -61},
		{"far", "10.0.0.14", 3000, 0, Ghost, clustertest.ServerNow().Unix() - time.Date(9999, 12, 31, 23, 59, 59, 0, time.UTC).Unix()},
		{"local", "localhost", 3000, 0, Fresh, 1},
	}
	if diff := cmp.Diff(want, rows); diff != "" {
		t.Errorf("records (-want +got):\n%s", diff)
	}
	full := Record{
		ID: "string", Host: "10.0.0.11", Port: 3000, NodeVersion: "v22.22.3", OS: "Linux 6.1.0-30-amd64 x64",
		Since: ago(time.Hour), Heartbeat: clustertest.ServerNow(), State: Fresh,
	}
	if diff := cmp.Diff(full, got.Records[2], cmpopts.EquateApproxTime(0)); diff != "" {
		t.Errorf("record (-want +got):\n%s", diff)
	}
}

func TestRegistryRefused(t *testing.T) {
	t.Parallel()
	m := clustertest.StartMongo(t, &clustertest.Mongo{Hello: clustertest.PrimaryHello(planned), Refuse: "not authorized on rocketchat"})
	s, err := connect(t.Context(), fleet{planned: m.Address}.dial, MongoURL(plan(2), workspace.Secrets{}))
	if err != nil {
		t.Fatal(err)
	}
	defer s.close(t.Context())
	r := s.registry(t.Context(), clustertest.ServerNow())
	if r.Error == nil || r.Error.Text != "MongoDB refuses: not authorized on rocketchat" || r.Error.Unseen {
		t.Errorf("error %+v", r.Error)
	}
}

// plan is a complete workspace with n instances, each on a host of its own.
func plan(n int) workspace.Workspace {
	w := workspace.Workspace{
		Domain: "chat.example.com", Email: "ops@example.com", Release: "8.9.1",
		Hosts: []workspace.Host{
			{Name: "db", Address: "10.0.0.10"},
			{Name: "edge", Address: "10.0.0.20"},
		},
		Database: workspace.Database{Host: "db", MongoDBVersion: "8.0"},
		Proxy:    workspace.Proxy{Host: "edge"},
	}
	for i := range n {
		name := fmt.Sprintf("rc%d", i+1)
		w.Hosts = append(w.Hosts, workspace.Host{Name: name, Address: fmt.Sprintf("10.0.0.%d", 11+i)})
		w.Instances = append(w.Instances, workspace.Instance{Host: name})
	}
	return w.Complete()
}
