package question

import (
	"github.com/rcwizard/rcwizard/workspace"
)

// servers are the questions about the machines.
func servers() []Question {
	remote := func(w workspace.Workspace, at place) bool { return !w.Hosts[at.n].Local() }
	return []Question{
		{
			Key: "hosts", page: Servers, Kind: Addresses, Title: "Servers",
			Help: "The addresses to which SSH connects, such as root@192.0.2.10 or 192.0.2.10:2222, as many as there are; local is this machine.",
		},
		{
			Key: ofHost + "address", page: Servers, Title: "Address",
			Help: "An IP address, a name, or a name of ~/.ssh/config; user and port may be written with it, as in root@192.0.2.10:22.",
			also: []string{ofHost + "ssh.user", ofHost + "ssh.port"},
		},
		{
			Key: ofHost + "name", page: Servers, Title: "Name",
			Help: "A short name, which messages and directories carry.",
		},
		{
			Key: ofHost + "roles", page: Servers, Kind: RoleSet, Title: "Roles",
			Help:  "d is the database with NATS and monitoring, i an instance of Rocket.Chat (i2 two of them), p the reverse proxy.",
			Blank: "nothing runs there",
		},
		{
			Key: ofHost + "private_ip", page: Servers, Title: "Private address",
			Help: "The IP address at which the other servers reach this one, and on which its services listen.",
		},
		{
			Key: ofHost + "ssh.user", page: Servers, Title: "SSH user",
			Help: "Who logs in.", when: remote,
		},
		{
			Key: ofHost + "ssh.port", page: Servers, Kind: Number, Title: "SSH port",
			Help: "Where the SSH server listens.", when: remote,
		},
		{
			Key: ofHost + "ssh.identity_file", page: Servers, Title: "SSH key",
			Help:  "A private key on this machine, tried besides those of the agent and of ~/.ssh/config.",
			Blank: "the agent's, and what ~/.ssh/config says", when: remote,
		},
		{
			Key: ofHost + "ssh.proxy_jump", page: Servers, Title: "Jump host",
			Help:  "The host through which SSH connects, as [user@]host[:port]; several with commas between them.",
			Blank: "none, or what ~/.ssh/config says", when: remote,
		},
		{
			Key: ofHost + "sudo", page: Servers, Kind: Choice, Title: "Root rights",
			Help: "How commands become root on this server.",
			options: func(workspace.Workspace) []Option {
				return []Option{
					{Value: string(workspace.SudoAuto), Title: "found out", Help: "Root needs nothing; another user needs the group docker, or sudo without a password."},
					{Value: string(workspace.SudoNever), Title: "not needed", Help: "The user can do everything itself."},
					{Value: string(workspace.SudoPassword), Title: "sudo with a password", Help: "It is asked for in every run, unless it is kept."},
				}
			},
		},
		{
			Key: ofSecrets + "ssh_password", page: Servers, Kind: Secret, Title: "SSH password",
			Help:  "Kept in secrets.yaml for later runs; without it, it is asked for when a server wants one.",
			Blank: "asked for when it is needed", when: remote,
		},
		{
			Key: ofSecrets + "key_passphrase", page: Servers, Kind: Secret, Title: "Passphrase of the SSH key",
			Help:  "Kept in secrets.yaml for later runs; without it, it is asked for when the key wants one.",
			Blank: "asked for when it is needed", when: remote,
		},
		{
			Key: ofSecrets + "sudo_password", page: Servers, Kind: Secret, Title: "Password for sudo",
			Help:  "Kept in secrets.yaml for later runs; without it, it is asked for in every run.",
			Blank: "asked for in every run",
			when:  func(w workspace.Workspace, at place) bool { return w.Hosts[at.n].Sudo == workspace.SudoPassword },
		},
	}
}
