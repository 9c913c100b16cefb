package workspace

import (
	"fmt"
	"net/netip"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

func hostField(n int, key string) string { return fmt.Sprintf("hosts[%d].%s", n, key) }

// label is the host as a message names it.
func (h Host) label(n int) string {
	if h.Name == "" {
		return fmt.Sprintf("hosts[%d]", n)
	}
	return h.Name
}

func (c *checker) hosts() {
	if len(c.w.Hosts) == 0 {
		c.failf("hosts", "write one for the database, one for the proxy and one or more for the instances, or one for all of it", "there is no host")
	}
	names, addresses := map[string]int{}, map[string]int{}
	for n, h := range c.w.Hosts {
		field := hostField(n, "name")
		first, twice := names[h.Name]
		switch {
		case h.Name == "":
			c.failf(field, "give it a short name, such as db or rc1", "missing")
		case !nameForm.MatchString(h.Name):
			c.failf(field, nameHint+"; the address may have dots", "%s cannot be the name of a host", shorten(h.Name))
		case twice:
			c.failf(field, "give each host its own name", "%s is also the name of hosts[%d]", shorten(h.Name), first)
		}
		if !twice {
			names[h.Name] = n
		}
		c.address(n, h)
		c.login(n, h)

		// The same address behind another port or jump host is another machine.
		key := strings.Join([]string{strings.ToLower(h.Address), strconv.Itoa(h.SSH.Port), h.SSH.ProxyJump}, " ")
		if first, twice := addresses[key]; twice && h.Address != "" {
			hint := "give each host its own address; one host can have several roles and instances"
			if h.Local() {
				hint = "only one host can be this machine"
			}
			c.failf(hostField(n, "address"), hint, "%s is also the address of %s", h.Address, c.w.Hosts[first].label(first))
		} else {
			addresses[key] = n
		}
	}
}

// aliasForm also lets through what is a name in ~/.ssh/config only.
var aliasForm = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9_.-]{0,252}$`)

func (c *checker) address(n int, h Host) {
	field := hostField(n, "address")
	ip, err := netip.ParseAddr(h.Address)
	looksIPv4 := strings.Trim(h.Address, "0123456789.") == ""
	switch {
	case h.Address == "":
		c.failf(field, "write the IP address or the name to which SSH connects, or local for this machine", "missing")
	case err == nil && (ip.IsUnspecified() || ip.IsMulticast()):
		c.failf(field, "write the address of one host", "%s is not the address of a host", h.Address)
	case err == nil:
	case strings.HasPrefix(h.Address, "["):
		c.failf(field, "write "+strings.Trim(h.Address, "[]"), "an IPv6 address is written without brackets here")
	case strings.Contains(h.Address, "@"):
		c.failf(field, "write the user into ssh.user", "%s holds a user", shorten(h.Address))
	case strings.Contains(h.Address, "/"):
		c.failf(field, "write the address of the host alone", "%s is a network or a URL, not a host", shorten(h.Address))
	case strings.Count(h.Address, ":") == 1:
		c.failf(field, "write the port into ssh.port", "%s holds a port", shorten(h.Address))
	case looksIPv4 || strings.Contains(h.Address, ":"):
		c.failf(field, "IPv4 is four numbers from 0 to 255 without leading zeros; IPv6 as in 2001:db8::10", "%s is not an IP address", shorten(h.Address))
	case !aliasForm.MatchString(h.Address):
		c.failf(field, "write an IP address or a name", "%s is neither an IP address nor the name of a host", shorten(h.Address))
	}
}

var (
	hostKeyForm = regexp.MustCompile(`^SHA256:[A-Za-z0-9+/]{43}$`)
	userForm    = regexp.MustCompile(`^[^-\s\x00-\x1f][^\s\x00-\x1f]{0,127}$`)
	// jumpForm is a list of [user@]host[:port], as in OpenSSH's ProxyJump.
	jumpForm = regexp.MustCompile(`^([^-\s,@][^\s,@]*@)?(\[[0-9a-fA-F:.%]+\]|[A-Za-z0-9][A-Za-z0-9_.-]*)(:\d{1,5})?(,([^-\s,@][^\s,@]*@)?(\[[0-9a-fA-F:.%]+\]|[A-Za-z0-9][A-Za-z0-9_.-]*)(:\d{1,5})?)*$`)
)

// login judges how the host is logged in to.
func (c *checker) login(n int, h Host) {
	s := h.SSH
	if h.Local() {
		if s != (SSH{}) {
			c.warnf(hostField(n, "ssh"), "remove it", "is not used: %s is this machine", h.label(n))
		}
	} else {
		if !userForm.MatchString(s.User) {
			c.failf(hostField(n, "ssh.user"), "write the name of a user, without spaces", "%s cannot be the name of a user", shorten(s.User))
		}
		c.port(hostField(n, "ssh.port"), s.Port)
		if s.HostKey != "" && !hostKeyForm.MatchString(s.HostKey) {
			c.failf(hostField(n, "ssh.host_key"), "on the host: ssh-keygen -l -f /etc/ssh/ssh_host_ed25519_key.pub; it is the word that begins with SHA256:", "%s is not the fingerprint of a key", shorten(s.HostKey))
		}
		if s.ProxyJump != "" && s.ProxyJump != "none" && !jumpForm.MatchString(s.ProxyJump) {
			c.failf(hostField(n, "ssh.proxy_jump"), "write [user@]host[:port], several with commas between them", "%s is not a jump host", shorten(s.ProxyJump))
		}
	}
	switch h.Sudo {
	case SudoAuto, SudoNever, SudoPassword:
	default:
		c.failf(hostField(n, "sudo"), didYouMean(string(h.Sudo), []string{string(SudoAuto), string(SudoNever), string(SudoPassword)}), "%s is not a way of sudo", shorten(string(h.Sudo)))
	}
}

// privateAddresses judges the addresses at which the hosts reach each other,
// each for itself and then together.
func (c *checker) privateAddresses() {
	seen := map[netip.Addr]int{}
	var reference netip.Addr
	referenceName := ""
	// The database host's family is the one that the others must have, because
	// nearly every connection begins or ends there.
	for _, h := range append([]Host{c.w.DatabaseHost(), c.w.ProxyHost()}, c.w.Hosts...) {
		if ip, err := netip.ParseAddr(h.PrivateIP); err == nil && referenceName == "" && ip.Zone() == "" {
			reference, referenceName = ip, h.Name
		}
	}
	for n, h := range c.w.Hosts {
		field := hostField(n, "private_ip")
		ip, ok := c.privateAddress(field, n, h)
		if !ok {
			continue
		}
		if first, twice := seen[ip]; twice && h.Address == h.PrivateIP && h.Address == c.w.Hosts[first].Address {
			continue // said of the address
		} else if twice {
			c.failf(field, "give each host the address at which the others reach it, and no other does", "%s is also the private address of %s", ip, c.w.Hosts[first].label(first))
		} else {
			seen[ip] = n
		}
		if ip.Is4() != reference.Is4() {
			c.failf(field, "give all hosts private addresses of one family",
				"%s is %s, but that of %s is %s: a connection between the two would come from an address that no firewall rule names", ip, family(ip), referenceName, family(reference))
		}
	}
}

// privateAddress judges one; ok is false if it is none.
func (c *checker) privateAddress(field string, n int, h Host) (ip netip.Addr, ok bool) {
	const hint = "write the IP address at which the other hosts reach it, such as 10.0.0.10"
	ip, err := netip.ParseAddr(h.PrivateIP)
	switch {
	case h.PrivateIP == "" && h.Local():
		c.failf(field, hint, "missing: %s is this machine, and its services need an address to listen on", h.label(n))
	case h.PrivateIP == "" && h.Address == "":
		return ip, false // said of the address
	case h.PrivateIP == "":
		c.failf(field, hint, "missing: the address of %s is a name, and services listen on an IP address", h.label(n))
	case err != nil:
		c.failf(field, hint, "%s is not an IP address", shorten(h.PrivateIP))
	case ip.Zone() != "":
		c.failf(field, "use an address without % and what follows it", "%s holds only on one interface of one host (zone %s)", ip, ip.Zone())
	case ip.IsUnspecified():
		c.failf(field, hint, "%s means every address of the host: MongoDB and NATS have no password and would be open on all of them", ip)
	case ip.IsLinkLocalUnicast():
		c.failf(field, hint, "%s is a link-local address, which a host gives itself anew", ip)
	case ip.IsMulticast() || ip == netip.AddrFrom4([4]byte{255, 255, 255, 255}):
		c.failf(field, hint, "%s is not the address of one host", ip)
	case ip.IsLoopback() && c.hostsInUse() > 1:
		c.failf(field, hint, "%s is reached from %s only, and the workspace has more hosts", ip, h.label(n))
	default:
		if isPublic(ip) {
			c.warnf(field, "use an address of a private network or a VPN; if there is none, let the firewall be right before you install", "%s is a public address: MongoDB and NATS have no password and would listen there", ip)
		}
		return ip, true
	}
	return ip, false
}

// hostsInUse is the number of hosts that have a role.
func (c *checker) hostsInUse() int {
	count := 0
	for _, h := range c.w.Hosts {
		if len(c.w.RolesOn(h.Name)) > 0 {
			count++
		}
	}
	return count
}

// isPublic reports whether the address is routed in the internet: it is in none
// of the private networks (RFC 1918, RFC 4193), not a carrier's (RFC 6598, which
// VPNs use too) and not a test network's (RFC 2544).
func isPublic(ip netip.Addr) bool {
	for _, inside := range []netip.Prefix{netip.MustParsePrefix("100.64.0.0/10"), netip.MustParsePrefix("198.18.0.0/15")} {
		if inside.Contains(ip) {
			return false
		}
	}
	return !ip.IsPrivate() && !ip.IsLoopback()
}

func family(ip netip.Addr) string {
	if ip.Is4() {
		return "IPv4"
	}
	return "IPv6"
}

// roles checks that every role has a host, and every host a role.
func (c *checker) roles() {
	w := c.w
	names, before := w.HostNames(), len(c.found)
	role := func(field, host, what string) {
		if host == "" {
			c.failf(field, didYouMean("", names), "missing: the host of %s", what)
		} else if !slices.Contains(names, host) {
			c.failf(field, didYouMean(host, names), "there is no host %s", shorten(host))
		}
	}
	if w.RunsDatabaseHost() {
		what := "MongoDB"
		if w.Database.External {
			what = "NATS and monitoring, which run there with an external database too"
		}
		role("database.host", w.Database.Host, what)
	} else if w.Database.Host != "" {
		c.warnf("database.host", "remove it", "is not used: with an external database, the transporter tcp and no monitoring nothing runs there")
	}
	role("proxy.host", w.Proxy.Host, "the reverse proxy")
	for n, i := range w.Instances {
		role(fmt.Sprintf("instances[%d].host", n), i.Host, "the instance")
	}
	if len(c.found.Errors()) > len(c.found[:before].Errors()) || len(w.Instances) == 0 {
		return // which host is left over will be seen once the roles are right
	}
	for n, h := range w.Hosts {
		if h.Name != "" && len(w.RolesOn(h.Name)) == 0 && (w.Database.Host != h.Name) {
			c.warnf(fmt.Sprintf("hosts[%d]", n), "give it an instance, or remove it", "nothing runs on %s", h.Name)
		}
	}
}

func (c *checker) instances() {
	switch len(c.w.Instances) {
	case 0:
		c.failf("instances", "write one for each host that is to run Rocket.Chat: - host: rc1", "there is no instance")
	case 1:
		c.warnf("instances", "add a second one on another host, so that one may fail", "there is only one instance")
	}
	names := map[string]int{}
	for n, i := range c.w.Instances {
		field := fmt.Sprintf("instances[%d].name", n)
		if i.Name == "" {
			continue // it has no host, which has been said
		}
		if first, twice := names[i.Name]; twice {
			c.failf(field, "leave the name out to have it made", "%s is also the name of instances[%d]", shorten(i.Name), first)
			continue
		}
		names[i.Name] = n
		if !nameForm.MatchString(i.Name) {
			if i.Name != i.Host { // otherwise it has been said of the host
				c.failf(field, nameHint, "%s cannot be the name of an instance", shorten(i.Name))
			}
			continue
		}
		if _, host := c.w.Host(i.Name); host && i.Host != i.Name {
			c.failf(field, "call it "+shorten(i.Host)+" or leave the name out", "%s is the name of another host, but the instance runs on %s", shorten(i.Name), shorten(i.Host))
		}
	}
}

// port reports a number that is no port.
func (c *checker) port(field string, port int) {
	if port < 1 || port > maxPort {
		c.failf(field, "use a number from 1 to 65535", "%d is not a port", port)
	}
}

// ports checks that no two services of a host want one port. That one of them
// listens on 127.0.0.1 and the other on the private address does not help: one
// port, one service is a rule that firewalls and people can keep.
func (c *checker) ports() {
	for n, h := range c.w.Hosts {
		if h.Name == "" || slices.Index(c.w.HostNames(), h.Name) < n {
			continue // said of the name
		}
		taken := map[int]Listener{}
		for _, l := range c.w.Listeners(h.Name) {
			if l.Field != "" && l.Field != fieldNodeExporter && !strings.HasPrefix(l.Field, "hosts[") {
				c.port(l.Field, l.Port)
			}
			first, twice := taken[l.Port]
			if !twice {
				taken[l.Port] = l
				continue
			}
			field := l.Field
			if field == "" {
				field = first.Field
			}
			if first.Service == serviceSSH { // it may be another port that a router passes on
				c.warnf(field, "choose another port, unless SSH is passed on from another port", "%s wants port %d of host %s, where SSH connects", l.Service, l.Port, h.Name)
				continue
			}
			c.failf(field, "choose another port for one of them", "port %d of host %s is wanted twice: by %s and by %s", l.Port, h.Name, first.Service, l.Service)
		}
	}
	for n, i := range c.w.Instances {
		if i.Port == 0 || i.MetricsPort == 0 {
			c.failf(fmt.Sprintf("instances[%d]", n), "write port and metrics_port", "no port is free for it")
		}
	}
}
