package steps

import (
	"context"
	"encoding/base64"
	"errors"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/rcwizard/rcwizard/check"
	"github.com/rcwizard/rcwizard/remote"
	"github.com/rcwizard/rcwizard/remote/remotetest"
	"github.com/rcwizard/rcwizard/workspace"
)

// firewallHost answers scripts by what they hold, and keeps them in order.
type firewallHost struct {
	remotetest.Fake

	answers map[string]remote.Result
	ran     []string
	args    map[string][]string
	stdin   map[string]string
}

func newFirewallHost(answers map[string]remote.Result) *firewallHost {
	f := &firewallHost{answers: answers, args: map[string][]string{}, stdin: map[string]string{}}
	f.Label = "db"
	f.OnRun = func(_ context.Context, c remote.Command, stdin string) (remote.Result, error) {
		if !c.Root {
			return remote.Result{}, errors.New("a firewall was asked without root")
		}
		f.ran = append(f.ran, c.Script)
		f.args[c.Script], f.stdin[c.Script] = c.Args, stdin
		for part, answer := range f.answers {
			if strings.Contains(c.Script, part) {
				return answer, nil
			}
		}
		return remote.Result{}, nil
	}
	return f
}

func TestFirewallRefused(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		fw   check.Firewall
		want string
	}{
		{check.Firewall{Active: []check.FirewallKind{check.UFW}}, "root alone"},
		{check.Firewall{Seen: true}, "turns none on"},
		{check.Firewall{Seen: true, Active: []check.FirewallKind{check.UFW, check.Firewalld}}, "both active"},
		{check.Firewall{Seen: true, Active: []check.FirewallKind{check.IPTables}}, "iptables has no file"},
		{check.Firewall{Seen: true, Active: []check.FirewallKind{check.NFTables}}, "in which chain"},
		{check.Firewall{Seen: true, Active: []check.FirewallKind{check.NFTables}, Chains: []string{"inet filter input"}}, "systemctl enable nftables"},
	} {
		h := newFirewallHost(nil)
		_, err := PlanFirewall(t.Context(), h, workspace.Workspace{}, nil, test.fw)
		refused, ok := errors.AsType[*FirewallRefusedError](err)
		if !ok || !strings.Contains(refused.Reason, test.want) || refused.None != (test.want == "turns none on") || len(h.ran) > 0 {
			t.Errorf("%+v: %v, ran %q", test.fw, err, h.ran)
		}
	}
}

func firewallWorkspace() workspace.Workspace {
	return workspace.Workspace{
		Hosts:     []workspace.Host{{Name: "db", Address: "10.0.0.10", PrivateIP: "10.0.0.10"}, {Name: "rc1", Address: "10.0.0.11", PrivateIP: "10.0.0.11"}},
		Database:  workspace.Database{Host: "db"},
		Proxy:     workspace.Proxy{Host: "db"},
		Instances: []workspace.Instance{{Host: "rc1"}},
	}.Complete()
}

// What a file that is loaded at boot does not make, a line at its end cannot
// add to.
func TestFirewallFileWithoutTheChain(t *testing.T) {
	t.Parallel()
	w := firewallWorkspace()
	fw := check.Firewall{Seen: true, Active: []check.FirewallKind{check.NFTables}, Chains: []string{"inet lab input"}, File: "/etc/nftables.conf"}
	answers := map[string]remote.Result{"nft -c -f -": {Code: 1, Stderr: "No such file or directory"}}
	h := newFirewallHost(answers)
	_, err := PlanFirewall(t.Context(), h, w, check.Edges(w), fw)
	if refused, ok := errors.AsType[*FirewallRefusedError](err); !ok || !strings.Contains(refused.Reason, "/etc/nftables.conf, which is loaded at boot, does not make the chain") {
		t.Errorf("%v", err)
	}
	if at := slices.IndexFunc(h.ran, func(s string) bool { return strings.Contains(s, "nft -c") }); at < 0 || !strings.Contains(h.stdin[h.ran[at]], "insert rule inet lab input ip saddr 10.0.0.11") {
		t.Errorf("asked nft about %q", h.stdin)
	}
	delete(answers, "nft -c -f -")
	answers["base64 <"] = remote.Result{Stdout: "there " + base64.StdEncoding.EncodeToString([]byte("old\n")) + "\n"}
	c, err := PlanFirewall(t.Context(), newFirewallHost(answers), w, check.Edges(w), fw)
	if err != nil || len(c.Apply) == 0 || len(c.Files) != 1 || string(c.Files[0].Content) != "old\n" {
		t.Errorf("%+v, %v", c, err)
	}
}

func TestFirewallApply(t *testing.T) {
	t.Parallel()
	c := check.AppliedChange{
		FirewallChange: check.FirewallChange{Host: "db", Firewall: check.UFW, Apply: []string{"ufw a"}, Undo: []string{"ufw b"}},
		Files:          []check.KeptFile{{Path: "/etc/ufw/user.rules", There: true, Content: []byte("x")}},
	}
	lost := errors.New("no way to the host")
	for _, test := range []struct {
		name               string
		old                map[string]remote.Result
		again              error
		confirm            remote.Result
		confirmed, asItWas bool
		reconnects         int
	}{
		{"well", nil, nil, remote.Result{}, true, false, 1},
		{"the lines fail", map[string]remote.Result{"setsid": {Code: 70, Stderr: "ERROR: bad port"}}, nil, remote.Result{}, false, true, 0},
		{"no way back", nil, lost, remote.Result{}, false, true, 1},
		{"the host was faster", map[string]remote.Result{"echo decided": {Stdout: "decided\n"}}, lost, remote.Result{}, false, false, 1},
		{"too late", nil, nil, remote.Result{Code: 75, Stderr: "the host has taken the change back"}, false, true, 1},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			answers := map[string]remote.Result{"sha256sum": {Stdout: "feed\n"}}
			maps.Copy(answers, test.old)
			h, reconnects := newFirewallHost(answers), 0
			done, err := ApplyFirewall(t.Context(), h, c, FirewallProof{Within: time.Minute, Reconnect: func(context.Context) (remote.Host, error) {
				reconnects++
				if test.again != nil {
					return nil, test.again
				}
				return newFirewallHost(map[string]remote.Result{"decided": test.confirm}), nil
			}})
			if done.Confirmed != test.confirmed || errors.Is(err, ErrFirewallAsBefore) != test.asItWas || (err == nil) != test.confirmed || reconnects != test.reconnects {
				t.Errorf("confirmed %t, reconnected %d times, %v", done.Confirmed, reconnects, err)
			}
			if test.again != nil && !errors.Is(err, lost) {
				t.Errorf("the reason is lost: %v", err)
			}
			if test.confirmed && done.Files[0].After != "feed" {
				t.Errorf("%+v", done.Files)
			}
			if args := h.args[applyScript]; len(args) != 6 || args[1] != "60" || args[2] != "ufw a" || !strings.Contains(args[3], "\nufw b\nback 1 '/etc/ufw/user.rules'\n") {
				t.Errorf("%q", args)
			}
		})
	}
}

func TestFirewallUndo(t *testing.T) {
	t.Parallel()
	change := func(kind check.FirewallKind, undo ...string) check.AppliedChange {
		return check.AppliedChange{
			FirewallChange: check.FirewallChange{Host: "db", Firewall: kind, Undo: undo, Places: []string{"public"}},
			Before:         "as it was", Confirmed: true,
			Files: []check.KeptFile{{Path: "/etc/rules", There: true, Content: []byte("old"), After: "feed"}},
		}
	}
	unproven := change(check.UFW, "ufw b")
	unproven.Confirmed, unproven.Files[0].After = false, ""
	other := check.Firewall{Seen: true, Active: []check.FirewallKind{check.NFTables}}
	for _, test := range []struct {
		name         string
		change       check.AppliedChange
		alive, sum   string
		lines        []string
		back, failed bool
		notes        string
	}{
		{"as left", change(check.UFW, "ufw b"), "active", "feed", []string{"ufw b"}, true, false, ""},
		{"file edited", change(check.UFW, "ufw b"), "active", "beef", []string{"ufw b"}, false, false, "/etc/rules was changed by somebody else"},
		{"never proven", unproven, "active", sum([]byte("old")), []string{"ufw b"}, false, false, ""},
		{"never proven, file edited", unproven, "active", "beef", []string{"ufw b"}, false, false, "/etc/rules is not as it was before the change"},
		{"ufw off", change(check.UFW, "ufw b"), "inactive", "feed", []string{"ufw b"}, true, false, "nftables is active now and was not touched"},
		{"ufw gone", change(check.UFW, "ufw b"), "gone", "feed", nil, true, false, "ufw is no longer installed"},
		{"ufw gone, file edited", change(check.UFW, "ufw b"), "gone", "beef", nil, false, true, "no longer installed"},
		{"firewalld off", change(check.Firewalld, "firewall-cmd x", "firewall-cmd --permanent x"), "inactive", "feed", []string{"firewall-offline-cmd x"}, true, false, "no longer active"},
		{"firewalld gone", change(check.Firewalld, "firewall-cmd x"), "gone", "feed", nil, true, false, "no longer installed"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			h := newFirewallHost(map[string]remote.Result{
				"command -v nft": {Stdout: test.alive + "\n"}, "sha256sum": {Stdout: test.sum + "\n"},
				"ufw status verbose": {Stdout: "as it was"}, "--list-all": {Stdout: "as it was"},
			})
			got, err := UndoFirewall(t.Context(), h, test.change, other)
			if (err != nil) != test.failed || !slices.Equal(h.args[eachScript], test.lines) {
				t.Errorf("%v; lines %q", err, h.args[eachScript])
			}
			if _, back := h.args[putBackScript]; back != test.back {
				t.Errorf("the file was put back: %t", back)
			}
			if notes := strings.Join(got.Notes, "\n"); !strings.Contains(notes, test.notes) || test.notes == "" && notes != "" {
				t.Errorf("notes %q", notes)
			}
			if want := test.alive != "gone" && (test.alive == "active" || test.change.Firewall == check.UFW); got.Same != want {
				t.Errorf("same: %t", got.Same)
			}
		})
	}
}
