package steps

import (
	"context"
	"strings"

	"github.com/rcwizard/rcwizard/check"
	"github.com/rcwizard/rcwizard/remote"
)

// caaScript asks for the CAA records of a name, and of what it is below until
// there are some (RFC 8659, section 3). It prints flags, tag and value of each.
const caaScript = `
command -v dig >/dev/null 2>&1 || { echo none; exit 0; }
name=$1
while :; do
	out=$(dig +noall +comments +answer +time=2 +tries=1 CAA "$name" 2>&1) || :
	case $out in
	*"status: NOERROR"* | *"status: NXDOMAIN"*) ;;
	*) echo failed; exit 0 ;;
	esac
	found=$(printf '%s\n' "$out" | awk '$4 == "CAA" { sub(/^[^ \t]+[ \t]+[0-9]+[ \t]+IN[ \t]+CAA[ \t]+/, ""); print }')
	[ -z "$found" ] || { printf '%s\n' "$found"; exit 0; }
	case $name in
	*.*) name=${name#*.} ;;
	*) echo missing; exit 0 ;;
	esac
done
`

// caa asks who may issue certificates for a name: on the proxy's host, or else
// on another that has dig. Without one it stays unknown.
func (l *looker) caa(ctx context.Context, name string) {
	w := l.s.Workspace
	if !w.TLS.Mode.UsesACME() || l.skips("domain:"+name+":caa") {
		return
	}
	for _, host := range append([]string{w.Proxy.Host}, w.HostNames()...) {
		h, ok := l.s.Hosts[host]
		if !ok {
			continue
		}
		res, err := h.Run(ctx, remote.Command{Script: caaScript, Args: []string{name}})
		if err != nil || strings.TrimSpace(res.Stdout) == "none" {
			continue
		}
		seen := caaOf(res.Stdout)
		l.note(func(e *check.Evidence) {
			n := e.Names[name]
			n.CAA = seen
			e.Names[name] = n
		})
		return
	}
}

// caaOf reads what the script printed. Records that are about something else
// than issuing forbid nobody to issue.
func caaOf(output string) check.CAA {
	switch strings.TrimSpace(output) {
	case "missing":
		return check.CAA{State: check.LookupNone}
	case "failed", "":
		return check.CAA{State: check.LookupFailed}
	}
	c := check.CAA{State: check.LookupNone}
	for line := range strings.Lines(output) {
		_, rest, _ := strings.Cut(strings.TrimSpace(line), " ") // behind the flags
		tag, value, ok := strings.Cut(rest, " ")
		if ok && strings.EqualFold(tag, "issue") {
			c.State = check.LookupFound
			c.Issuers = append(c.Issuers, strings.Trim(strings.TrimSpace(value), `"`))
		}
	}
	return c
}
