package engine

import (
	"context"
	"fmt"
	"io"
	"sync"
)

// Log is an append-only log of events in memory. Any number of goroutines may
// append, and any number of cursors read, each at its own pace: an append
// never waits for a reader. Its size is bounded by the plan (at most seven
// events for a step) and by the notes that steps make.
//
// The zero value is not ready for use; see NewLog.
type Log struct {
	mu     sync.Mutex
	events []Event
	closed bool
	// grown is closed at the next append or at Close; nil while nobody waits.
	grown chan struct{}
}

// NewLog returns an empty log.
func NewLog() *Log { return &Log{} }

// Append adds an event. After Close it does nothing.
func (l *Log) Append(e Event) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return
	}
	l.events = append(l.events, e)
	l.wake()
}

// Close says that no event will follow. Whoever made the log closes it after
// the last run; cursors then end with io.EOF when they have read everything.
func (l *Log) Close() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.closed = true
	l.wake()
}

// wake is called with mu held.
func (l *Log) wake() {
	if l.grown != nil {
		close(l.grown)
		l.grown = nil
	}
}

// Len returns the number of events.
func (l *Log) Len() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.events)
}

// Cursor returns a reader that begins with the first event.
func (l *Log) Cursor() *Cursor { return &Cursor{log: l} }

// Cursor reads a log from its beginning. It is for one goroutine.
type Cursor struct {
	log *Log
	at  int
}

// More returns a channel that is closed as soon as Read has something to say:
// events, or io.EOF. It lets a face wait for several things at once.
func (c *Cursor) More() <-chan struct{} {
	c.log.mu.Lock()
	defer c.log.mu.Unlock()
	if c.at < len(c.log.events) || c.log.closed {
		ready := make(chan struct{})
		close(ready)
		return ready
	}
	if c.log.grown == nil {
		c.log.grown = make(chan struct{})
	}
	return c.log.grown
}

// Read returns the events since the last call without waiting: none when there
// are none, and io.EOF when there will never be another. The slice belongs to
// the log and must not be changed.
func (c *Cursor) Read() ([]Event, error) {
	c.log.mu.Lock()
	defer c.log.mu.Unlock()
	// What was appended never changes, so a slice that cannot grow into the
	// log's own memory may leave the lock.
	news := c.log.events[c.at:len(c.log.events):len(c.log.events)]
	c.at = len(c.log.events)
	if len(news) == 0 && c.log.closed {
		return nil, io.EOF
	}
	return news, nil
}

// Next waits for events and returns all that came since the last call, at
// least one. It returns io.EOF when the log is closed and read to its end, and
// the context's cause when that ends first.
func (c *Cursor) Next(ctx context.Context) ([]Event, error) {
	for {
		select {
		case <-c.More():
		case <-ctx.Done():
			return nil, fmt.Errorf("wait for events: %w", context.Cause(ctx))
		}
		if news, err := c.Read(); err != nil || len(news) > 0 {
			return news, err
		}
	}
}
