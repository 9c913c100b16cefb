package state

import (
	"os"
	"strings"
	"testing"
	"time"
)

func TestSetJournalAside(t *testing.T) {
	t.Parallel()
	f, err := Open(t.TempDir() + "/w")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.SetJournalAside(time.Now()); err == nil {
		t.Error("a journal that is not there was set aside")
	}
	if err := os.WriteFile(f.Journal(), []byte("what is this"), 0o600); err != nil {
		t.Fatal(err)
	}
	name, err := f.SetJournalAside(time.Date(2026, 3, 4, 5, 6, 7, 0, time.UTC))
	if err != nil || name != "journal.jsonl.unreadable-20260304T050607Z" {
		t.Errorf("%q, %v", name, err)
	}
	data, err := os.ReadFile(f.path(name))
	if err != nil || !strings.HasPrefix(string(data), "what") {
		t.Errorf("%q, %v", data, err)
	}
}
