package remote

import (
	"time"
)

// Target says where a host is and how to get in. Address is the only field
// that must be set. What is empty is looked up in the SSH client's
// configuration for Address, then takes its default.
type Target struct {
	// Name is what errors call the host; default Address.
	Name string
	// Address is a name, an IP address, or a Host of the SSH configuration.
	Address string
	User    string
	Port    int
	// IdentityFile is a private key, tried before all others. "~/" is the home
	// directory.
	IdentityFile string
	// ProxyJump is a list of [user@]host[:port] separated by commas, the
	// nearest first; "none" goes without even if the configuration names one.
	// Each has its host key verified and its own login.
	ProxyJump string

	// HostKey is the fingerprint that is expected, "SHA256:…". A key that has
	// it is accepted, and recorded if it was not known; any other is refused.
	HostKey string
	// AcceptNew records an unknown key without asking. A changed one is
	// refused all the same.
	AcceptNew bool
	// KnownHosts are the files to look in; new keys are recorded in the first.
	// Default: what the configuration says, else ~/.ssh/known_hosts.
	KnownHosts []string
	// SSHConfig is the configuration file; default the user's and the
	// system's, as ssh reads them; "none" reads nothing.
	SSHConfig string

	Auth         Auth
	Sudo         SudoMode
	SudoPassword string
	// Redactor is applied to lines and errors; the passwords given here are
	// added to it.
	Redactor *Redactor

	// ConnectTimeout covers one TCP connection and the SSH handshake with
	// authentication on it, per hop; default 20 s.
	ConnectTimeout time.Duration
	// Keepalive is the time between two signs of life; three that stay
	// without answer end the connection. Default 10 s.
	Keepalive time.Duration
	// ReconnectFor is how long a command waits for a lost connection to come
	// back; default 2 minutes.
	ReconnectFor time.Duration
	// OnState, if set, hears when the connection is lost (with the reason) and
	// when it is back. It must not block nor call the host.
	OnState func(connected bool, err error)
}

// Auth is what a login may use besides key files.
type Auth struct {
	// AgentSocket is the path of an SSH agent, as in SSH_AUTH_SOCK; empty uses
	// none unless the configuration names one.
	AgentSocket string
	// Password answers both password and keyboard-interactive.
	Password string
	// KeyPassphrase opens key files that have a passphrase.
	KeyPassphrase string
}

const (
	defaultConnectTimeout = 20 * time.Second
	defaultKeepalive      = 10 * time.Second
	defaultReconnectFor   = 2 * time.Minute
	keepaliveMisses       = 3
)

func (t Target) withDefaults() Target {
	if t.Name == "" {
		t.Name = t.Address
	}
	if t.ConnectTimeout <= 0 {
		t.ConnectTimeout = defaultConnectTimeout
	}
	if t.Keepalive <= 0 {
		t.Keepalive = defaultKeepalive
	}
	if t.ReconnectFor <= 0 {
		t.ReconnectFor = defaultReconnectFor
	}
	return t
}
