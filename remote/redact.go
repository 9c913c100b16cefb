package remote

import (
	"cmp"
	"encoding/base64"
	"encoding/json"
	"net/url"
	"slices"
	"strings"
	"sync"
)

// redacted stands where a secret was.
const redacted = "[secret]"

// minSecret is the shortest text that is redacted. Anything shorter would
// blank out ordinary words and so give itself away.
const minSecret = 4

// Redactor takes secrets out of text that people see: lines of output and
// errors. It knows each secret also as JSON, a URL, a quoted shell word, an
// .env file and base64 would write it. The nil Redactor changes nothing. It is
// safe for use by many goroutines.
type Redactor struct {
	mu       sync.RWMutex
	secrets  map[string]bool
	replacer *strings.Replacer
}

// NewRedactor knows the secrets given.
func NewRedactor(secrets ...string) *Redactor {
	r := &Redactor{}
	r.Add(secrets...)
	return r
}

// Add makes more secrets known. Of a secret of several lines each line counts,
// since output is told by lines.
func (r *Redactor) Add(secrets ...string) {
	if r == nil {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.secrets == nil {
		r.secrets = map[string]bool{}
	}
	for _, secret := range secrets {
		for line := range strings.Lines(secret) {
			for _, form := range forms(strings.TrimRight(line, "\r\n")) {
				if len(form) >= minSecret {
					r.secrets[form] = true
				}
			}
		}
	}
	all := make([]string, 0, len(r.secrets))
	for secret := range r.secrets {
		all = append(all, secret)
	}
	// The longest first, so that a secret which begins with another one does
	// not leave its end behind.
	slices.SortFunc(all, func(a, b string) int {
		return cmp.Or(cmp.Compare(len(b), len(a)), cmp.Compare(a, b))
	})
	pairs := make([]string, 0, 2*len(all))
	for _, secret := range all {
		pairs = append(pairs, secret, redacted)
	}
	r.replacer = strings.NewReplacer(pairs...)
}

// Redact is s with every known secret replaced.
func (r *Redactor) Redact(s string) string {
	if r == nil {
		return s
	}
	r.mu.RLock()
	defer r.mu.RUnlock()
	if r.replacer == nil {
		return s
	}
	return r.replacer.Replace(s)
}

func forms(s string) []string {
	if len(s) < minSecret {
		return nil
	}
	all := []string{
		s,
		url.QueryEscape(s), url.PathEscape(s), url.UserPassword("", s).String()[1:],
		strings.ReplaceAll(s, "'", `'\''`),
		strings.NewReplacer(`\`, `\\`, `"`, `\"`, `$`, `\$`).Replace(s),
		strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(s),
		strings.ReplaceAll(s, "$", "$$"),
		base64.StdEncoding.EncodeToString([]byte(s)),
	}
	if b, err := json.Marshal(s); err == nil {
		all = append(all, string(b[1:len(b)-1]))
	}
	return all
}
