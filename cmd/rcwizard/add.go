package main

import (
	"cmp"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/rcwizard/rcwizard/steps"
	"github.com/rcwizard/rcwizard/workspace"
	"github.com/rcwizard/rcwizard/workspace/question"
	"github.com/rcwizard/rcwizard/workspace/state"
)

func (a *app) addCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "add-instance HOST...",
		Short: "Add an instance to a cluster that people are using",
		Long: `Add an instance to a cluster that people are using: on each HOST, which is new
([user@]address[:port]), or has room for one more (its name or address). What is
new is checked; the instance starts, registers and answers with the release that
the others run; only then does the proxy send people to it, and Prometheus watch
it. Nothing else on any host is touched; what this rcwizard would write there
today is shown. When it fails, the cluster is as it was, and the command can be
given again. A new host is logged in to as the others are, where those agree.`,
		Args: func(_ *cobra.Command, args []string) error {
			if len(addressesIn(args)) == 0 {
				return usage(errors.New("add-instance needs a host: rcwizard add-instance root@192.0.2.14"))
			}
			return nil
		},
	}
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		ans, err := a.ofState()
		if err != nil {
			return err
		}
		if err := knownDockerSource(a.config.GetString("install-docker")); err != nil {
			return err
		}
		c := &alteration{app: a, verb: steps.PlanAdd, adds: true, drain: takeBackDrain}
		if err := a.extend(c, ans, addressesIn(args)); err != nil {
			return err
		}
		c.ans.again = a.sameCommand(cmd, args)
		if c.skips, err = a.skips(c.ans); err != nil {
			return err
		}
		return c.carry(cmd.Context())
	}
	instanceFlags(cmd)
	f := cmd.Flags()
	f.StringSlice("name", nil, "`NAME` of the new host and so of its instance, or of one more on a host; one for each HOST")
	f.StringSlice("private-ip", nil, "`ADDRESS` by which the other hosts reach the new one; one for each new HOST")
	f.String("identity-file", "", "private key `FILE` for the new hosts")
	f.String("proxy-jump", "", "jump host `[USER@]HOST[:PORT]` to the new hosts")
	releaseFlags(cmd)
	skipFlag(cmd)
	f.String("install-docker", "", "install Docker on a new host that has none, from `SOURCE`: distribution, or docker for Docker's own repository")
	f.Bool("overwrite-edited", false, "write over files that lie where the new instance's go")
	return cmd
}

// addressesIn are the hosts that a command names. One that is named twice gets two
// instances.
func addressesIn(args []string) []question.Address {
	out := make([]question.Address, 0, len(args))
	for _, arg := range args {
		out = append(out, question.ParseAddresses(arg)...)
	}
	return out
}

// takeBackDrain is how long an instance that is taken back goes on after the
// proxy sends nobody there: hardly anybody can be with it.
const takeBackDrain = 2 * time.Second

// sameCommand is the command as it was given, for a shell. Where Rocket.Chat's own
// files are fetched from is left out: they are kept, and the address may have a
// password in it. So is where a release is looked up, unless nothing is.
func (a *app) sameCommand(cmd *cobra.Command, args []string) string {
	words := []string{"rcwizard", cmd.Name()}
	for _, arg := range args {
		words = append(words, word(arg))
	}
	cmd.Flags().Visit(func(f *pflag.Flag) {
		value := f.Value.String()
		if f.Name == mirrorName || f.Name == releasesName && value != noReleases {
			return
		}
		if list, ok := f.Value.(pflag.SliceValue); ok {
			value = strings.Join(list.GetSlice(), ",")
		}
		switch {
		case f.Value.Type() != "bool":
			words = append(words, "--"+f.Name, word(value))
		case value == "true":
			words = append(words, "--"+f.Name)
		default:
			words = append(words, "--"+f.Name+"="+value)
		}
	})
	return strings.Join(words, " ")
}

// extend finds out which instances come where, and what the workspace is with
// them.
func (a *app) extend(c *alteration, ans answers, addresses []question.Address) error {
	cut, err := underWay(ans)
	if err != nil {
		return err
	}
	if cut != nil && same(*cut, addresses) {
		return a.addOn(c, ans, *cut)
	}
	c.ans, c.without, c.underWay = ans, ans.workspace, cut
	names, ips := a.config.GetStringSlice("name"), a.config.GetStringSlice("private-ip")
	if len(names) > len(addresses) || len(ips) > len(addresses) {
		return usage(fmt.Errorf("--name and --private-ip have one value for each HOST, and there are %d", len(addresses)))
	}
	w := ans.workspace.Clone()
	known := len(w.Instances)
	fresh := 0
	for n, address := range addresses {
		name := at(names, n)
		if known, there := question.Meant(w, address); there {
			h := w.Hosts[known]
			if n < len(ips) && ips[n] != "" {
				return usage(fmt.Errorf("%s is a host of the workspace already, with the private address %s: leave --private-ip out", h.Name, h.PrivateIP))
			}
			w.Instances = append(w.Instances, workspace.Instance{Name: name, Host: h.Name})
			continue
		}
		h, err := a.newHost(w, address, name, at(ips, n))
		if err != nil {
			return err
		}
		fresh++
		w.Hosts = append(w.Hosts, h)
		w.Instances = append(w.Instances, workspace.Instance{Host: h.Name})
	}
	if fresh == 0 && len(ips) > 0 {
		return usage(errors.New("--private-ip is for new hosts"))
	}
	w = w.Complete()
	if err := w.Validate().Err(); err != nil {
		return usage(err)
	}
	for _, i := range w.Instances[known:] {
		c.names = append(c.names, i.Name)
	}
	c.ans.workspace = w
	return nil
}

// addOn goes on with an addition to the same hosts, which was cut.
func (a *app) addOn(c *alteration, ans answers, cut state.Alteration) error {
	on, err := a.cutAlteration(ans, cut)
	if err != nil {
		return err
	}
	for n, name := range a.config.GetStringSlice("name") {
		if name != "" && name != at(cut.Instances, n) {
			back := on.commandFor("remove-instance", cut.Instances[0])
			return usage(fmt.Errorf("%s was cut, under this name: go on without --name %s, or take it back first: %s", doing(cut), name, back))
		}
	}
	a.sayf("going on with %s, which was being added\n", strings.Join(cut.Instances, ", "))
	*c = *on
	return nil
}

func at(list []string, n int) string {
	if n < len(list) {
		return list[n]
	}
	return ""
}

// newHost is a host as a person named it. What is not said of the login is as for
// the others, where they all agree.
func (a *app) newHost(w workspace.Workspace, address question.Address, name, ip string) (workspace.Host, error) {
	answers := question.Answers{Workspace: w}
	question.Join(&answers, []question.Address{address})
	h := answers.Workspace.Hosts[len(answers.Workspace.Hosts)-1]
	h.Name, h.PrivateIP = cmp.Or(name, h.Name), ip
	if h.Local() {
		return h, nil
	}
	h.SSH.IdentityFile = cmp.Or(a.config.GetString("identity-file"), h.SSH.IdentityFile)
	h.SSH.ProxyJump = cmp.Or(a.config.GetString("proxy-jump"), h.SSH.ProxyJump)
	if file, ok := strings.CutPrefix(h.SSH.IdentityFile, "~/"); ok {
		h.SSH.IdentityFile = filepath.Join(a.home, file)
	}
	if h.SSH.IdentityFile != "" {
		file, err := filepath.Abs(h.SSH.IdentityFile)
		if err != nil {
			return h, fmt.Errorf("find --identity-file: %w", err)
		}
		h.SSH.IdentityFile = file
	}
	if ip == "" && slices.ContainsFunc(w.Hosts, func(o workspace.Host) bool { return o.PrivateIP != "" && o.PrivateIP != o.Address }) {
		return h, usage(fmt.Errorf("by which address do the other hosts reach %s? They have private addresses of their own: give it with --private-ip", address.Host))
	}
	return h, nil
}
