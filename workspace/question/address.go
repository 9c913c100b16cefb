package question

import (
	"errors"
	"net"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"github.com/rcwizard/rcwizard/workspace"
)

// Address is what a person types for a host: [user@]address[:port].
type Address struct {
	// Host is an IP address without brackets, a name, or workspace.AddressLocal.
	Host string
	// User and Port are empty and 0 where they are not said.
	User string
	Port int
}

// ParseAddress reads [user@]address[:port], with or without ssh:// before it. An
// IPv6 address with a port is in brackets, as in URLs; without one it may be.
// What is none of this ends up in Host as it is, for the validation to say what
// is wrong with it.
func ParseAddress(text string) Address {
	text = strings.TrimSpace(text)
	text = strings.TrimSuffix(strings.TrimPrefix(text, "ssh://"), "/")
	var a Address
	if at := strings.LastIndexByte(text, '@'); at > 0 {
		a.User, text = text[:at], text[at+1:]
	}
	a.Host = text
	if _, err := netip.ParseAddr(text); err == nil {
		return a
	}
	if inside, ok := strings.CutPrefix(text, "["); ok {
		if inside, ok := strings.CutSuffix(inside, "]"); ok && isIPv6(inside) {
			a.Host = inside
			return a
		}
	}
	host, port, err := net.SplitHostPort(text)
	if err != nil || host == "" || strings.Contains(host, ":") && !isIPv6(host) {
		return a
	}
	if strings.HasPrefix(text, "[") && !isIPv6(host) {
		return a
	}
	if n, err := strconv.Atoi(port); err == nil && n > 0 && strconv.Itoa(n) == port {
		a.Host, a.Port = host, n
	}
	return a
}

func isIPv6(text string) bool {
	ip, err := netip.ParseAddr(text)
	return err == nil && ip.Is6()
}

// String is the address as ParseAddress reads it.
func (a Address) String() string {
	out := a.Host
	if a.Port != 0 {
		out = net.JoinHostPort(a.Host, strconv.Itoa(a.Port))
	}
	if a.User != "" {
		out = a.User + "@" + out
	}
	return out
}

// ParseAddresses reads any number of addresses, with spaces, commas, semicolons
// or line breaks between them. What follows a # up to the end of its line is a
// comment. An address that is there twice counts once.
func ParseAddresses(text string) []Address {
	var out []Address
	for line := range strings.Lines(strings.ReplaceAll(text, "\r", "\n")) { // terminals paste line breaks as carriage returns
		line, _, _ = strings.Cut(line, "#")
		for _, word := range strings.FieldsFunc(line, func(r rune) bool {
			return r <= ' ' || r == ',' || r == ';' || r == 0xa0 || r == 0xfeff // as they come from web pages and files
		}) {
			if a := ParseAddress(word); !slices.Contains(out, a) {
				out = append(out, a)
			}
		}
	}
	return out
}

func addressOf(h workspace.Host) Address {
	return Address{Host: h.Address, User: h.SSH.User, Port: h.SSH.Port}
}

func formatAddresses(w workspace.Workspace) string {
	out := make([]string, len(w.Hosts))
	for n, h := range w.Hosts {
		out[n] = addressOf(h).String()
	}
	return strings.Join(out, " ")
}

// apply writes the address into a host; what is not said of user and port goes.
func (a Address) apply(h *workspace.Host) {
	h.Address, h.SSH.User, h.SSH.Port = a.Host, a.User, a.Port
	if h.Local() {
		h.SSH = workspace.SSH{}
	}
}

// same reports whether two hosts are reached in the same way.
func (a Address) same(h workspace.Host) bool {
	return strings.EqualFold(a.String(), addressOf(h).String())
}

// Add appends the hosts that are not there yet and returns their places. Each
// gets a name: the first label of one that is typed, "host" and a number for
// an IP address. Roles they have none; see Propose.
func Add(a *Answers, addresses []Address) []int {
	*a = a.Clone()
	var added []int
	for _, address := range addresses {
		if slices.ContainsFunc(a.Workspace.Hosts, address.same) {
			continue
		}
		var h workspace.Host
		address.apply(&h)
		h.Name = freeName(a.Workspace, nameFor(address))
		a.Workspace.Hosts = append(a.Workspace.Hosts, h)
		added = append(added, len(a.Workspace.Hosts)-1)
	}
	return added
}

// Remove takes away the host at a place, with its roles, its instances and its
// secrets. The places after it move up by one.
func Remove(a *Answers, n int) {
	if n < 0 || n >= len(a.Workspace.Hosts) {
		return
	}
	SetRoles(a, n, Roles{})
	*a = a.Clone()
	delete(a.Secrets.Hosts, a.Workspace.Hosts[n].Name)
	a.Workspace.Hosts = slices.Delete(a.Workspace.Hosts, n, n+1)
}

// setAddresses makes the hosts those of a text: hosts that stay keep all that
// was said of them, the others go, new ones come, and where any came roles are
// proposed anew.
func setAddresses(a *Answers, answer string) error {
	wanted := ParseAddresses(answer)
	next := a.Clone()
	for n, h := range slices.Backward(a.Workspace.Hosts) {
		if !slices.ContainsFunc(wanted, func(w Address) bool { return w.same(h) }) {
			Remove(&next, n)
		}
	}
	if len(Add(&next, wanted)) > 0 {
		Propose(&next, nil)
	}
	*a = next
	return nil
}

func setAddress(a *Answers, n int, answer string) {
	*a = a.Clone()
	if n < 0 || n >= len(a.Workspace.Hosts) {
		return
	}
	typed, h := ParseAddress(answer), &a.Workspace.Hosts[n]
	before := addressOf(*h)
	if typed.Host == before.Host || typed.User == "" && typed.Port == 0 { // how to log in was not said anew
		typed.User = firstOf(typed.User, before.User)
		typed.Port = firstOf(typed.Port, before.Port)
	}
	if typed.Host != before.Host {
		h.PrivateIP, h.SSH.HostKey = "", "" // another machine's
	}
	typed.apply(h)
}

func firstOf[T comparable](values ...T) T {
	var zero T
	for _, v := range values {
		if v != zero {
			return v
		}
	}
	return zero
}

// nameFor is what a host may be called by its address alone.
func nameFor(a Address) string {
	if _, err := netip.ParseAddr(a.Host); err == nil {
		return "host1"
	}
	label, _, _ := strings.Cut(strings.ToLower(a.Host), ".")
	name := strings.Trim(strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= '0' && r <= '9' || r == '-' {
			return r
		}
		return '-'
	}, label), "-")
	if name == "" || len(name) > 40 {
		return "host1"
	}
	return name
}

// freeName is the name, or with another number at its end, which no host has.
func freeName(w workspace.Workspace, name string) string {
	if !slices.Contains(w.HostNames(), name) {
		return name
	}
	base := strings.TrimRight(name, "0123456789")
	if base == "" {
		base = name + "-"
	}
	for count := 2; ; count++ {
		if next := base + strconv.Itoa(count); !slices.Contains(w.HostNames(), next) {
			return next
		}
	}
}

// rename calls a host otherwise, everywhere where it is named.
func rename(a *Answers, n int, name string) {
	*a = a.Clone()
	if n < 0 || n >= len(a.Workspace.Hosts) || a.Workspace.Hosts[n].Name == name {
		return
	}
	w, before := &a.Workspace, a.Workspace.Hosts[n].Name
	w.Hosts[n].Name = name
	if before == "" || slices.Contains(w.HostNames(), before) { // the other one of that name keeps what it has
		return
	}
	move := func(field *string) {
		if *field == before {
			*field = name
		}
	}
	move(&w.Database.Host)
	move(&w.Proxy.Host)
	for i := range w.Instances {
		move(&w.Instances[i].Host)
	}
	if s, ok := a.Secrets.Hosts[before]; ok && name != "" {
		delete(a.Secrets.Hosts, before)
		a.Secrets.Hosts[name] = s
	}
}

// addressProblem reports whether a problem of the workspace comes from the list
// of addresses.
func addressProblem(field string) bool {
	switch template(field) {
	case "hosts", ofHost + "address", ofHost + "ssh.user", ofHost + "ssh.port":
		return true
	}
	return false
}

func asInvalid(err error) (*workspace.InvalidError, bool) {
	return errors.AsType[*workspace.InvalidError](err)
}
