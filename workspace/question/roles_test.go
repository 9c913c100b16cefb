package question

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestParseRoles(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]Roles{
		"": {}, "-": {},
		"d": {Database: true}, "D P": {Database: true, Proxy: true},
		"dip": {Database: true, Instances: 1, Proxy: true}, "i3": {Instances: 3}, "i2p": {Instances: 2, Proxy: true},
		"d, i, i": {Database: true, Instances: 2}, "database+proxy": {Database: true, Proxy: true},
		"instances4": {Instances: 4}, "i0": {},
	} {
		got, err := ParseRoles(text)
		if err != nil {
			t.Errorf("%q: %v", text, err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%q:\n%s", text, diff)
		}
		if again, err := ParseRoles(got.String()); err != nil || again != got {
			t.Errorf("%q is written %q and read %+v, %v", text, got, again, err)
		}
	}
	for _, text := range []string{"x", "di?", "i999", "i256 i256", "proxy2"} {
		if got, err := ParseRoles(text); err == nil {
			t.Errorf("%q was read as %+v", text, got)
		}
	}
}

func FuzzParseRoles(f *testing.F) {
	f.Add("d i2 p")
	f.Add("dip,")
	f.Fuzz(func(t *testing.T, text string) {
		r, err := ParseRoles(text)
		if err != nil {
			return
		}
		if again, err := ParseRoles(r.String()); err != nil || again != r {
			t.Errorf("%q is written %q and read %+v, %v", text, r, again, err)
		}
	})
}

// The guide's layout from four hosts on, and one fewer instances than cores
// where a host carries several.
func TestLayout(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		hosts int
		cores []int
		want  []string
	}{
		{0, nil, []string{}},
		{1, nil, []string{"d i2 p"}},
		{1, []int{8}, []string{"d i7 p"}},
		{1, []int{1}, []string{"d i p"}},
		{2, []int{4, 4}, []string{"d p", "i3"}},
		{3, nil, []string{"d p", "i", "i"}},
		{4, nil, []string{"d", "i", "i", "p"}},
		{6, nil, []string{"d", "i", "i", "i", "i", "p"}},
	} {
		got := make([]string, 0, tt.hosts)
		for _, r := range Layout(tt.hosts, tt.cores) {
			got = append(got, r.String())
		}
		if diff := cmp.Diff(tt.want, got); diff != "" {
			t.Errorf("%d hosts:\n%s", tt.hosts, diff)
		}
	}
}

// Database and proxy there is one of, and the instances are in the order of the
// hosts, however the roles were given.
func TestSetRoles(t *testing.T) {
	t.Parallel()
	a := four(t)
	answer(t, &a, "hosts[3].roles", "d p")
	answer(t, &a, "hosts[0].roles", "i2")
	answer(t, &a, "hosts[1].roles", "i2")
	want := []string{"i2", "i2", "i", "d p"}
	for n := range want {
		if got := RolesOf(a.Workspace, n).String(); got != want[n] {
			t.Errorf("host %d: %q, want %q", n, got, want[n])
		}
	}
	order := make([]string, 0, len(a.Workspace.Instances))
	for _, i := range a.Workspace.Instances {
		order = append(order, i.Host)
	}
	if diff := cmp.Diff([]string{"db", "db", "rc1", "rc1", "rc2"}, order); diff != "" {
		t.Error(diff)
	}
	// What was said of an instance that stays is kept.
	answer(t, &a, "instances[0].port", "3333")
	answer(t, &a, "hosts[0].roles", "i")
	if got := a.Workspace.Instances[0]; got.Port != 3333 || got.Host != "db" {
		t.Errorf("the instance that stayed is %+v", got)
	}
	Remove(&a, 1)
	if got := len(a.Workspace.Instances); got != 2 {
		t.Errorf("%d instances after their host went", got)
	}
}
