package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/rcwizard/rcwizard/check"
	"github.com/rcwizard/rcwizard/remote"
	"github.com/rcwizard/rcwizard/remote/facts"
	"github.com/rcwizard/rcwizard/steps"
	"github.com/rcwizard/rcwizard/ui"
	"github.com/rcwizard/rcwizard/workspace"
)

const (
	// answersWithin bounds the wait for one SSH server, at which a person looks:
	// a packet that was lost has come again twice by then.
	answersWithin = 6 * time.Second
	// inspectWithin bounds one look at a host, jump hosts and all.
	inspectWithin = 25 * time.Second
)

// Inspect implements ui.Backend.
func (b *backend) Inspect(ctx context.Context, d ui.Draft, host string) ui.Inspection {
	ans, err := b.given(d)
	if err != nil {
		return problem(err)
	}
	h, ok := ans.workspace.Host(host)
	if !ok {
		return problem(fmt.Errorf("no host is called %q", host))
	}
	ctx, cancel := context.WithTimeout(ctx, inspectWithin)
	defer cancel()
	c, err := b.connect(ctx, h, ans.all().Hosts[host])
	if err != nil {
		return b.unconnected(h, ans.all().Hosts[host], err)
	}
	seen, err := steps.Inspect(ctx, ans.workspace, ans.all(), c)
	if err != nil {
		b.pool.forget(c) // the next look begins with another connection
		return problem(err)
	}
	needsRoot := seen.Host.RootNeeded == check.Yes || h.Sudo == workspace.SudoPassword
	if wrong := seen.Host.Sudo == check.SudoPasswordWrong; wrong || seen.Host.Sudo == check.SudoPasswordNone && needsRoot {
		return ui.Inspection{Secret: &ui.SecretWanted{Kind: ui.SudoPassword, Of: seen.Facts.User + " on " + host, Wrong: wrong}}
	}
	found := seenOf(ans.workspace, host, seen)
	if over, ok := c.(interface{ Warning() string }); ok && over.Warning() != "" {
		found.Notes = append(found.Notes, over.Warning())
	}
	return ui.Inspection{Seen: found}
}

func problem(err error) ui.Inspection {
	return ui.Inspection{Problem: &ui.Problem{Text: err.Error()}}
}

// unconnected is what came of a connection that could not be made: what a person
// can settle is no problem.
func (b *backend) unconnected(h workspace.Host, s workspace.HostSecrets, err error) ui.Inspection {
	var unknown *remote.UnknownHostKeyError
	var needed *remote.PassphraseNeededError
	var wrong *remote.PassphraseWrongError
	var refused *remote.AuthError
	var dead *remote.ConnectError
	secret := func(kind ui.SecretKind, of string, wrong bool) ui.Inspection {
		return ui.Inspection{Secret: &ui.SecretWanted{Kind: kind, Of: of, Wrong: wrong}}
	}
	switch {
	case errors.As(err, &unknown):
		key := ui.HostKey{Host: h.Name, Address: unknown.Addr, Type: unknown.Key.Type(), Fingerprint: unknown.Fingerprint}
		b.mu.Lock()
		defer b.mu.Unlock()
		b.keys[key] = unknown
		return ui.Inspection{Key: &key}
	case errors.As(err, &wrong):
		return secret(ui.KeyPassphrase, wrong.File, true)
	case errors.As(err, &needed):
		return secret(ui.KeyPassphrase, needed.File, false)
	case errors.As(err, &refused) && (refused.NeedPassword || s.SSHPassword != "" && slices.ContainsFunc(refused.Offered, typedMethod)):
		return secret(ui.SSHPassword, refused.User+" on "+refused.Addr, s.SSHPassword != "")
	case errors.As(err, &refused) && refused.Passphrase != "":
		return secret(ui.KeyPassphrase, refused.Passphrase, false)
	case errors.As(err, &dead) && dead.Hint != "":
		short := *dead
		short.Hint = ""
		return ui.Inspection{Problem: &ui.Problem{Text: short.Error(), Next: dead.Hint}}
	}
	return problem(err)
}

// typedMethod reports whether a way to log in is answered with a password.
func typedMethod(method string) bool { return method == "password" || method == "keyboard-interactive" }

// AcceptKey implements ui.Backend.
func (b *backend) AcceptKey(_ context.Context, key ui.HostKey) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	unknown, ok := b.keys[key]
	if !ok {
		return fmt.Errorf("the key %s of %s was not shown by any host: look at the host again", key.Fingerprint, key.Address)
	}
	// Several hosts may be waiting for one jump host, whose key is taken once.
	key.Host = ""
	if b.accepted[key] {
		return nil
	}
	if err := unknown.Trust(""); err != nil {
		return fmt.Errorf("accept the key of %s: %w", unknown.Host, err)
	}
	b.accepted[key] = true
	return nil
}

// seenOf is what a look found, for people.
func seenOf(w workspace.Workspace, host string, i steps.Inspection) *ui.Seen {
	f := i.Facts
	s := &ui.Seen{
		Hostname: f.Hostname, System: distribution(f.OS), Arch: f.Machine, Cores: f.CPUs,
		Memory: uint64(max(f.MemoryTotal, 0)), DiskFree: uint64(max(f.DockerDisk.Free, 0)),
		Private: privateAddresses(f.Addresses),
		Docker:  cmp.Or(i.Host.Docker.Engine, f.Docker.CLI), Compose: f.Docker.Compose, Git: f.Git,
	}
	for _, found := range check.Hosts(w, check.Evidence{Hosts: map[string]check.Host{host: i.Host}}) {
		if found.Host == host && found.Verdict == check.Fail {
			next := found.Do
			if len(found.Commands) > 0 { // there is no room for them here
				next = "The Check page has the lines to type for it."
			}
			s.Lacks = append(s.Lacks, ui.Problem{Text: found.Title, Next: next})
		}
	}
	roles := make([]string, 0, 3)
	for _, role := range steps.RolesOf(i.Deployed) {
		roles = append(roles, string(role))
	}
	s.Role = strings.Join(roles, ", ")
	return s
}

// distribution is an operating system in two words.
func distribution(os facts.OS) string {
	name, ok := map[string]string{
		"debian": "Debian", "ubuntu": "Ubuntu", "rhel": "RHEL", "rocky": "Rocky Linux", "almalinux": "AlmaLinux",
		"centos": "CentOS", "fedora": "Fedora", "opensuse-leap": "openSUSE Leap", "sles": "SLES", "amzn": "Amazon Linux",
		"alpine": "Alpine", "ol": "Oracle Linux", "raspbian": "Raspbian",
	}[os.ID]
	if !ok || os.Version == "" {
		return cmp.Or(os.Pretty, os.ID)
	}
	return name + " " + os.Version
}

// privateAddresses are the addresses of a host by which others may reach it:
// those of private networks first, IPv4 before IPv6. Bridges of containers lead
// nowhere but into the host.
func privateAddresses(all []facts.Address) []string {
	var addrs []netip.Addr
	for _, a := range all {
		addr := a.Prefix.Addr().Unmap()
		bridge := slices.ContainsFunc([]string{"docker", "br-", "veth", "virbr", "cni", "podman", "lxc"}, func(p string) bool { return strings.HasPrefix(a.Interface, p) })
		if bridge || !addr.IsGlobalUnicast() || slices.Contains(addrs, addr) {
			continue
		}
		addrs = append(addrs, addr)
	}
	rank := func(a netip.Addr) int {
		r := 0
		if !a.IsPrivate() {
			r += 2
		}
		if a.Is6() {
			r++
		}
		return r
	}
	slices.SortStableFunc(addrs, func(x, y netip.Addr) int { return rank(x) - rank(y) })
	out := make([]string, 0, len(addrs))
	for _, a := range addrs {
		out = append(out, a.String())
	}
	return out
}
