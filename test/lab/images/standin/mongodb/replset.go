package mongodb

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
)

// electionDelay is how long a member takes from finding itself in its
// configuration to being primary.
const electionDelay = 500 * time.Millisecond

// memberState is a member's state, by the numbers that replSetGetStatus gives.
type memberState int32

// The states that the only member of a set can be in.
const (
	stateStartup   memberState = 0
	statePrimary   memberState = 1
	stateSecondary memberState = 2
	stateRemoved   memberState = 10
)

func (s memberState) String() string {
	switch s {
	case statePrimary:
		return "PRIMARY"
	case stateSecondary:
		return "SECONDARY"
	case stateRemoved:
		return "REMOVED"
	case stateStartup:
		return "STARTUP"
	default:
		return "UNKNOWN"
	}
}

// replSet is what one mongod knows of its replica set. It survives restarts in
// a file of the data directory, as local.system.replset does.
type replSet struct {
	name string // of --replSet; "" means a standalone server
	port int
	id   bson.ObjectID // this process, for _isSelf
	file string
	log  *logger

	mu      sync.Mutex
	config  *setConfig
	state   memberState
	started time.Time
	elected time.Time
}

// setConfig is a replica set's configuration document, as far as one member
// needs it.
type setConfig struct {
	ID      string   `bson:"_id"`
	Version int32    `bson:"version"`
	Term    int64    `bson:"term"`
	Members []member `bson:"members"`
}

type member struct {
	ID   int32  `bson:"_id"`
	Host string `bson:"host"`
}

// openReplSet reads what was initiated before. A configuration of a set with
// another name does not count, as in mongod, which waits for a better one.
func openReplSet(dbpath, name string, port int, log *logger) (*replSet, error) {
	r := &replSet{name: name, port: port, id: bson.NewObjectID(), file: filepath.Join(dbpath, "lab-replset.json"), log: log, started: time.Now()}
	if name == "" {
		return r, nil
	}
	text, err := os.ReadFile(r.file)
	if errors.Is(err, fs.ErrNotExist) {
		log.info("REPL", 21405, "Did not find local replica set configuration document at startup", nil)
		return r, nil
	}
	if err != nil {
		return nil, fmt.Errorf("replica set configuration: %w", err)
	}
	var c setConfig
	if err := bson.UnmarshalExtJSON(text, true, &c); err != nil {
		return nil, fmt.Errorf("replica set configuration in %s: %w", r.file, err)
	}
	if c.ID != name {
		log.info("REPL", 21411, "Local replica set configuration document set name differs from command line set name; waiting for reconfig or remote heartbeat",
			map[string]any{"localConfigSetName": c.ID, "commandLineSetName": name})
		return r, nil
	}
	r.config, r.state = &c, stateRemoved
	return r, nil
}

// run makes the member primary once it finds itself in its configuration, which
// a member whose address or port changed never does (H5, H6).
func (r *replSet) run(ctx context.Context) {
	tick := time.NewTicker(electionDelay)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			r.step(ctx)
		}
	}
}

func (r *replSet) step(ctx context.Context) {
	config, state := r.snapshot()
	if config == nil {
		return
	}
	switch state {
	case stateRemoved:
		if err := r.findSelf(ctx, config); err == nil {
			r.enter(stateSecondary)
		}
	case stateSecondary:
		r.enter(statePrimary)
	case stateStartup, statePrimary:
	}
}

func (r *replSet) enter(s memberState) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.state = s
	if s == statePrimary {
		r.elected = time.Now()
	}
	r.log.info("REPL", 21358, "Replica set state transition", map[string]any{"newState": s.String()})
}

func (r *replSet) snapshot() (*setConfig, memberState) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.config, r.state
}

// findSelf asks every member host whether it is this process, over the network:
// a host that cannot be dialled from here is not this node.
func (r *replSet) findSelf(ctx context.Context, c *setConfig) error {
	for _, m := range c.Members {
		if id, err := isSelf(ctx, m.Host); err == nil && id == r.id {
			return nil
		}
	}
	return &commandError{93, "InvalidReplicaSetConfig", fmt.Sprintf(
		"No host described in new configuration with {version: %d, term: %d} for replica set %s maps to this node", c.Version, c.Term, c.ID)}
}

// isSelf asks the mongod at an address which process it is.
func isSelf(ctx context.Context, host string) (bson.ObjectID, error) {
	ctx, cancel := context.WithTimeout(ctx, 3*time.Second)
	defer cancel()
	var d net.Dialer
	conn, err := d.DialContext(ctx, "tcp", host)
	if err != nil {
		return bson.NilObjectID, fmt.Errorf("dial: %w", err)
	}
	defer func() { _ = conn.Close() }()
	deadline, _ := ctx.Deadline()
	_ = conn.SetDeadline(deadline) // a connection without deadlines still ends with the peer
	if _, err := conn.Write(request(must(bson.D{{Key: "_isSelf", Value: 1}, {Key: "$db", Value: "admin"}}))); err != nil {
		return bson.NilObjectID, fmt.Errorf("ask: %w", err)
	}
	reply, err := readMessage(conn)
	if err != nil {
		return bson.NilObjectID, err
	}
	doc, err := reply.document()
	if err != nil {
		return bson.NilObjectID, err
	}
	id, ok := doc.Lookup("id").ObjectIDOK()
	if !ok {
		return bson.NilObjectID, errors.New("no mongod that knows itself")
	}
	return id, nil
}

// initiate is replSetInitiate. Codes and texts are those of MongoDB 7 and 8.
func (r *replSet) initiate(ctx context.Context, doc bson.Raw) error {
	if r.name == "" {
		return &commandError{76, "NoReplicationEnabled", "This node was not started with replication enabled."}
	}
	if config, _ := r.snapshot(); config != nil {
		return &commandError{23, "AlreadyInitialized", "already initialized"}
	}
	c, err := r.parse(doc)
	if err != nil {
		return err
	}
	if err := r.findSelf(ctx, c); err != nil {
		return err
	}
	for _, m := range c.Members {
		if _, err := isSelf(ctx, m.Host); err != nil {
			return &commandError{74, "NodeNotFound", fmt.Sprintf(
				"replSetInitiate quorum check failed because not all proposed set members responded affirmatively: %s failed with Error connecting to %s :: caused by :: %v", m.Host, m.Host, err)}
		}
	}
	if len(c.Members) > 1 {
		return &commandError{238, "NotImplemented", "the lab's mongod replicates nothing: a replica set of one member is all it can be"}
	}
	if err := r.save(c); err != nil {
		return &commandError{8, "UnknownError", err.Error()}
	}
	r.mu.Lock()
	r.config, r.state = c, stateSecondary
	r.mu.Unlock()
	r.log.info("REPL", 21356, "replSetInitiate succeeded", map[string]any{"set": c.ID, "host": c.Members[0].Host})
	return nil
}

// parse checks a configuration document. An empty one stands for this machine's
// host name, as in mongod.
func (r *replSet) parse(doc bson.Raw) (*setConfig, error) {
	invalid := func(format string, args ...any) error {
		return &commandError{93, "InvalidReplicaSetConfig", fmt.Sprintf(format, args...)}
	}
	var c setConfig
	if err := bson.Unmarshal(doc, &c); err != nil {
		return nil, &commandError{9, "FailedToParse", err.Error()}
	}
	if len(c.Members) == 0 && c.ID == "" {
		name, err := os.Hostname()
		if err != nil {
			return nil, invalid("this machine's host name: %v", err)
		}
		c = setConfig{ID: r.name, Members: []member{{Host: net.JoinHostPort(name, strconv.Itoa(r.port))}}}
	}
	switch {
	case c.ID != r.name:
		return nil, invalid("Rejecting initiate with a set name that differs from command line set name, initiate set name: %s, command line set name: %s", c.ID, r.name)
	case len(c.Members) == 0:
		return nil, invalid("Replica set configuration must have at least one member")
	}
	for i, m := range c.Members {
		if m.Host == "" {
			return nil, &commandError{4, "NoSuchKey", fmt.Sprintf("Missing expected field \"host\" in member %d", i)}
		}
		if _, _, err := net.SplitHostPort(m.Host); err != nil {
			c.Members[i].Host = net.JoinHostPort(m.Host, "27017")
		}
	}
	c.Version, c.Term = 1, 1
	return &c, nil
}

// save writes the configuration so that a power cut leaves the old or the new.
func (r *replSet) save(c *setConfig) error {
	text, err := bson.MarshalExtJSON(c, true, false)
	if err != nil {
		return fmt.Errorf("encode the replica set configuration: %w", err)
	}
	f, err := os.CreateTemp(filepath.Dir(r.file), ".replset-*")
	if err != nil {
		return fmt.Errorf("keep the replica set configuration: %w", err)
	}
	_, err = f.Write(text)
	if err = errors.Join(err, f.Sync(), f.Close()); err == nil {
		err = os.Rename(f.Name(), r.file)
	}
	if err != nil {
		return fmt.Errorf("keep the replica set configuration: %w", err)
	}
	return nil
}
