package question

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/rcwizard/rcwizard/workspace"
)

// Roles are what one host does.
type Roles struct {
	Database bool
	Proxy    bool
	// Instances is how many Rocket.Chat processes run there.
	Instances int
}

// String is the roles as ParseRoles reads them, such as "d i2 p"; empty for none.
func (r Roles) String() string {
	var out []string
	if r.Database {
		out = append(out, "d")
	}
	switch {
	case r.Instances == 1:
		out = append(out, "i")
	case r.Instances > 1:
		out = append(out, "i"+strconv.Itoa(r.Instances))
	}
	if r.Proxy {
		out = append(out, "p")
	}
	return strings.Join(out, " ")
}

// Words are the roles for people, such as "database, 2 instances, proxy".
func (r Roles) Words() string {
	var out []string
	if r.Database {
		out = append(out, "database")
	}
	switch {
	case r.Instances == 1:
		out = append(out, "instance")
	case r.Instances > 1:
		out = append(out, strconv.Itoa(r.Instances)+" instances")
	}
	if r.Proxy {
		out = append(out, "proxy")
	}
	if len(out) == 0 {
		return "nothing"
	}
	return strings.Join(out, ", ")
}

// maxInstances is more than a host has cores for.
const maxInstances = 256

var roleForm = regexp.MustCompile(`^(?:(d|database)|(p|proxy)|(?:i|instances?)(\d{0,3}))$`)

// ParseRoles reads d for the database, i for an instance, i3 for three of them,
// p for the proxy, or their whole words, in any order and with or without
// spaces and commas between the letters. A dash, or nothing, is no role.
func ParseRoles(text string) (Roles, error) {
	var r Roles
	for _, word := range splitRoles(strings.ToLower(text)) {
		m := roleForm.FindStringSubmatch(word)
		switch {
		case word == "-":
		case m == nil:
			return Roles{}, fmt.Errorf("%q is not a role", word)
		case m[1] != "":
			r.Database = true
		case m[2] != "":
			r.Proxy = true
		case m[3] != "":
			count, err := strconv.Atoi(m[3])
			if err != nil || count > maxInstances {
				return Roles{}, fmt.Errorf("%s instances are more than a host can bear", m[3])
			}
			r.Instances += count
		default:
			r.Instances++
		}
	}
	if r.Instances > maxInstances {
		return Roles{}, fmt.Errorf("%d instances are more than a host can bear", r.Instances)
	}
	return r, nil
}

var lettersForm = regexp.MustCompile(`^(?:[dp]|i\d{0,3})+$`)

// splitRoles splits at spaces, commas and plus signs, and letters that stand
// together, such as "dip", from each other.
func splitRoles(text string) []string {
	var out []string
	for _, word := range strings.FieldsFunc(text, func(r rune) bool { return r <= ' ' || r == ',' || r == '+' }) {
		if !lettersForm.MatchString(word) {
			out = append(out, word)
			continue
		}
		for i, r := range word {
			if r == 'd' || r == 'i' || r == 'p' {
				end := i + 1
				for end < len(word) && word[end] >= '0' && word[end] <= '9' {
					end++
				}
				out = append(out, word[i:end])
			}
		}
	}
	return out
}

// RolesOf are the roles of the host at a place.
func RolesOf(w workspace.Workspace, n int) Roles {
	if n < 0 || n >= len(w.Hosts) || w.Hosts[n].Name == "" {
		return Roles{}
	}
	name := w.Hosts[n].Name
	return Roles{Database: w.Database.Host == name, Proxy: w.Proxy.Host == name, Instances: len(w.InstancesOn(name))}
}

// SetRoles gives the host at a place its roles. Database and proxy there is one
// of: the host that had the role loses it. Instances that stay keep what was
// said of them; of those that go, the last go first.
func SetRoles(a *Answers, n int, r Roles) {
	*a = a.Clone()
	w := &a.Workspace
	if n < 0 || n >= len(w.Hosts) {
		return
	}
	name := w.Hosts[n].Name
	one := func(field *string, has bool) {
		switch {
		case has:
			*field = name
		case *field == name:
			*field = ""
		}
	}
	one(&w.Database.Host, r.Database)
	one(&w.Proxy.Host, r.Proxy)
	have := len(w.InstancesOn(name))
	for ; have > r.Instances; have-- {
		last := len(w.Instances) - 1
		for w.Instances[last].Host != name {
			last--
		}
		w.Instances = slices.Delete(w.Instances, last, last+1)
	}
	for ; have < r.Instances; have++ {
		w.Instances = append(w.Instances, workspace.Instance{Host: name})
	}
	byHosts(w)
}

// byHosts orders the instances as their hosts are, so that the same roles make
// the same file in whichever order they were given.
func byHosts(w *workspace.Workspace) {
	names := w.HostNames()
	slices.SortStableFunc(w.Instances, func(x, y workspace.Instance) int {
		return slices.Index(names, x.Host) - slices.Index(names, y.Host)
	})
}

// Layout proposes the roles of so many hosts: the guide's own from four on, the
// first for the database, the last for the proxy, one instance on each of the
// others. With two and three the proxy is on the database's host. A host that
// is to carry several instances gets one fewer than it has cores, which is the
// guide's rule, or two where that is not known; cores are those of each host,
// and may be fewer numbers than there are hosts.
func Layout(hosts int, cores []int) []Roles {
	if hosts <= 0 {
		return nil
	}
	several := func(n int) int {
		if n >= len(cores) || cores[n] == 0 {
			return 2
		}
		return min(max(cores[n]-1, 1), maxInstances)
	}
	out := make([]Roles, hosts)
	out[0].Database = true
	switch hosts {
	case 1:
		out[0].Instances, out[0].Proxy = several(0), true
	case 2:
		out[0].Proxy, out[1].Instances = true, several(1)
	case 3:
		out[0].Proxy = true
		out[1].Instances, out[2].Instances = 1, 1
	default:
		for n := 1; n < hosts-1; n++ {
			out[n].Instances = 1
		}
		out[hosts-1].Proxy = true
	}
	return out
}

// givenName is what Add or Propose call a host that was typed as an IP address.
var givenName = regexp.MustCompile(`^(host\d+|db|rc\d+|edge)$`)

// namedByRole reports whether a host is called for its role, and may be called
// anew: it has no name in its address, and nobody gave it one.
func namedByRole(h workspace.Host) bool {
	return nameFor(addressOf(h)) == "host1" && givenName.MatchString(h.Name)
}

// Propose gives all hosts the roles of Layout, and those that have no name of
// their own the names of their roles: db, rc1, rc2 …, edge.
func Propose(a *Answers, cores []int) {
	*a = a.Clone()
	hosts := len(a.Workspace.Hosts)
	layout := Layout(hosts, cores)
	for n := range hosts {
		SetRoles(a, n, Roles{})
	}
	// First out of the way, so that db can become rc1 and rc1 db.
	for n, h := range a.Workspace.Hosts {
		if namedByRole(h) && !strings.HasPrefix(h.Name, "host") {
			rename(a, n, freeName(a.Workspace, "host1"))
		}
	}
	count := 0
	for n, r := range layout {
		name := "db"
		switch {
		case r.Database:
		case r.Instances > 0:
			count++
			name = "rc" + strconv.Itoa(count)
		default:
			name = "edge"
		}
		if namedByRole(a.Workspace.Hosts[n]) && !slices.Contains(a.Workspace.HostNames(), name) {
			rename(a, n, name)
		}
		SetRoles(a, n, r)
	}
}
