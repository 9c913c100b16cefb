package uitest

import (
	"fmt"

	"github.com/rcwizard/rcwizard/ui"
)

// Seen is what a healthy server says of itself; n tells several apart.
func Seen(n int) ui.Seen {
	return ui.Seen{
		Hostname: fmt.Sprintf("node-%d", n), System: "Debian 12", Arch: "x86_64", Cores: 4,
		Memory: 8_324_000_000, DiskFree: 72_400_000_000,
		Private: []string{fmt.Sprintf("10.0.0.%d", n), fmt.Sprintf("172.16.4.%d", n)},
		Docker:  "28.5.1", Compose: "2.40.3", Git: "2.39.5",
	}
}

// Key is a host key that nobody has accepted yet.
func Key(host, address string, n int) ui.HostKey {
	return ui.HostKey{
		Host: host, Address: address + ":22", Type: "ssh-ed25519",
		Fingerprint: fmt.Sprintf("SHA256:%02dq2r0l8mZlYb3xWnV6uQk4tJ5cE1hG7sD9fApTyKo0", n%100),
	}
}

// Hosts are servers to inspect, by their addresses: 192.0.2.10 to .29, of which
// each shows its key first. 192.0.2.12 then wants a password, 192.0.2.13 has an
// older system without Docker, 192.0.2.14 has many cores, 192.0.2.15 refuses,
// and 192.0.2.16 has been deployed to.
func Hosts() map[string][]ui.Inspection {
	out := make(map[string][]ui.Inspection)
	for n := 10; n < 30; n++ {
		address := fmt.Sprintf("192.0.2.%d", n)
		key, seen := Key("host", address, n), Seen(n)
		answers := []ui.Inspection{{Key: &key}}
		switch n {
		case 12:
			answers = append(answers, ui.Inspection{Secret: &ui.SecretWanted{Kind: ui.SSHPassword, Of: "root on " + address}})
		case 13:
			seen.System, seen.Docker, seen.Compose = "Ubuntu 24.04", "", ""
			seen.Lacks = []ui.Problem{{
				Text: "Docker is not installed.", Next: "The Check page has the lines to type for it.",
			}}
		case 14:
			seen.Cores, seen.Memory, seen.DiskFree = 16, 67_430_000_000, 1_840_000_000_000
		case 15:
			answers = nil
		case 16:
			seen.Role = "database"
		}
		if n == 15 {
			out[address] = []ui.Inspection{{Problem: &ui.Problem{
				Text: "no answer from " + address + " on port 22 within 10 s", Next: "check the address, that the server is up, and that no firewall stands between",
			}}}
			continue
		}
		out[address] = append(answers, ui.Inspection{Seen: &seen})
	}
	return out
}
