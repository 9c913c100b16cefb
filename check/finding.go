package check

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// values fill the {names} in a text.
type values map[string]string

// finding makes a finding with the text of its kind. A kind without a text is a
// mistake of ours, which a test finds.
func finding(id string, v Verdict, kind Kind, fill values) Finding {
	t := texts()[kind]
	pairs := make([]string, 0, 2*len(fill))
	for name, value := range fill {
		pairs = append(pairs, "{"+name+"}", value)
	}
	r := strings.NewReplacer(pairs...)
	return Finding{
		ID: id, Kind: kind, Verdict: v,
		Title: r.Replace(t.title), Do: r.Replace(t.do), // may end with a command
		Tried: stopped(r.Replace(t.tried)), Got: stopped(r.Replace(t.got)), Means: stopped(r.Replace(t.means)),
	}
}

// stopped ends a sentence that ends with a value.
func stopped(s string) string {
	if s == "" || strings.HasSuffix(s, ".") || strings.HasSuffix(s, `"`) {
		return s
	}
	return s + "."
}

// said is what somebody else said, put behind a sentence: in quotes, or a full
// stop.
func said(detail string) string {
	detail = strings.Join(strings.Fields(detail), " ")
	if detail == "" {
		return "."
	}
	const most = 300
	if runes := []rune(detail); len(runes) > most {
		detail = string(runes[:most]) + "…"
	}
	return ": " + strconv.Quote(detail)
}

func or(s, otherwise string) string {
	if s == "" {
		return otherwise
	}
	return s
}

func plural(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

// seconds is a duration for people: milliseconds below a second, tenths below a
// minute, whole units above.
func seconds(d time.Duration) string {
	switch {
	case d < time.Second:
		return fmt.Sprintf("%d ms", d.Milliseconds())
	case d < time.Minute:
		return fmt.Sprintf("%.1f s", d.Seconds())
	}
	return d.Round(time.Second).String()
}

// Older reports whether version a comes before b. Both are dotted numbers, with
// or without a leading v; what follows the numbers ("-desktop.1", "+dfsg1") does
// not count. Of two of which one is no version, none is older: what cannot be
// read is not a reason to refuse a host.
func Older(a, b string) bool {
	x, y := numbers(a), numbers(b)
	if len(x) == 0 || len(y) == 0 {
		return false
	}
	for i := range max(len(x), len(y)) {
		if m, n := at(x, i), at(y, i); m != n {
			return m < n
		}
	}
	return false
}

func isVersion(s string) bool { return len(numbers(s)) > 0 }

// sameLine reports whether two versions have the same major and minor number.
func sameLine(a, b string) bool {
	x, y := numbers(a), numbers(b)
	return len(x) > 0 && len(y) > 0 && at(x, 0) == at(y, 0) && at(x, 1) == at(y, 1)
}

func at(numbers []int, i int) int {
	if i < len(numbers) {
		return numbers[i]
	}
	return 0
}

func numbers(version string) []int {
	var out []int
	for part := range strings.SplitSeq(strings.TrimPrefix(version, "v"), ".") {
		digits := part
		if i := strings.IndexFunc(part, func(r rune) bool { return r < '0' || r > '9' }); i >= 0 {
			digits = part[:i]
		}
		n, err := strconv.Atoi(digits)
		if err != nil {
			break
		}
		out = append(out, n)
		if digits != part {
			break
		}
	}
	return out
}
