//go:build race

package probe_test

// raceDetector is what figures are not taken with.
const raceDetector = true
