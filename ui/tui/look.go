package tui

import (
	"image/color"

	"charm.land/lipgloss/v2"
)

// Look is how meanings look: the same for every page, and the only place that
// knows a colour or a sign.
type Look struct {
	// Text is ordinary, Strong is what a row is about, Muted what explains it.
	Text, Strong, Muted lipgloss.Style
	// Accent is where the person is; there is no other colour without meaning.
	Accent lipgloss.Style
	// Good, Warning and Bad are verdicts; a sign and a word stand beside them.
	Good, Warning, Bad lipgloss.Style
	// Line is for rules and frames.
	Line lipgloss.Style

	Glyphs
}

// Glyphs are the signs.
type Glyphs struct {
	Good, Warning, Bad, Neutral string
	// Pointer stands before what is chosen, Current before the page one is on.
	Pointer, Current string
	On, Off          string
	Horizontal       string
	Vertical         string
	// TopLeft and the others are the corners of a box.
	TopLeft, TopRight, BottomLeft, BottomRight string
	BarFull, BarEmpty                          string
	Ellipsis, Arrow, Up, Down, Left, Right     string
	// Between parts a line: "·".
	Between string
	// The keys of arrows, for the last line and the help, alone and in pairs.
	KeyUp, KeyDown, KeyLeft, KeyRight string
	KeyLeftRight                      string
	// Mask is shown for one character of a secret.
	Mask rune
	// Spinner are the frames of what is at work, all of one width.
	Spinner []string
}

func unicodeGlyphs() Glyphs {
	return Glyphs{
		Good: "✓", Warning: "!", Bad: "✗", Neutral: "·",
		Pointer: "›", Current: "●", On: "●", Off: "○",
		Horizontal: "─", Vertical: "│",
		TopLeft: "╭", TopRight: "╮", BottomLeft: "╰", BottomRight: "╯",
		BarFull: "━", BarEmpty: "─",
		Ellipsis: "…", Arrow: "→", Up: "↑", Down: "↓", Left: "‹", Right: "›", Between: "·",
		KeyUp: "↑", KeyDown: "↓", KeyLeft: "←", KeyRight: "→", KeyLeftRight: "←→",
		Mask:    '*', // as huh's
		Spinner: []string{"⠋", "⠙", "⠹", "⠸", "⠼", "⠴", "⠦", "⠧", "⠇", "⠏"},
	}
}

func asciiGlyphs() Glyphs {
	return Glyphs{
		Good: "+", Warning: "!", Bad: "x", Neutral: "-",
		Pointer: ">", Current: "*", On: "*", Off: "o",
		Horizontal: "-", Vertical: "|",
		TopLeft: "+", TopRight: "+", BottomLeft: "+", BottomRight: "+",
		BarFull: "#", BarEmpty: "-",
		Ellipsis: "~", Arrow: "->", Up: "^", Down: "v", Left: "<", Right: ">", Between: "-",
		KeyUp: "up", KeyDown: "down", KeyLeft: "left", KeyRight: "right", KeyLeftRight: "left/right",
		Mask:    '*',
		Spinner: []string{"|", "/", "-", "\\"},
	}
}

// palette are the colours of a background.
type palette struct{ accent, good, warning, bad, muted, line color.Color }

func dark() palette {
	return palette{
		accent: lipgloss.Color("#6cb6ff"), good: lipgloss.Color("#57c38a"),
		warning: lipgloss.Color("#e3b341"), bad: lipgloss.Color("#f47067"),
		muted: lipgloss.Color("#8b949e"), line: lipgloss.Color("#444c56"),
	}
}

func light() palette {
	return palette{
		accent: lipgloss.Color("#0a5fc2"), good: lipgloss.Color("#1a7f37"),
		warning: lipgloss.Color("#8a5a00"), bad: lipgloss.Color("#c0212c"),
		muted: lipgloss.Color("#59636e"), line: lipgloss.Color("#c4ccd4"),
	}
}

// newLook makes the look for a background. NO_COLOR is not its business: the
// program takes the colours out of whatever it writes.
func newLook(darkBackground, asciiOnly bool) Look {
	p, g := light(), unicodeGlyphs()
	if darkBackground {
		p = dark()
	}
	if asciiOnly {
		g = asciiGlyphs()
	}
	plain := lipgloss.NewStyle()
	return Look{
		Text: plain, Strong: plain.Bold(true), Muted: plain.Foreground(p.muted),
		Accent: plain.Foreground(p.accent).Bold(true),
		Good:   plain.Foreground(p.good), Warning: plain.Foreground(p.warning), Bad: plain.Foreground(p.bad),
		Line:   plain.Foreground(p.line),
		Glyphs: g,
	}
}

// tone is one of the four meanings, or none.
type tone int

const (
	neutral tone = iota
	good
	warning
	bad
)

// style is how a tone is written.
func (l Look) style(t tone) lipgloss.Style {
	switch t {
	case good:
		return l.Good
	case warning:
		return l.Warning
	case bad:
		return l.Bad
	case neutral:
	}
	return l.Muted
}

// sign is a tone's sign, in its colour, one cell wide.
func (l Look) sign(t tone) string {
	sign := l.Neutral
	switch t {
	case good:
		sign = l.Glyphs.Good
	case warning:
		sign = l.Glyphs.Warning
	case bad:
		sign = l.Glyphs.Bad
	case neutral:
	}
	return l.style(t).Render(sign)
}

// word is a sign with the word beside it: a meaning is never a colour alone.
func (l Look) word(t tone, word string) string {
	return l.sign(t) + " " + l.style(t).Render(word)
}
