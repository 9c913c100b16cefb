package mongodb

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
)

// commandError is an error as a server answers it.
type commandError struct {
	code     int32
	codeName string
	message  string
}

func (e *commandError) Error() string { return e.codeName + ": " + e.message }

// failure is the reply for an error.
func failure(err error) bson.Raw {
	ce := &commandError{8, "UnknownError", err.Error()}
	_ = errors.As(err, &ce) // what is no command error stays unknown
	return must(bson.D{{Key: "ok", Value: 0.0}, {Key: "errmsg", Value: ce.message}, {Key: "code", Value: ce.code}, {Key: "codeName", Value: ce.codeName}})
}

// must marshals a document of our own, which cannot fail.
func must(doc any) bson.Raw {
	raw, err := bson.Marshal(doc)
	if err != nil {
		panic(fmt.Sprintf("mongodb: a document of our own: %v", err))
	}
	return raw
}

// edit replaces or adds fields of a reply, keeping the order of the rest.
func edit(doc bson.Raw, fields ...bson.E) (bson.Raw, error) {
	var d bson.D
	if err := bson.Unmarshal(doc, &d); err != nil {
		return nil, fmt.Errorf("a reply: %w", err)
	}
	for _, f := range fields {
		found := false
		for i := range d {
			if d[i].Key == f.Key {
				d[i].Value, found = f.Value, true
			}
		}
		if !found {
			d = append(d, f)
		}
	}
	return must(d), nil
}

// hello completes FerretDB's answer with what a member of a replica set says.
// Before it is initiated a mongod with --replSet names no set and is no
// primary, so drivers that are given replicaSet=rs0 wait.
func (r *replSet) hello(doc bson.Raw) (bson.Raw, error) {
	if r.name == "" {
		return doc, nil
	}
	config, state := r.snapshot()
	primary := "isWritablePrimary"
	if _, err := doc.LookupErr("ismaster"); err == nil {
		primary = "ismaster"
	}
	fields := []bson.E{{Key: primary, Value: state == statePrimary}, {Key: "secondary", Value: state == stateSecondary}}
	if config == nil || state == stateRemoved || state == stateStartup {
		return edit(doc, append(fields, bson.E{Key: "info", Value: "Does not have a valid replica set config"}, bson.E{Key: "isreplicaset", Value: true})...)
	}
	me := config.Members[0].Host
	fields = append(fields,
		bson.E{Key: "setName", Value: config.ID}, bson.E{Key: "setVersion", Value: config.Version},
		bson.E{Key: "hosts", Value: bson.A{me}}, bson.E{Key: "me", Value: me})
	if state == statePrimary {
		fields = append(fields, bson.E{Key: "primary", Value: me}, bson.E{Key: "lastWrite", Value: bson.D{{Key: "lastWriteDate", Value: time.Now()}}})
	}
	return edit(doc, fields...)
}

// status is replSetGetStatus.
func (r *replSet) status() (bson.Raw, error) {
	config, state := r.snapshot()
	switch {
	case r.name == "":
		return nil, &commandError{76, "NoReplicationEnabled", "not running with --replSet"}
	case config == nil:
		return nil, &commandError{94, "NotYetInitialized", "no replset config has been received"}
	case state == stateRemoved:
		return nil, &commandError{93, "InvalidReplicaSetConfig", "Our replica set config is invalid or we are not a member of it"}
	}
	r.mu.Lock()
	elected := r.elected
	r.mu.Unlock()
	now := time.Now()
	self := bson.D{
		{Key: "_id", Value: config.Members[0].ID},
		{Key: "name", Value: config.Members[0].Host},
		{Key: "health", Value: 1.0},
		{Key: "state", Value: int32(state)},
		{Key: "stateStr", Value: state.String()},
		{Key: "uptime", Value: int32(now.Sub(r.started).Seconds())},
		{Key: "optimeDate", Value: now},
	}
	if state == statePrimary {
		self = append(self, bson.E{Key: "electionDate", Value: elected})
	}
	self = append(self, bson.E{Key: "configVersion", Value: config.Version}, bson.E{Key: "self", Value: true}, bson.E{Key: "lastHeartbeatMessage", Value: ""})
	return must(bson.D{
		{Key: "set", Value: config.ID},
		{Key: "date", Value: now},
		{Key: "myState", Value: int32(state)},
		{Key: "term", Value: config.Term},
		{Key: "members", Value: bson.A{self}},
		{Key: "ok", Value: 1.0},
	}), nil
}

// conf is replSetGetConfig.
func (r *replSet) conf() (bson.Raw, error) {
	config, _ := r.snapshot()
	switch {
	case r.name == "":
		return nil, &commandError{76, "NoReplicationEnabled", "not running with --replSet"}
	case config == nil:
		return nil, &commandError{94, "NotYetInitialized", "no replset config has been received"}
	}
	return must(bson.D{{Key: "config", Value: config}, {Key: "ok", Value: 1.0}}), nil
}

// gate refuses reads and writes of data on a member that is no primary.
func (r *replSet) gate(command string) error {
	if r.name == "" {
		return nil
	}
	_, state := r.snapshot()
	if state == statePrimary {
		return nil
	}
	switch command {
	case "insert", "update", "delete", "findAndModify", "findandmodify", "create", "createIndexes", "drop", "dropDatabase", "dropIndexes", "renameCollection", "collMod":
		return &commandError{10107, "NotWritablePrimary", "not primary"}
	case "find", "aggregate", "count", "distinct", "listCollections", "listIndexes", "listDatabases", "dbStats", "collStats", "getMore":
		if state == stateSecondary {
			return &commandError{13435, "NotPrimaryNoSecondaryOk", "not primary and secondaryOk=false"}
		}
		return &commandError{13436, "NotPrimaryOrSecondary", "node is not in primary or recovering state"}
	}
	return nil
}

// version puts the version of the image's tag in the place of FerretDB's,
// if there is one.
func version(doc bson.Raw, v string) (bson.Raw, error) {
	if v == "" {
		return doc, nil
	}
	fields := []bson.E{{Key: "version", Value: v}}
	if _, err := doc.LookupErr("versionArray"); err == nil {
		array := bson.A{}
		for part := range strings.SplitSeq(v, ".") {
			n, err := strconv.ParseInt(part, 10, 32)
			if err != nil {
				return nil, fmt.Errorf("version %q: %w", v, err)
			}
			array = append(array, int32(n))
		}
		fields = append(fields, bson.E{Key: "versionArray", Value: append(array, int32(0))})
	}
	return edit(doc, fields...)
}
