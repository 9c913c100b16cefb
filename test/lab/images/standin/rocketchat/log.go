package main

import (
	"fmt"
	"io"
	"strings"
	"sync"
	"time"
	"unicode/utf8"
)

// logger writes lines as Rocket.Chat's console does.
type logger struct {
	mu sync.Mutex
	w  io.Writer
}

func newLogger(w io.Writer) *logger { return &logger{w: w} }

func (l *logger) printf(format string, args ...any) {
	l.mu.Lock()
	defer l.mu.Unlock()
	_, _ = fmt.Fprintf(l.w, format+"\n", args...) // nowhere to report that the log fails
}

// info is a line of one of Rocket.Chat's own loggers, in its JSON form.
func (l *logger) info(name, msg string) {
	l.printf(`{"level":35,"time":%q,"name":%q,"msg":%q}`, time.Now().UTC().Format(time.RFC3339Nano), name, msg)
}

// box is the frame around the two texts that people look for: SERVER RUNNING
// and ERROR! SERVER STOPPED.
func (l *logger) box(title string, lines ...string) {
	width := utf8.RuneCountInString(title)
	all := make([]string, 0, len(lines))
	for _, line := range lines {
		all = append(all, strings.Split(line, "\n")...)
	}
	for _, line := range all {
		width = max(width, utf8.RuneCountInString(line))
	}
	edge := "+" + strings.Repeat("-", width+4) + "+"
	pad := func(s string) string { return "|  " + s + strings.Repeat(" ", width-utf8.RuneCountInString(s)) + "  |" }
	out := make([]string, 0, len(all)+4)
	out = append(out, edge, pad(title), edge)
	for _, line := range all {
		out = append(out, pad(line))
	}
	l.printf("%s", strings.Join(append(out, edge), "\n"))
}
