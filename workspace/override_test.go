package workspace

import (
	"reflect"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// Every field of Secrets must take part: one that was forgotten would be lost
// without a word.
func TestOverrideTakesEveryField(t *testing.T) {
	var by Secrets
	v := reflect.ValueOf(&by).Elem()
	for i := range v.NumField() {
		if f := v.Field(i); f.Kind() == reflect.String {
			f.SetString("new " + v.Type().Field(i).Name)
		}
	}
	by.Hosts = map[string]HostSecrets{"db": {SSHPassword: "p", SudoPassword: "q", KeyPassphrase: "r"}}
	if diff := cmp.Diff(by, Secrets{}.Override(by)); diff != "" {
		t.Errorf("over nothing (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(by, by.Override(Secrets{})); diff != "" {
		t.Errorf("nothing over it (-want +got):\n%s", diff)
	}
}

func TestOverrideLeavesBothAsTheyWere(t *testing.T) {
	kept := Secrets{AdminPassword: "kept", Hosts: map[string]HostSecrets{"db": {SSHPassword: "kept", SudoPassword: "kept"}}}
	typed := Secrets{Hosts: map[string]HostSecrets{"db": {SudoPassword: "typed"}, "rc1": {KeyPassphrase: "typed"}}}
	got := kept.Override(typed)
	want := Secrets{AdminPassword: "kept", Hosts: map[string]HostSecrets{
		"db": {SSHPassword: "kept", SudoPassword: "typed"}, "rc1": {KeyPassphrase: "typed"},
	}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if kept.Hosts["db"].SudoPassword != "kept" || len(kept.Hosts) != 1 {
		t.Errorf("the kept secrets were changed: %v", kept.Hosts)
	}
}
