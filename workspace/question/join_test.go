package question

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/rcwizard/rcwizard/workspace"
)

// A host that joins is logged in to as the others are, where they agree, and
// gets an instance behind those that there are, whose names and ports stay.
func TestJoin(t *testing.T) {
	t.Parallel()
	a := Answers{Workspace: workspace.Workspace{
		Hosts: []workspace.Host{
			{Name: "db", Address: "192.0.2.10", SSH: workspace.SSH{User: "ada", ProxyJump: "gate", Port: 22}},
			{Name: "rc1", Address: "192.0.2.11", SSH: workspace.SSH{User: "ada", ProxyJump: "gate", Port: 2222}},
		},
		Database: workspace.Database{Host: "db"}, Proxy: workspace.Proxy{Host: "db"},
		Instances: []workspace.Instance{{Host: "rc1"}},
	}}
	before := a.Workspace.Complete()
	added := Join(&a, ParseAddresses("192.0.2.12 eve@192.0.2.13:24 192.0.2.12"))
	Grow(&a, 1)
	if diff := cmp.Diff([]int{2, 3}, added); diff != "" {
		t.Fatal(diff)
	}
	w := a.Workspace.Complete()
	for n, want := range []struct {
		user, jump string
		port       int
	}{{"ada", "gate", 22}, {"eve", "gate", 24}} {
		if ssh := w.Hosts[2+n].SSH; ssh.User != want.user || ssh.ProxyJump != want.jump || ssh.Port != want.port {
			t.Errorf("%s is logged in to as %+v", w.Hosts[2+n].Name, ssh)
		}
	}
	if diff := cmp.Diff(before.Instances[0], w.Instances[0]); diff != "" {
		t.Errorf("the instance that there was is another (-before +now):\n%s", diff)
	}
	hosts := make([]string, 0, len(w.Instances))
	for _, i := range w.Instances {
		hosts = append(hosts, i.Host)
	}
	if diff := cmp.Diff([]string{"rc1", w.Hosts[2].Name, w.Hosts[3].Name, "rc1"}, hosts); diff != "" {
		t.Error(diff)
	}
	Shrink(&a, 1)
	if n := len(a.Workspace.InstancesOn(w.Hosts[2].Name)); n != 0 || len(a.Workspace.Instances) != 3 {
		t.Errorf("%d instances of %d are on the host that was to have none", n, len(a.Workspace.Instances))
	}
}

// A host is meant by its name or its address; with a user or a port it is an
// address.
func TestMeant(t *testing.T) {
	t.Parallel()
	w := workspace.Workspace{Hosts: []workspace.Host{
		{Name: "db", Address: "192.0.2.10", SSH: workspace.SSH{Port: 22}},
		{Name: "gate", Address: "2001:db8::1", SSH: workspace.SSH{Port: 22}},
		{Name: "rc1", Address: "gate.example.com", SSH: workspace.SSH{Port: 2201}},
		{Name: "rc2", Address: "gate.example.com", SSH: workspace.SSH{Port: 2202}},
	}}
	for text, want := range map[string]int{
		"db": 0, "root@192.0.2.10:22": 0, "::ffff:192.0.2.10": 0, "2001:DB8:0::1": 1, "Gate.Example.com:2202": 3,
		"gate.example.com": 2, "root@db": -1, "192.0.2.10:2222": -1, "192.0.2.99": -1, "gate.example.com:22": -1,
	} {
		if n, ok := Meant(w, ParseAddress(text)); n != want || ok != (want >= 0) {
			t.Errorf("%s means the host %d, %v; wanted %d", text, n, ok, want)
		}
	}
}

// A host that parts takes its instances and its secrets along, and nothing else
// moves, also where the instances do not stand in the hosts' order.
func TestPart(t *testing.T) {
	t.Parallel()
	a := Answers{
		Workspace: workspace.Workspace{
			Hosts:     []workspace.Host{{Name: "a"}, {Name: "b"}, {Name: "c"}},
			Instances: []workspace.Instance{{Name: "c1", Host: "c"}, {Name: "b1", Host: "b"}, {Name: "a1", Host: "a"}},
		},
		Secrets: workspace.Secrets{Hosts: map[string]workspace.HostSecrets{"b": {SSHPassword: "x"}}},
	}
	before := a.Clone()
	Part(&a, 1)
	if diff := cmp.Diff([]string{"a", "c"}, a.Workspace.HostNames()); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]workspace.Instance{{Name: "c1", Host: "c"}, {Name: "a1", Host: "a"}}, a.Workspace.Instances); diff != "" {
		t.Error(diff)
	}
	if len(a.Secrets.Hosts) != 0 || len(before.Secrets.Hosts) != 1 {
		t.Error("its secrets stay, or those of the answers before went too")
	}
}

func TestRoom(t *testing.T) {
	t.Parallel()
	for _, c := range [][3]int{{4, 1, 2}, {4, 3, 0}, {2, 2, 0}, {1, 0, 0}, {0, 1, -1}} {
		if got := Room(c[0], c[1]); got != c[2] {
			t.Errorf("%d cores that carry %d have room for %d, not %d", c[0], c[1], got, c[2])
		}
	}
}
