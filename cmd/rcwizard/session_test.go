package main

import (
	"bytes"
	"errors"
	"os"
	"strings"
	"testing"

	"github.com/spf13/viper"
)

// The command that a failure names is carried out as it stands.
func TestResumeWith(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		said map[string]string
		want string
	}{
		"nothing said": {nil, "rcwizard resume chat"},
		"another folder": {
			map[string]string{"dir": "../state/chat", "release": "8.9.0"},
			"rcwizard resume chat --dir ../state/chat",
		},
		"all": {
			map[string]string{"dir": "/srv/it's here", "ssh-config": "none", "known-hosts": "~/known $hosts"},
			`rcwizard resume chat --dir '/srv/it'\''s here' --ssh-config none --known-hosts '~/known $hosts'`,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := &app{config: viper.New()}
			for key, value := range test.said {
				a.config.Set(key, value)
			}
			if got := a.resumeWith("chat"); got != test.want {
				t.Errorf("%s, want %s", got, test.want)
			}
		})
	}
}

// A journal that cannot be closed is told, and turns no run that succeeded into
// one that failed.
func TestClosed(t *testing.T) {
	t.Parallel()
	for _, runErr := range []error{nil, told(exitFailed)} {
		a, ans := operator(t, nil)
		x, err := a.execution(ans)
		if err != nil {
			t.Fatal(err)
		}
		if err := x.transcript.Close(); err != nil {
			t.Fatal(err)
		}
		got := a.closed(x, runErr)
		said := a.sys.stderr.(*bytes.Buffer).String() //nolint:forcetypeassert // operator made it
		if (got == nil) != (runErr == nil) || runErr != nil && (!errors.Is(got, runErr) || !errors.Is(got, os.ErrClosed)) {
			t.Errorf("after %v: %v", runErr, got)
		}
		if strings.Contains(said, "may not be whole") != (runErr == nil) {
			t.Errorf("after %v it says %q", runErr, said)
		}
	}
}
