package steps

import (
	"strconv"
	"strings"
)

// older reports whether version a comes before b. Both are dotted numbers,
// with or without a leading v; what follows the numbers ("-desktop.1",
// "+dfsg1") does not count. A version that is no number at all is not older
// than anything: what cannot be read is not a reason to refuse a host.
func older(a, b string) bool {
	x, y := numbers(a), numbers(b)
	if len(x) == 0 {
		return false
	}
	for i := range max(len(x), len(y)) {
		var m, n int
		if i < len(x) {
			m = x[i]
		}
		if i < len(y) {
			n = y[i]
		}
		if m != n {
			return m < n
		}
	}
	return false
}

func numbers(version string) []int {
	version = strings.TrimPrefix(version, "v")
	var out []int
	for part := range strings.SplitSeq(version, ".") {
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
