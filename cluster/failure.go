package cluster

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"strings"
)

// failure makes an error a fact.
func failure(err error) *Failure {
	return &Failure{
		Text:   err.Error(),
		Unseen: errors.Is(err, ErrNoView) || errors.Is(err, context.Canceled),
	}
}

// noAnswerError is a failed attempt to talk to an address.
type noAnswerError struct {
	address string
	err     error
}

func noAnswer(address string, err error) error {
	if _, ok := errors.AsType[*noAnswerError](err); ok {
		return err
	}
	return &noAnswerError{address, err}
}

func (e *noAnswerError) Error() string {
	if errors.Is(e.err, ErrNoView) {
		return fmt.Sprintf("%s: %s", e.address, plainCause(e.err))
	}
	return fmt.Sprintf("no answer on %s: %s", e.address, plainCause(e.err))
}

func (e *noAnswerError) Unwrap() error { return e.err }

// plainCause is the last thing that went wrong, without the layers that say
// the address once more. A refusal that came back through SSH is text only.
func plainCause(err error) string {
	text := strings.ToLower(err.Error())
	var timeout net.Error
	switch {
	case strings.Contains(text, "connection refused"):
		return "connection refused"
	case strings.Contains(text, "no route to host"):
		return "no route to host"
	case strings.Contains(text, "network is unreachable"):
		return "network is unreachable"
	case strings.Contains(text, "connection reset"):
		return "connection reset"
	case errors.Is(err, context.Canceled):
		return "called off"
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, os.ErrDeadlineExceeded),
		errors.As(err, &timeout) && timeout.Timeout():
		return "timed out"
	}
	if _, ok := errors.AsType[tls.RecordHeaderError](err); ok {
		return "it does not speak TLS"
	}
	if name, ok := errors.AsType[*net.DNSError](err); ok {
		return "the name " + name.Name + " does not resolve"
	}
	if u, ok := errors.AsType[*url.Error](err); ok {
		return u.Err.Error()
	}
	return err.Error()
}
