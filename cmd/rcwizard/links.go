package main

import (
	"fmt"
	"maps"
	"sync"
	"time"

	"github.com/rcwizard/rcwizard/engine"
)

// links tells of connections that are lost and come back, as notes of the run
// that is under way: steps pause meanwhile, and nobody should have to guess
// why.
type links struct {
	mu  sync.Mutex
	log *engine.Log
	// redact goes over what is told.
	redact func(string) string
	lost   map[string]time.Time
}

// during tells in log while run runs.
func (l *links) during(log *engine.Log, redact func(string) string, run func()) {
	l.set(log, redact)
	defer l.set(nil, nil)
	run()
}

func (l *links) set(log *engine.Log, redact func(string) string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.log, l.redact = log, redact
}

// watch is what a host's connection reports to.
func (l *links) watch(host string) func(connected bool, err error) {
	return func(connected bool, err error) {
		l.mu.Lock()
		defer l.mu.Unlock()
		var text string
		switch {
		case connected:
			text = fmt.Sprintf("the connection to %s is back after %s", host, time.Since(l.lost[host]).Round(time.Second))
			delete(l.lost, host)
		default:
			if l.lost == nil {
				l.lost = make(map[string]time.Time)
			}
			l.lost[host] = time.Now()
			text = fmt.Sprintf("the connection to %s was lost (%v); its steps pause until it is made again", host, err)
		}
		if l.log != nil {
			l.log.Append(engine.Noted{Time: time.Now(), Text: engine.CleanLine(l.redact(text))})
		}
	}
}

// now are the hosts whose connection is lost at the moment, with the time since.
func (l *links) now() map[string]time.Time {
	l.mu.Lock()
	defer l.mu.Unlock()
	return maps.Clone(l.lost)
}
