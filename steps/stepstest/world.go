// Package stepstest is a workspace's hosts in memory, for tests that carry out
// whole plans thousands of times: files, Docker's engine and Compose, and the
// services that are started, as far as package steps and package cluster ask for
// them. A host can be told to be left by its operator in the middle of any change.
//
// It promises that what it does not know fails: a script, a service or a question
// that is not among those below is an error and never a success. It is no proof
// that real hosts do the same; the lab is. That its answers to scripts are those of
// a real shell is proven beside the scripts.
package stepstest

import (
	"context"
	"crypto/sha256"
	"crypto/tls"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"

	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/rcwizard/rcwizard/cluster/clustertest"
	"github.com/rcwizard/rcwizard/remote"
	"github.com/rcwizard/rcwizard/workspace"
)

// ErrDead says that the operator is dead: nothing is changed any more.
var ErrDead = errors.New("the operator is dead")

// World is all hosts of a workspace, and a user's way to its domain.
type World struct {
	w     workspace.Workspace
	mongo *clustertest.Mongo
	// certificate is what the proxy shows, Trust who believes it.
	certificate tls.Certificate
	trust       *tls.Config

	mu    sync.Mutex
	hosts map[string]*machine
	// serial makes ids of containers and records.
	serial int
	// turn is whose turn it is with the proxy.
	turn int
	// changes counts the changes that were begun; the operator dies at the
	// moment that fatal says, counted from 1, or never at 0.
	changes, moments, fatal int
	dead                    bool
	die                     func()
	// lingering records outlive their instances.
	lingering bool
}

// machine is one host's state.
type machine struct {
	files      map[string]file
	images     map[string]bool
	containers map[string]*container
	// open are files that were ever there and could be read by others.
	open []string
}

type file struct {
	mode    fs.FileMode
	content string
}

// container is one of a compose project.
type container struct {
	id, project, service, image, dir, hash, restart string
	state                                           string
	// replaces is the id of the container in whose place it was made, as long as
	// Compose has not given it the name of that one.
	replaces string
	code     int
	// env is what it was made with.
	env map[string]string
}

// name is the container's, with the id of the one that it replaces before it while
// Compose has not given it that one's name.
func (c *container) name() string {
	name := c.project + "-" + c.service + "-1"
	if c.replaces != "" {
		return fmt.Sprintf("%012x_%s", c.replaces[1:], name)
	}
	return name
}

// New makes the hosts of a workspace as they are before anything was deployed,
// with Docker, in the state of a fresh installation.
func New(tb testing.TB, w workspace.Workspace) *World {
	tb.Helper()
	certificate, trust, err := issue(w)
	if err != nil {
		tb.Fatal(err)
	}
	world := &World{
		w: w, hosts: map[string]*machine{}, certificate: certificate, trust: trust, die: func() {},
		mongo: &clustertest.Mongo{Build: bson.D{{Key: "version", Value: "8.0.21"}}},
	}
	for _, h := range w.Hosts {
		world.hosts[h.Name] = newMachine()
	}
	return world
}

func newMachine() *machine {
	return &machine{files: map[string]file{}, images: map[string]bool{}, containers: map[string]*container{}}
}

// Hosts are new connections to all hosts, by name.
func (w *World) Hosts() map[string]remote.Host {
	out := make(map[string]remote.Host, len(w.w.Hosts))
	for _, h := range w.w.Hosts {
		out[h.Name] = &host{world: w, name: h.Name, ip: h.PrivateIP}
	}
	return out
}

// Trust is that of a user.
func (w *World) Trust() *tls.Config { return w.trust.Clone() }

// Live gives the hosts a new operator, who dies at a moment: die is called, and
// from then on every change is ErrDead. A moment is before each change and after
// it; changes that consist of several, such as the files of one Put, have them in
// between. At 0 nobody dies.
func (w *World) Live(moment int, die func()) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.changes, w.moments, w.fatal, w.dead, w.die = 0, 0, moment, false, die
}

// Moments counts those that there were since Live, and Changes the changes.
func (w *World) Moments() int { w.mu.Lock(); defer w.mu.Unlock(); return w.moments }

// Changes counts the changes since Live.
func (w *World) Changes() int { w.mu.Lock(); defer w.mu.Unlock(); return w.changes }

// Moment is one at which the operator may die. It reports whether he lives on.
func (w *World) Moment() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.moment()
}

func (w *World) moment() bool {
	if w.moments++; w.moments == w.fatal {
		w.dead = true
		w.die()
	}
	return !w.dead
}

// change makes one change that is there or not.
func (w *World) change(do func()) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if !w.moment() {
		return ErrDead
	}
	w.changes++
	do()
	if !w.moment() {
		return ErrDead
	}
	return nil
}

// Linger has the records of instances that are stopped stay in the registry, as
// they do for a minute or two, and for ever where a clock had jumped.
func (w *World) Linger() { w.mu.Lock(); defer w.mu.Unlock(); w.lingering = true }

// Snapshot is the state of all hosts at one time.
type Snapshot struct {
	hosts     map[string]*machine
	serial    int
	documents map[string][]bson.D
	hello     bson.D
}

// Snapshot keeps the state.
func (w *World) Snapshot() Snapshot {
	w.mu.Lock()
	defer w.mu.Unlock()
	return Snapshot{hosts: cloneHosts(w.hosts), serial: w.serial, documents: w.copyDocuments(), hello: w.mongo.Hello}
}

func (w *World) copyDocuments() (out map[string][]bson.D) {
	w.mongo.Change(func(documents map[string][]bson.D) {
		out = maps.Clone(documents)
		for name := range out {
			out[name] = slices.Clone(out[name])
		}
	})
	return out
}

// Restore brings a state back.
func (w *World) Restore(s Snapshot) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.hosts, w.serial = cloneHosts(s.hosts), s.serial
	w.mongo.Change(func(documents map[string][]bson.D) {
		w.mongo.Hello = s.hello
		clear(documents)
		for name := range s.documents {
			documents[name] = slices.Clone(s.documents[name])
		}
	})
}

func cloneHosts(hosts map[string]*machine) map[string]*machine {
	out := make(map[string]*machine, len(hosts))
	for name, m := range hosts {
		c := &machine{files: maps.Clone(m.files), images: maps.Clone(m.images), containers: map[string]*container{}, open: slices.Clone(m.open)}
		for key, one := range m.containers {
			copied := *one
			c.containers[key] = &copied
		}
		out[name] = c
	}
	return out
}

// Picture is the state as text: files with mode and sum, images, containers,
// records and users. Two worlds with one picture are the same to everybody but
// for the ids that Docker and Rocket.Chat make up.
func (w *World) Picture() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	var b strings.Builder
	for _, name := range slices.Sorted(maps.Keys(w.hosts)) {
		m := w.hosts[name]
		for _, path := range slices.Sorted(maps.Keys(m.files)) {
			fmt.Fprintf(&b, "%s %s %s %s\n", name, path, m.files[path].mode, sum(m.files[path].content))
		}
		for _, ref := range slices.Sorted(maps.Keys(m.images)) {
			fmt.Fprintf(&b, "%s image %s\n", name, ref)
		}
		for _, key := range slices.Sorted(maps.Keys(m.containers)) {
			c := m.containers[key]
			fmt.Fprintf(&b, "%s container %s %s %s %s %d\n", name, c.name(), c.image, c.hash, c.state, c.code)
		}
		for _, path := range m.open {
			fmt.Fprintf(&b, "%s %s could be read by others\n", name, path)
		}
	}
	documents := w.copyDocuments()
	records := make([]string, 0, len(documents[instancesCollection]))
	for _, d := range documents[instancesCollection] {
		records = append(records, fmt.Sprintf("registered %s\n", addressOf(d)))
	}
	slices.Sort(records)
	b.WriteString(strings.Join(records, ""))
	fmt.Fprintf(&b, "%d administrators\n", len(documents[usersCollection]))
	return b.String()
}

func sum(text string) string {
	s := sha256.Sum256([]byte(text))
	return hex.EncodeToString(s[:])
}

// on does something with a host's state.
func (w *World) on(name string, do func(m *machine)) {
	w.mu.Lock()
	defer w.mu.Unlock()
	do(w.hosts[name])
}

// ended is the end of a context as an error.
func ended(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("called off: %w", context.Cause(ctx))
	}
	return nil
}
