package lab

import (
	"testing"
	"time"
)

func TestStallOf(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]time.Duration{
		"some avg10=89.26 avg60=75.28 avg300=51.47 total=2000000\nfull avg10=0.00 avg60=0.00 avg300=0.00 total=7\n": 2 * time.Second,
		"full avg10=0.00 avg60=0.00 avg300=0.00 total=7\n":                                                          0,
		"": 0,
	} {
		if got := stallOf(text); got != want {
			t.Errorf("%q is %v, want %v", text, got, want)
		}
	}
}

// What took long is long, however busy the machine is.
func TestStopwatch(t *testing.T) {
	t.Parallel()
	s := StartWatch()
	s.began = s.began.Add(-time.Hour)
	if took := s.Took(); took < 50*time.Minute || took > s.Elapsed() {
		t.Errorf("an hour ago took %v", took)
	}
	s.waited -= 30 * time.Minute
	if took := s.Took(); waitedForCPU() > 0 && (took < 20*time.Minute || took > 40*time.Minute) {
		t.Errorf("an hour ago, of which it waited for half, took %v", took)
	}
	s.waited -= time.Hour
	if took := s.Took(); took < 4*time.Minute {
		t.Errorf("an hour of waiting took %v: nothing would be too long", took)
	}
}
