package workspace

import (
	"cmp"
	"encoding/json"
	"net/url"
	"slices"
	"strings"
)

// Values returns every secret in every form in which it may turn up in the
// output of a program, longest first, each once: as it is; line by line if it
// has several, because logs are read in lines; percent-encoded, as in a URL;
// escaped as in JSON and in a double-quoted value of an .env file. The password
// inside MongoURL counts as a secret of its own. It is meant for a redactor,
// which must replace the longest first.
func (s Secrets) Values() []string {
	plain := []string{
		s.GrafanaAdminPassword, s.AdminPassword, s.RegistrationToken, s.License,
		s.MongoURL, s.StorageAccessKey, s.StorageSecretKey,
	}
	for _, h := range s.Hosts {
		plain = append(plain, h.SSHPassword, h.SudoPassword, h.KeyPassphrase)
	}
	if _, rest, ok := strings.Cut(s.MongoURL, "://"); ok {
		if user, _, ok := cutLast(authority(rest), "@"); ok {
			_, secret, _ := strings.Cut(user, ":")
			plain = append(plain, secret)
			if decoded, err := url.PathUnescape(secret); err == nil {
				plain = append(plain, decoded)
			}
		}
	}
	seen := map[string]bool{"": true}
	var out []string
	add := func(values ...string) {
		for _, v := range values {
			if !seen[v] {
				seen[v] = true
				out = append(out, v)
			}
		}
	}
	for _, secret := range plain {
		for _, form := range forms(secret) {
			add(form)
		}
		if strings.ContainsAny(secret, "\r\n") {
			for _, line := range strings.FieldsFunc(secret, func(r rune) bool { return r == '\n' || r == '\r' }) {
				if strings.TrimSpace(line) != "" {
					add(forms(strings.TrimSpace(line))...)
				}
			}
		}
	}
	slices.SortStableFunc(out, func(a, b string) int {
		return cmp.Or(cmp.Compare(len(b), len(a)), strings.Compare(a, b))
	})
	return out
}

// forms is how one text looks when a program has escaped it.
func forms(text string) []string {
	out := []string{text, url.QueryEscape(text), url.PathEscape(text), strings.TrimPrefix(url.UserPassword("", text).String(), ":")}
	if escaped, err := json.Marshal(text); err == nil {
		out = append(out, string(escaped[1:len(escaped)-1]))
	}
	var loose strings.Builder
	enc := json.NewEncoder(&loose)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(text); err == nil {
		bare := strings.TrimSuffix(loose.String(), "\n")
		out = append(out, bare[1:len(bare)-1])
	}
	env := strings.NewReplacer(`\`, `\\`, `"`, `\"`, `$`, `\$`, "\n", `\n`, "\r", `\r`)
	return append(out, env.Replace(text))
}

// authority is what stands before the path, query or fragment of a URL whose
// scheme has been cut off.
func authority(rest string) string {
	if i := strings.IndexAny(rest, "/?#"); i >= 0 {
		return rest[:i]
	}
	return rest
}

func cutLast(s, sep string) (before, after string, found bool) {
	i := strings.LastIndex(s, sep)
	if i < 0 {
		return s, "", false
	}
	return s[:i], s[i+len(sep):], true
}
