package check

import "testing"

func TestOlder(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		a, b string
		want bool
	}{
		{"20.10.0", "20.10.0", false},
		{"20.9.9", "20.10.0", true},
		{"20.10.24", "20.10.0", false},
		{"19.03.15", "20.10.0", true},
		{"29.1.3", "20.10.0", false},
		{"20.10", "20.10.0", false},
		{"20.10", "20.10.1", true},
		{"20.10.0.1", "20.10.0", false},
		{"v2.24.0", "2.24.0", false},
		{"2.23.3", "v2.24.0", true},
		{"2.24.6-desktop.1", "2.24.0", false},
		{"2.23.0-desktop.9", "2.24.0", true},
		{"20.10.24+dfsg1", "20.10.0", false},
		{"2.24.0-rc.1", "2.24.0", false},
		{"dev", "2.24.0", false},
		{"", "2.24.0", false},
		{"v", "2.24.0", false},
		{"99999999999999999999", "2.24.0", false},
	} {
		if got := Older(test.a, test.b); got != test.want {
			t.Errorf("Older(%q, %q) = %t, want %t", test.a, test.b, got, test.want)
		}
	}
}
