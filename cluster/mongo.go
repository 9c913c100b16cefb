package cluster

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/url"
	"strings"
	"sync"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"github.com/rcwizard/rcwizard/workspace"
)

// planDatabase is the database in the guide's MONGO_URL.
const planDatabase = "rocketchat"

// MongoURL is where rcwizard itself reads the workspace's database: directly
// at the planned member, so that a replica set that was never initiated, or
// that advertises a wrong host, can still be asked; an external database as
// its mongo_url says. It is not what instances are given: their URL names the
// replica set. The result may hold a password.
func MongoURL(w workspace.Workspace, s workspace.Secrets) string {
	if w.Database.External {
		return s.MongoURL
	}
	return "mongodb://" + w.MongoDBAddress() + "/" + planDatabase + "?directConnection=true"
}

// Hello asks the server at mongoURL how it stands in its replica set. A
// server that answers without being initiated is no error: Name is empty. The
// names in mongoURL are resolved by dial, except those of a mongodb+srv URL,
// whose records the driver looks up on this machine.
func Hello(ctx context.Context, dial Dial, mongoURL string) (ReplicaSet, error) {
	s, err := connect(ctx, dial, mongoURL)
	if err != nil {
		return ReplicaSet{}, err
	}
	defer s.close(ctx)
	return s.hello(ctx)
}

// HasAdmin reports whether the database of mongoURL has an administrator that
// a person can be; bots, such as rocket.cat, do not count.
func HasAdmin(ctx context.Context, dial Dial, mongoURL string) (bool, error) {
	s, err := connect(ctx, dial, mongoURL)
	if err != nil {
		return false, err
	}
	defer s.close(ctx)
	filter := bson.D{
		{Key: "roles", Value: "admin"},
		{Key: "_id", Value: bson.D{{Key: "$ne", Value: "rocket.cat"}}},
		{Key: "type", Value: bson.D{{Key: "$ne", Value: "bot"}}},
	}
	found, err := s.find(ctx, "users", filter, options.Find().SetLimit(1).SetProjection(bson.D{{Key: "_id", Value: 1}}))
	if err != nil {
		return false, fmt.Errorf("look for an administrator: %w", err)
	}
	return len(found) > 0, nil
}

// session is one short-lived connection to the database.
type session struct {
	client   *mongo.Client
	dialer   *recordingDialer
	url      string
	database string
}

// recordingDialer is the driver's way out. It keeps the last reason for which
// there was none, because the driver's own error drowns it in a description of
// the topology.
type recordingDialer struct {
	dial Dial

	mu   sync.Mutex
	last error
}

// DialContext implements options.ContextDialer.
func (d *recordingDialer) DialContext(ctx context.Context, network, address string) (net.Conn, error) {
	conn, err := d.dial(ctx, network, address)
	if err == nil {
		return conn, nil
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	// A dial that was called off because an earlier one failed says nothing.
	if d.last == nil || !errors.Is(err, context.Canceled) {
		d.last = noAnswer(address, err)
	}
	return nil, d.last
}

func (d *recordingDialer) reason() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.last
}

func connect(ctx context.Context, dial Dial, mongoURL string) (*session, error) {
	database, err := databaseName(mongoURL)
	if err != nil {
		return nil, err
	}
	d := &recordingDialer{dial: dial.orNowhere()}
	timeout := databaseTimeout
	if until, ok := ctx.Deadline(); ok {
		timeout = max(min(timeout, time.Until(until)), time.Millisecond)
	}
	o := options.Client().
		ApplyURI(mongoURL).
		SetDialer(d).
		SetAppName("rcwizard").
		SetServerMonitoringMode("poll").
		SetMaxPoolSize(1).
		SetRetryReads(false).
		SetConnectTimeout(timeout).
		SetServerSelectionTimeout(timeout)
	if err := o.Validate(); err != nil {
		// The driver's text may quote the URL, and the URL may hold a password.
		return nil, errors.New("the database's address (mongo_url) is not a valid MongoDB URL: look at its scheme, hosts, and %-escapes in user and password")
	}
	if o.Direct != nil && *o.Direct && len(o.Hosts) == 1 {
		// The driver would try a closed port again and again until its time is
		// up; whoever polls wants to know at once.
		conn, err := d.DialContext(ctx, "tcp", o.Hosts[0])
		if err != nil {
			return nil, err
		}
		_ = conn.Close()
	}
	client, err := mongo.Connect(o)
	if err != nil {
		return nil, fmt.Errorf("prepare the database connection: %s", withoutPassword(err.Error(), mongoURL))
	}
	return &session{client: client, dialer: d, url: mongoURL, database: database}, nil
}

// close ends the connection even when ctx is over.
func (s *session) close(ctx context.Context) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
	defer cancel()
	// Nothing was written and nobody waits for this connection.
	_ = s.client.Disconnect(ctx)
}

// err makes the driver's error one for a person, without the password.
func (s *session) err(err error) error {
	if last := s.dialer.reason(); last != nil && (mongo.IsTimeout(err) || mongo.IsNetworkError(err) || isSelection(err)) {
		return last
	}
	if errors.Is(err, context.Canceled) {
		return fmt.Errorf("asking MongoDB was called off: %w", context.Canceled)
	}
	if command, ok := errors.AsType[mongo.CommandError](err); ok {
		return fmt.Errorf("MongoDB refuses: %s", withoutPassword(command.Message, s.url))
	}
	if isSelection(err) || mongo.IsTimeout(err) {
		return fmt.Errorf("MongoDB did not answer in time: %w", context.DeadlineExceeded)
	}
	return errors.New(withoutPassword(err.Error(), s.url))
}

func isSelection(err error) bool {
	return strings.Contains(err.Error(), "server selection error")
}

func (s *session) hello(ctx context.Context) (ReplicaSet, error) {
	ctx, cancel := context.WithTimeout(ctx, databaseTimeout)
	defer cancel()
	admin := s.client.Database("admin")
	var hello struct {
		SetName string    `bson:"setName"`
		Primary bool      `bson:"isWritablePrimary"`
		Me      string    `bson:"me"`
		Hosts   []string  `bson:"hosts"`
		Time    time.Time `bson:"localTime"`
		// Version is that of the topology as this process sees it.
		Version struct {
			Process bson.ObjectID `bson:"processId"`
		} `bson:"topologyVersion"`
	}
	if err := admin.RunCommand(ctx, bson.D{{Key: "hello", Value: 1}}).Decode(&hello); err != nil {
		return ReplicaSet{}, s.err(err)
	}
	set := ReplicaSet{Name: hello.SetName, Primary: hello.Primary, Me: hello.Me, Hosts: hello.Hosts, Time: hello.Time.UTC()}
	if !hello.Version.Process.IsZero() {
		set.Process = hello.Version.Process.Hex()
	}
	var build struct {
		Version  string `bson:"version"`
		FerretDB string `bson:"ferretdbVersion"`
	}
	// A server may keep its version to itself; that is not worth failing for.
	if err := admin.RunCommand(ctx, bson.D{{Key: "buildInfo", Value: 1}}).Decode(&build); err == nil {
		set.Version = build.Version
		if build.FerretDB != "" {
			set.Imitation = "FerretDB"
		}
	}
	return set, nil
}

func (s *session) find(ctx context.Context, collection string, filter bson.D, o *options.FindOptionsBuilder) ([]bson.Raw, error) {
	ctx, cancel := context.WithTimeout(ctx, databaseTimeout)
	defer cancel()
	cursor, err := s.client.Database(s.database).Collection(collection).Find(ctx, filter, o)
	if err != nil {
		return nil, s.err(err)
	}
	var found []bson.Raw
	if err := cursor.All(ctx, &found); err != nil {
		return nil, s.err(err)
	}
	return found, nil
}

// databaseName is the path of a MongoDB URL; without one MongoDB's drivers,
// and so Rocket.Chat's, use "test". net/url cannot read a list of hosts.
func databaseName(mongoURL string) (string, error) {
	_, rest, ok := strings.Cut(mongoURL, "://")
	if !ok {
		return "", errors.New("the database's address (mongo_url) does not begin with mongodb:// or mongodb+srv://")
	}
	rest, _, _ = strings.Cut(rest, "?")
	_, name, _ := strings.Cut(rest, "/")
	if name == "" {
		return "test", nil
	}
	if plain, err := url.PathUnescape(name); err == nil {
		return plain, nil
	}
	return name, nil
}

// withoutPassword replaces mongoURL's credentials wherever they stand in text.
func withoutPassword(text, mongoURL string) string {
	_, rest, _ := strings.Cut(mongoURL, "://")
	at := strings.LastIndexByte(rest, '@')
	if at < 0 {
		return text
	}
	_, password, _ := strings.Cut(rest[:at], ":")
	if password == "" {
		return text
	}
	text = strings.ReplaceAll(text, password, "***")
	if plain, err := url.PathUnescape(password); err == nil {
		text = strings.ReplaceAll(text, plain, "***")
	}
	return text
}
