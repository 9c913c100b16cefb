package engine

import (
	"bytes"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"time"
)

// JournalVersion is the version of the journal's format that this rcwizard
// writes, and the only one that it reads.
const JournalVersion = 1

var (
	// ErrJournalVersion says that the journal has a version that this
	// rcwizard does not know.
	ErrJournalVersion = errors.New("unknown version of the journal")
	// ErrNotJournal says that a file does not begin as a journal does.
	ErrNotJournal = errors.New("not a journal of rcwizard")
)

// Journal is the record of all runs of one workspace: a file of JSON lines,
// each with its CRC-32 (IEEE, eight hexadecimal digits) and a space before it.
// The first line names version and lineage. Records are only ever appended;
// what a crash tore off the last line is cut away when the journal is opened.
//
// It survives kill -9 at any moment and, as far as the disk keeps its promise
// of fsync, the loss of power. Two processes must not have it open for writing
// at a time: the workspace's lock sees to that. Methods may be called from
// many goroutines.
type Journal struct {
	mu      sync.Mutex
	file    *os.File
	history History
	serial  uint64
	// size is where the last whole line ends.
	size int64
	// broken is the error after which nothing more is written.
	broken error
}

// header is the first line of a journal.
type header struct {
	Version int       `json:"version"`
	Lineage string    `json:"lineage"`
	Created time.Time `json:"created"`
}

// OpenJournal opens the journal at path for writing and makes it, readable by
// its owner alone, where there is none. An error that wraps ErrJournalVersion
// or ErrNotJournal leaves the file as it is.
func OpenJournal(path string) (*Journal, error) {
	file, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, fmt.Errorf("open the journal: %w", err)
	}
	j := &Journal{file: file}
	if err := j.load(); err != nil {
		return nil, closing(file, fmt.Errorf("open the journal %s: %w", path, err))
	}
	if j.size == 0 {
		if err := j.begin(filepath.Dir(path)); err != nil {
			return nil, closing(file, fmt.Errorf("begin the journal %s: %w", path, err))
		}
	}
	return j, nil
}

// load reads the file and cuts off a torn last line.
func (j *Journal) load() error {
	data, err := io.ReadAll(j.file)
	if err != nil {
		return fmt.Errorf("read it: %w", err)
	}
	j.history, j.serial, j.size, err = parseJournal(data)
	if err != nil {
		return err
	}
	if j.size < int64(len(data)) {
		if err := j.file.Truncate(j.size); err != nil {
			return fmt.Errorf("cut off its torn last line: %w", err)
		}
	}
	if _, err := j.file.Seek(j.size, io.SeekStart); err != nil {
		return fmt.Errorf("go to its end: %w", err)
	}
	return nil
}

// begin writes the header and makes file and name durable.
func (j *Journal) begin(dir string) error {
	j.history.Lineage = rand.Text()
	if err := j.write(header{Version: JournalVersion, Lineage: j.history.Lineage, Created: time.Now().UTC()}, true); err != nil {
		return err
	}
	d, err := os.Open(dir)
	if err != nil {
		return fmt.Errorf("open its folder: %w", err)
	}
	if err := d.Sync(); err != nil {
		return closing(d, fmt.Errorf("sync its folder: %w", err))
	}
	if err := d.Close(); err != nil {
		return fmt.Errorf("close its folder: %w", err)
	}
	return nil
}

// Path is where the journal is.
func (j *Journal) Path() string { return j.file.Name() }

// History returns what the journal told when it was opened.
func (j *Journal) History() History { return j.history }

// Record appends a record; see Recorder for when it is on the disk.
func (j *Journal) Record(rec Record) error {
	j.mu.Lock()
	defer j.mu.Unlock()
	rec.Serial = j.serial + 1
	durable := rec.Kind != RecordStepDone || rec.How != AlreadyDone
	if err := j.write(rec, durable); err != nil {
		return fmt.Errorf("write the journal %s: %w", j.file.Name(), err)
	}
	j.serial++
	return nil
}

// Note keeps a value that cannot be observed on a host, such as the id of a
// detached job, under a key; step may be empty. It is on the disk when Note
// returns. A secret must never be noted.
func (j *Journal) Note(step, key, value string) error {
	return j.Record(Record{Time: time.Now().UTC(), Kind: RecordNoted, Step: step, Key: key, Value: value})
}

// Close closes the file.
func (j *Journal) Close() error {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.broken == nil {
		j.broken = os.ErrClosed
	}
	if err := j.file.Close(); err != nil {
		return fmt.Errorf("close the journal: %w", err)
	}
	return nil
}

// write appends one line. A line that could not be written whole is taken back
// so that the next one does not stick to it; where that fails too, or where
// the disk's answer to fsync is unknown from then on, the journal is broken
// and says so for good.
func (j *Journal) write(v any, durable bool) error {
	if j.broken != nil {
		return j.broken
	}
	text, err := json.Marshal(v)
	if err != nil {
		return fmt.Errorf("encode a record: %w", err)
	}
	line := fmt.Appendf(nil, "%08x %s\n", crc32.ChecksumIEEE(text), text)
	if _, err := j.file.Write(line); err != nil {
		_, seekErr := j.file.Seek(j.size, io.SeekStart)
		if taken := errors.Join(j.file.Truncate(j.size), seekErr); taken != nil {
			j.broken = errors.Join(err, taken)
		}
		return fmt.Errorf("append: %w", err)
	}
	j.size += int64(len(line))
	if durable {
		if err := j.file.Sync(); err != nil {
			j.broken = fmt.Errorf("fsync: %w", err)
			return j.broken
		}
	}
	return nil
}

// ReadJournal reads the journal at path without changing it, whether or not a
// run is writing to it. A journal that is not there is an empty history.
func ReadJournal(path string) (History, error) {
	data, err := os.ReadFile(path)
	if errors.Is(err, os.ErrNotExist) {
		return History{}, nil
	}
	if err != nil {
		return History{}, fmt.Errorf("read the journal: %w", err)
	}
	h, _, _, err := parseJournal(data)
	if err != nil {
		return History{}, fmt.Errorf("read the journal %s: %w", path, err)
	}
	return h, nil
}

// tornHeader tells whether data may be the beginning of a header, which a crash
// in the making of a journal leaves, and not a file of somebody else.
func tornHeader(data []byte) bool {
	for _, c := range data[:min(8, len(data))] {
		if !bytes.ContainsRune([]byte("0123456789abcdef"), rune(c)) {
			return false
		}
	}
	const opening = ` {"version":`
	rest := string(data[min(8, len(data)):])
	return strings.HasPrefix(opening, rest) || strings.HasPrefix(rest, opening)
}

// parseJournal reads what there is. size is where the last whole line ends,
// so 0 for a journal whose header is torn. Lines that cannot be read are
// counted and passed over: the journal never decides, so a hole in it costs no
// more than what it told.
func parseJournal(data []byte) (h History, serial uint64, size int64, err error) {
	first, rest, whole := bytes.Cut(data, []byte{'\n'})
	if !whole {
		if tornHeader(data) {
			return History{Torn: len(data) > 0}, 0, 0, nil
		}
		return History{}, 0, 0, ErrNotJournal
	}
	var head header
	if !parseLine(first, &head) || head.Lineage == "" {
		return History{}, 0, 0, fmt.Errorf("%w: its first line cannot be read; move the file away, "+
			"the next run looks at the hosts and makes a new one", ErrNotJournal)
	}
	if head.Version != JournalVersion {
		return History{}, 0, 0, fmt.Errorf("%w: it has version %d, this rcwizard knows version %d; use the rcwizard that wrote it, or a newer one",
			ErrJournalVersion, head.Version, JournalVersion)
	}
	h.Lineage = head.Lineage
	size = int64(len(first)) + 1
	for len(rest) > 0 {
		line, after, whole := bytes.Cut(rest, []byte{'\n'})
		if !whole {
			h.Torn = true
			break
		}
		size += int64(len(line)) + 1
		rest = after
		var rec Record
		if !parseLine(line, &rec) || rec.Serial <= serial {
			h.Damaged++
			continue
		}
		serial = rec.Serial
		h.add(rec)
	}
	return h, serial, size, nil
}

func parseLine(line []byte, v any) bool {
	sum, text, ok := bytes.Cut(line, []byte{' '})
	if !ok || len(sum) != 8 {
		return false
	}
	want, err := strconv.ParseUint(string(sum), 16, 32)
	return err == nil && uint32(want) == crc32.ChecksumIEEE(text) && json.Unmarshal(text, v) == nil
}

// closing closes what a failed opening leaves open and returns its error.
func closing(c io.Closer, err error) error { return errors.Join(err, c.Close()) }
