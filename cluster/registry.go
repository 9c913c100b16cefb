package cluster

import (
	"cmp"
	"context"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo/options"
)

const (
	// heartbeat is Rocket.Chat's default MULTIPLE_INSTANCES_PING_INTERVAL.
	heartbeat = 10 * time.Second
	// freshFor allows for two heartbeats that came late.
	freshFor = 3 * heartbeat
	// ghostAhead is how far in the future a heartbeat may be: members of an
	// external replica set do not share one clock.
	ghostAhead = time.Minute
	// recordLimit bounds what is read; the newest records come first.
	recordLimit = 1000
)

// lookDatabase reads replica set and registry over one connection.
func lookDatabase(ctx context.Context, mongoURL string, v View) (ReplicaSet, Registry) {
	timeout := databaseTimeout
	if v.Timeout > 0 {
		timeout = v.Timeout
	}
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	s, err := connect(ctx, v.Database, mongoURL)
	if err != nil {
		return ReplicaSet{Error: failure(err)}, Registry{Error: failure(err)}
	}
	defer s.close(ctx)
	set, err := s.hello(ctx)
	if err != nil {
		return ReplicaSet{Error: failure(err)}, Registry{Database: s.database, Error: failure(err)}
	}
	return set, s.registry(ctx, set.Time)
}

// registry reads every record and sets each against the server's clock, now.
// Nothing is filtered by the server: stale and ghost records are to be named,
// and not every server that speaks the protocol can compare with its clock.
func (s *session) registry(ctx context.Context, now time.Time) Registry {
	r := Registry{Database: s.database}
	documents, err := s.find(ctx, "instances", bson.D{},
		options.Find().SetLimit(recordLimit).SetSort(bson.D{{Key: "_updatedAt", Value: -1}}))
	if err != nil {
		r.Error = failure(err)
		return r
	}
	for _, d := range documents {
		r.Records = append(r.Records, decodeRecord(d, now))
	}
	slices.SortFunc(r.Records, func(a, b Record) int {
		return cmp.Or(cmp.Compare(a.Host, b.Host), cmp.Compare(a.Port, b.Port), cmp.Compare(a.ID, b.ID))
	})
	return r
}

// decodeRecord reads one document leniently: the port is a string in the
// releases that were seen, and nothing says that it stays one.
func decodeRecord(d bson.Raw, now time.Time) Record {
	extra := func(path ...string) bson.RawValue {
		return d.Lookup(append([]string{"extraInformation"}, path...)...)
	}
	r := Record{
		ID:          text(d.Lookup("_id")),
		Host:        strings.TrimSpace(text(extra("host"))),
		Port:        number(extra("port")),
		TCPPort:     number(extra("tcpPort")),
		NodeVersion: text(extra("nodeVersion")),
		Since:       moment(d.Lookup("_createdAt")),
		Heartbeat:   moment(d.Lookup("_updatedAt")),
	}
	r.OS = strings.Join(strings.Fields(text(extra("os", "type"))+" "+text(extra("os", "release"))+" "+text(extra("os", "arch"))), " ")
	r.State, r.AgeSeconds = age(r.Heartbeat, now)
	return r
}

// age sets a heartbeat against the server's clock. A record without one is
// stale: nothing shows that anybody keeps it.
func age(beat, now time.Time) (RecordState, int64) {
	if beat.IsZero() {
		return Stale, 0
	}
	old := now.Sub(beat)
	// Sub saturates at 292 years, and ghosts of the year 2257 were seen.
	seconds := now.Unix() - beat.Unix()
	switch {
	case old < -ghostAhead:
		return Ghost, seconds
	case old > freshFor:
		return Stale, seconds
	}
	return Fresh, max(seconds, 0)
}

func text(v bson.RawValue) string {
	if s, ok := v.StringValueOK(); ok {
		return s
	}
	if id, ok := v.ObjectIDOK(); ok {
		return id.Hex()
	}
	return ""
}

// number reads a port from any type that can hold one; 0 means that there is
// none.
func number(v bson.RawValue) int {
	if s, ok := v.StringValueOK(); ok {
		n, err := strconv.Atoi(strings.TrimSpace(s))
		if err != nil {
			return 0
		}
		return n
	}
	if n, ok := v.AsInt64OK(); ok {
		return int(n)
	}
	return 0
}

// moment reads a date. MongoDB keeps dates far outside the years that JSON
// can write; such a one becomes the last or the first that it can.
func moment(v bson.RawValue) time.Time {
	t, ok := v.TimeOK()
	if !ok {
		return time.Time{}
	}
	last := time.Date(9999, time.December, 31, 23, 59, 59, 0, time.UTC)
	first := time.Unix(0, 0).UTC()
	switch {
	case t.After(last):
		return last
	case t.Before(first):
		return first
	}
	return t.UTC()
}

// sameHost compares two hosts as addresses where they are addresses, so that
// fd00::b and FD00:0::B are one.
func sameHost(a, b string) bool {
	x, errX := netip.ParseAddr(strings.Trim(a, "[]"))
	y, errY := netip.ParseAddr(strings.Trim(b, "[]"))
	if errX != nil || errY != nil {
		return strings.EqualFold(a, b)
	}
	return x.Unmap() == y.Unmap()
}
