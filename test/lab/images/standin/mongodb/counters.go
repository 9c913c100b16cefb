package mongodb

import (
	"os"
	"strconv"
	"strings"
	"sync/atomic"

	"go.mongodb.org/mongo-driver/v2/bson"
)

// counters are the figures of serverStatus that FerretDB does not keep and the
// front knows: connections and commands.
type counters struct {
	open, opened                                     atomic.Int64
	insert, query, update, remove, getMore, commands atomic.Int64
}

// count adds a command under the name that opcounters has for it.
func (c *counters) count(command string) {
	switch command {
	case "insert":
		c.insert.Add(1)
	case "find":
		c.query.Add(1)
	case "update", "findAndModify", "findandmodify":
		c.update.Add(1)
	case "delete":
		c.remove.Add(1)
	case "getMore":
		c.getMore.Add(1)
	default:
		c.commands.Add(1)
	}
}

// maxConnections is net.maxIncomingConnections' default.
const maxConnections = 65536

// status completes serverStatus.
func (c *counters) status(doc bson.Raw) (bson.Raw, error) {
	resident, virtual := memory()
	return edit(doc,
		bson.E{Key: "connections", Value: bson.D{
			{Key: "current", Value: c.open.Load()}, {Key: "available", Value: maxConnections - c.open.Load()}, {Key: "totalCreated", Value: c.opened.Load()},
		}},
		bson.E{Key: "opcounters", Value: bson.D{
			{Key: "insert", Value: c.insert.Load()},
			{Key: "query", Value: c.query.Load()},
			{Key: "update", Value: c.update.Load()},
			{Key: "delete", Value: c.remove.Load()},
			{Key: "getmore", Value: c.getMore.Load()},
			{Key: "command", Value: c.commands.Load()},
		}},
		bson.E{Key: "mem", Value: bson.D{{Key: "resident", Value: resident}, {Key: "virtual", Value: virtual}}})
}

// memory is this process's, in MiB as in serverStatus; zero where it cannot be
// read.
func memory() (resident, virtual int64) {
	text, err := os.ReadFile("/proc/self/statm")
	if err != nil {
		return 0, 0
	}
	fields := strings.Fields(string(text))
	pages := func(i int) int64 {
		if i >= len(fields) {
			return 0
		}
		n, err := strconv.ParseInt(fields[i], 10, 64)
		if err != nil {
			return 0
		}
		return n * int64(os.Getpagesize()) >> 20
	}
	return pages(1), pages(0)
}
