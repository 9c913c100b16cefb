package clustertest

import (
	"context"
	"encoding/binary"
	"io"
	"net"
	"slices"
	"sync"
	"testing"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/x/mongo/driver/wiremessage"
)

// Mongo speaks as much of MongoDB's wire protocol as the official driver
// needs to connect, say hello and find: OP_QUERY for the first handshake,
// OP_MSG for everything after it.
type Mongo struct {
	// Address is where StartMongo made it listen.
	Address string
	// Hello is what it says of itself, Build its buildInfo; nil: refused.
	Hello, Build bson.D
	// Refuse is the message for every command that is not part of a handshake.
	Refuse string
	// Documents are by database.collection.
	Documents map[string][]bson.D

	mu       sync.Mutex
	commands []string
}

// StartMongo listens on a loopback address until the test ends. Hello gets
// what every hello has added to it.
func StartMongo(tb testing.TB, m *Mongo) *Mongo {
	tb.Helper()
	l, err := (&net.ListenConfig{}).Listen(context.Background(), "tcp", "127.0.0.1:0")
	if err != nil {
		tb.Fatal(err)
	}
	m.Address = l.Addr().String()
	var wg sync.WaitGroup
	ctx, cancel := context.WithCancel(context.Background())
	wg.Go(func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			stop := context.AfterFunc(ctx, func() { _ = conn.Close() })
			wg.Go(func() {
				defer stop()
				defer func() { _ = conn.Close() }()
				m.Serve(conn)
			})
		}
	})
	tb.Cleanup(func() {
		_ = l.Close()
		cancel()
		wg.Wait()
	})
	return m
}

// Change changes the documents while nobody is answered.
func (m *Mongo) Change(change func(documents map[string][]bson.D)) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.Documents == nil {
		m.Documents = make(map[string][]bson.D)
	}
	change(m.Documents)
}

// Commands are what it was asked for, in order.
func (m *Mongo) Commands() []string {
	m.mu.Lock()
	defer m.mu.Unlock()
	return slices.Clone(m.commands)
}

// Serve answers on one connection until it ends.
func (m *Mongo) Serve(conn net.Conn) {
	for {
		size := make([]byte, 4)
		if _, err := io.ReadFull(conn, size); err != nil {
			return
		}
		message := make([]byte, binary.LittleEndian.Uint32(size))
		copy(message, size)
		if _, err := io.ReadFull(conn, message[4:]); err != nil {
			return
		}
		_, id, _, opcode, rest, _ := wiremessage.ReadHeader(message)
		var reply []byte
		switch opcode {
		case wiremessage.OpQuery: //nolint:staticcheck // the driver opens with it, deprecated or not
			// flags, full collection name, skip and limit stand before the document
			_, rest, _ = wiremessage.ReadQueryFlags(rest)              //nolint:staticcheck // as above
			_, rest, _ = wiremessage.ReadQueryFullCollectionName(rest) //nolint:staticcheck // as above
			index, b := wiremessage.AppendHeaderStart(nil, 0, id, wiremessage.OpReply)
			b = wiremessage.AppendReplyFlags(b, 0)
			b = wiremessage.AppendReplyCursorID(b, 0)
			b = wiremessage.AppendReplyStartingFrom(b, 0)
			b = wiremessage.AppendReplyNumberReturned(b, 1)
			b = append(b, m.answer(bson.Raw(rest[8:]))...)
			reply = finish(b, index)
		case wiremessage.OpMsg:
			_, rest, _ = wiremessage.ReadMsgFlags(rest)
			_, rest, _ = wiremessage.ReadMsgSectionType(rest)
			command, rest, _ := wiremessage.ReadMsgSectionSingleDocument(rest)
			index, b := wiremessage.AppendHeaderStart(nil, 0, id, wiremessage.OpMsg)
			b = wiremessage.AppendMsgFlags(b, 0)
			b = wiremessage.AppendMsgSectionType(b, wiremessage.SingleDocument)
			b = append(b, m.answer(withSequence(bson.Raw(command), rest))...)
			reply = finish(b, index)
		default:
			return
		}
		if _, err := conn.Write(reply); err != nil {
			return
		}
	}
}

// withSequence is a command with the documents that the driver sends behind it,
// as writes are.
func withSequence(command bson.Raw, rest []byte) bson.Raw {
	if len(rest) == 0 {
		return command
	}
	whole := make(bson.D, 0, 8)
	if err := bson.Unmarshal(command, &whole); err != nil {
		panic(err)
	}
	_, rest, _ = wiremessage.ReadMsgSectionType(rest)
	name, documents, _, _ := wiremessage.ReadMsgSectionDocumentSequence(rest)
	list := make(bson.A, 0, len(documents))
	for _, d := range documents {
		list = append(list, bson.Raw(d))
	}
	return encode(append(whole, bson.E{Key: name, Value: list}))
}

func finish(b []byte, index int32) []byte {
	binary.LittleEndian.PutUint32(b[index:], uint32(len(b))) //nolint:gosec // a message of a test
	return b
}

func (m *Mongo) answer(command bson.Raw) []byte {
	elements, err := command.Elements()
	if err != nil || len(elements) == 0 {
		return encode(refusal("no command"))
	}
	name := elements[0].Key()
	m.mu.Lock()
	defer m.mu.Unlock()
	m.commands = append(m.commands, name)
	switch name {
	case "hello", "isMaster", "ismaster", "isdbgrid":
		return encode(append(slices.Clone(m.Hello),
			bson.E{Key: "helloOk", Value: true},
			bson.E{Key: "maxWireVersion", Value: int32(21)},
			bson.E{Key: "minWireVersion", Value: int32(0)},
			bson.E{Key: "maxBsonObjectSize", Value: int32(16 << 20)},
			bson.E{Key: "maxMessageSizeBytes", Value: int32(48 << 20)},
			bson.E{Key: "maxWriteBatchSize", Value: int32(1000)},
			bson.E{Key: "ok", Value: 1.0}))
	case "endSessions":
		return encode(bson.D{{Key: "ok", Value: 1.0}})
	}
	if m.Refuse != "" {
		return encode(refusal(m.Refuse))
	}
	switch name {
	case "buildInfo":
		if m.Build == nil {
			return encode(refusal("not authorized"))
		}
		return encode(append(slices.Clone(m.Build), bson.E{Key: "ok", Value: 1.0}))
	case "find":
		collection := command.Lookup("$db").StringValue() + "." + elements[0].Value().StringValue()
		filter, _ := command.Lookup("filter").DocumentOK()
		batch := bson.A{}
		for _, d := range m.Documents[collection] {
			if matches(encode(d), filter) {
				batch = append(batch, d)
			}
		}
		return encode(bson.D{
			{Key: "cursor", Value: bson.D{{Key: "id", Value: int64(0)}, {Key: "ns", Value: collection}, {Key: "firstBatch", Value: batch}}},
			{Key: "ok", Value: 1.0},
		})
	}
	if name == "delete" {
		return m.remove(command)
	}
	return encode(refusal("no such command: " + name))
}

// remove deletes what the first of a command's deletes matches.
func (m *Mongo) remove(command bson.Raw) []byte {
	collection := command.Lookup("$db").StringValue() + "." + command.Lookup("delete").StringValue()
	filter := command.Lookup("deletes", "0", "q").Document()
	before := len(m.Documents[collection])
	m.Documents[collection] = slices.DeleteFunc(m.Documents[collection], func(d bson.D) bool { return matches(encode(d), filter) })
	return encode(bson.D{{Key: "n", Value: int64(before - len(m.Documents[collection]))}, {Key: "ok", Value: 1.0}})
}

// matches knows equality, an array that contains, and $ne.
func matches(document, filter bson.Raw) bool {
	conditions, _ := filter.Elements()
	for _, c := range conditions {
		value := document.Lookup(c.Key())
		if operator, ok := c.Value().DocumentOK(); ok {
			if value.Equal(operator.Lookup("$ne")) {
				return false
			}
			continue
		}
		if list, ok := value.ArrayOK(); ok {
			elements, _ := list.Values()
			if !slices.ContainsFunc(elements, c.Value().Equal) {
				return false
			}
			continue
		}
		if !value.Equal(c.Value()) {
			return false
		}
	}
	return true
}

func refusal(message string) bson.D {
	return bson.D{{Key: "ok", Value: 0.0}, {Key: "errmsg", Value: message}, {Key: "code", Value: int32(13)}, {Key: "codeName", Value: "Unauthorized"}}
}

func encode(d bson.D) []byte {
	b, err := bson.Marshal(d)
	if err != nil {
		panic(err)
	}
	return b
}

// ServerNow is the fake server's clock, far from this machine's.
func ServerNow() time.Time { return time.Date(2031, time.May, 4, 12, 0, 0, 0, time.UTC) }

// PrimaryHello is what the initiated single member at me says.
func PrimaryHello(me string) bson.D {
	return bson.D{
		{Key: "setName", Value: "rs0"},
		{Key: "hosts", Value: bson.A{me}},
		{Key: "me", Value: me},
		{Key: "primary", Value: me},
		{Key: "setVersion", Value: int32(1)},
		{Key: "isWritablePrimary", Value: true},
		{Key: "ismaster", Value: true},
		{Key: "localTime", Value: ServerNow()},
	}
}

// Document is a record of the registry as Rocket.Chat writes it.
func Document(id, host string, port any, created, updated time.Time) bson.D {
	return bson.D{
		{Key: "_id", Value: id},
		{Key: "pid", Value: int32(1)},
		{Key: "name", Value: "rocket.chat"},
		{Key: "_createdAt", Value: created},
		{Key: "_updatedAt", Value: updated},
		{Key: "extraInformation", Value: bson.D{
			{Key: "host", Value: host},
			{Key: "port", Value: port},
			{Key: "os", Value: bson.D{
				{Key: "type", Value: "Linux"},
				{Key: "arch", Value: "x64"},
				{Key: "release", Value: "6.1.0-30-amd64"},
			}},
			{Key: "nodeVersion", Value: "v22.22.3"},
		}},
	}
}
