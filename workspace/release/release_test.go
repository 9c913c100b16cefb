package release

import (
	"errors"
	"slices"
	"testing"
	"time"
)

func TestParse(t *testing.T) {
	for _, c := range []struct {
		text string
		want Release
		ok   bool
	}{
		{"8.9.1", Release{8, 9, 1}, true},
		{"0.0.0", Release{}, true},
		{"10.20.30", Release{10, 20, 30}, true},
		{"8.9", Release{}, false},
		{"8.9.1.2", Release{}, false},
		{"v8.9.1", Release{}, false},
		{"08.9.1", Release{}, false},
		{"8.9.1-rc.0", Release{}, false},
		{"8.9.1\n", Release{}, false},
		{" 8.9.1", Release{}, false},
		{"latest", Release{}, false},
		{"", Release{}, false},
		{"99999.0.0", Release{}, false},
		{"-1.0.0", Release{}, false},
	} {
		got, err := Parse(c.text)
		if got != c.want || (err == nil) != c.ok || (err != nil && !errors.Is(err, ErrForm)) {
			t.Errorf("Parse(%q) = %v, %v", c.text, got, err)
		}
		if c.ok && got.String() != c.text {
			t.Errorf("%q became %q", c.text, got)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add("8.9.1")
	f.Add("1.2.3.4")
	f.Fuzz(func(t *testing.T, text string) {
		if r, err := Parse(text); err == nil && r.String() != text {
			t.Errorf("%q became %q", text, r)
		}
	})
}

func TestCompare(t *testing.T) {
	order := []Release{{7, 13, 9}, {8, 0, 0}, {8, 2, 9}, {8, 9, 0}, {8, 10, 0}, {8, 10, 1}, {10, 0, 0}}
	for i, a := range order {
		for j, b := range order {
			if got := a.Compare(b); (got < 0) != (i < j) || (got > 0) != (i > j) {
				t.Errorf("%v compared with %v: %d", a, b, got)
			}
		}
	}
}

func TestMongoDB(t *testing.T) {
	for _, c := range []struct{ release, want string }{
		{"6.13.1", ""},
		{"7.0.0", "7.0"},
		{"7.12.9", "7.0"},
		{"7.13.0", "8.0"},
		{"8.0.1", "8.2"},
		{"8.1.5", "8.2"},
		{"8.2.0", "8.0"},
		{"8.9.1", "8.0"},
		{"8.10.0", "8.0"},
		{"9.0.0", "8.0"},
		{"9.4.0", "8.0"},
		{"10.0.0", ""},
	} {
		r, err := Parse(c.release)
		if err != nil {
			t.Fatal(err)
		}
		version, source, known := MongoDB(r)
		if version != c.want || known != (c.want != "") || (source != "") != known {
			t.Errorf("MongoDB(%s) = %q, %q, %v; want %q", r, version, source, known, c.want)
		}
	}
}

// The catalogue agrees with the rules, and says where everything is from.
func TestCatalogue(t *testing.T) {
	entries := Catalogue()
	if !slices.IsSortedFunc(entries, func(a, b Entry) int { return majorMinor(a.Line).Compare(majorMinor(b.Line)) }) {
		t.Error("not the oldest first")
	}
	for _, e := range entries {
		if version, _, _ := MongoDB(majorMinor(e.Line)); version != e.MongoDB {
			t.Errorf("%s: MongoDB %s by the catalogue, %s by the rule", e.Line, e.MongoDB, version)
		}
		if len(e.Sources) == 0 || slices.Contains(e.Sources, "") {
			t.Errorf("%s has no source", e.Line)
		}
		if e.EndsBy.IsZero() || e.EndsAfter.After(e.EndsBy) {
			t.Errorf("%s: ends between %v and %v", e.Line, e.EndsAfter, e.EndsBy)
		}
	}
	if e, ok := Find(Default()); !ok || !e.LTS {
		t.Errorf("the default release %s is not LTS", Default())
	}
}

func TestSupported(t *testing.T) {
	for _, c := range []struct {
		release, day string
		want         Support
		until        string
	}{
		{"7.10.4", "2026-09-30", SupportYes, "2026-09-30"},
		{"7.10.4", "2026-10-01", SupportNo, "2026-09-30"},
		{"8.0.1", "2026-07-01", SupportUnknown, "2026-07-31"},
		{"8.0.1", "2026-08-01", SupportNo, "2026-07-31"},
		{"8.5.0", "2027-06-30", SupportYes, "2027-06-30"},
		{"8.9.1", "2026-11-23", SupportYes, "2027-11-06"},
		{"8.9.1", "2027-10-01", SupportUnknown, "2027-11-06"},
		{"8.9.1", "2027-11-07", SupportNo, "2027-11-06"},
		{"9.0.0", "2027-06-01", SupportNo, "2027-05-31"},
		{"8.6.1", "2026-11-23", SupportUnknown, ""},
	} {
		r, err := Parse(c.release)
		if err != nil {
			t.Fatal(err)
		}
		now, err := time.Parse(time.DateOnly, c.day)
		if err != nil {
			t.Fatal(err)
		}
		got, until := Supported(r, now.Add(13*time.Hour))
		day := ""
		if !until.IsZero() {
			day = until.Format(time.DateOnly)
		}
		if got != c.want || day != c.until {
			t.Errorf("%s on %s: %v until %q, want %v until %q", r, c.day, got, day, c.want, c.until)
		}
	}
}

func TestUpgrade(t *testing.T) {
	for _, c := range []struct {
		from, to string
		want     error
	}{
		{"8.9.1", "8.9.1", nil},
		{"8.9.0", "8.9.1", nil},
		{"8.0.1", "8.9.1", nil},
		{"8.9.1", "9.0.0", nil},
		{"8.9.1", "8.9.0", ErrDowngrade},
		{"9.0.0", "8.9.1", ErrDowngrade},
		{"7.13.0", "9.0.0", ErrSkipsMajor},
	} {
		from, err := Parse(c.from)
		if err != nil {
			t.Fatal(err)
		}
		to, err := Parse(c.to)
		if err != nil {
			t.Fatal(err)
		}
		if err := Upgrade(from, to); !errors.Is(err, c.want) {
			t.Errorf("from %s to %s: %v, want %v", from, to, err, c.want)
		}
	}
}
