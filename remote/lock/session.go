package lock

import (
	"context"
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/rcwizard/rcwizard/remote"
)

//go:embed hold.sh
var holdScript string

// errOther says that somebody else had the lock since, or freed it.
var errOther = errors.New("somebody else had it since")

// session is one shell on a host that holds the lock while we speak to it.
type session struct {
	cancel context.CancelFunc
	stdin  *io.PipeWriter
	// wake tells the writer that next has grown.
	wake chan struct{}
	// word is the host's first word, decided when it is closed: heldFor, or err.
	word    chan struct{}
	heldFor time.Duration
	err     error
	// done is closed when the shell has ended, or the connection to it.
	done chan struct{}

	mu sync.Mutex
	// asked are the times at which questions without an answer were asked, by
	// number; next is the number of the last.
	asked map[int]time.Time
	next  int
	// proof is when the last question that was answered was asked: from then on
	// the lock is ours for its whole time.
	proof time.Time
	// answered is the number of the last question that was; more is closed at
	// the next answer.
	answered int
	more     chan struct{}
	// gone says that the lock's file is another.
	gone bool
}

// begin starts the shell. Its first word is to be waited for.
func begin(ctx context.Context, h Host, root bool, args ...string) *session {
	stdin, feed := io.Pipe()
	// It lives until it is ended, not until the context of the start ends.
	life, cancel := context.WithCancel(context.WithoutCancel(ctx))
	s := &session{
		cancel: cancel, stdin: feed, wake: make(chan struct{}, 1),
		word: make(chan struct{}), done: make(chan struct{}),
		asked: make(map[int]time.Time), proof: time.Now(), more: make(chan struct{}),
	}
	go s.write()
	go func() {
		defer close(s.done)
		defer func() { _ = stdin.Close() }()
		var complaint string
		res, err := h.Stream(life, remote.Command{Script: holdScript, Args: args, Stdin: stdin, Root: root}, func(l remote.Line) {
			if l.Stderr {
				complaint = l.Text
				return
			}
			s.hear(h.Name(), l.Text)
		})
		if err == nil {
			err = fmt.Errorf("host %s: the shell that holds the lock ended with code %d: %s", h.Name(), res.Code, complaint)
		}
		s.decide(0, err)
	}()
	return s
}

// decide sets the first word, once.
func (s *session) decide(heldFor time.Duration, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	select {
	case <-s.word:
	default:
		s.heldFor, s.err = heldFor, err
		close(s.word)
	}
}

// hear takes one line of the shell's.
func (s *session) hear(host, line string) {
	word, rest, _ := strings.Cut(line, " ")
	switch word {
	case "LOCKED":
		s.decide(seconds(rest), nil)
	case "BUSY":
		age, about, _ := strings.Cut(rest, " ")
		s.decide(0, &HeldError{Host: host, Holder: holder(about, seconds(age))})
	case "OTHER":
		s.decide(0, errOther)
	case "FAIL":
		s.decide(0, &UnmadeError{Host: host, Text: rest})
	case "GONE":
		s.mu.Lock()
		s.gone = true
		s.mu.Unlock()
	case "HELD":
		n, err := strconv.Atoi(rest)
		if err == nil {
			s.answer(n)
		}
	}
}

func (s *session) answer(n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	at, ok := s.asked[n]
	if !ok {
		return
	}
	s.proof, s.answered = at, n
	for i := range s.asked {
		if i <= n {
			delete(s.asked, i)
		}
	}
	close(s.more)
	s.more = make(chan struct{})
}

// ask asks whether the lock is held and returns the question's number.
func (s *session) ask() int {
	s.mu.Lock()
	s.next++
	n := s.next
	s.asked[n] = time.Now()
	s.mu.Unlock()
	select {
	case s.wake <- struct{}{}:
	default:
	}
	return n
}

// write sends the last question. A frozen connection blocks it, and no one else.
func (s *session) write() {
	for {
		select {
		case <-s.done:
			return
		case <-s.wake:
		}
		s.mu.Lock()
		n := s.next
		s.mu.Unlock()
		if _, err := io.WriteString(s.stdin, strconv.Itoa(n)+"\n"); err != nil {
			return
		}
	}
}

// state is what is known: the last number answered, a channel that is closed at
// the next answer, how old the proof is, and whether the file is another.
func (s *session) state() (answered int, more <-chan struct{}, age time.Duration, gone bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.answered, s.more, elapsed(s.proof), s.gone
}

// release gives the lock back and returns when the host said that it is free,
// or was given ten seconds for it: a busy host may need some.
func (s *session) release() error {
	_ = s.stdin.Close()
	timer := time.NewTimer(10 * time.Second)
	defer timer.Stop()
	select {
	case <-s.done:
		s.cancel()
		return nil
	case <-timer.C:
		s.cancel()
		<-s.done
		return errors.New("the host did not say that it is free; it frees it by itself")
	}
}

func seconds(s string) time.Duration {
	n, err := strconv.ParseInt(s, 10, 32)
	if err != nil || n < 0 {
		return 0
	}
	return time.Duration(n) * time.Second
}

// holder reads what a holder wrote; what cannot be read names nobody.
func holder(word string, age time.Duration) Holder {
	var h Holder
	if err := json.Unmarshal([]byte(word), &h); err != nil {
		return Holder{}
	}
	h.Since = time.Now().Add(-age)
	return h
}
