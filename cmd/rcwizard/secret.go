package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"unicode/utf8"

	"golang.org/x/term"
)

// readSecret asks at a terminal for one line that is not shown. The terminal
// shows nothing from before the prompt is there, so that a password which is
// pasted at once is not seen either; term.ReadPassword alone would leave that
// gap.
func readSecret(in, out *os.File, prompt string) (_ []byte, err error) {
	fd := int(in.Fd())
	before, err := term.MakeRaw(fd)
	if err != nil {
		return nil, fmt.Errorf("hide what is typed: %w", err)
	}
	defer func() { err = errors.Join(err, term.Restore(fd, before)) }()
	if _, err := io.WriteString(out, prompt); err != nil {
		return nil, fmt.Errorf("ask: %w", err)
	}
	line, err := typedLine(in)
	if _, werr := io.WriteString(out, "\r\n"); err == nil && werr != nil {
		err = fmt.Errorf("ask: %w", werr)
	}
	return line, err
}

// typedLine reads one line from a terminal that hands on each key as it is. It
// knows the keys by which a line is mended or given up.
func typedLine(in io.Reader) ([]byte, error) {
	const (
		interrupt  = 3  // ctrl-c
		endOfInput = 4  // ctrl-d
		backspace  = 8  // ctrl-h
		kill       = 21 // ctrl-u
		erase      = 127
	)
	var line []byte
	key := make([]byte, 1)
	for {
		if _, err := io.ReadFull(in, key); err != nil {
			return nil, fmt.Errorf("the input ended: %w", err)
		}
		switch key[0] {
		case '\r', '\n':
			return line, nil
		case interrupt:
			return nil, fmt.Errorf("given up: %w", context.Canceled)
		case endOfInput:
			if len(line) == 0 {
				return nil, fmt.Errorf("the input ended: %w", io.EOF)
			}
		case backspace, erase:
			_, size := utf8.DecodeLastRune(line)
			line = line[:len(line)-size]
		case kill:
			line = line[:0]
		default:
			line = append(line, key[0])
		}
	}
}
