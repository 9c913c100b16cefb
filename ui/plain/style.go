package plain

import (
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"time"

	"golang.org/x/term"

	"github.com/rcwizard/rcwizard/engine"
)

// Style is what the reader's end can show.
type Style struct {
	// ASCII replaces the marks by characters that every terminal has.
	ASCII bool
	// Colour paints marks and words by their meaning.
	Colour bool
	// Columns is the width of the terminal, at which sentences are broken
	// between words; 0 breaks none.
	Columns int
}

// Detect returns the style for w: colour on a terminal that can and unless
// NO_COLOR is set, ASCII unless the locale says UTF-8.
func Detect(w io.Writer) Style {
	f, ok := w.(interface{ Fd() uintptr })
	terminal := ok && term.IsTerminal(int(f.Fd()))
	s := detect(terminal, os.Getenv)
	if terminal {
		if columns, _, err := term.GetSize(int(f.Fd())); err == nil {
			s.Columns = columns
		}
	}
	return s
}

func detect(terminal bool, getenv func(string) string) Style {
	locale := ""
	// The first that is set decides, as POSIX has it.
	for _, name := range []string{"LC_ALL", "LC_CTYPE", "LANG"} {
		if locale = getenv(name); locale != "" {
			break
		}
	}
	charset := strings.ToLower(strings.ReplaceAll(locale, "-", ""))
	return Style{
		ASCII:  !strings.Contains(charset, "utf8"),
		Colour: terminal && getenv("NO_COLOR") == "" && getenv("TERM") != "dumb" && getenv("TERM") != "",
	}
}

// mark is one of the four meanings.
type mark int

const (
	neutral mark = iota
	good
	warning
	bad
)

func (s Style) sign(m mark) string {
	switch m {
	case good:
		if s.ASCII {
			return "+"
		}
		return "✓"
	case warning:
		return "!"
	case bad:
		if s.ASCII {
			return "x"
		}
		return "✗"
	case neutral:
	}
	if s.ASCII {
		return "-"
	}
	return "·"
}

// wordWidth is the width of what word makes.
const wordWidth = 2 + 9

// word is a mark with the word beside it, padded so that what follows is
// aligned.
func (s Style) word(m mark, word string) string {
	return s.paint(m, fmt.Sprintf("%s %-9s", s.sign(m), word))
}

// paint colours text by its meaning with the sixteen colours that the reader's
// own theme makes legible, dark or light.
func (s Style) paint(m mark, text string) string {
	if !s.Colour {
		return text
	}
	code := ""
	switch m {
	case good:
		code = "32"
	case warning:
		code = "33"
	case bad:
		code = "31"
	case neutral:
		code = "2"
	}
	return "\x1b[" + code + "m" + text + "\x1b[0m"
}

func clock(t time.Time) string { return t.Format(time.TimeOnly) }

// duration is a time as a person says it: "0.3 s", "12 s", "3 min 5 s".
func duration(d time.Duration) string {
	switch {
	case d < 10*time.Second:
		return fmt.Sprintf("%.1f s", d.Seconds())
	case d < time.Minute:
		return fmt.Sprintf("%d s", int(d.Seconds()))
	case d < time.Hour:
		return fmt.Sprintf("%d min %d s", int(d.Minutes()), int(d.Seconds())%60)
	default:
		return fmt.Sprintf("%d h %d min", int(d.Hours()), int(d.Minutes())%60)
	}
}

// count is a number with its noun.
func count[N int | uint64](n N, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}

// far says how far a step is: "120 MB of 431 MB (27 %)", "3 of 12 images".
func far(g engine.Progress) string {
	number := func(n int64) string { return strconv.FormatInt(n, 10) }
	what := " " + g.What
	switch g.What {
	case "bytes":
		number, what = size, ""
	case "":
		what = ""
	}
	if g.Total <= 0 {
		return number(g.Done) + what
	}
	return fmt.Sprintf("%s of %s%s (%d %%)", number(g.Done), number(g.Total), what, percent(g.Done, g.Total))
}

// percent is never 100 before the end.
func percent(done, total int64) int64 {
	return min(int64(float64(done)/float64(total)*100), 100)
}

// size is a number of bytes in decimal units, as registries count them.
func size(n int64) string {
	const unit = 1000
	if n < unit {
		return fmt.Sprintf("%d B", n)
	}
	value, units := float64(n)/unit, "kMGTPE"
	i := 0
	for value >= unit && i < len(units)-1 {
		value /= unit
		i++
	}
	format := "%.1f %cB"
	if value >= 100 {
		format = "%.0f %cB"
	}
	return fmt.Sprintf(format, value, units[i])
}
