package question

import "testing"

func TestLearn(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name, address, roles, private string // roles and private: said before
		seen                          Seen
		wantPrivate, wantRoles        string
	}{
		{"behind NAT", "203.0.113.1", "", "", Seen{Cores: 8, Private: []string{"10.0.0.1", "172.17.0.1"}}, "10.0.0.1", "d i2 p"},
		{"a name", "box", "", "", Seen{Private: []string{"10.0.0.1"}}, "10.0.0.1", "d i2 p"},
		{"private already", "10.0.0.1", "", "", Seen{Private: []string{"10.1.0.1", "10.0.0.1"}}, "", "d i2 p"},
		{"private behind another", "10.9.9.9", "", "", Seen{Private: []string{"10.1.0.1"}}, "", "d i2 p"},
		{"said", "203.0.113.1", "d i3 p", "10.7.7.7", Seen{Cores: 8, Private: []string{"10.0.0.1"}}, "10.7.7.7", "d i3 p"},
		{"nothing seen", "203.0.113.1", "", "", Seen{}, "", "d i2 p"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			var a Answers
			answer(t, &a, "hosts", tt.address)
			if tt.roles != "" {
				answer(t, &a, "hosts[0].roles", tt.roles)
				answer(t, &a, "hosts[0].private_ip", tt.private)
			}
			before := a.Clone()
			Learn(&a, map[string]Seen{a.Workspace.Hosts[0].Name: tt.seen})
			if got := a.Workspace.Hosts[0].PrivateIP; got != tt.wantPrivate {
				t.Errorf("private address %q, want %q", got, tt.wantPrivate)
			}
			if got := RolesOf(a.Workspace, 0).String(); got != tt.wantRoles {
				t.Errorf("roles %q, want %q", got, tt.wantRoles)
			}
			if before.Workspace.Hosts[0].PrivateIP != tt.private {
				t.Error("Learn wrote into the answers of somebody else")
			}
		})
	}
}

// TestOffer: what is offered follows from the cores of the one host that carries
// several instances, as long as nobody gave roles.
func TestOffer(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name, addresses, roles string // roles of the first: given by the person
		cores                  []int
		want                   string
	}{
		{"one large host", "box", "", []int{16}, "box has 16 cores: by the guide's rule, 15 instances"},
		{"one small host", "box", "", []int{2}, "box has 2 cores: by the guide's rule, 1 instance"},
		{"the second of two", "a\nb", "", []int{8, 6}, "b has 6 cores: by the guide's rule, 5 instances"},
		{"as proposed", "box", "", []int{3}, ""},
		{"not known", "box", "", []int{0}, ""},
		{"one instance on each", "a\nb\nc\nd", "", []int{8, 8, 8, 8}, ""},
		{"roles were given", "box", "d i4 p", []int{16}, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			var a Answers
			answer(t, &a, "hosts", tt.addresses)
			if tt.roles != "" {
				answer(t, &a, "hosts[0].roles", tt.roles)
			}
			seen := map[string]Seen{}
			for n, h := range a.Workspace.Hosts {
				seen[h.Name] = Seen{Cores: tt.cores[n]}
			}
			got := ""
			o, ok := Offer(a, seen)
			if ok {
				got = o.Words(a)
			}
			if got != tt.want {
				t.Errorf("%q is offered, want %q", got, tt.want)
			}
			if SetRoles(&a, o.At, o.Roles); ok && RolesOf(a.Workspace, o.At) != o.Roles {
				t.Errorf("it has %s, of %s", RolesOf(a.Workspace, o.At), o.Roles)
			}
			if _, again := Offer(a, seen); ok && again {
				t.Error("it is offered again")
			}
		})
	}
}
