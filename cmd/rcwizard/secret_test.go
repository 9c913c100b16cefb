package main

import (
	"context"
	"errors"
	"io"
	"strings"
	"testing"
)

func TestTypedLine(t *testing.T) {
	t.Parallel()
	for keys, want := range map[string]string{
		"pass word\r":        "pass word",
		"pass word\nmore":    "pass word",
		"\r":                 "",
		"paß\x7fss\r":        "pass",
		"x\b\b\bpass\r":      "pass",
		"wrong\x15pass\r":    "pass",
		"pa\x04ss\r":         "pass",
		" $'\"\\ü \t!\r":     " $'\"\\ü \t!",
		"\xff\xfe\x7fpass\r": "\xffpass",
	} {
		if got, err := typedLine(strings.NewReader(keys)); err != nil || string(got) != want {
			t.Errorf("%q: %q, want %q: %v", keys, got, want, err)
		}
	}
	for keys, want := range map[string]error{
		"pa\x03ss\r": context.Canceled,
		"\x04":       io.EOF,
		"cut":        io.EOF,
	} {
		if got, err := typedLine(strings.NewReader(keys)); !errors.Is(err, want) || got != nil {
			t.Errorf("%q: %q, error %v, want %v", keys, got, err, want)
		}
	}
}
