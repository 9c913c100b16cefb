package render

import (
	"regexp"
	"slices"
	"strings"
)

// mask stands for a secret wherever a file is shown.
const mask = "********"

// Masked returns the content of a file as it may be shown. It goes by names and
// shapes, never by values that it was told, so it serves a file that rcwizard
// rendered, one of an earlier export, and one that was written by hand and read
// from a host.
//
// Of a key.pem nothing is left, nor of a private key in any file. In a .env it
// masks the value, up to its closing quote, of every variable whose name says
// that it holds a secret (PASS, PWD, SECRET, TOKEN, KEY, LICEN, CREDENTIAL, AUTH,
// PRIVATE, …), every value with credentials in a URL or with such a name in its
// parameters or JSON, every value of several lines, the same in comments, and
// every line that is none of name, value and comment. In a file of YAML or of
// NATS it masks literal values of such names and URLs with credentials, line by
// line and with the lines of a block; references to variables stay. It leaves
// other files as they are.
//
// What it cannot see is a secret under a name that says nothing. It masks rather
// too much than too little.
func Masked(name string, content []byte) []byte {
	shown, _ := masking(name, string(content))
	return []byte(shown)
}

// masking is Masked, and what it took out, in order.
func masking(name, content string) (shown string, hidden []string) {
	base := name[strings.LastIndexByte(name, '/')+1:]
	m := masker{rest: content}
	switch {
	case base == "key.pem":
		return mask + "\n", []string{content}
	case base == ".env":
		m.each(m.envStatement)
	case strings.HasSuffix(base, ".yml"), strings.HasSuffix(base, ".yaml"):
		m.each(m.configLine)
	case strings.HasSuffix(base, ".conf"):
		m.each(m.natsLine)
	default:
		return content, nil
	}
	return m.out.String(), m.hidden
}

// masker reads a file from its beginning to its end.
type masker struct {
	rest   string
	out    strings.Builder
	hidden []string
}

// each calls statement on each line that an earlier call left.
func (m *masker) each(statement func(line string)) {
	for m.rest != "" {
		line, _ := m.line()
		if strings.Contains(line, "-----BEGIN") && strings.Contains(line, "PRIVATE KEY") && !assignment.MatchString(line) {
			m.hide("", m.take(m.pem()), "")
			continue
		}
		statement(line)
	}
}

// line is the next line without its end, and the length with it.
func (m *masker) line() (text string, length int) {
	length = strings.IndexByte(m.rest, '\n') + 1
	if length == 0 {
		length = len(m.rest)
	}
	return strings.TrimRight(m.rest[:length], "\r\n"), length
}

// pem is the length of all lines to the end of a private key.
func (m *masker) pem() int {
	begin := max(0, strings.Index(m.rest, "PRIVATE KEY"))
	end := strings.Index(m.rest[begin:], "-----END")
	if end < 0 {
		return len(m.rest)
	}
	if line := strings.IndexByte(m.rest[begin+end:], '\n'); line >= 0 {
		return begin + end + line
	}
	return len(m.rest)
}

// take cuts the next n bytes off.
func (m *masker) take(n int) string {
	text := m.rest[:n]
	m.rest = m.rest[n:]
	return text
}

// show takes the next line and shows it.
func (m *masker) show() {
	_, n := m.line()
	m.out.WriteString(m.take(n))
}

// hide writes the mask for a value that was taken, and what is before it, and
// goes to the next line.
func (m *masker) hide(before, value, quote string) {
	m.hidden = append(m.hidden, value)
	m.out.WriteString(before + quote + mask + quote)
	rest, n := m.line()
	if end := m.take(n); rest != "" { // what follows a closing quote
		m.hidden = append(m.hidden, rest)
		m.out.WriteString(end[len(rest):])
	} else {
		m.out.WriteString(end)
	}
}

var (
	// assignment is a statement of a .env: name, sign, value. Docker Compose
	// takes a colon for an equals sign.
	assignment = regexp.MustCompile(`^(\s*(?:export\s+)?([A-Za-z_][A-Za-z0-9_.\-\[\]]*)\s*[=:][ \t]*)`)
	// entry is a name and a value in YAML or a list of an environment, and
	// setting one in NATS' file, which does without a sign.
	entry   = regexp.MustCompile(`^(\s*(?:- +)?["']?([A-Za-z_][A-Za-z0-9_.-]*)["']?\s*[=:]\s*)(\S.*)$`)
	setting = regexp.MustCompile(`^(\s*["']?([A-Za-z_][A-Za-z0-9_.-]*)["']?(?:\s*[=:]\s*|\s+))([^\s{].*)$`)
	// parameter and member are names within a value: ?password=, --token=,
	// "password":, {password:.
	parameter = regexp.MustCompile(`[?&;,\s"'-]([A-Za-z_][A-Za-z0-9_-]*)=[^\s$]`)
	member    = regexp.MustCompile(`(?:["']|[{,]\s*)([A-Za-z_][A-Za-z0-9_-]*)(?:\\?["']\s*:|:\s)`)
	// remark is a name with a value in a comment.
	remark = regexp.MustCompile(`([A-Za-z_][A-Za-z0-9_-]*)["']?(?:=|:\s*)\S`)
	// credentials are a URL's. They may hold any character, encoded or not.
	credentials = regexp.MustCompile(`://[^\n]*@`)
	// reference is a variable without a value of its own.
	reference = regexp.MustCompile(`^["']?\$(?:[A-Za-z_]\w*|\{[A-Za-z_]\w*(?::?\?[^}]*|:?-)?\})["']?$`)
)

// namesSecret reports whether a variable of that name holds a secret.
func namesSecret(name string) bool {
	name = strings.ToUpper(name)
	return slices.ContainsFunc([]string{
		"PASS", "PWD", "SECRET", "TOKEN", "KEY", "LICEN", "CREDENTIAL", "AUTH", "PRIVATE", "ACCESSID", "ACCESS_ID", "WEBHOOK", "SALT",
	}, func(word string) bool { return strings.Contains(name, word) })
}

// holdsSecret reports whether a value gives a secret away by its shape.
func holdsSecret(value string) bool {
	return credentials.MatchString(value) || strings.Contains(value, "PRIVATE KEY-----") ||
		named(parameter, value) || named(member, value)
}

// named reports whether the pattern finds the name of a secret in a text.
func named(pattern *regexp.Regexp, text string) bool {
	for _, found := range pattern.FindAllStringSubmatch(text, -1) {
		if namesSecret(found[1]) {
			return true
		}
	}
	return false
}

// envStatement takes one statement of a .env, which may have several lines, or
// one line that is none.
func (m *masker) envStatement(line string) {
	text := strings.TrimSpace(line)
	if text == "" {
		m.show()
		return
	}
	if text[0] == '#' {
		if named(remark, text) || holdsSecret(text) {
			m.hide("# ", m.take(len(line)), "")
			return
		}
		m.show()
		return
	}
	found := assignment.FindStringSubmatch(line)
	if found == nil { // what is not understood is not shown
		m.hide("", m.take(len(line)), "")
		return
	}
	before := found[1]
	m.take(len(before))
	line = line[len(before):]
	value, closed := envValue(m.rest, line)
	after, _, _ := strings.Cut(m.rest[len(value):], "\n")
	secret := namesSecret(found[2]) && !boolean(value)
	switch {
	case strings.Trim(value, `"' `) == "" && closed && plain(after):
	case !closed && secret: // no closing quote: all that follows may belong to it
		value = m.rest
		fallthrough
	case secret, !closed, strings.Contains(value, "\n"), holdsSecret(value), !plain(after):
		if strings.Contains(line, "PRIVATE KEY-----") {
			value = m.rest[:max(len(value), m.pem())]
		}
		m.hide(before, m.take(len(value)), `"`)
		return
	}
	m.out.WriteString(before)
	m.show()
}

// envValue is the value that a text begins with, with its quotes, in which it
// may have several lines; without quotes it ends at a comment or with the line.
// closed says that a quote is closed or there is none.
func envValue(text, line string) (value string, closed bool) {
	if line != "" && (line[0] == '"' || line[0] == '\'') {
		for i := 1; i < len(text); i++ {
			switch text[i] {
			case '\\':
				i++
			case line[0]:
				return text[:i+1], true
			}
		}
		return line, false
	}
	value, _, _ = strings.Cut(line, " #")
	return value, true
}

// plain reports whether what follows a value is at most a comment without a
// secret in it.
func plain(after string) bool {
	after = strings.TrimSpace(after)
	return after == "" || after[0] == '#' && !named(remark, after) && !holdsSecret(after)
}

// configLine takes one line of YAML, and those that continue a secret in it.
func (m *masker) configLine(line string) { m.config(line, entry) }

// natsLine is configLine for the file of NATS.
func (m *masker) natsLine(line string) { m.config(line, setting) }

func (m *masker) config(line string, statement *regexp.Regexp) {
	text := strings.TrimSpace(line)
	indent := line[:len(line)-len(strings.TrimLeft(line, " \t"))]
	found := statement.FindStringSubmatch(line)
	switch {
	case strings.HasPrefix(text, "#"):
		found = entry.FindStringSubmatch(strings.TrimLeft(text, "# "))
		if found != nil && namesSecret(found[2]) && !harmless(found[2], found[3]) || holdsSecret(text) {
			m.hide(indent+"# ", m.take(len(line)), "")
			return
		}
		m.show()
	case found != nil && namesSecret(found[2]) && !harmless(found[2], found[3]),
		found != nil && holdsSecret(found[3]):
		m.take(len(found[1]))
		value := m.take(len(found[3]) + len(m.continued(found[3], len(indent))))
		m.hide(found[1], value, `"`)
	case holdsSecret(text):
		m.take(len(indent))
		m.hide(indent, m.take(len(line)-len(indent)), "")
	default:
		m.show()
	}
}

// continued are the lines after a value that belong to it: those that are
// indented deeper than its key, and empty ones between them.
func (m *masker) continued(value string, indent int) string {
	rest := m.rest[len(value):]
	end := 0
	for at := 0; at < len(rest); {
		n := strings.IndexByte(rest[at:], '\n') + 1
		if n == 0 {
			n = len(rest) - at
		}
		line := rest[at : at+n]
		trimmed := strings.TrimLeft(line, " \t\r\n")
		if at > 0 && trimmed != "" {
			if len(line)-len(trimmed) <= indent {
				break
			}
			end = at + len(strings.TrimRight(line, "\r\n"))
		}
		at += n
	}
	return rest[:end]
}

// boolean reports whether a value is true or false, which is no secret whatever
// its name.
func boolean(value string) bool {
	value = strings.Trim(value, `"' `)
	return value == "true" || value == "false"
}

// harmless reports whether the value of a name that says secret is none: a
// reference, true or false, the path of a file, or nothing.
func harmless(name, value string) bool {
	name = strings.ToUpper(name)
	value, _, _ = strings.Cut(value, " #")
	value = strings.TrimSpace(value)
	return reference.MatchString(value) || boolean(value) || strings.Trim(value, `"' `) == "" ||
		(strings.Contains(name, "FILE") || strings.Contains(name, "PATH")) && strings.HasPrefix(strings.TrimLeft(value, `"'`), "/")
}
