package lab_test

import (
	"strings"
	"testing"

	"github.com/rcwizard/rcwizard/test/lab"
)

// TestFirewalls shows that the hosts' firewalls are the distribution's own, and how differently they say no.
func TestFirewalls(t *testing.T) {
	t.Parallel()
	f := lab.Up(t, lab.Options{Hosts: []lab.HostOptions{{Name: "a", NoDocker: true}, {Name: "u"}, {Name: "f"}}, Bare: true})
	a, ctx := f.Host("a"), t.Context()
	// knock is what a learns of a port. The kernel may hold a refusal back for a second.
	knock := func(h *lab.Host, port string) string {
		t.Helper()
		_, err := a.Exec(ctx, "timeout", "3", "bash", "-c", "exec 3<>/dev/tcp/"+h.Address().String()+"/"+port)
		if err == nil {
			return "open"
		}
		for _, text := range []string{"Connection refused", "No route to host", "exit code 124"} {
			if strings.Contains(err.Error(), text) {
				return text
			}
		}
		return err.Error()
	}
	check := func(when string, h *lab.Host, want map[string]string) {
		t.Helper()
		for port, text := range want {
			if got := knock(h, port); got != text {
				t.Errorf("%s: port %s of %s: %s, want %s", when, port, h.Name(), got, text)
			}
		}
	}
	open := map[string]string{"22": "open", "3000": "Connection refused", "3001": "Connection refused"}
	u := f.Host("u")
	check("without ufw", u, open)
	if err := u.StartUFW(ctx, "allow 22/tcp", "allow proto tcp from "+a.Address().String()+" to any port 3000"); err != nil {
		t.Fatal(err)
	}
	check("ufw", u, map[string]string{"22": "open", "3000": "Connection refused", "3001": "exit code 124"})
	if err := u.StopUFW(ctx); err != nil {
		t.Fatal(err)
	}
	check("ufw stopped", u, open)

	h := f.Host("f")
	if err := h.StartFirewalld(ctx, "3000/tcp"); err != nil {
		t.Fatal(err)
	}
	check("firewalld", h, map[string]string{"22": "open", "3000": "Connection refused", "3001": "No route to host"})
	if err := h.StopFirewalld(ctx); err != nil {
		t.Fatal(err)
	}
	check("firewalld stopped", h, open)
}
