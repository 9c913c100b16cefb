package tui

import (
	"bytes"
	"cmp"
	"flag"
	"fmt"
	"image/color"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/charmbracelet/colorprofile"
	"github.com/charmbracelet/x/ansi"
	gocmp "github.com/google/go-cmp/cmp"
	"golang.org/x/tools/txtar"

	"github.com/rcwizard/rcwizard/internal/goldenfile"
	"github.com/rcwizard/rcwizard/ui/uitest"
)

var (
	update     = flag.Bool("update", false, "write the goldens anew")
	frameTimes = flag.Bool("frames", false, "measure the frames of every page")
	allSizes   = flag.Bool("all-sizes", false, "try every size from 60x16 to 200x60, not only a dense sample")
)

// scene is one picture of the wizard, drawn at every size and in every look.
type scene struct {
	// file is the golden that it belongs to, one for each page.
	file string
	name string
	// backend answers; nil: one that knows nothing.
	backend func() *uitest.Backend
	// play brings the wizard to where the picture is taken.
	play func(d *driver)
	// beyond says that the scene itself has characters beyond ASCII, such as a
	// name that somebody typed.
	beyond bool
}

// scenes are all pictures. Whoever writes a page adds its own.
func scenes() []scene {
	return slices.Concat(startScenes(), overlayScenes(), doneScenes(), failureScenes(), statusScenes(), formScenes(), serversScenes(), checkScenes(), reviewScenes(), deployScenes(), changeScenes())
}

// sizes are those of the goldens.
func sizes() [][2]int { return [][2]int{{60, 16}, {80, 24}, {120, 40}} }

// filmed plays a scene in one look and hands the Model over.
func filmed(t *testing.T, s scene, o Options, light bool, then func(m *Model)) {
	t.Helper()
	backend := &uitest.Backend{}
	if s.backend != nil {
		backend = s.backend()
	}
	drive(t, backend, o, func(d *driver) {
		d.m.dark = !light
		d.m.restyle()
		s.play(d)
		then(d.m)
	})
}

// TestScenes compares every picture with its golden: at each size once with the
// colours, written as their meanings; once without, as NO_COLOR has it; and once
// in ASCII. The dark and the light picture differ in their colours alone, which
// is checked, so that they stand there once.
func TestScenes(t *testing.T) {
	files := make(map[string]*txtar.Archive)
	for _, s := range scenes() {
		a := files[s.file]
		if a == nil {
			a = &txtar.Archive{}
			files[s.file] = a
		}
		add := func(what string, size [2]int, text string) {
			a.Files = append(a.Files, txtar.File{
				Name: fmt.Sprintf("%s %dx%d %s", s.name, size[0], size[1], what), Data: []byte(text),
			})
		}
		t.Run(s.file+"/"+s.name, func(t *testing.T) {
			darkOnes, lightOnes := make([]string, len(sizes())), make([]string, len(sizes()))
			filmed(t, s, Options{}, false, func(m *Model) {
				for i, size := range sizes() {
					add("no colour", size, withoutColour(t, m, size))
					darkOnes[i] = meanings(t, m, size, dark())
				}
			})
			filmed(t, s, Options{}, true, func(m *Model) {
				for i, size := range sizes() {
					lightOnes[i] = meanings(t, m, size, light())
				}
			})
			for i, size := range sizes() {
				if darkOnes[i] != lightOnes[i] {
					t.Errorf("%v: dark and light differ in more than their colours:\n%s", size, gocmp.Diff(darkOnes[i], lightOnes[i]))
				}
				add("dark and light", size, darkOnes[i])
			}
			filmed(t, s, Options{ASCII: true}, false, func(m *Model) {
				for _, size := range sizes() {
					text := withoutColour(t, m, size)
					if i := strings.IndexFunc(text, func(r rune) bool { return r > '~' }); i >= 0 && !s.beyond {
						t.Errorf("%v: not ASCII: …%s", size, text[max(0, i-30):min(len(text), i+10)])
					}
					add("ASCII", size, text)
				}
			})
		})
	}
	for name, a := range files {
		golden(t, name+".txtar", txtar.Format(a))
	}
}

func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	goldenfile.Compare(t, *update, filepath.Join("testdata", name), got)
}

// picture is the screen at a size, with what else the terminal is told.
func picture(m *Model, size [2]int) (lines []string, rest string) {
	m.resize(size[0], size[1])
	v := m.View()
	rest = "title: " + v.WindowTitle + "\n"
	if v.Cursor != nil {
		rest += fmt.Sprintf("cursor: row %d, column %d\n", v.Cursor.Y+1, v.Cursor.X+1)
	}
	if v.ProgramStatus != nil {
		rest += "status: " + string(v.ProgramStatus.State) + "\n"
	}
	lines = strings.Split(v.Content, "\n")
	for i := range lines {
		lines[i] = strings.TrimRight(lines[i], " ")
	}
	return lines, rest
}

// withoutColour is the picture as the program writes it under NO_COLOR, which
// leaves bold text bold, without the styles that are left.
func withoutColour(t *testing.T, m *Model, size [2]int) string {
	t.Helper()
	lines, _ := picture(m, size)
	var out bytes.Buffer
	w := &colorprofile.Writer{Forward: &out, Profile: colorprofile.ASCII}
	if _, err := w.WriteString(strings.Join(lines, "\n") + "\n"); err != nil {
		t.Fatal(err)
	}
	if c := regexp.MustCompile(`\x1b\[[0-9;]*[34][0-9;]+m`).FindString(out.String()); c != "" {
		t.Errorf("a colour is left: %q", c)
	}
	return trimmed(ansi.Strip(out.String()))
}

func trimmed(text string) string {
	lines := strings.Split(text, "\n")
	for i := range lines {
		lines[i] = strings.TrimRight(lines[i], " ")
	}
	return strings.Join(lines, "\n")
}

// meanings is the picture with its styles written as words: ‹accent bold›.
func meanings(t *testing.T, m *Model, size [2]int, p palette) string {
	t.Helper()
	lines, rest := picture(m, size)
	names := map[string]string{"": "", "0": "", "1": "bold", "4": "underline"}
	for name, c := range map[string]color.Color{
		"accent": p.accent, "good": p.good, "warning": p.warning, "bad": p.bad, "muted": p.muted, "line": p.line,
	} {
		r, g, b, _ := c.RGBA()
		names[fmt.Sprintf("38;2;%d;%d;%d", r>>8, g>>8, b>>8)] = name
	}
	sgr := regexp.MustCompile(`\x1b\[([0-9;]*)m`)
	text := sgr.ReplaceAllStringFunc(strings.Join(lines, "\n"), func(s string) string {
		params := sgr.FindStringSubmatch(s)[1]
		var words []string
		for _, style := range []struct{ code, word string }{{"1;", "bold"}, {"2;", "faint"}} {
			if rest, ok := strings.CutPrefix(params, style.code); ok {
				words, params = append(words, style.word), rest
			}
		}
		name, ok := names[params]
		if !ok {
			t.Errorf("a style without a meaning: %q", s)
		}
		if name != "" {
			words = append(words, name)
		}
		if len(words) == 0 {
			return "‹›"
		}
		return "‹" + strings.Join(words, " ") + "›"
	})
	if strings.Contains(text, "\x1b") {
		t.Errorf("an escape sequence that is no style: %q", text)
	}
	return trimmed(text) + "\n" + rest
}

// TestPalettes keeps the colours themselves.
func TestPalettes(t *testing.T) {
	var b strings.Builder
	for _, p := range []struct {
		name string
		palette
	}{{"dark", dark()}, {"light", light()}} {
		for _, c := range []struct {
			name  string
			color color.Color
		}{{"accent", p.accent}, {"good", p.good}, {"warning", p.warning}, {"bad", p.bad}, {"muted", p.muted}, {"line", p.line}} {
			r, g, bl, _ := c.color.RGBA()
			fmt.Fprintf(&b, "%-5s %-7s #%02x%02x%02x\n", p.name, c.name, r>>8, g>>8, bl>>8)
		}
	}
	golden(t, "palettes.golden", []byte(b.String()))
}

// TestEverySize draws every scene at all sizes: what a page draws is never wider
// nor higher than the room it was given, and the screen is exactly as large as
// the terminal.
func TestEverySize(t *testing.T) {
	for _, s := range scenes() {
		t.Run(s.file+"/"+s.name, func(t *testing.T) {
			filmed(t, s, Options{}, false, func(m *Model) {
				for _, size := range manySizes() {
					if !fits(t, m, size[0], size[1]) {
						return
					}
				}
			})
		})
	}
}

// manySizes are a dense sample, with every height at the widths where something
// changes; or all there are.
func manySizes() [][2]int {
	var out [][2]int
	for w := leastWidth; w <= 200; w++ {
		for h := leastHeight; h <= 60; h++ {
			if raceEnabled && !*allSizes {
				// The detector is slow, and what it looks for is not in a width.
				if (w == 60 || w == 100 || w == 200) && (h == 16 || h == 24 || h == 60) {
					out = append(out, [2]int{w, h})
				}
				continue
			}
			if *allSizes || h == leastHeight && w%5 == 0 || h == 24 && w%7 == 0 || h == 60 && w%20 == 0 ||
				(w == 60 || w == 100) || w == 99 && h%5 == 0 || (w == 80 || w == 200) && h%8 == 0 {
				out = append(out, [2]int{w, h})
			}
		}
	}
	slices.SortFunc(out, func(a, b [2]int) int { return cmp.Or(a[0]-b[0], a[1]-b[1]) })
	return out
}

func fits(t *testing.T, m *Model, w, h int) bool {
	t.Helper()
	m.resize(w, h)
	room := m.layout.body
	d := m.body()
	if len(d.lines) > room.h {
		t.Errorf("%dx%d: the page has %d lines, and room for %d", w, h, len(d.lines), room.h)
		return false
	}
	for i, line := range d.lines {
		if width(line) > room.w || strings.ContainsAny(line, "\n\t\r") {
			t.Errorf("%dx%d: line %d of the page is %d wide, and has room for %d: %q", w, h, i+1, width(line), room.w, ansi.Strip(line))
			return false
		}
	}
	if c := d.cursor; c != nil && (c.x < 0 || c.x > room.w || c.y < 0 || c.y >= room.h) {
		t.Errorf("%dx%d: the cursor is at %v, outside of the page", w, h, *c)
		return false
	}
	lines, _ := m.screen()
	if len(lines) != h {
		t.Errorf("%dx%d: the screen has %d lines", w, h, len(lines))
		return false
	}
	for i, line := range lines {
		if width(line) > w {
			t.Errorf("%dx%d: line %d of the screen is %d wide: %q", w, h, i+1, width(line), ansi.Strip(line))
			return false
		}
	}
	return true
}
