package workspace

import (
	"fmt"
	"net/mail"
	"net/netip"
	"net/url"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/rcwizard/rcwizard/workspace/release"
)

// checker collects what Validate finds.
type checker struct {
	w     Workspace
	found Problems
}

func (c *checker) failf(field, hint, format string, args ...any) {
	c.found = append(c.found, Problem{Severity: Error, Field: field, Text: fmt.Sprintf(format, args...), Hint: hint})
}

func (c *checker) warnf(field, hint, format string, args ...any) {
	c.found = append(c.found, Problem{Severity: Warning, Field: field, Text: fmt.Sprintf(format, args...), Hint: hint})
}

// Validate says everything that is wrong or doubtful in a workspace that has
// been completed; Load does both. The problems have no lines here.
//
// It judges what the file says and nothing else: not whether a host can be
// reached, has the cores for its instances, or has a port free; not whether a
// file or a release exists; not whether a release is still supported, which
// depends on the day. Secrets.Validate judges the secrets.
func (w Workspace) Validate() Problems {
	c := &checker{w: w}
	c.general()
	c.tls()
	c.rootURL()
	c.release()
	c.admin()
	c.hosts()
	c.privateAddresses()
	c.roles()
	c.instances()
	c.ports()
	c.grafana()
	c.messaging()
	c.database()
	c.storage()
	return c.found
}

// nameForm is what a workspace, a host and an instance may be called: names of
// directories, of compose projects and of steps are made of it.
var nameForm = regexp.MustCompile(`^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$`)

const nameHint = "use small letters, digits and dashes, at most 63, with no dash at either end"

func (c *checker) general() {
	w := c.w
	if w.Version != Version {
		c.failf("version", "", "version %d of the schema is not known; this rcwizard reads version %d", w.Version, Version)
	}
	if w.Name != "" && !nameForm.MatchString(w.Name) {
		c.failf("name", nameHint, "%s cannot be the name of a workspace", shorten(w.Name))
	}
	c.domain("domain", w.Domain, "the name that users will type, such as chat.example.com")
	if w.Email != "" {
		c.email("email", w.Email)
	}
	c.directory()
	c.compose()
}

// domain reports a name that cannot be the workspace's or Grafana's.
func (c *checker) domain(field, name, example string) {
	_, notIP := netip.ParseAddr(strings.Trim(name, "[]"))
	switch {
	case name == "":
		c.failf(field, "write "+example, "missing")
	case strings.Contains(name, "://") || strings.ContainsAny(name, "/:") && notIP != nil:
		c.failf(field, "write the name alone; scheme and port belong in root_url", "%s is not a name, but an address with a scheme, a port or a path", shorten(name))
	case notIP == nil:
		c.failf(field, "the proxy finds the workspace by its name: use one, even if it is only in your own DNS or in /etc/hosts", "%s is an IP address, not a name", shorten(name))
	case strings.ContainsFunc(name, func(r rune) bool { return r > 127 }):
		c.failf(field, "write its ASCII form, which begins with xn--", "%s has letters outside ASCII", shorten(name))
	case !isHostname(name):
		c.failf(field, "write "+example, "%s is not the name of a host", shorten(name))
	case c.w.TLS.Mode == TLSLetsEncrypt || c.w.TLS.Mode == TLSLetsEncryptStaging:
		top := name[strings.LastIndex(name, ".")+1:]
		if top == name || slices.Contains(notPublic(), top) {
			c.failf(field, "use a public name, or another ACME authority, a certificate of your own, or none (tls.mode acme, files, none)", "Let's Encrypt issues no certificate for %s, which is not a public name", name)
		}
	}
}

// notPublic are top-level names that are not, and will not be, in the public
// DNS: RFC 6761, RFC 6762, RFC 8375's arpa aside, ICANN's internal, and three
// that ICANN has put off for ever because so many networks use them.
func notPublic() []string {
	return []string{"local", "localhost", "internal", "test", "invalid", "example", "onion", "lan", "home", "corp"}
}

// isHostname reports whether the text is a host name by RFC 1123 in ASCII, and
// not something that looks like an IPv4 address.
func isHostname(text string) bool {
	if len(text) > 253 {
		return false
	}
	labels := strings.Split(strings.ToLower(text), ".")
	for _, label := range labels {
		if !nameForm.MatchString(label) {
			return false
		}
	}
	return strings.ContainsFunc(labels[len(labels)-1], func(r rune) bool { return r < '0' || r > '9' })
}

// email reports what is not one bare address.
func (c *checker) email(field, address string) {
	if parsed, err := mail.ParseAddress(address); err != nil || parsed.Address != address || parsed.Name != "" {
		c.failf(field, "write it as ops@example.com", "%s is not an e-mail address", shorten(address))
	}
}

var directoryForm = regexp.MustCompile(`^(/[A-Za-z0-9_.][A-Za-z0-9_.-]*)+$`)

func (c *checker) directory() {
	const field, hint = "directory", "choose a directory of its own, such as " + defaultDirectory
	dir := c.w.Directory
	top, _, below := strings.Cut(strings.TrimPrefix(dir, "/"), "/")
	switch {
	case !path.IsAbs(dir):
		c.failf(field, hint, "%s is not an absolute path", shorten(dir))
	case !directoryForm.MatchString(path.Clean(dir)):
		c.failf(field, hint, "%s has a character other than letters, digits, dots, dashes and underscores", shorten(dir))
	case path.Clean(dir) != dir:
		c.failf(field, "write "+path.Clean(dir), "%s is not a plain path: it has .., ., a doubled slash or one at the end", shorten(dir))
	case slices.Contains([]string{"dev", "proc", "run", "sys", "tmp"}, top):
		c.failf(field, hint, "what is below /%s does not outlast a restart of the host", top)
	case !below:
		c.failf(field, hint, "%s is a directory of the system", dir)
	}
}

func (c *checker) tls() {
	t, field := c.w.TLS, "tls."
	unused := func(key, value, modes string) {
		if value != "" {
			c.warnf(field+key, "remove it, or set tls.mode to "+modes, "is not used in mode %s", t.Mode)
		}
	}
	switch t.Mode {
	case TLSLetsEncrypt, TLSLetsEncryptStaging, TLSACME, TLSFiles, TLSNone:
	default:
		modes := []string{string(TLSLetsEncrypt), string(TLSLetsEncryptStaging), string(TLSACME), string(TLSFiles), string(TLSNone)}
		c.failf(field+"mode", didYouMean(string(t.Mode), modes), "%s is not a mode of TLS", shorten(string(t.Mode)))
		return
	}
	if t.Mode.UsesACME() && c.w.Email == "" {
		c.failf("email", "write the address that the authority may warn about a certificate", "missing: the account with the certificate authority needs an address")
	}
	if (t.Mode == TLSLetsEncrypt || t.Mode == TLSLetsEncryptStaging) && c.w.Proxy.HTTPSPort != defaultHTTPSPort {
		c.failf("proxy.https_port", "use 443, or tls.mode files with a certificate that you got elsewhere", "Let's Encrypt proves the domain on port 443 only, not on %d", c.w.Proxy.HTTPSPort)
	}
	if t.Mode == TLSACME {
		if u, err := url.Parse(t.CAServer); t.CAServer == "" {
			c.failf(field+"ca_server", "write the authority's directory, such as https://ca.example.com/acme/acme/directory", "missing: mode acme needs the address of the authority")
		} else if err != nil || u.Scheme != "https" || u.Host == "" {
			c.failf(field+"ca_server", "such as https://ca.example.com/acme/acme/directory", "%s is not an https:// URL", shorten(t.CAServer))
		}
	} else {
		unused("ca_server", t.CAServer, "acme")
		unused("ca_cert_file", t.CACertFile, "acme")
	}
	if t.Mode == TLSFiles {
		for _, file := range []struct{ key, value, what string }{{"cert_file", t.CertFile, "certificate, with its chain"}, {"key_file", t.KeyFile, "key"}} {
			if file.value == "" {
				c.failf(field+file.key, "write the path of a PEM file on this machine", "missing: mode files needs the %s", file.what)
			}
		}
	} else {
		unused("cert_file", t.CertFile, "files")
		unused("key_file", t.KeyFile, "files")
	}
}

// rootURL compares the address that users are told with the domain, the
// certificate and the port that make it work.
func (c *checker) rootURL() {
	const field = "root_url"
	w := c.w
	u, err := url.Parse(w.RootURL)
	want := w.defaultRootURL()
	switch {
	case !isHostname(w.Domain):
		return // that has been said, and there is nothing to compare with
	case err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https":
		c.failf(field, "such as "+want, "%s is not an http:// or https:// URL", shorten(w.RootURL))
		return
	case u.User != nil || u.Path != "" || u.RawQuery != "" || u.Fragment != "" || u.ForceQuery:
		c.failf(field, "such as "+want, "%s has more than a scheme, a name and a port; the workspace is served at the root of its domain", shorten(w.RootURL))
	}
	if !strings.EqualFold(u.Hostname(), w.Domain) {
		c.failf(field, "write "+want+", or change domain", "its name is %s, but domain is %s: the proxy answers to the domain only", shorten(u.Hostname()), shorten(w.Domain))
	}
	if u.Scheme == "http" && w.TLS.Mode != TLSNone {
		c.failf(field, "write "+want+", or set tls.mode: none", "begins with http://, but tls.mode is %s: the proxy redirects to https", w.TLS.Mode)
		return
	}
	port, listens, key := u.Port(), w.Proxy.HTTPSPort, "proxy.https_port"
	if port == "" && u.Scheme == "https" {
		port = strconv.Itoa(defaultHTTPSPort)
	} else if port == "" {
		port = strconv.Itoa(defaultHTTPPort)
	}
	if w.TLS.Mode == TLSNone {
		if u.Scheme == "https" {
			return // something in front terminates TLS, on a port that only it knows
		}
		listens, key = w.Proxy.HTTPPort, "proxy.http_port"
	}
	if port != strconv.Itoa(listens) {
		c.warnf(field, "right if something in front passes one port on to the other; otherwise write "+want, "leads to port %s, but the proxy listens on %d (%s)", port, listens, key)
	}
}

func (c *checker) release() {
	const field = "release"
	text := c.w.Release
	r, err := release.Parse(text)
	if err != nil {
		hint := "write three numbers, such as " + release.Default().String()
		if bare, ok := strings.CutPrefix(text, "v"); ok {
			if _, err := release.Parse(bare); err == nil {
				hint = "write " + bare
			}
		}
		if strings.Contains(text, "-") {
			hint = "only stable releases are installed; " + hint
		}
		c.failf(field, hint, "%s is not a release of the form X.Y.Z", shorten(text))
		return
	}
	version, _, known := release.MongoDB(r)
	if c.w.Database.External {
		return // the administrator of that database has chosen
	}
	given := c.w.Database.MongoDBVersion
	if given == "" && !known {
		c.failf(field, "set database.mongodb_version to what the release notes ask for, or choose a release from 7.0 to 9", "it is not known which MongoDB the release %s needs", r)
	}
	if given != "" && !mongoVersionForm.MatchString(given) {
		c.failf("database.mongodb_version", "write it as 8.0 or 8.0.12", "%s is not a version of MongoDB", shorten(given))
		return
	}
	declared, _ := release.Compatible(r)
	fits := slices.ContainsFunc(declared, func(v string) bool { return given == v || strings.HasPrefix(given, v+".") })
	if given != "" && known && !fits {
		c.warnf("database.mongodb_version", "use "+version+" for a new workspace; keep what you have if there are data in it", "Rocket.Chat %s declares MongoDB %s, not %s", r, strings.Join(declared, ", "), given)
	}
}

var mongoVersionForm = regexp.MustCompile(`^\d{1,2}\.\d{1,2}(\.\d{1,3})?$`)

// usernameForm is Rocket.Chat's default rule for names (UTF8_User_Names_Validation).
var usernameForm = regexp.MustCompile(`^[0-9a-zA-Z_.-]{1,64}$`)

func (c *checker) admin() {
	a := c.w.Admin
	if !a.Creates() {
		if a.Username != "" || a.Email != "" {
			c.warnf("admin", "remove them, or set admin.create: true", "username and email are not used, because admin.create is false")
		}
		c.warnf("admin.create", "open the workspace yourself as soon as it is up: whoever comes first becomes its administrator", "rcwizard makes no administrator")
		return
	}
	if !usernameForm.MatchString(a.Username) {
		c.failf("admin.username", "use letters, digits, dots, dashes and underscores", "%s cannot be a name in Rocket.Chat", shorten(a.Username))
	}
	switch {
	case a.Email == "" && c.w.TLS.Mode.UsesACME(): // the other is missing too, and said to be
	case a.Email == "":
		c.warnf("admin.email", "write one into admin.email, or into email", "the first administrator has no e-mail address, so a lost password cannot be reset by mail")
	case a.Email != c.w.Email: // that one has been judged
		c.email("admin.email", a.Email)
	}
}

// didYouMean is the hint for a name that is not known.
func didYouMean(name string, known []string) string {
	known = slices.DeleteFunc(slices.Clone(known), func(one string) bool { return one == "" })
	if near := Nearest(name, known); near != "" {
		return "did you mean " + near + "?"
	}
	if len(known) == 0 {
		return ""
	}
	return "choose from " + strings.Join(known, ", ")
}
