package goldenfile

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// recorder is a test that notes that it failed, and goes on.
type recorder struct {
	testing.TB
	said string
}

func (*recorder) Helper() {}

func (r *recorder) Errorf(format string, args ...any) { r.said += fmt.Sprintf(format, args...) }

func (r *recorder) Fatal(args ...any) { r.said += fmt.Sprint(args...); panic(r) }

func compare(t *testing.T, update bool, path, got string) string {
	t.Helper()
	r := &recorder{TB: t}
	func() {
		defer func() { _ = recover() }()
		Compare(r, update, path, []byte(got))
	}()
	return r.said
}

func TestCompare(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "a.golden")
	if said := compare(t, false, path, "one\n"); !strings.Contains(said, "no such file") {
		t.Errorf("of a file that is not there it said %q", said)
	}
	if said := compare(t, true, path, "one\n"); said != "" {
		t.Errorf("writing it said %q", said)
	}
	if b, err := os.ReadFile(path); err != nil || string(b) != "one\n" {
		t.Errorf("written was %q, %v", b, err)
	}
	if said := compare(t, false, path, "one\n"); said != "" {
		t.Errorf("the same said %q", said)
	}
	if said := compare(t, false, path, "two\n"); !strings.Contains(said, "two") || !strings.Contains(said, "-update") {
		t.Errorf("another said %q", said)
	}
}
