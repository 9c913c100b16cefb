package workspace

import "testing"

func TestNearest(t *testing.T) {
	t.Parallel()
	keys := []string{"version", "name", "domain", "email", "release", "hosts", "mongodb_port"}
	for name, want := range map[string]string{
		"emial":        "email", // two letters swapped
		"mail":         "email",
		"e-mail":       "email",
		"Domain":       "domain",
		"domian":       "domain",
		"host":         "hosts",
		"relaese":      "release",
		"mongodb-port": "mongodb_port",
		"mongo_port":   "mongodb_port",
		"colour":       "",
		"":             "",
	} {
		if got := Nearest(name, keys); got != want {
			t.Errorf("Nearest(%q) = %q, want %q", name, got, want)
		}
	}
}

// A host whose name is missing too is not offered.
func TestDidYouMeanOffersNames(t *testing.T) {
	t.Parallel()
	if got, want := didYouMean("", []string{"db", "", "rc1", ""}), "choose from db, rc1"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
	if got := didYouMean("x", []string{""}); got != "" {
		t.Errorf("%q", got)
	}
}

func TestDistance(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		a, b string
		want int
	}{
		{"", "", 0},
		{"", "abc", 3},
		{"abc", "", 3},
		{"abc", "abc", 0},
		{"ab", "ba", 1},
		{"abc", "acb", 1},
		{"abcd", "badc", 2},
		{"kitten", "sitting", 3},
		{"ca", "abc", 3},
	} {
		if got := distance(test.a, test.b); got != test.want {
			t.Errorf("distance(%q, %q) = %d, want %d", test.a, test.b, got, test.want)
		}
	}
}
