package steps

import (
	"context"
	"errors"
	"maps"
	"path"
	"slices"
	"strings"

	"github.com/rcwizard/rcwizard/check"
	"github.com/rcwizard/rcwizard/remote"
	"github.com/rcwizard/rcwizard/remote/facts"
	"github.com/rcwizard/rcwizard/render"
	"github.com/rcwizard/rcwizard/workspace"
)

// unconnected tells why a host has no connection; nil: it was not tried.
func unconnected(err error) check.Host {
	var unknown *remote.UnknownHostKeyError
	var changed *remote.ChangedHostKeyError
	var revoked *remote.RevokedHostKeyError
	var refused *remote.AuthError
	var passphrase *remote.PassphraseNeededError
	var wrong *remote.PassphraseWrongError
	var dead *remote.ConnectError
	if err == nil {
		return check.Host{}
	}
	h := check.Host{Connection: check.ConnFailed, Detail: err.Error()}
	switch {
	case errors.As(err, &unknown):
		h.Connection, h.Fingerprint = check.ConnKeyUnknown, unknown.Fingerprint
	case errors.As(err, &changed):
		h.Connection, h.Fingerprint = check.ConnKeyChanged, changed.Fingerprint
	case errors.As(err, &revoked):
		h.Connection, h.Fingerprint = check.ConnKeyChanged, revoked.Fingerprint
	case errors.As(err, &refused), errors.As(err, &passphrase), errors.As(err, &wrong):
		h.Connection = check.ConnAuth
	case errors.As(err, &dead) && dead.Kind != remote.DialFailed:
		h.Connection = check.ConnUnreachable
	}
	return h
}

// hostOf is what the host said of itself with one script.
func hostOf(f facts.Facts) check.Host {
	h := check.Host{
		Connection: check.Connected, User: f.User, OS: f.OS.Pretty, Machine: f.Machine, CPUs: f.CPUs, AVX: check.NotKnown,
		MemoryTotal: f.MemoryTotal, Tools: f.Tools, SELinux: f.SELinux, Git: f.Git, GitAsked: true,
		Disk: diskOf(f.Disk), DockerDisk: diskOf(f.DockerDisk), MachineID: f.MachineID, BootID: f.BootID,
		ClockKnown: !f.Clock.IsZero() && f.OffsetError > 0, ClockOffset: f.Offset, ClockError: f.OffsetError,
	}
	if f.CPUKnown {
		h.AVX = yesNo(f.AVX)
	}
	if h.SELinux == "" {
		h.SELinux = "none"
	}
	for _, a := range f.Addresses {
		h.Addresses = append(h.Addresses, a.Prefix.Addr().Unmap())
	}
	h.Firewall.Seen = f.FirewallSeen
	for _, name := range f.Firewalls {
		h.Firewall.Active = append(h.Firewall.Active, check.FirewallKind(name))
	}
	for _, program := range []struct {
		tool string
		kind check.FirewallKind
	}{{"ufw", check.UFW}, {"firewall-cmd", check.Firewalld}, {"iptables", check.IPTables}, {"nft", check.NFTables}} {
		if f.Tools[program.tool] {
			h.Firewall.Installed = append(h.Firewall.Installed, program.kind)
		}
	}
	return h
}

func diskOf(d facts.Disk) check.Disk {
	return check.Disk{Mount: d.Mount, Size: d.Size, Free: d.Free, Inodes: d.Inodes, InodesFree: d.InodesFree}
}

func yesNo(yes bool) check.Answer {
	if yes {
		return check.Yes
	}
	return check.No
}

// writableScript tells whether the login may write where a directory is, or
// will be made.
const writableScript = `
d=$1
while [ -n "$d" ] && [ ! -e "$d" ]; do d=${d%/*}; done
[ -w "${d:-/}" ] && echo yes || echo no
`

// sudo finds out whether the login becomes root, and whether it has to.
func (l *looker) sudo(ctx context.Context, h remote.Host, f facts.Facts, seen *check.Host) {
	wanted, _ := l.s.Workspace.Host(h.Name())
	switch {
	case f.Sudo == facts.SudoRoot:
		seen.Sudo = check.SudoRoot
	case wanted.Sudo == workspace.SudoNever, f.Sudo == facts.SudoNo, f.Sudo == facts.SudoNone:
		seen.Sudo = check.SudoNo
	case f.Sudo == facts.SudoFree:
		seen.Sudo = check.SudoFree
	case f.Sudo == facts.SudoPassword && l.s.Secrets.Hosts[h.Name()].SudoPassword == "":
		seen.Sudo = check.SudoPasswordNone
	case f.Sudo == facts.SudoPassword:
		_, err := h.Run(ctx, remote.Command{Script: ":", Root: true})
		refused, ok := errors.AsType[*remote.SudoError](err)
		switch {
		case err == nil:
			seen.Sudo = check.SudoPassword
		case ok && refused.Kind == remote.SudoWrongPassword:
			seen.Sudo = check.SudoPasswordWrong
		case ok:
			seen.Sudo = check.SudoNo
		}
	}
	if f.Docker.Root || wanted.Sudo == workspace.SudoPassword {
		seen.RootNeeded = check.Yes
		return
	}
	res, err := h.Run(ctx, remote.Command{Script: writableScript, Args: []string{l.s.Workspace.Directory}})
	switch word := strings.TrimSpace(res.Stdout); {
	case err != nil:
	case word == "no":
		seen.RootNeeded = check.Yes
	case word == "yes" && f.Docker.Engine != "":
		seen.RootNeeded = check.No // neither Docker nor the directory needs it
	}
}

// dockerOf asks Docker itself. Where there is none, it says how one is installed
// whose Compose will do for the kind of compose files.
func dockerOf(ctx context.Context, h remote.Host, f facts.Facts, kind workspace.Compose) check.Docker {
	d := check.Docker{Engine: f.Docker.Engine, Compose: f.Docker.Compose, ComposeAsked: true, ByRoot: f.Docker.Root}
	docker, err := h.Docker(ctx)
	var info remote.DockerInfo
	if err == nil {
		info, err = docker.Info(ctx)
	}
	if err == nil {
		d.State, d.Engine, d.RootDir = check.DockerUsable, info.Version, info.RootDir
		d.Rootless, d.UserNS = yesNo(info.Rootless), yesNo(info.UserNS)
		return d
	}
	d.Detail = err.Error()
	if unusable, ok := errors.AsType[*remote.DockerError](err); ok {
		switch unusable.Kind {
		case remote.DockerAbsent:
			d.State, d.Install = check.DockerAbsent, dockerLines(h.Name(), f.OS, check.OldestComposeFor(kind))
		case remote.DockerNotRunning:
			d.State = check.DockerNotRunning
		case remote.DockerNotPermitted:
			d.State = check.DockerNotPermitted
		case remote.DockerTooOld, remote.DockerFailed:
			d.State = check.DockerFailed
		}
	}
	return d
}

// deployments looks for what stands where the host's projects go. Whose it is
// must be known even where nobody wants to hear of it: by that are the ports
// judged that it has.
func (l *looker) deployments(ctx context.Context, h remote.Host, into *check.Host) {
	var seen check.Host
	asked := true
	for _, rp := range l.s.Tree.On(h.Name()) {
		p := project{Project: rp, site: l.s, host: h}
		d, err := p.look(ctx, rp.Files)
		if err != nil {
			asked = false
			continue
		}
		found := check.Deployment{Directory: rp.Dir}
		if d.receipt != nil {
			found.Receipt, found.Workspace = true, d.receipt.Workspace
		}
		same := 0
		for _, name := range slices.Sorted(maps.Keys(d.entries)) {
			at := d.entries[name]
			wanted := slices.IndexFunc(rp.Files, func(f render.File) bool { return f.Path == name })
			switch {
			case at.kind == kindDirectory && at.empty:
				seen.Directories = append(seen.Directories, path.Join(rp.Dir, name))
			case at.kind == kindFile && wanted >= 0 && at.sum == sum(rp.Files[wanted].Content):
				same++ // it is as it would be written
			default:
				found.Seen = append(found.Seen, name)
			}
		}
		// What was deployed by hand from an export is taken over, with its containers.
		adopted := d.receipt == nil && same > 0 && len(found.Seen) == 0
		ours := adopted || found.Receipt && found.Workspace == l.s.Workspace.Name
		l.note(func(*check.Evidence) { l.owned[h.Name()].read(rp.Name, ours) })
		containers, err := p.containers(ctx)
		if unusable, ok := errors.AsType[*remote.DockerError](err); err != nil && (!ok || unusable.Kind != remote.DockerAbsent) {
			asked = false
		}
		for _, service := range slices.Sorted(maps.Keys(containers)) {
			if adopted {
				break
			}
			found.Seen = append(found.Seen, "container "+containers[service].Name)
		}
		if found.Receipt || len(found.Seen) > 0 {
			seen.Deployments = append(seen.Deployments, found)
		}
	}
	if l.skips("host:" + h.Name() + ":deployment") {
		return
	}
	into.Deployments, into.Directories = seen.Deployments, seen.Directories
	into.DeployedAsked = l.beside(ctx, h, into) && asked
}

// beside looks for a Rocket.Chat of somebody's among the host's containers; false
// if they could not be listed.
func (l *looker) beside(ctx context.Context, h remote.Host, seen *check.Host) bool {
	docker, err := h.Docker(ctx)
	var all []remote.Container
	if err == nil {
		all, err = docker.Containers(ctx, "")
	}
	if err != nil {
		unusable, ok := errors.AsType[*remote.DockerError](err)
		return ok && unusable.Kind == remote.DockerAbsent
	}
	for _, c := range all {
		ours := slices.ContainsFunc(l.s.Tree.On(h.Name()), func(p render.Project) bool { return p.Name == c.Project })
		image := path.Base(c.Image)
		if end := strings.IndexAny(image, ":@"); end >= 0 {
			image = image[:end]
		}
		if ours || image != "rocket.chat" {
			continue
		}
		name := c.Name
		if c.Dir != "" {
			name += " of " + c.Dir
		}
		seen.Beside = append(seen.Beside, name)
	}
	return true
}
