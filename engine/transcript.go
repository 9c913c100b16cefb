package engine

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"sync"
	"time"
)

// CreateTranscript makes a file for every line of a run, readable by its owner
// alone. A file that is there is appended to, and an existing one that others
// may read is closed to them.
func CreateTranscript(path string) (*os.File, error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, fmt.Errorf("create the transcript: %w", err)
	}
	if err := f.Chmod(0o600); err != nil {
		return nil, fmt.Errorf("close the transcript to others: %w", closing(f, err))
	}
	return f, nil
}

// transcript writes every line to a writer, buffered. Its first error ends it.
type transcript struct {
	mu  sync.Mutex
	w   *bufio.Writer
	err error
}

func (t *transcript) open(w io.Writer) {
	if w != nil {
		t.w = bufio.NewWriterSize(w, 64<<10)
	}
}

// line writes "time host step source | text", "-" for what is empty.
func (t *transcript) line(l Line) {
	if t.w == nil {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.err != nil {
		return
	}
	b := t.w.AvailableBuffer()
	b = l.Time.UTC().AppendFormat(b, "2006-01-02T15:04:05.000Z07:00")
	for _, field := range [...]string{l.Host, l.Step, l.Source} {
		b = append(b, ' ')
		if field == "" {
			field = "-"
		}
		b = append(b, field...)
	}
	b = append(b, " | "...)
	b = append(b, l.Text...)
	b = append(b, '\n')
	_, t.err = t.w.Write(b)
}

// mark writes a line that is in no ring: the beginning and the end of a step.
func (t *transcript) mark(ref StepRef, text string) {
	t.line(Line{Time: time.Now(), Host: ref.Host, Step: ref.Step, Source: "rcwizard", Text: CleanLine(text)})
}

func (t *transcript) flush() error {
	if t.w == nil {
		return nil
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.err == nil {
		t.err = t.w.Flush()
	}
	if t.err != nil {
		return fmt.Errorf("write the transcript: %w", t.err)
	}
	return nil
}
