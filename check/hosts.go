package check

import (
	"net/netip"
	"strconv"
	"strings"
	"time"

	"github.com/rcwizard/rcwizard/workspace"
)

// The oldest versions that will do. Rocket.Chat's own compose files need an
// override with !override, which Compose has since 2.24.4 (compose-go#552).
const (
	OldestDocker          = "20.10.0"
	OldestCompose         = "2.24.0"
	OldestComposeOverride = "2.24.4"
)

// OldestComposeFor is the oldest Compose that will do for the workspace's kind of
// compose files.
func OldestComposeFor(kind workspace.Compose) string {
	if kind.Official() {
		return OldestComposeOverride
	}
	return OldestCompose
}

// Connection is how reaching a host by SSH ended.
type Connection string

// The ways in which connecting ends. The zero value: it was not tried.
const (
	Connected       Connection = "connected"
	ConnKeyUnknown  Connection = "unknown host key"
	ConnKeyChanged  Connection = "changed host key"
	ConnAuth        Connection = "not let in"
	ConnUnreachable Connection = "unreachable"
	ConnFailed      Connection = "failed" // anything else; Detail says what
)

// Sudo is what the login can do to become root.
type Sudo string

// The kinds of Sudo. The zero value: it is not known.
const (
	SudoRoot          Sudo = "root"
	SudoFree          Sudo = "free"           // needs no password
	SudoPassword      Sudo = "password"       // needs one, and the one we have is right
	SudoPasswordNone  Sudo = "no password"    // needs one, and we have none
	SudoPasswordWrong Sudo = "wrong password" // needs one, and ours is refused
	SudoNo            Sudo = "no"             // refuses, or is not installed
)

// DockerState is what came of using Docker.
type DockerState string

// The states. The zero value: it is not known.
const (
	DockerUsable       DockerState = "usable"
	DockerAbsent       DockerState = "absent"
	DockerNotRunning   DockerState = "not running"
	DockerNotPermitted DockerState = "not permitted"
	DockerFailed       DockerState = "failed"
)

// Docker is what is known of a host's Docker.
type Docker struct {
	State DockerState
	// ByRoot says that it is usable by way of sudo only.
	ByRoot bool
	// Engine and Compose are versions; ComposeAsked says that an empty Compose
	// means that there is none.
	Engine, Compose string
	ComposeAsked    bool
	// RootDir is where it keeps images and volumes.
	RootDir string
	// Rootless and UserNS are modes in which containers cannot use the host's
	// network.
	Rootless, UserNS Answer
	// Detail is Docker's own word.
	Detail string
	// Install are lines that root types on a host that has none, to install it;
	// empty where none are known.
	Install []string
}

// Disk is one file system; sizes in bytes. A Size of 0 is not known.
type Disk struct {
	Mount      string
	Size, Free int64
	// Inodes and InodesFree are 0 where the file system does not count them.
	Inodes, InodesFree int64
}

// Deployment is something that stands where rcwizard would deploy.
type Deployment struct {
	Directory string
	// Receipt says whether a receipt of rcwizard's is there, and Workspace which
	// workspace it names.
	Receipt   bool
	Workspace string
	// Seen is what was seen, for people: "compose.yml", "container rocketchat-1".
	Seen []string
}

// Host is what is known of one host. Zero values mean that the host did not
// say.
type Host struct {
	Connection Connection
	// Fingerprint is of the host key, where it matters.
	Fingerprint string
	// Detail is how connecting failed, in words.
	Detail string
	User   string
	Sudo   Sudo
	// RootNeeded says whether anything on this host needs root: Docker, or the
	// directory.
	RootNeeded Answer

	OS string
	// Machine is uname's word.
	Machine       string
	CPUs          int
	AVX           Answer
	MemoryTotal   int64 // bytes
	Tools         map[string]bool
	SELinux       string // "enforcing", "permissive", "none"
	Docker        Docker
	Git           string
	GitAsked      bool
	Disk          Disk // of the workspace's directory
	DockerDisk    Disk // of Docker's data
	ImageBytes    int64
	ImageKnown    bool // ImageBytes is what is still to be stored, unpacked
	ClockKnown    bool
	ClockOffset   time.Duration // ahead of the operator's
	ClockError    time.Duration
	MachineID     string
	BootID        string
	Addresses     []netip.Addr
	DeployedAsked bool
	Deployments   []Deployment
	// Beside are containers of a Rocket.Chat that are none of this workspace's and
	// stand elsewhere: "old-rocketchat-1 of /root/compose".
	Beside []string
	// Directories are directories that should be files: what Docker makes of a
	// file that is mounted and missing.
	Directories []string
	Firewall    Firewall
}

// Hosts judges every host, one by one and against each other. Of a host that
// could not be reached there is that one finding, and what follows from it.
func Hosts(w workspace.Workspace, e Evidence) []Finding {
	var out []Finding
	for _, h := range w.Hosts {
		j := hostJudge{w: w, e: e, host: h, seen: e.Hosts[h.Name]}
		j.ssh()
		j.sudo()
		j.machine()
		j.processor()
		j.memory()
		j.disks()
		j.clock()
		j.docker()
		j.git()
		j.addresses()
		j.identity()
		j.selinux()
		j.deployments()
		j.firewall()
		for i := range j.out {
			if j.seen.Connection != Connected && i > 0 && j.out[i].Verdict == Unknown {
				j.out[i].Because = j.out[0].ID
			}
		}
		out = append(out, j.out...)
	}
	return append(out, operatorClock(w, e)...)
}

// hostJudge judges one host.
type hostJudge struct {
	w    workspace.Workspace
	e    Evidence
	host workspace.Host
	seen Host
	out  []Finding
}

// find adds a finding host:NAME:WHAT. Pairs fill the text.
func (j *hostJudge) find(what string, v Verdict, kind Kind, pairs ...string) *Finding {
	fill := values{"host": j.host.Name, "ssh": j.login(), "user": or(j.seen.User, j.host.SSH.User)}
	for i := 0; i+1 < len(pairs); i += 2 {
		fill[pairs[i]] = pairs[i+1]
	}
	f := finding("host:"+j.host.Name+":"+what, v, kind, fill)
	f.Host = j.host.Name
	j.out = append(j.out, f)
	return &j.out[len(j.out)-1]
}

func (j *hostJudge) login() string {
	if j.host.Local() {
		return "this machine"
	}
	login := j.host.SSH.User + "@" + j.host.Address
	if j.host.SSH.Port != 0 && j.host.SSH.Port != 22 {
		login += ", port " + strconv.Itoa(j.host.SSH.Port)
	}
	return login
}

func (j *hostJudge) ssh() {
	s := j.seen
	pairs := []string{"detail", said(s.Detail), "fingerprint", or(s.Fingerprint, "a key that was not shown")}
	switch s.Connection {
	case Connected:
		if j.host.Local() {
			j.find("ssh", Pass, "ssh-local", pairs...)
			return
		}
		j.find("ssh", Pass, "ssh-connected", pairs...)
	case ConnKeyUnknown:
		j.find("ssh", Fail, "ssh-key-unknown", pairs...)
	case ConnKeyChanged:
		j.find("ssh", Fail, "ssh-key-changed", pairs...)
	case ConnAuth:
		j.find("ssh", Fail, "ssh-not-let-in", pairs...)
	case ConnUnreachable:
		j.find("ssh", Fail, "ssh-unreachable", pairs...)
	case ConnFailed:
		j.find("ssh", Fail, "ssh-failed", pairs...)
	default:
		j.find("ssh", Unknown, "ssh-not-tried", pairs...)
	}
}

func (j *hostJudge) sudo() {
	switch j.seen.Sudo {
	case SudoRoot:
		j.find("sudo", Pass, "sudo-root")
	case SudoFree, SudoPassword:
		j.find("sudo", Pass, "sudo-works")
	case SudoPasswordWrong:
		j.find("sudo", Fail, "sudo-password-wrong")
	case SudoPasswordNone, SudoNo:
		missing, kind := Kind("sudo-refused"), Kind("sudo-refused-unclear")
		if j.seen.Sudo == SudoPasswordNone {
			missing, kind = "sudo-password-missing", "sudo-password-unclear"
		}
		switch j.seen.RootNeeded {
		case No:
			j.find("sudo", Pass, "sudo-not-needed")
		case Yes:
			j.find("sudo", Fail, missing)
		case NotKnown:
			j.find("sudo", Unknown, kind)
		}
	default:
		j.find("sudo", Unknown, "sudo-unknown")
	}
}

func (j *hostJudge) docker() {
	d := j.seen.Docker
	pairs := []string{"engine", d.Engine, "compose", d.Compose, "oldest", OldestDocker, "oldest-compose", OldestComposeFor(j.w.Compose), "detail", said(d.Detail)}
	switch d.State {
	case DockerAbsent:
		kind := Kind("docker-absent")
		if len(d.Install) == 0 {
			kind = "docker-absent-by-hand"
		}
		j.find("docker", Fail, kind, pairs...).Commands = d.Install
	case DockerNotRunning:
		j.find("docker", Fail, "docker-not-running", pairs...)
	case DockerNotPermitted:
		j.find("docker", Fail, "docker-not-permitted", pairs...)
	case DockerFailed:
		j.find("docker", Fail, "docker-failed", pairs...)
	case DockerUsable:
		switch {
		case !isVersion(d.Engine):
			j.find("docker", Unknown, "docker-version-unknown", pairs...)
		case Older(d.Engine, OldestDocker):
			j.find("docker", Fail, "docker-old", pairs...)
		case d.ByRoot:
			j.find("docker", Pass, "docker-by-root", pairs...)
		default:
			j.find("docker", Pass, "docker-fits", pairs...)
		}
	default:
		j.find("docker", Unknown, "docker-unknown", pairs...)
	}
	switch {
	case d.Compose == "" && d.ComposeAsked:
		f := j.find("compose", Fail, "compose-absent", pairs...)
		if d.State == DockerAbsent {
			f.Because = withoutDocker(j.e, j.host.Name) // it comes with Docker
		}
	case !isVersion(d.Compose):
		j.find("compose", Unknown, "compose-unknown", pairs...)
	case Older(d.Compose, OldestComposeFor(j.w.Compose)):
		j.find("compose", Fail, "compose-old", pairs...)
	default:
		j.find("compose", Pass, "compose-fits", pairs...)
	}
	switch {
	case d.Rootless == Yes:
		j.find("docker-mode", Fail, "docker-rootless", pairs...)
	case d.UserNS == Yes:
		j.find("docker-mode", Fail, "docker-userns", pairs...)
	case d.Rootless == No && d.UserNS == No:
		j.find("docker-mode", Pass, "docker-mode-fits", pairs...)
	default:
		j.find("docker-mode", Unknown, "docker-mode-unknown", pairs...).Because = withoutDocker(j.e, j.host.Name)
	}
}

func (j *hostJudge) git() {
	switch s := j.seen; {
	case s.Git != "":
		j.find("git", Pass, "git-there", "version", s.Git)
	case s.GitAsked:
		j.find("git", Pass, "git-absent")
	default:
		j.find("git", Unknown, "git-unknown")
	}
}

func (j *hostJudge) selinux() {
	switch j.seen.SELinux {
	case "none", "permissive":
		j.find("selinux", Pass, "selinux-off", "mode", j.seen.SELinux)
	case "enforcing":
		j.find("selinux", Warn, "selinux-enforcing")
	default:
		j.find("selinux", Unknown, "selinux-unknown")
	}
}

func (j *hostJudge) deployments() {
	if !j.seen.DeployedAsked {
		j.find("deployment", Unknown, "deployment-unknown", "directory", j.w.Directory)
		return
	}
	ours := ""
	for _, d := range j.seen.Deployments {
		pairs := []string{"directory", d.Directory, "seen", or(strings.Join(d.Seen, ", "), "files"), "other", d.Workspace, "workspace", j.w.Name}
		switch {
		case d.Receipt && d.Workspace == j.w.Name:
			ours = d.Directory
		case d.Receipt:
			j.find("deployment", Fail, "deployment-other", pairs...)
			return
		default:
			j.find("deployment", Fail, "deployment-foreign", pairs...)
			return
		}
	}
	if len(j.seen.Directories) > 0 {
		f := j.find("deployment", Fail, "deployment-directories", "directory", strings.Join(j.seen.Directories, ", "))
		for _, dir := range j.seen.Directories {
			f.Commands = append(f.Commands, "rmdir -- "+quote(dir))
		}
		return
	}
	if len(j.seen.Beside) > 0 {
		j.find("deployment", Warn, "deployment-beside", "directory", j.w.Directory, "seen", strings.Join(j.seen.Beside, ", "))
		return
	}
	if ours != "" {
		j.find("deployment", Pass, "deployment-ours", "directory", ours)
		return
	}
	j.find("deployment", Pass, "deployment-none", "directory", j.w.Directory)
}

// firewall tells which firewall is active; what it lets through, the ports say.
func (j *hostJudge) firewall() {
	fw := j.seen.Firewall
	names := make([]string, 0, len(fw.Active))
	for _, kind := range fw.active() {
		names = append(names, string(kind))
	}
	switch {
	case len(names) > 0:
		j.find("firewall", Pass, "firewall-active", "firewall", strings.Join(names, " and "))
	case fw.Seen:
		j.find("firewall", Warn, "firewall-none")
	default:
		j.find("firewall", Warn, "firewall-unseen")
		if j.seen.Connection != Connected {
			j.out[len(j.out)-1] = finding("host:"+j.host.Name+":firewall", Unknown, "firewall-unknown", values{"host": j.host.Name})
			j.out[len(j.out)-1].Host = j.host.Name
		}
	}
}
