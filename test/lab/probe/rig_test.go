package probe_test

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/rcwizard/rcwizard/remote"
	"github.com/rcwizard/rcwizard/test/lab"
)

// connect logs in to a host of the fleet, from this process, which is not on
// the fleet's network.
func connect(t *testing.T, f *lab.Fleet, name, user string) *remote.SSH {
	t.Helper()
	host := f.Host(name)
	at := host.Relay(t, 22)
	key, err := host.HostKey()
	if err != nil {
		t.Fatal(err)
	}
	h, err := remote.Connect(t.Context(), remote.Target{
		Name: name, Address: at.Addr().String(), Port: int(at.Port()), User: user,
		IdentityFile: f.KeyFile(), HostKey: key, SSHConfig: "none",
		KnownHosts: []string{filepath.Join(t.TempDir(), "known_hosts")},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = h.Close() })
	return h
}

// shell runs a script on a host as root.
func shell(t *testing.T, h *lab.Host, script string) string {
	t.Helper()
	out, err := h.Shell(t.Context(), script)
	if err != nil {
		t.Fatalf("%s: %v", h.Name(), err)
	}
	return strings.TrimSpace(out)
}

// lack takes tools away from a host.
func lack(t *testing.T, h *lab.Host, tools ...string) {
	t.Helper()
	for _, tool := range tools {
		shell(t, h, `for f in /usr/bin/`+tool+`* /bin/`+tool+`* /usr/sbin/`+tool+`*; do rm -f "$f"; done`)
	}
}

// clean shows that nothing of the probes is left on a host: no process, and no
// file that was not there when mark was called, but for those of login and sudo.
func clean(t *testing.T, h *lab.Host) {
	t.Helper()
	left := shell(t, h, `for p in /proc/[0-9]*; do
	if tr '\0' ' ' <$p/cmdline 2>/dev/null | grep -q 'rcwz-[ld]'; then echo $p; tr '\0' ' ' <$p/cmdline | head -c 60; fi
done
find / -xdev -newer /lab-mark \( -type f -o -type p -o -type s \) ! -path '/var/log/*' ! -path '/proc/*' ! -path '/run/utmp' ! -path '/root/.cache/*' ! -name .sudo_as_admin_successful
find /tmp /run -xdev -newer /lab-mark -type f ! -path /run/utmp ! -path '/run/sudo/*' ! -path '/run/motd.dynamic*'
ss -Hltn | grep -v -e ':22 ' -e ':81 ' -e ':300[89] ' -e ':301[01] ' || :`)
	if left != "" {
		t.Errorf("left on %s:\n%s", h.Name(), left)
	}
}

func mark(t *testing.T, h *lab.Host) {
	t.Helper()
	shell(t, h, "touch /lab-mark")
}
