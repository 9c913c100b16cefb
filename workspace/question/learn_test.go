package question

import "testing"

func TestLearn(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name, address, roles, private string // roles and private: said before
		seen                          Seen
		wantPrivate, wantRoles        string
	}{
		{"behind NAT", "203.0.113.1", "", "", Seen{Cores: 8, Private: []string{"10.0.0.1", "172.17.0.1"}}, "10.0.0.1", "d i7 p"},
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
