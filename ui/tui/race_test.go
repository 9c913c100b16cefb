//go:build race

package tui

// raceEnabled says that the race detector looks on.
const raceEnabled = true
