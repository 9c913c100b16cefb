package tui

import (
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
)

func TestWrap(t *testing.T) {
	for name, test := range map[string]struct {
		text string
		w    int
		want []string
	}{
		"nothing":              {"", 10, nil},
		"no room":              {"text", 0, nil},
		"it fits":              {"it fits just so", 15, []string{"it fits just so"}},
		"between words":        {"the quick brown fox", 10, []string{"the quick", "brown fox"}},
		"a hyphen stays":       {"see chat-example-com there", 18, []string{"see", "chat-example-com", "there"}},
		"a path at its slash":  {"in /home/ada/.local/state", 12, []string{"in", "/home/ada/", ".local/state"}},
		"a word that is long":  {"abcdefghijkl", 5, []string{"abcde", "fghij", "kl"}},
		"its own line breaks":  {"a\nb c", 10, []string{"a", "b c"}},
		"wide characters":      {"日本 日本", 4, []string{"日本", "日本"}},
		"wider than the room":  {"日本", 1, []string{"日", "本"}},
		"an emoji of several":  {"👩‍👩‍👧 x", 2, []string{"👩‍👩‍👧", "x"}},
		"spaces are no matter": {"  a   b  ", 10, []string{"a b"}},
	} {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(test.want, wrap(test.text, test.w)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// FuzzWrap: no line is wider than the room, unless a single character is, and
// nothing is lost but spaces.
func FuzzWrap(f *testing.F) {
	f.Add("the quick brown fox", 7)
	f.Add("/home/ada/.local/state/rcwizard 日本 👩‍👩‍👧 e\u0301", 3)
	f.Fuzz(func(t *testing.T, text string, w int) {
		if !utf8.ValidString(text) || strings.ContainsFunc(text, unicode.IsControl) || w < 1 || w > 300 {
			t.Skip()
		}
		lines := wrap(text, w)
		for _, line := range lines {
			if width(line) > w && utf8.RuneCountInString(line) > 1 {
				t.Errorf("%q is %d wide, not %d", line, width(line), w)
			}
		}
		bare := func(s string) string { return strings.Join(strings.Fields(s), "") }
		if got, want := bare(strings.Join(lines, "")), bare(text); got != want {
			t.Errorf("%q became %q", want, got)
		}
	})
}

func TestFit(t *testing.T) {
	look := newLook(true, false)
	for _, test := range []struct {
		got, want string
	}{
		{look.fit("ab", 4), "ab  "},
		{look.fit("abcdef", 4), "abc…"},
		{look.fit("日本語", 4), "日… "},
		{look.fit("ab", 0), ""},
		{look.fitRight("ab", 4), "  ab"},
		{look.cutLeft("/a/long/path", 6), "…/path"},
		{look.cutLeft("short", 6), "short"},
		{look.ends("left", "right", 12), "left   right"},
		{look.ends("a long left side", "right", 12), "a lo…  right"},
		{look.ends("left", "", 6), "left  "},
		{look.ends("left", "a long right side", 8), "a long …"},
		{newLook(true, true).fit("abcdef", 4), "abc~"},
	} {
		if test.got != test.want {
			t.Errorf("%q, want %q", test.got, test.want)
		}
	}
}

func TestTable(t *testing.T) {
	look := newLook(true, false)
	tab := table{
		rows:  [][]string{{"a", "something long", "1"}, {"名前", "b", "12345"}, {"c"}},
		right: map[int]bool{2: true}, rigid: map[int]bool{0: true},
	}
	for w, want := range map[int][]string{
		40: {"a     something long      1", "名前  b               12345", "c"},
		20: {"a     someth…      1", "名前  b        12345", "c"},
	} {
		got := tab.render(look, w)
		for i := range got {
			got[i] = strings.TrimRight(got[i], " ")
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%d cells:\n%s", w, diff)
		}
	}
}

// TestTableWithoutRoom: it comes to an end, and says something.
func TestTableWithoutRoom(t *testing.T) {
	tab := table{rows: [][]string{{"some", "thing"}}}
	if got := tab.render(newLook(true, false), 2); len(got) != 1 || got[0] == "" {
		t.Errorf("%q", got)
	}
}

// TestTableGivesWay: the columns that may be cut are cut before the others, and
// the table is no wider than its room.
func TestTableGivesWay(t *testing.T) {
	tab := table{rows: [][]string{{"keep this", strings.Repeat("x", 50), strings.Repeat("y", 30)}}, rigid: map[int]bool{0: true}}
	for w := 22; w < 100; w++ {
		line := tab.render(newLook(true, false), w)[0]
		if width(line) > w || !strings.Contains(line, "keep this") {
			t.Errorf("%d cells: %q", w, line)
		}
	}
}

func TestList(t *testing.T) {
	s := list{}
	s.resize(10)
	s.move(100)
	if from, to := s.window(4); from != 6 || to != 10 {
		t.Errorf("at the end: %d to %d", from, to)
	}
	s.move(-1)
	if from, to := s.window(4); from != 6 || to != 10 || s.at != 8 {
		t.Errorf("the window moved with no need: %d to %d", from, to)
	}
	s.move(-5)
	if from, to := s.window(4); from != 3 || to != 7 {
		t.Errorf("further up: %d to %d", from, to)
	}
	s.resize(2)
	if from, to := s.window(4); from != 0 || to != 2 || s.at != 1 {
		t.Errorf("of two: %d to %d, at %d", from, to, s.at)
	}
	s.resize(0)
	if from, to := s.window(4); from != 0 || to != 0 || s.at != 0 {
		t.Errorf("of none: %d to %d, at %d", from, to, s.at)
	}
}

// TestScroll: every line comes to be seen, and the last row says what is left.
func TestScroll(t *testing.T) {
	look := newLook(true, true)
	keys := newKeyMap(look.Glyphs).list
	lines := strings.Fields("a b c d e f g h i j")
	var s scroll
	if got := s.show(look, lines[:4], 4); len(got) != 4 {
		t.Errorf("what fits is not shown whole: %q", got)
	}
	seen := map[string]bool{}
	for range 10 {
		got := s.show(look, lines, 4)
		if len(got) != 4 {
			t.Fatalf("%q", got)
		}
		for _, line := range got[:3] {
			seen[line] = true
		}
		s.press(keyPress("down"), keys)
	}
	if len(seen) != len(lines) {
		t.Errorf("seen %v", seen)
	}
	if got := s.show(look, lines, 4); !strings.Contains(got[3], "7 lines above") {
		t.Errorf("at the end: %q", got)
	}
	s.press(keyPress("home"), keys)
	if got := s.show(look, lines, 4); got[0] != "a" || !strings.Contains(got[3], "7 more lines") {
		t.Errorf("at the beginning: %q", got)
	}
}
