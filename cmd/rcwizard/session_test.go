package main

import (
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
