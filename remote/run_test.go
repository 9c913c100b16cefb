package remote

import (
	"bytes"
	"context"
	"errors"
	"strings"
	"testing"
	"time"
)

func TestQuick(t *testing.T) {
	h := Local("here", LocalOptions{})
	defer h.Close()
	ctx := t.Context()
	t0 := time.Now()
	r, err := h.Run(ctx, Command{Script: `echo "$1-$2"; echo "$A" >&2; cat; exit 7`, Args: []string{"a'b", "x\ny"}, Env: map[string]string{"A": "v $x"}, Stdin: strings.NewReader("hello\n")})
	t.Log(r, err, time.Since(t0))
	t0 = time.Now()
	for range 20 {
		h.Run(ctx, Command{Script: "true"})
	}
	t.Log(time.Since(t0) / 20)
	t0 = time.Now()
	r, err = h.Run(ctx, Command{Script: "sha256sum; wc -c </dev/null", Stdin: bytes.NewReader(bytes.Repeat([]byte("0123456789abcdef"), 1<<20/4))})
	t.Log(r, err, time.Since(t0))
	c2, cancel := context.WithTimeoutCause(ctx, 300*time.Millisecond, errors.New("stopp"))
	defer cancel()
	t0 = time.Now()
	r, err = h.Run(c2, Command{Script: "trap '' TERM; sleep 100 & sleep 101; sleep 103"})
	t.Log(r, err, time.Since(t0))
	c2, cancel = context.WithTimeoutCause(ctx, 300*time.Millisecond, errors.New("stopp"))
	defer cancel()
	t0 = time.Now()
	r, err = h.Run(c2, Command{Script: "sleep 102", Stdin: bytes.NewReader(make([]byte, 3<<20))})
	t.Log(r, err, time.Since(t0))
	time.Sleep(4 * time.Second)
}
