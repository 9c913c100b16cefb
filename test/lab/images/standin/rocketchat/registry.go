package main

import (
	"context"
	"fmt"
	"os"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
)

// record is an instance's document in the collection instances, with exactly
// the fields of Rocket.Chat's (§1): no version, the port as a string, the
// address as INSTANCE_IP says it.
type record struct {
	ID        string    `bson:"_id" json:"_id"`
	PID       int       `bson:"pid" json:"pid"`
	Name      string    `bson:"name" json:"name"`
	CreatedAt time.Time `bson:"_createdAt" json:"_createdAt"`
	UpdatedAt time.Time `bson:"_updatedAt" json:"_updatedAt"`
	Extra     extra     `bson:"extraInformation" json:"extraInformation"`
}

type extra struct {
	Host        string `bson:"host" json:"host"`
	Port        string `bson:"port" json:"port"`
	TCPPort     int    `bson:"tcpPort,omitempty" json:"tcpPort,omitempty"` // with the TCP transporter only
	OS          osInfo `bson:"os" json:"os"`
	NodeVersion string `bson:"nodeVersion" json:"nodeVersion"`
	Conns       int    `bson:"conns" json:"conns"`
}

type osInfo struct {
	Type     string    `bson:"type" json:"type"`
	Platform string    `bson:"platform" json:"platform"`
	Arch     string    `bson:"arch" json:"arch"`
	Release  string    `bson:"release" json:"release"`
	Uptime   float64   `bson:"uptime" json:"uptime"`
	LoadAvg  []float64 `bson:"loadavg" json:"loadavg"`
	TotalMem int64     `bson:"totalmem" json:"totalmem"`
	FreeMem  int64     `bson:"freemem" json:"freemem"`
	CPUs     int       `bson:"cpus" json:"cpus"`
}

func (a *app) instances() *mongo.Collection { return a.db.Collection("instances") }

// register writes the record. Times are the database's (§1).
func (a *app) register(ctx context.Context) error {
	err := upsert(ctx, a.instances(), a.id, bson.D{
		{Key: "$set", Value: bson.D{
			{Key: "pid", Value: pid()},
			{Key: "name", Value: "rocket.chat"},
			{Key: "extraInformation", Value: extra{
				Host: a.instanceIP, Port: a.port, TCPPort: a.broker.port(),
				OS: readOS(), NodeVersion: nodeVersion, Conns: a.sessions.count(),
			}},
		}},
		{Key: "$currentDate", Value: bson.D{{Key: "_createdAt", Value: true}, {Key: "_updatedAt", Value: true}}},
	})
	if err != nil {
		return fmt.Errorf("registry: %w", err)
	}
	return nil
}

// heartbeat keeps the record fresh by the database's clock, and registers again
// when the record vanished (§1). A database that is away is tried again at the
// next beat.
func (a *app) heartbeat(ctx context.Context) error {
	tick := time.NewTicker(a.ping)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
		beat, cancel := context.WithTimeout(ctx, a.ping)
		result, err := a.instances().UpdateOne(beat, bson.D{{Key: "_id", Value: a.id}}, bson.D{
			{Key: "$set", Value: bson.D{{Key: "extraInformation.conns", Value: a.sessions.count()}}},
			{Key: "$currentDate", Value: bson.D{{Key: "_updatedAt", Value: true}}},
		})
		if err == nil && result.MatchedCount == 0 {
			err = a.register(beat)
		}
		cancel()
		if err != nil && ctx.Err() == nil {
			a.log.info("InstanceStatus", "error updating: "+err.Error())
		}
	}
}

// expireRecords does what the TTL index on _updatedAt does in MongoDB, whose
// monitor looks once a minute (§1). FerretDB has no such index, so a dead record
// leaves only while some instance lives.
func (a *app) expireRecords(ctx context.Context, after time.Duration) error {
	tick := time.NewTicker(min(time.Minute, after))
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
		now, err := a.serverTime(ctx)
		if err == nil {
			_, err = a.instances().DeleteMany(ctx, bson.D{{Key: "_updatedAt", Value: bson.D{{Key: "$lt", Value: now.Add(-after)}}}})
		}
		if err != nil && ctx.Err() == nil {
			a.log.info("InstanceStatus", "error expiring: "+err.Error())
		}
	}
}

// records are all that the registry holds.
func (a *app) records(ctx context.Context) ([]record, error) {
	cursor, err := a.instances().Find(ctx, bson.D{})
	if err != nil {
		return nil, fmt.Errorf("registry: %w", err)
	}
	all := []record{}
	if err := cursor.All(ctx, &all); err != nil {
		return nil, fmt.Errorf("registry: %w", err)
	}
	return all, nil
}

// readOS is node's os module. What cannot be read is zero.
func readOS() osInfo {
	info := osInfo{Type: "Linux", Platform: runtime.GOOS, Arch: runtime.GOARCH, LoadAvg: []float64{0, 0, 0}, CPUs: runtime.NumCPU()}
	if info.Arch == "amd64" {
		info.Arch = "x64"
	}
	if text, err := os.ReadFile("/proc/sys/kernel/osrelease"); err == nil {
		info.Release = strings.TrimSpace(string(text))
	}
	var s syscall.Sysinfo_t
	if syscall.Sysinfo(&s) == nil {
		unit := int64(s.Unit)
		info.Uptime, info.TotalMem, info.FreeMem = float64(s.Uptime), int64(s.Totalram)*unit, int64(s.Freeram)*unit //nolint:gosec // bytes of memory
	}
	if text, err := os.ReadFile("/proc/loadavg"); err == nil {
		for i, field := range strings.Fields(string(text))[:3] {
			if n, err := strconv.ParseFloat(field, 64); err == nil {
				info.LoadAvg[i] = n
			}
		}
	}
	return info
}
