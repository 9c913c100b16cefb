package svg

import (
	"bytes"
	"encoding/xml"
	"errors"
	"flag"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "write the goldens anew")

// cells are a row of one style.
func cells(text string, s Style) []Cell {
	out := make([]Cell, 0, len(text))
	for _, r := range text {
		width := 1
		if r >= 0x2e80 && r < 0xa000 {
			width = 2
		}
		out = append(out, Cell{Text: string(r), Width: width, Style: s})
	}
	return out
}

// row is of cells, and blank to its end.
func row(width int, parts ...[]Cell) []Cell {
	var out []Cell
	for _, p := range parts {
		out = append(out, p...)
		for _, c := range p {
			width -= c.Width
		}
	}
	for range width {
		out = append(out, Cell{Width: 1})
	}
	return out
}

// everything is a screen with all that is drawn in a way of its own.
func everything() Screen {
	const width = 32
	accent, red := Style{Foreground: Indexed(4), Bold: true}, Style{Foreground: Indexed(1)}
	s := Screen{
		Title: `Servers & <"roles">`, Width: width, Theme: Dark(), Cursor: Cursor{X: 3, Y: 8, Visible: true},
		Rows: [][]Cell{
			row(width, cells("rcwizard", accent), cells(" · step 2 of 8", Style{Faint: true})),
			row(width, cells("╭────────╮┌───┬────┐┏━━━━┓", Style{})),
			row(width, cells("│ ", Style{}), cells("✗ no", red), cells("   │├───┼────┤┃ 进 ┃", Style{})),
			row(width, cells("╰────────╯└───┴────┘┗━━━━┛", Style{Foreground: RGB(1, 2, 250)})),
			row(width, cells("████▌▎▖▟", Style{Foreground: Indexed(6)}), cells("░░▒▓", Style{Foreground: Indexed(208)}), cells("  52%   & <ok>", Style{})),
			row(width, cells(" selected 度 ", Style{Reverse: true}), cells(" x  y   ", Style{Background: Indexed(236)})),
			row(width, cells("under lined", Style{Underline: true}), cells(" struck", Style{Strike: true, Italic: true})),
			row(width, cells("hidden", Style{Conceal: true}), cells("═ é → ─╼╹", Style{})),
			row(width, cells("> ab", Style{})),
		},
	}
	s.Height = len(s.Rows)
	return s
}

func TestDraw(t *testing.T) {
	t.Parallel()
	bar := everything()
	bar.Theme, bar.Cursor.Bar = Light(), true
	for name, s := range map[string]Screen{"dark": everything(), "light": bar} {
		got := Draw(s)
		if !bytes.Equal(got, Draw(s)) {
			t.Error("the same screen gives other bytes")
		}
		decoder := xml.NewDecoder(bytes.NewReader(got))
		for {
			if _, err := decoder.Token(); errors.Is(err, io.EOF) {
				break
			} else if err != nil {
				t.Fatalf("no XML: %v", err)
			}
		}
		if strings.Contains(string(got), "hidden") {
			t.Error("what is concealed is drawn")
		}
		golden := filepath.Join("testdata", name+".svg.golden")
		if *update {
			if err := os.WriteFile(golden, got, 0o600); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(golden)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(string(want), string(got)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

// A picture is the same as one that differs only in what changes.
func TestSign(t *testing.T) {
	t.Parallel()
	screen := func(line string) Screen {
		return Screen{Title: "Deploy", Width: 40, Height: 1, Rows: [][]Cell{row(40, cells(line, Style{}))}, Theme: Dark()}
	}
	changing := []*regexp.Regexp{regexp.MustCompile(`[0-9.]+ s *`), regexp.MustCompile(`^进+`)}
	signed := func(line string) []byte {
		s := screen(line)
		return Sign(Draw(s), s.Without(changing))
	}
	first := signed("进 done after 9.8 s  of 30 s")
	for line, same := range map[string]bool{
		"进 done after 9.8 s  of 30 s":     true,
		"进进 done after 10.25 s of 31 s":   true,
		"进 done after 9.8 s  of 30 s now": false,
		"进 ended after 9.8 s  of 30 s":    false,
		"done after 9.8 s  of 30 s":       false,
	} {
		if got := SameSign(first, signed(line)); got != same {
			t.Errorf("%q has the same signature: %t", line, got)
		}
	}
	if SameSign(nil, first) || SameSign(nil, nil) {
		t.Error("what is not signed has the same signature")
	}
}

func TestText(t *testing.T) {
	t.Parallel()
	got := everything().Text()
	if lines := strings.Split(got, "\n"); len(lines) != 10 || lines[5] != " selected 度  x  y" || lines[8] != "> ab" {
		t.Errorf("the text is:\n%s", got)
	}
}
