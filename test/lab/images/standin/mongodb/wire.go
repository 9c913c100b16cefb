package mongodb

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"strings"

	"go.mongodb.org/mongo-driver/v2/bson"
)

// Operations of MongoDB's wire protocol that clients still send.
const (
	opReply = 1
	opQuery = 2004
	opMsg   = 2013
)

const (
	headerLen = 16
	// maxMessage is maxMessageSizeBytes of hello.
	maxMessage = 48_000_000
	// moreToCome is the flag of an OP_MSG that is not answered.
	moreToCome = 1 << 1
)

// message is one message as it came, header included.
type message []byte

func (m message) requestID() int32 { return int32(binary.LittleEndian.Uint32(m[4:])) }  //nolint:gosec // the protocol's int32
func (m message) opCode() int32    { return int32(binary.LittleEndian.Uint32(m[12:])) } //nolint:gosec // the protocol's int32

// oneWay is true when no reply follows.
func (m message) oneWay() bool {
	return m.opCode() == opMsg && len(m) >= headerLen+4 && binary.LittleEndian.Uint32(m[headerLen:])&moreToCome != 0
}

// readMessage reads one message; io.EOF means that the peer closed between two.
func readMessage(r io.Reader) (message, error) {
	var size [4]byte
	if _, err := io.ReadFull(r, size[:]); err != nil {
		if errors.Is(err, io.EOF) {
			return nil, io.EOF
		}
		return nil, fmt.Errorf("read a message: %w", err)
	}
	n := binary.LittleEndian.Uint32(size[:])
	if n < headerLen || n > maxMessage {
		return nil, fmt.Errorf("a message of %d bytes", n)
	}
	m := make(message, n)
	copy(m, size[:])
	if _, err := io.ReadFull(r, m[4:]); err != nil {
		return nil, fmt.Errorf("read a message: %w", err)
	}
	return m, nil
}

// documentOffset is where the command or reply document begins.
func (m message) documentOffset() (int, error) {
	switch m.opCode() {
	case opMsg:
		const flags, kind = 4, 1
		if at := headerLen + flags; len(m) > at && m[at] == 0 {
			return at + kind, nil
		}
		return 0, errors.New("an OP_MSG whose first section is not the command")
	case opQuery:
		rest := string(m[headerLen+4:])
		end := strings.IndexByte(rest, 0)
		if end < 0 {
			return 0, errors.New("an OP_QUERY without a collection")
		}
		return headerLen + 4 + end + 1 + 8, nil
	case opReply:
		return headerLen + 20, nil
	default:
		return 0, fmt.Errorf("operation %d", m.opCode())
	}
}

// document is the command or reply in the message.
func (m message) document() (bson.Raw, error) {
	at, err := m.documentOffset()
	if err != nil {
		return nil, err
	}
	if len(m) < at+5 {
		return nil, errors.New("a message without a document")
	}
	n := binary.LittleEndian.Uint32(m[at:])
	if n < 5 || n > maxMessage || at+int(n) > len(m) {
		return nil, errors.New("a document longer than its message")
	}
	doc := bson.Raw(m[at : at+int(n)])
	if err := doc.Validate(); err != nil {
		return nil, fmt.Errorf("a malformed document: %w", err)
	}
	return doc, nil
}

// withDocument is the reply with another document.
func (m message) withDocument(doc bson.Raw) (message, error) {
	at, err := m.documentOffset()
	if err != nil {
		return nil, err
	}
	out := append(append(message(nil), m[:at]...), doc...)
	binary.LittleEndian.PutUint32(out, uint32(len(out))) //nolint:gosec // below maxMessage
	return out, nil
}

// answer is the reply to m, in the form that m's operation asks for.
func (m message) answer(doc bson.Raw) message {
	prefix, op := make([]byte, 5), uint32(opMsg) // flags and section kind 0
	if m.opCode() == opQuery {
		prefix, op = make([]byte, 20), opReply
		binary.LittleEndian.PutUint32(prefix[16:], 1) // numberReturned
	}
	out := make(message, headerLen, headerLen+len(prefix)+len(doc))
	out = append(append(out, prefix...), doc...)
	binary.LittleEndian.PutUint32(out, uint32(len(out)))          //nolint:gosec // below maxMessage
	binary.LittleEndian.PutUint32(out[8:], uint32(m.requestID())) //nolint:gosec // the protocol's int32
	binary.LittleEndian.PutUint32(out[12:], op)
	return out
}

// request is a command of our own.
func request(doc bson.Raw) message {
	out := make(message, headerLen+5, headerLen+5+len(doc))
	out = append(out, doc...)
	binary.LittleEndian.PutUint32(out, uint32(len(out))) //nolint:gosec // below maxMessage
	binary.LittleEndian.PutUint32(out[4:], 1)
	binary.LittleEndian.PutUint32(out[12:], opMsg)
	return out
}

// command is the name of a command document: its first key.
func command(doc bson.Raw) string {
	first, err := doc.IndexErr(0)
	if err != nil {
		return ""
	}
	return first.Key()
}
