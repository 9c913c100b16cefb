package remote

import (
	"math/rand/v2"
	"os/exec"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
)

func split(r *Redactor, chunks ...string) []string {
	var out []string
	s := &splitter{redact: r, emit: func(line string) { out = append(out, line) }}
	for _, c := range chunks {
		_, _ = s.Write([]byte(c))
	}
	s.Close()
	return out
}

func TestSplitter(t *testing.T) {
	t.Parallel()
	for in, want := range map[string][]string{
		"":                                  nil,
		"a":                                 {"a"},
		"a\n":                               {"a"},
		"a\n\nb":                            {"a", "", "b"},
		"a\r\nb\r\n":                        {"a", "b"},
		"1%\r2%\r3%\n":                      {"3%"},
		"1%\r2%\r":                          {"2%"},
		"a\r\r\n":                           {"a"},
		"\r\n":                              {""},
		"\x1b[1;31mred\x1b[0m":              {"red"},
		"\x1b]0;title\x07x\x1b]8;;u\x1b\\y": {"xy"},
		"\x1b(Bz\x1b[2K":                    {"z"},
		"bad \xff utf\x00 8 é 日":            {"bad � utf 8 é 日"},
		"tab\there\x07\x08":                 {"tab\there"},
		"\u202etxt.exe\u202c":               {"txt.exe"},
		"unfinished \x1b[12":                {"unfinished "},
		"\x00\n\x00":                        {""},
	} {
		if diff := cmp.Diff(want, split(nil, in)); diff != "" {
			t.Errorf("%q: %s", in, diff)
		}
	}
}

func TestLongLine(t *testing.T) {
	t.Parallel()
	got := split(nil, strings.Repeat("é", maxLine), strings.Repeat("x", 10<<20), "\nnext\n")
	if len(got) != 2 || got[1] != "next" || len(got[0]) > maxLine+64 || !utf8.ValidString(got[0]) {
		t.Fatalf("%d lines, first of %d bytes", len(got), len(got[0]))
	}
	if !strings.HasSuffix(got[0], " … [10551296 bytes more]") {
		t.Errorf("mark %q", got[0][len(got[0])-40:])
	}
}

// TestSecretAtTheCut: half a secret at the end of a cut line is still one.
func TestSecretAtTheCut(t *testing.T) {
	t.Parallel()
	const secret = "correct-horse-battery"
	for shift := range len(secret) + 2 {
		got := split(NewRedactor(secret), strings.Repeat("x", maxLine-shift)+secret+strings.Repeat("y", 100)+"\n")
		if strings.Contains(got[0], "corr") {
			t.Fatalf("shift %d: %q", shift, got[0][maxLine-40:])
		}
	}
}

func TestRedactor(t *testing.T) {
	t.Parallel()
	r := NewRedactor("s3cr$t'\"\\x", "abc", "longer-s3cr", "multi\nline-key\n")
	for in, want := range map[string]string{
		`pw=s3cr$t'"\x.`:                 "pw=[secret].",
		`{"p":"s3cr$t'\"\\x"}`:           `{"p":"[secret]"}`,
		`mongodb://u:s3cr$t%27%22%5Cx@h`: "mongodb://u:[secret]@h",
		`P="s3cr\$t'\"\\x"`:              `P="[secret]"`,
		"abc stays":                      "abc stays",
		"longer-s3cr":                    "[secret]",
		"line-key and multi":             "[secret] and [secret]",
		"czNjciR0JyJceA==":               "[secret]",
	} {
		if got := r.Redact(in); got != want {
			t.Errorf("%q: got %q, want %q", in, got, want)
		}
	}
	var none *Redactor
	none.Add("x")
	if none.Redact("x") != "x" {
		t.Error("the nil redactor changed something")
	}
}

func FuzzSplitter(f *testing.F) {
	f.Add([]byte("a\r\n\x1b[1mb\xff\rc\n"), uint64(1))
	f.Add([]byte("\x1b]0;x\x07s3cret"), uint64(2))
	f.Fuzz(func(t *testing.T, data []byte, seed uint64) {
		r := NewRedactor("s3cret")
		whole := split(r, string(data))
		rnd := rand.New(rand.NewPCG(seed, 0))
		var chunks []string
		for rest := string(data); rest != ""; {
			n := 1 + rnd.IntN(len(rest))
			chunks = append(chunks, rest[:n])
			rest = rest[n:]
		}
		if diff := cmp.Diff(whole, split(r, chunks...)); diff != "" {
			t.Fatalf("chunks matter: %s", diff)
		}
		for _, line := range whole {
			if !utf8.ValidString(line) || strings.Contains(line, "s3cret") ||
				strings.ContainsFunc(line, func(c rune) bool { return c != '\t' && unicode.IsControl(c) }) {
				t.Fatalf("line %q", line)
			}
		}
	})
}

// FuzzQuote asks the shell itself.
func FuzzQuote(f *testing.F) {
	for _, s := range []string{"", "'", "a'b", "\\", "$x`id`", "\n\t\r", "é\xff", "!x", "-n"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		s = strings.ReplaceAll(s, "\x00", "")
		cmd := exec.Command("sh", "-s")
		cmd.Stdin = strings.NewReader("printf '%s.' " + Quote(s))
		out, err := cmd.Output()
		if err != nil || string(out) != s+"." {
			t.Fatalf("%q became %q, %v", s, out, err)
		}
	})
}

func FuzzClean(f *testing.F) {
	f.Add([]byte("\x1b[31mx"))
	f.Fuzz(func(t *testing.T, b []byte) {
		if s := clean(b); clean([]byte(s)) != s {
			t.Fatalf("%q cleans to %q, which is not clean", b, s)
		}
	})
}
