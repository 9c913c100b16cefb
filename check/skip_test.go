package check

import (
	"errors"
	"testing"

	"github.com/rcwizard/rcwizard/workspace"
)

func TestKnownSkips(t *testing.T) {
	t.Parallel()
	w := four()
	for word, near := range map[string]string{
		"exposure": "", "host:db": "", "host:db:": "", "port:rc1:db:27017": "", "clock": "", "image:db:docker.io/library/nats:2": "",
		"expsure": "exposure", "port:rc1:db:27018": "port:rc1:db:27017", "hosts:db:clock": "host:db:clock", "domain:chat.example.org": "domain:chat.example.com",
	} {
		err := KnownSkips(w, []string{"exposure", word})
		unknown, ok := errors.AsType[*UnknownSkipError](err)
		switch {
		case near == "" && err != nil:
			t.Errorf("%s: %v", word, err)
		case near != "" && (!ok || unknown.Near != near || unknown.Word != word):
			t.Errorf("%s: %v, want %s", word, err, near)
		}
	}
	unknown, ok := errors.AsType[*UnknownSkipError](KnownSkips(w, []string{"nonsense"}))
	if !ok || unknown.Near != "" {
		t.Errorf("nonsense is taken for %+v", unknown)
	}
	if err := KnownSkips(w, []string{"port:rc1:atlas.example:27017"}); err == nil {
		t.Error("a port of nobody's is known")
	}
	w.Database = workspace.Database{External: true}
	if err := KnownSkips(w, []string{"port:rc1:atlas.example:27017"}); err != nil {
		t.Errorf("a member of an external database: %v", err)
	}
}
