package question

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/rcwizard/rcwizard/workspace"
)

func TestParseAddress(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]Address{
		"192.0.2.10":                    {Host: "192.0.2.10"},
		"root@192.0.2.10":               {Host: "192.0.2.10", User: "root"},
		"root@192.0.2.10:22":            {Host: "192.0.2.10", User: "root", Port: 22},
		" deploy@rc1.example.com:2222 ": {Host: "rc1.example.com", User: "deploy", Port: 2222},
		"ssh://root@rc1:2222/":          {Host: "rc1", User: "root", Port: 2222},
		"2001:db8::10":                  {Host: "2001:db8::10"},
		"[2001:db8::10]":                {Host: "2001:db8::10"},
		"[2001:db8::10]:2222":           {Host: "2001:db8::10", Port: 2222},
		"root@[2001:db8::10]:2222":      {Host: "2001:db8::10", User: "root", Port: 2222},
		"root@2001:db8::10":             {Host: "2001:db8::10", User: "root"},
		"fe80::1%eth0":                  {Host: "fe80::1%eth0"},
		"local":                         {Host: "local"},
		"ops@example.com@rc1":           {Host: "rc1", User: "ops@example.com"},
		// Not addresses: they stay for the validation to judge.
		"rc1:ssh":          {Host: "rc1:ssh"},
		"rc1:0":            {Host: "rc1:0"},
		"rc1:022":          {Host: "rc1:022"},
		"[rc1]:22":         {Host: "[rc1]:22"},
		"[2001:db8::10":    {Host: "[2001:db8::10"},
		"@rc1":             {Host: "@rc1"},
		"http://rc1/":      {Host: "http://rc1"},
		"2001:db8::10:xyz": {Host: "2001:db8::10:xyz"},
		"":                 {},
	} {
		if diff := cmp.Diff(want, ParseAddress(text)); diff != "" {
			t.Errorf("%q:\n%s", text, diff)
		}
	}
}

func TestParseAddresses(t *testing.T) {
	t.Parallel()
	got := ParseAddresses("# our servers\n192.0.2.1, root@192.0.2.2;192.0.2.3\t192.0.2.1\r\n\n[2001:db8::1]:22 # the proxy, 192.0.2.9\n")
	want := []Address{{Host: "192.0.2.1"}, {Host: "192.0.2.2", User: "root"}, {Host: "192.0.2.3"}, {Host: "2001:db8::1", Port: 22}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	// Terminals send the line breaks of a paste as carriage returns.
	if diff := cmp.Diff(want, ParseAddresses("# our servers\r192.0.2.1\rroot@192.0.2.2\r192.0.2.3\r[2001:db8::1]:22 # the proxy")); diff != "" {
		t.Error(diff)
	}
	if got := ParseAddresses(" # nothing\n,;\n"); len(got) > 0 {
		t.Errorf("addresses from nothing: %v", got)
	}
}

func FuzzParseAddresses(f *testing.F) {
	for _, seed := range []string{"root@192.0.2.10:22", "[2001:db8::1]:22, local", "a@b@c:1 # x", "[::1", "ssh://x:99999999999999999999", "\x00", "1.2.3.4\ufeff5"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		addresses := ParseAddresses(text)
		for _, a := range addresses {
			if a.Host == "" && a.User == "" {
				continue
			}
			if again := ParseAddress(a.String()); a.Port != 0 && again != a {
				t.Errorf("%q: %+v is written %q and read %+v", text, a, a, again)
			}
		}
		var a Answers
		q, _ := Find("hosts", a)
		if err := q.Set(&a, text); err != nil {
			t.Fatalf("%q: %v", text, err)
		}
		if len(a.Workspace.Hosts) > len(addresses) {
			t.Errorf("%q: %d hosts of %d addresses", text, len(a.Workspace.Hosts), len(addresses))
		}
		seen := map[string]bool{}
		for _, h := range a.Workspace.Hosts {
			if seen[h.Name] {
				t.Errorf("%q: two hosts are called %q", text, h.Name)
			}
			seen[h.Name] = true
		}
		q.Check(a, text) // judges whatever there is
	})
}

// Hosts that stay when the list changes keep what was said of them.
func TestAddressesChange(t *testing.T) {
	t.Parallel()
	a := four(t)
	answer(t, &a, "hosts[0].private_ip", "10.0.0.1")
	answer(t, &a, "hosts[0].name", "mongo")
	answer(t, &a, "hosts.mongo.ssh_password", "secret")
	answer(t, &a, "hosts.rc1.ssh_password", "another")
	answer(t, &a, "hosts", "192.0.2.1 192.0.2.3 192.0.2.4")
	if got := a.Workspace.HostNames(); cmp.Diff([]string{"mongo", "rc2", "edge"}, got) != "" {
		t.Errorf("the hosts are %v", got)
	}
	if a.Workspace.Hosts[0].PrivateIP != "10.0.0.1" || a.Workspace.Database.Host != "mongo" {
		t.Errorf("what was said of the first is gone: %+v", a.Workspace)
	}
	if diff := cmp.Diff(map[string]workspace.HostSecrets{"mongo": {SSHPassword: "secret"}}, a.Secrets.Hosts); diff != "" {
		t.Errorf("secrets:\n%s", diff)
	}
	answer(t, &a, "hosts[0].address", "192.0.2.99")
	if h := a.Workspace.Hosts[0]; h.PrivateIP != "" || h.Name != "mongo" {
		t.Errorf("another machine, and it has the private address of the one before: %+v", h)
	}
}

func TestHostsAreNamed(t *testing.T) {
	t.Parallel()
	for list, want := range map[string]string{
		"192.0.2.1":                                        "db",
		"192.0.2.1 192.0.2.2":                              "db rc1",
		"192.0.2.1 192.0.2.2 192.0.2.3":                    "db rc1 rc2",
		"192.0.2.1 192.0.2.2 192.0.2.3 192.0.2.4":          "db rc1 rc2 edge",
		"mongo.example.com chat-a.example.com RC1 1.2.3.4": "mongo chat-a rc1 edge",
		"a.example.com a.example.org":                      "a a2",
		"192.0.2.1 db.example.com":                         "host1 db",
	} {
		var a Answers
		answer(t, &a, "hosts", list)
		if got := strings.Join(a.Workspace.HostNames(), " "); got != want {
			t.Errorf("%s: %s, want %s", list, got, want)
		}
	}
}
