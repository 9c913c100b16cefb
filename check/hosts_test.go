package check

import (
	"time"

	"github.com/rcwizard/rcwizard/workspace"
)

// hostScenarios are about hosts.
func hostScenarios() []scenario {
	connection := func(c Connection) func(*workspace.Workspace, *Evidence) {
		return onHost("edge", func(h *Host) { *h = Host{Connection: c, User: "root", Fingerprint: "SHA256:Cx1", Detail: "EOF"} })
	}
	sudo := func(s Sudo, needed Answer) func(*workspace.Workspace, *Evidence) {
		return onHost("rc1", func(h *Host) { h.User, h.Sudo, h.RootNeeded = "deploy", s, needed })
	}
	official := func(compose string) func(*workspace.Workspace, *Evidence) {
		return func(w *workspace.Workspace, e *Evidence) {
			w.Compose = workspace.ComposeOfficial
			e.host("rc1", func(h *Host) { h.Docker.Compose = compose })
		}
	}
	docker := func(change func(*Docker)) func(*workspace.Workspace, *Evidence) {
		return onHost("rc1", func(h *Host) { change(&h.Docker) })
	}
	state := func(s DockerState) func(*workspace.Workspace, *Evidence) {
		return docker(func(d *Docker) { *d = Docker{State: s, Detail: "Cannot connect to the Docker daemon"} })
	}
	clock := func(offset time.Duration) func(*workspace.Workspace, *Evidence) {
		return onHost("rc1", func(h *Host) { h.ClockOffset = offset })
	}
	return []scenario{
		{"host:edge:ssh", Pass, "ssh-connected", same},
		{"host:edge:ssh", Fail, "ssh-key-unknown", connection(ConnKeyUnknown)},
		{"host:edge:ssh", Fail, "ssh-key-changed", connection(ConnKeyChanged)},
		{"host:edge:ssh", Fail, "ssh-not-let-in", connection(ConnAuth)},
		{"host:edge:ssh", Fail, "ssh-unreachable", connection(ConnUnreachable)},
		{"host:edge:ssh", Fail, "ssh-failed", connection(ConnFailed)},
		{"host:edge:ssh", Unknown, "ssh-not-tried", connection("")},
		{"host:edge:ssh", Unknown, "ssh-not-tried", func(_ *workspace.Workspace, e *Evidence) { delete(e.Hosts, "edge") }},
		{"host:edge:ssh", Pass, "ssh-local", func(w *workspace.Workspace, _ *Evidence) { w.Hosts[3].Address = workspace.AddressLocal }},

		{"host:rc1:sudo", Pass, "sudo-root", same},
		{"host:rc1:sudo", Pass, "sudo-works", sudo(SudoFree, Yes)},
		{"host:rc1:sudo", Pass, "sudo-works", sudo(SudoPassword, Yes)},
		{"host:rc1:sudo", Pass, "sudo-not-needed", sudo(SudoNo, No)},
		{"host:rc1:sudo", Pass, "sudo-not-needed", sudo(SudoPasswordNone, No)},
		{"host:rc1:sudo", Fail, "sudo-password-missing", sudo(SudoPasswordNone, Yes)},
		{"host:rc1:sudo", Unknown, "sudo-password-unclear", sudo(SudoPasswordNone, NotKnown)},
		{"host:rc1:sudo", Fail, "sudo-password-wrong", sudo(SudoPasswordWrong, No)},
		{"host:rc1:sudo", Fail, "sudo-refused", sudo(SudoNo, Yes)},
		{"host:rc1:sudo", Unknown, "sudo-refused-unclear", sudo(SudoNo, NotKnown)},
		{"host:rc1:sudo", Unknown, "sudo-unknown", sudo("", Yes)},

		{"host:rc1:architecture", Pass, "architecture-fits", same},
		{"host:rc1:architecture", Fail, "architecture-unfit", onHost("rc1", func(h *Host) { h.Machine = "armv7l" })},
		{"host:rc1:architecture", Unknown, "architecture-unknown", onHost("rc1", func(h *Host) { h.Machine = "" })},
		{"host:rc1:tools", Pass, "tools-there", same},
		{"host:rc1:tools", Fail, "tools-missing", onHost("rc1", func(h *Host) { h.Tools = map[string]bool{"sha256sum": true, "flock": true} })},
		{"host:rc1:tools", Fail, "tools-missing", onHost("rc1", func(h *Host) { h.Tools = map[string]bool{"tar": true, "sha256sum": true} })},
		{"host:rc1:tools", Unknown, "tools-unknown", onHost("rc1", func(h *Host) { h.Tools = nil })},
		{"host:db:avx", Pass, "avx-there", same},
		{"host:db:avx", Pass, "avx-not-needed", onHost("db", func(h *Host) { h.Machine, h.AVX = "aarch64", No })},
		{"host:db:avx", Fail, "avx-missing", onHost("db", func(h *Host) { h.AVX = No })},
		{"host:db:avx", Unknown, "avx-unknown", onHost("db", func(h *Host) { h.AVX = NotKnown })},
		{"host:rc1:cores", Pass, "cores-enough", onHost("rc1", func(h *Host) { h.CPUs = 1 })},
		{"host:rc1:cores", Pass, "cores-enough", onHost("rc1", func(h *Host) { h.CPUs = 2 })},
		{"host:rc1:cores", Warn, "cores-few", func(w *workspace.Workspace, e *Evidence) {
			w.Instances = append(w.Instances, workspace.Instance{Host: "rc1"})
			*w = w.Complete()
			e.host("rc1", func(h *Host) { h.CPUs = 2 })
		}},
		{"host:rc1:cores", Unknown, "cores-unknown", onHost("rc1", func(h *Host) { h.CPUs = 0 })},
		{"host:rc1:memory", Pass, "memory-enough", onHost("rc1", func(h *Host) { h.MemoryTotal = 1152 * mib })}, // 10 % less than 1280
		{"host:rc1:memory", Warn, "memory-tight", onHost("rc1", func(h *Host) { h.MemoryTotal = 1151 * mib })},
		{"host:rc1:memory", Fail, "memory-short", onHost("rc1", func(h *Host) { h.MemoryTotal = 639 * mib })},
		{"host:rc1:memory", Unknown, "memory-unknown", onHost("rc1", func(h *Host) { h.MemoryTotal = 0 })},

		{"host:db:disk", Pass, "disk-free", same},
		{"host:db:disk", Fail, "disk-full", onHost("db", func(h *Host) { h.Disk.Free = 63 * mib })},
		{"host:db:disk", Unknown, "disk-unknown", onHost("db", func(h *Host) { h.Disk = Disk{} })},
		{"host:db:docker-disk", Pass, "docker-disk-free", onHost("db", func(h *Host) { h.DockerDisk.Free = 8 * gib })},
		{"host:db:docker-disk", Warn, "docker-disk-tight", onHost("db", func(h *Host) { h.DockerDisk.Free = 8*gib - 1 })},
		{"host:rc1:docker-disk", Pass, "docker-disk-free", onHost("rc1", func(h *Host) { h.DockerDisk.Free = 4 * gib })},
		{"host:db:docker-disk", Fail, "docker-disk-full", onHost("db", func(h *Host) { h.DockerDisk.Free = 3*gib - 1 })},
		{"host:db:docker-disk", Warn, "docker-disk-inodes", onHost("db", func(h *Host) { h.DockerDisk.InodesFree = 100 })},
		{"host:db:docker-disk", Pass, "docker-disk-free", onHost("db", func(h *Host) { h.DockerDisk.InodesFree, h.ImageBytes = 100, 0 })},
		{"host:db:docker-disk", Pass, "docker-disk-free", onHost("db", func(h *Host) { h.DockerDisk.Inodes, h.DockerDisk.InodesFree = 0, 0 })},
		{"host:db:docker-disk", Unknown, "docker-disk-images-unknown", onHost("db", func(h *Host) { h.ImageKnown = false })},
		{"host:db:docker-disk", Unknown, "docker-disk-unknown", onHost("db", func(h *Host) { h.DockerDisk = Disk{} })},

		{"host:rc1:clock", Pass, "clock-right", clock(5*time.Second + 20*time.Millisecond)}, // the median is 20 ms
		{"host:rc1:clock", Warn, "clock-off", clock(-6 * time.Second)},
		{"host:rc1:clock", Fail, "clock-wrong", clock(31 * time.Second)},
		{"host:rc1:clock", Unknown, "clock-unclear", onHost("rc1", func(h *Host) { h.ClockError = 6 * time.Second })},
		{"host:rc1:clock", Fail, "clock-wrong", onHost("rc1", func(h *Host) { h.ClockOffset, h.ClockError = time.Hour, 6*time.Second })},
		{"host:rc1:clock", Unknown, "clock-unknown", onHost("rc1", func(h *Host) { h.ClockKnown = false })},
		{"clock", Pass, "clock-hosts-right", clock(time.Hour)},
		{"clock", Warn, "clock-hosts-off", func(_ *workspace.Workspace, e *Evidence) {
			for name := range e.Hosts {
				e.host(name, func(h *Host) { h.ClockOffset += time.Minute })
			}
		}},
		{"clock", Unknown, "clock-hosts-unknown", func(_ *workspace.Workspace, e *Evidence) { e.Hosts = nil }},

		{"host:rc1:docker", Pass, "docker-fits", same},
		{"host:rc1:docker", Pass, "docker-fits", docker(func(d *Docker) { d.Engine = "20.10.24+dfsg1" })},
		{"host:rc1:docker", Pass, "docker-by-root", docker(func(d *Docker) { d.ByRoot = true })},
		{"host:rc1:docker", Fail, "docker-old", docker(func(d *Docker) { d.Engine = "19.03.15" })},
		{"host:rc1:docker", Unknown, "docker-version-unknown", docker(func(d *Docker) { d.Engine = "dev" })},
		{"host:rc1:docker", Fail, "docker-absent", docker(func(d *Docker) { *d = Docker{State: DockerAbsent, Install: []string{"apt-get install docker.io"}} })},
		{"host:rc1:docker", Fail, "docker-absent-by-hand", state(DockerAbsent)},
		{"host:rc1:docker", Fail, "docker-not-running", state(DockerNotRunning)},
		{"host:rc1:docker", Fail, "docker-not-permitted", state(DockerNotPermitted)},
		{"host:rc1:docker", Fail, "docker-failed", state(DockerFailed)},
		{"host:rc1:docker", Unknown, "docker-unknown", state("")},
		{"host:rc1:compose", Pass, "compose-fits", same},
		{"host:rc1:compose", Pass, "compose-fits", docker(func(d *Docker) { d.Compose = "v2.24.0" })},
		{"host:rc1:compose", Fail, "compose-absent", docker(func(d *Docker) { d.Compose = "" })},
		{"host:rc1:compose", Fail, "compose-old", docker(func(d *Docker) { d.Compose = "2.23.3" })},
		{"host:rc1:compose", Fail, "compose-old", official("2.24.3")}, // has no !override yet
		{"host:rc1:compose", Pass, "compose-fits", official("2.24.4")},
		{"host:rc1:compose", Unknown, "compose-unknown", docker(func(d *Docker) { d.Compose, d.ComposeAsked = "", false })},
		{"host:rc1:docker-mode", Pass, "docker-mode-fits", same},
		{"host:rc1:docker-mode", Fail, "docker-rootless", docker(func(d *Docker) { d.Rootless = Yes })},
		{"host:rc1:docker-mode", Fail, "docker-userns", docker(func(d *Docker) { d.UserNS = Yes })},
		{"host:rc1:docker-mode", Unknown, "docker-mode-unknown", docker(func(d *Docker) { d.UserNS = NotKnown })},

		{"host:rc1:git", Pass, "git-there", same},
		{"host:rc1:git", Pass, "git-absent", onHost("rc1", func(h *Host) { h.Git = "" })},
		{"host:rc1:git", Unknown, "git-unknown", onHost("rc1", func(h *Host) { h.Git, h.GitAsked = "", false })},
		{"host:rc1:selinux", Pass, "selinux-off", onHost("rc1", func(h *Host) { h.SELinux = "permissive" })},
		{"host:rc1:selinux", Warn, "selinux-enforcing", onHost("rc1", func(h *Host) { h.SELinux = "enforcing" })},
		{"host:rc1:selinux", Unknown, "selinux-unknown", onHost("rc1", func(h *Host) { h.SELinux = "" })},
		{"host:rc1:firewall", Pass, "firewall-active", same},
		{"host:rc1:firewall", Warn, "firewall-none", onHost("rc1", func(h *Host) { h.Firewall = Firewall{Seen: true} })},
		{"host:rc1:firewall", Warn, "firewall-unseen", onHost("rc1", func(h *Host) { h.Firewall = Firewall{} })},
		{"host:rc1:firewall", Unknown, "firewall-unknown", onHost("rc1", func(h *Host) { *h = Host{} })},

		{"host:rc1:private-ip", Pass, "private-ip-there", same},
		{"host:rc1:private-ip", Fail, "private-ip-elsewhere", onHost("rc1", func(h *Host) { h.Addresses = addrs("127.0.0.1", "10.0.0.99", "fe80::1") })},
		{"host:rc1:private-ip", Fail, "private-ip-elsewhere", onHost("rc1", func(h *Host) { h.Addresses = addrs("127.0.0.1") })},
		{"host:rc1:private-ip", Fail, "private-ip-twice", onHost("rc2", func(h *Host) { h.Addresses = append(h.Addresses, addrs("10.0.0.11")...) })},
		{"host:rc1:private-ip", Pass, "private-ip-there", func(_ *workspace.Workspace, e *Evidence) { e.Hosts["rc2"] = e.Hosts["rc1"] }}, // told once, by identity
		{"host:rc1:private-ip", Unknown, "private-ip-unknown", onHost("rc1", func(h *Host) { h.Addresses = nil })},
		{"host:rc1:identity", Pass, "identity-own", same},
		{"host:rc1:identity", Pass, "identity-own", func(_ *workspace.Workspace, e *Evidence) { // system containers share the boot
			for name := range e.Hosts {
				e.host(name, func(h *Host) { h.BootID = "boot" })
			}
		}},
		{"host:rc1:identity", Fail, "identity-same", func(_ *workspace.Workspace, e *Evidence) { e.Hosts["rc2"] = e.Hosts["rc1"] }},
		{"host:rc1:identity", Warn, "identity-clone", onHost("rc2", func(h *Host) { h.MachineID = "machine-1" })},
		{"host:rc1:identity", Unknown, "identity-unknown", onHost("rc1", func(h *Host) { h.BootID, h.MachineID = "", "" })},

		{"host:rc1:deployment", Pass, "deployment-none", same},
		{"host:rc1:deployment", Pass, "deployment-ours", onHost("rc1", func(h *Host) {
			h.Deployments = []Deployment{{Directory: "/opt/rocketchat", Receipt: true, Workspace: "chat-example-com"}}
		})},
		{"host:rc1:deployment", Fail, "deployment-other", onHost("rc1", func(h *Host) {
			h.Deployments = []Deployment{{Directory: "/opt/rocketchat", Receipt: true, Workspace: "old", Seen: []string{"instances/rc1"}}}
		})},
		{"host:rc1:deployment", Fail, "deployment-foreign", onHost("rc1", func(h *Host) {
			h.Deployments = []Deployment{
				{Directory: "/opt/rocketchat", Receipt: true, Workspace: "chat-example-com"},
				{Directory: "/root/rocketchat", Seen: []string{"/root/rocketchat/compose.yml", "the container rocketchat-rocketchat-1"}},
			}
		})},
		{"host:db:deployment", Fail, "deployment-directories", onHost("db", func(h *Host) {
			h.Directories = []string{"/opt/rocketchat/database/files/loki/config.yaml", "/opt/rocket chat/it's"}
		})},
		{"host:rc1:deployment", Warn, "deployment-beside", onHost("rc1", func(h *Host) {
			h.Beside = []string{"rocketchat-rocketchat-1 of /root/rocketchat", "chat"}
		})},
		{"host:rc1:deployment", Unknown, "deployment-unknown", onHost("rc1", func(h *Host) { h.DeployedAsked = false })},
	}
}
