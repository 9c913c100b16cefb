package main

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/rcwizard/rcwizard/assets"
	"github.com/rcwizard/rcwizard/render"
	"github.com/rcwizard/rcwizard/upstream"
)

const officialPage = "../../docs/official-files.md"

// docs/official-files.md has the table of differences that the tests go by, and the
// commit that the program knows.
func TestOfficialFilesPage(t *testing.T) {
	t.Parallel()
	data, err := os.ReadFile(officialPage)
	if err != nil {
		t.Fatal(err)
	}
	const begin, end = "<!-- differences", "<!-- /differences -->"
	page := string(data)
	from, to := strings.Index(page, begin), strings.Index(page, end)
	if from < 0 || to < from {
		t.Fatal("the page has no place for the table")
	}
	from += strings.IndexByte(page[from:], '\n') + 1
	var table strings.Builder
	table.WriteString("\n| service | field | why it may stay so |\n|---|---|---|\n")
	for _, d := range assets.Differences() {
		field := "`" + d.Field + "`"
		if len(d.Keys) > 0 {
			field += ": `" + strings.Join(d.Keys, "`, `") + "`"
		}
		fmt.Fprintf(&table, "| %s | %s | %s |\n", strings.Join(d.Services, ", "), field, d.Reason)
	}
	table.WriteString("\n")
	if *update {
		if err := os.WriteFile(officialPage, []byte(page[:from]+table.String()+page[to:]), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if page[from:to] != table.String() {
		t.Error("the table is not assets.Differences: run this test with -update and read the difference")
	}
	if !strings.Contains(page, upstream.Pinned().ID) {
		t.Errorf("the page does not name the commit %s", upstream.Pinned().ID)
	}
}

// The table of sums has every file that is deployed, and no other.
func TestPinnedFiles(t *testing.T) {
	t.Parallel()
	sums := upstream.Pinned().Sums
	for _, name := range render.OfficialFiles() {
		if len(sums[name]) != 64 {
			t.Errorf("%s has the sum %q", name, sums[name])
		}
		delete(sums, name)
	}
	for name := range sums {
		t.Errorf("%s has a sum, and is not deployed", name)
	}
}
