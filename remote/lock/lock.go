// Package lock gives one operator at a time the right to change hosts.
//
// The lock is a file on each host, held by flock(2) in a shell of the
// operator's own there. It promises that of any number of operators who ask,
// whoever they log in as, at most one has a host; that whoever is refused
// learns who has it; that the lock of an operator who died, or of a host that
// lost its power, is free within seconds, and that of one who is frozen or cut
// off after Options.TTL; and that with the lock the host ends what the operator
// still had running over that connection. The first host is taken before the
// others, all or none, and nobody waits while holding: two operators cannot block
// each other.
//
// A connection that was lost and comes back takes the lock up again, but only if
// nobody had it meanwhile; until that is known, Hold waits. What was lost for
// good is told by Held.Lost, and by Hold before the next change.
//
// The file lies where the caller says: in a directory that everybody who may
// change the host can write to, and nobody else. It is removed when the lock is
// given back. A holder that dies leaves it behind, unlocked; the next removes it.
//
// It will not guard against programs that do not ask for the lock, and on the
// operator's own machine (remote.Local) what a frozen operator has running goes
// on to its end. Hosts need flock(1), of util-linux or busybox, and /proc.
package lock

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/rcwizard/rcwizard/remote"
)

const (
	// DefaultTTL is after how long a silent holder is taken for gone: longer
	// than a line is away on a bad day, shorter than a person waits.
	DefaultTTL = 30 * time.Second
	// DefaultBeat is how often a holder shows that it lives.
	DefaultBeat = 5 * time.Second
	// reserve is how long before the host would end a silent lock its holder no
	// longer relies on it.
	reserve = 3 * time.Second
	// graceTime is how long a host may take, beyond the holder's time, to end
	// what the holder had running and to free the lock.
	graceTime = 10 * time.Second
)

// Host is the part of remote.Host that locking uses.
type Host interface {
	Name() string
	Stream(ctx context.Context, c remote.Command, emit func(remote.Line)) (remote.Result, error)
}

// Place is where one host keeps its lock.
type Place struct {
	Host Host
	// File is the lock's absolute path. Directories that are missing are made,
	// and removed again if nothing else came into them.
	File string
	// NoRoot says that root is not to be used. Otherwise it is, where it can be
	// had, and the login itself where not.
	NoRoot bool
}

// Holder is who holds a lock, for people.
type Holder struct {
	// ID tells one taking of locks from all others.
	ID string `json:"id"`
	// Place is what the holder calls the host.
	Place string `json:"place"`
	// User and From are the person's login and machine, PID the process there.
	User string `json:"user"`
	From string `json:"from"`
	PID  int    `json:"pid"`
	// Doing is the command, such as "install".
	Doing string `json:"doing"`
	// Since is when it began, by the reader's clock.
	Since time.Time `json:"-"`
}

// String is such as "install by ops@laptop (process 4711) since 2026-11-23T14:05:00Z".
func (h Holder) String() string {
	if h.User == "" && h.From == "" && h.Doing == "" {
		return "somebody who left no name"
	}
	var b strings.Builder
	fmt.Fprintf(&b, "%s by %s@%s (process %d)", h.Doing, h.User, h.From, h.PID)
	if !h.Since.IsZero() {
		fmt.Fprintf(&b, " since %s (%s ago)", h.Since.Format(time.RFC3339), time.Since(h.Since).Round(time.Second))
	}
	return b.String()
}

// HeldError says that somebody else has the lock of a host.
type HeldError struct {
	Host   string
	Holder Holder
}

func (e *HeldError) Error() string {
	return fmt.Sprintf("host %s: another operator is at work: %s", e.Host, e.Holder)
}

// UnmadeError says that the lock of a host could not be made.
type UnmadeError struct {
	Host string
	// Text is what the host said.
	Text string
}

func (e *UnmadeError) Error() string {
	return fmt.Sprintf("host %s: the lock that keeps other operators away cannot be made, so nothing is changed: %s", e.Host, e.Text)
}

// LostError says that the lock of a host was lost while it was held, and why.
type LostError struct {
	Host string
	// Holder is who has it now; the zero value if nobody has, or it is not known.
	Holder Holder
	// Err is why it could not be taken up again; nil if it was freed, or another
	// operator had it meanwhile.
	Err error
}

func (e *LostError) Error() string {
	switch {
	case e.Err != nil:
		return fmt.Sprintf("host %s: the lock cannot be taken up again: %v", e.Host, e.Err)
	case e.Holder.ID != "":
		return fmt.Sprintf("host %s: another operator has taken over: %s", e.Host, e.Holder)
	}
	return fmt.Sprintf("host %s: the lock was freed by somebody, or another operator had it meanwhile", e.Host)
}

func (e *LostError) Unwrap() error { return e.Err }

// Options say how locks are taken and held. The zero value refuses at once.
type Options struct {
	// TTL is after how long without a sign of life the host frees the lock, in
	// whole seconds; 0 is DefaultTTL.
	TTL time.Duration
	// Beat is the time between two signs of life; 0 is DefaultBeat.
	Beat time.Duration
	// Wait is how long to wait for others to give a lock back.
	Wait time.Duration
	// Ended, when not nil, tells whether a holder is known to have ended without
	// giving its lock back. The host frees that by itself, within seconds or at
	// most TTL, and so long it is waited for, whatever Wait says.
	Ended func(Holder) bool
	// Waiting, when not nil, is told once for whom it waits, and how long at most.
	Waiting func(e *HeldError, atMost time.Duration)
}

// patience is how long to wait for a holder.
func (o Options) patience(h Holder) time.Duration {
	if o.Ended == nil || !o.Ended(h) {
		return o.Wait
	}
	return max(o.Wait, o.TTL+graceTime)
}

func (o Options) filled() Options {
	if o.TTL < time.Second {
		o.TTL = DefaultTTL
	}
	if o.Beat <= 0 {
		o.Beat = DefaultBeat
	}
	return o
}

// elapsed is how long ago t was, by the clock that stands still while the
// machine sleeps and by the one that does not, whichever says more.
func elapsed(t time.Time) time.Duration {
	return max(time.Since(t), time.Now().Round(0).Sub(t.Round(0)))
}
