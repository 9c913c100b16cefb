package ui

// Inspection is what came of looking at one host: exactly one of the four.
type Inspection struct {
	// Seen is what the host says of itself.
	Seen *Seen
	// Key is a host key that nobody has accepted yet. Nothing was sent.
	Key *HostKey
	// Secret is what is wanted before the host can be logged in to.
	Secret *SecretWanted
	// Problem is why it could not be looked at.
	Problem *Problem
}

// Problem is what is wrong, in a sentence, and what to do about it.
type Problem struct {
	Text string
	// Next is empty where there is nothing to do.
	Next string
}

// HostKey is the key of a host, or of a jump host before it.
type HostKey struct {
	// Host is the workspace's name of the host that was to be reached.
	Host string
	// Address is host:port of whom the key belongs to.
	Address string
	// Type is the algorithm: "ssh-ed25519".
	Type string
	// Fingerprint is SHA256:….
	Fingerprint string
}

// SecretKind says which secret of a host is wanted.
type SecretKind string

// The secrets that a login can want.
const (
	SSHPassword   SecretKind = "SSH password"
	KeyPassphrase SecretKind = "passphrase"
	SudoPassword  SecretKind = "sudo password"
)

// SecretWanted is a secret without which a host cannot be logged in to.
type SecretWanted struct {
	Kind SecretKind
	// Of says whose: "root on 192.0.2.10", "/home/me/.ssh/id_ed25519".
	Of string
	// Wrong says that one was given and refused.
	Wrong bool
}

// Seen is what a host says of itself. What could not be found out is zero.
type Seen struct {
	Hostname string
	// System is the distribution with its version: "Debian 12".
	System string
	// Arch is as uname -m has it: "x86_64".
	Arch  string
	Cores int
	// Memory and DiskFree are in bytes; DiskFree is where Docker keeps its data.
	Memory   uint64
	DiskFree uint64
	// Private are the addresses that other hosts may reach it by, the likeliest
	// first.
	Private []string
	// Docker, Compose and Git are versions; empty where there is none.
	Docker  string
	Compose string
	Git     string
	// Lacks are sentences on what must be put right before anything is deployed.
	Lacks []Problem
	// Notes are sentences on what is odd and forbids nothing, such as an SSH
	// configuration that was not read.
	Notes []string
	// Role is what runs there already, where rcwizard deployed it: "database".
	Role string
}
