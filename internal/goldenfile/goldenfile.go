// Package goldenfile compares what a test got with a file of its testdata. It
// knows no flag: every package that has goldens asks for -update itself, as
// go test refuses a flag that a package does not know.
package goldenfile

import (
	"os"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// Compare fails the test, with what differs line by line, where got is not the
// content of the file at path. With update it writes got there first.
func Compare(tb testing.TB, update bool, path string, got []byte) {
	tb.Helper()
	if update {
		if err := os.WriteFile(path, got, 0o644); err != nil { //nolint:gosec // a file of the repository, for everybody to read
			tb.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		tb.Fatal(err)
	}
	if diff := cmp.Diff(string(want), string(got)); diff != "" {
		tb.Errorf("%s (-want +got; -update writes it anew):\n%s", path, diff)
	}
}
