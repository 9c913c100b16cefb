package main

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"slices"
	"strings"
	"sync"

	"github.com/spf13/cobra"

	"github.com/rcwizard/rcwizard/cluster"
	"github.com/rcwizard/rcwizard/remote"
	"github.com/rcwizard/rcwizard/steps"
	"github.com/rcwizard/rcwizard/workspace"
)

func connectFlags(cmd *cobra.Command) {
	f := cmd.Flags()
	f.Bool("accept-new-host-keys", false, "trust a host that is seen for the first time; a changed key is refused all the same")
	f.String("known-hosts", "", "`FILE` of known host keys (default: what the SSH configuration says)")
	f.String("ssh-config", "", "SSH configuration `FILE` (default: the user's and the system's; none reads nothing)")
}

// site connects to every host of the workspace and gives the plans what they
// work with. disconnect ends the connections.
func (a *app) site(ctx context.Context, ans answers) (s *steps.Site, disconnect func(), err error) {
	tree, err := a.renderTree(ctx, ans)
	if err != nil {
		return nil, nil, err
	}
	s, disconnect, err = a.seen(ctx, ans)
	if err != nil {
		return nil, nil, err
	}
	s.Tree = tree
	return s, disconnect, nil
}

// seen is site for who only looks at what runs: nothing is rendered, so neither
// Rocket.Chat's own files nor certificates are needed on this machine.
func (a *app) seen(ctx context.Context, ans answers) (s *steps.Site, disconnect func(), err error) {
	roots, err := trust(ans.workspace)
	if err != nil {
		return nil, nil, err
	}
	a.redactor.Add(ans.all().Values()...)
	hosts, err := a.connect(ctx, &ans)
	if err != nil {
		return nil, nil, err
	}
	s = &steps.Site{Workspace: ans.workspace, Secrets: ans.all(), Hosts: hosts, Version: a.build.Version}
	s.View = a.view(ans.workspace, hosts, roots)
	return s, func() { closeAll(hosts) }, nil
}

// connect opens all connections at once. What only a person can settle, new
// host keys and passwords, is settled for all hosts together, and the hosts
// that waited for it are tried again.
func (a *app) connect(ctx context.Context, ans *answers) (map[string]remote.Host, error) {
	connected := make(map[string]remote.Host)
	waiting := ans.workspace.Hosts
	// A host that does not answer takes its time: nobody is to look at nothing.
	a.sayf("connecting to %s\n", hostCount(len(waiting)))
	for {
		failed := a.connectAll(ctx, *ans, waiting, connected)
		if len(failed) == 0 {
			return connected, nil
		}
		again, err := a.settle(ctx, ans, failed)
		if err != nil {
			closeAll(connected)
			return nil, err
		}
		waiting = again
	}
}

func hostCount(n int) string {
	if n == 1 {
		return "1 host"
	}
	return fmt.Sprintf("%d hosts", n)
}

// unreachable is a host that could not be connected to.
type unreachable struct {
	host workspace.Host
	err  error
}

func (a *app) connectAll(ctx context.Context, ans answers, hosts []workspace.Host, into map[string]remote.Host) []unreachable {
	var mu sync.Mutex
	var failed []unreachable
	var all sync.WaitGroup
	for _, h := range hosts {
		all.Go(func() {
			c, err := a.open(ctx, ans, h)
			mu.Lock()
			defer mu.Unlock()
			if err != nil {
				failed = append(failed, unreachable{h, err})
				return
			}
			into[h.Name] = c
		})
	}
	all.Wait()
	slices.SortFunc(failed, func(x, y unreachable) int { return cmp.Compare(x.host.Name, y.host.Name) })
	return failed
}

func (a *app) open(ctx context.Context, ans answers, h workspace.Host) (remote.Host, error) {
	secrets := ans.all().Hosts[h.Name]
	if h.Local() {
		return a.local(h, secrets), nil
	}
	c, err := remote.Connect(ctx, a.target(h, secrets))
	if err != nil {
		return nil, err //nolint:wrapcheck // it names the host, what happened and what to do
	}
	if w := c.Warning(); w != "" {
		a.sayf("warning: %s: %s\n", h.Name, w)
	}
	return c, nil
}

// local is this machine as a host.
func (a *app) local(h workspace.Host, s workspace.HostSecrets) remote.Host {
	return remote.Local(h.Name, remote.LocalOptions{Sudo: sudoMode(h.Sudo), SudoPassword: s.SudoPassword, Redactor: a.redactor})
}

func sudoMode(s workspace.Sudo) remote.SudoMode {
	return map[workspace.Sudo]remote.SudoMode{
		workspace.SudoAuto: remote.SudoAuto, workspace.SudoNever: remote.SudoOff, workspace.SudoPassword: remote.SudoPassword,
	}[s]
}

// target is where a host is and how to get in.
func (a *app) target(h workspace.Host, s workspace.HostSecrets) remote.Target {
	t := remote.Target{
		Name: h.Name, Address: h.Address, User: h.SSH.User, Port: h.SSH.Port,
		IdentityFile: h.SSH.IdentityFile, ProxyJump: h.SSH.ProxyJump, HostKey: h.SSH.HostKey,
		AcceptNew: a.config.GetBool("accept-new-host-keys"),
		SSHConfig: a.config.GetString("ssh-config"),
		Auth:      remote.Auth{AgentSocket: a.sys.env("SSH_AUTH_SOCK"), Password: s.SSHPassword, KeyPassphrase: s.KeyPassphrase},
		Sudo:      sudoMode(h.Sudo), SudoPassword: s.SudoPassword, Redactor: a.redactor,
		OnState: a.links.watch(h.Name),
	}
	if file := a.config.GetString("known-hosts"); file != "" {
		t.KnownHosts = []string{file}
	}
	return t
}

// unreachableError is every host that could not be connected to, each with its
// name, what happened, and what to do.
type unreachableError struct{ hosts []error }

// Error is the one, or their number and all of them, indented below.
func (e *unreachableError) Error() string {
	if len(e.hosts) == 1 {
		return e.hosts[0].Error()
	}
	var b strings.Builder
	fmt.Fprintf(&b, "%d hosts cannot be reached:", len(e.hosts))
	for _, err := range e.hosts {
		b.WriteString("\n  " + strings.ReplaceAll(err.Error(), "\n", "\n    "))
	}
	return b.String()
}

func (e *unreachableError) Unwrap() []error { return e.hosts }

// settle asks the person what hosts could not be connected to for. It returns
// the hosts to be tried again, or all that went wrong at once.
func (a *app) settle(ctx context.Context, ans *answers, failed []unreachable) ([]workspace.Host, error) {
	var keys []*remote.UnknownHostKeyError
	var wrong []error
	var again []workspace.Host
	ask := a.sys.interactive && !a.config.GetBool("yes") && ctx.Err() == nil
	for _, f := range failed {
		var unknown *remote.UnknownHostKeyError
		switch {
		case !ask:
			wrong = append(wrong, withAnswer(f))
		case errors.As(f.err, &unknown):
			// Several hosts may be waiting for one jump host.
			if !slices.ContainsFunc(keys, func(k *remote.UnknownHostKeyError) bool {
				return k.Addr == unknown.Addr && k.Fingerprint == unknown.Fingerprint
			}) {
				keys = append(keys, unknown)
			}
			again = append(again, f.host)
		default:
			asked, err := a.askSecret(ans, f)
			if err != nil {
				return nil, err
			}
			if !asked {
				wrong = append(wrong, withAnswer(f))
				continue
			}
			again = append(again, f.host)
		}
	}
	if len(wrong) > 0 {
		return nil, &unreachableError{wrong}
	}
	return again, a.acceptKeys(keys)
}

// withAnswer says which answer would have let a run without a person go on.
func withAnswer(f unreachable) error {
	var unknown *remote.UnknownHostKeyError
	var changed *remote.ChangedHostKeyError
	var passphrase *remote.PassphraseNeededError
	var wrong *remote.PassphraseWrongError
	var refused *remote.AuthError
	switch {
	case errors.As(f.err, &changed) && len(changed.Known) == 1 && changed.Known[0].File == "":
		return fmt.Errorf("%w as ssh.host_key of the host %s", f.err, f.host.Name)
	case errors.As(f.err, &unknown) && unknown.Host != f.host.Name:
		return fmt.Errorf("%w: it is the jump host of %s: log in to it once with ssh, or give --accept-new-host-keys", f.err, f.host.Name)
	case errors.As(f.err, &unknown):
		return fmt.Errorf("%w: set ssh.host_key of the host %s to %s, or give --accept-new-host-keys", f.err, f.host.Name, unknown.Fingerprint)
	case errors.As(f.err, &refused) && refused.NeedPassword:
		return fmt.Errorf("%w: a password goes into hosts.%s.ssh_password in secrets.yaml", f.err, f.host.Name)
	case errors.As(f.err, &wrong):
		return fmt.Errorf("%w: correct hosts.%s.key_passphrase in secrets.yaml", f.err, f.host.Name)
	case errors.As(f.err, &passphrase):
		return fmt.Errorf("%w: set hosts.%s.key_passphrase in secrets.yaml", f.err, f.host.Name)
	}
	return f.err
}

// acceptKeys shows all new fingerprints at once and takes them with one yes.
func (a *app) acceptKeys(keys []*remote.UnknownHostKeyError) error {
	if len(keys) == 0 {
		return nil
	}
	a.sayf("These hosts are seen for the first time:\n")
	for _, k := range keys {
		a.sayf("  %-12s %-22s %-8s %s\n", k.Host, k.Addr, k.Type, k.Fingerprint)
	}
	yes, err := a.ask("Are these their keys?")
	if err != nil {
		return err
	}
	if !yes {
		return &exitError{code: exitUsage, err: errors.New("host keys not accepted: nothing was sent to the hosts")}
	}
	for _, k := range keys {
		if err := k.Trust(""); err != nil {
			return fmt.Errorf("accept the key of %s: %w", k.Host, err)
		}
	}
	return nil
}

// askSecret asks for the passphrase or password that a host wants, once for
// each kind; it is kept for this run alone.
func (a *app) askSecret(ans *answers, f unreachable) (bool, error) {
	var passphrase *remote.PassphraseNeededError
	var refused *remote.AuthError
	s := ans.all().Hosts[f.host.Name]
	var prompt string
	var field *string
	switch {
	case errors.As(f.err, &passphrase) && s.KeyPassphrase == "":
		prompt, field = "Passphrase of "+passphrase.File, &s.KeyPassphrase
	case errors.As(f.err, &refused) && refused.NeedPassword && s.SSHPassword == "":
		prompt, field = fmt.Sprintf("Password of %s on %s", f.host.SSH.User, f.host.Name), &s.SSHPassword
	default:
		return false, nil
	}
	typed, err := a.secret(prompt)
	if err != nil {
		return false, err
	}
	*field = typed
	ans.remember(f.host.Name, s)
	return typed != "", nil
}

// secret asks for one secret without showing it.
func (a *app) secret(prompt string) (string, error) {
	typed, err := a.sys.password(prompt + ": ")
	if err != nil {
		return "", fmt.Errorf("read the answer: %w", err)
	}
	a.redactor.Add(string(typed))
	return string(typed), nil
}

// askSudo asks for the sudo passwords that the workspace wants and nobody gave.
func (a *app) askSudo(ans *answers) error {
	if !a.sys.interactive || a.config.GetBool("yes") {
		return nil
	}
	for _, h := range ans.workspace.Hosts {
		s := ans.all().Hosts[h.Name]
		if h.Sudo != workspace.SudoPassword || s.SudoPassword != "" {
			continue
		}
		typed, err := a.secret(fmt.Sprintf("Password of %s for sudo on %s", h.SSH.User, h.Name))
		if err != nil {
			return err
		}
		s.SudoPassword = typed
		ans.remember(h.Name, s)
	}
	return nil
}

func closeAll(hosts map[string]remote.Host) {
	var all sync.WaitGroup
	for _, h := range hosts {
		all.Go(func() { _ = h.Close() })
	}
	all.Wait()
}

// view is how the cluster is looked at: through connected hosts, and from this
// machine as a user with this trust does.
func (a *app) view(w workspace.Workspace, hosts map[string]remote.Host, trust *tls.Config) cluster.View {
	v := steps.ViewFrom(w, hosts, (&net.Dialer{}).DialContext, trust)
	v.Resume = a.resumeWith(w.Name)
	return v
}
