// Package dotenv fuzzes how values are quoted for .env. It stands apart from
// the other loaders so that only Compose is instrumented for it.
package dotenv

import (
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/compose-spec/compose-go/v2/dotenv"

	"github.com/rcwizard/rcwizard/render"
	"github.com/rcwizard/rcwizard/workspace"
)

// FuzzValue shows that any text which an environment can hold is read back by
// Compose's own parser as it was.
func FuzzValue(f *testing.F) {
	for _, value := range []string{"simple", ` "a" 'b' `, `\`, `\\"`, "$HOME ${X:-y} $$", "#", "a\r\nb\n", "ü☃", "=", "`id`", `\n`, `$\$`} {
		f.Add(value)
	}
	w := workspace.Workspace{
		Domain:    "chat.example.com",
		Hosts:     []workspace.Host{{Name: "all", Address: "10.0.0.1"}},
		Database:  workspace.Database{Host: "all"},
		Proxy:     workspace.Proxy{Host: "all"},
		Instances: []workspace.Instance{{Host: "all"}},
	}.Complete()
	f.Fuzz(func(t *testing.T, value string) {
		if value == "" || strings.ContainsRune(value, 0) || !utf8.ValidString(value) {
			t.Skip("no environment can hold it")
		}
		tree, err := render.Render(render.Inputs{Workspace: w, Secrets: workspace.Secrets{GrafanaAdminPassword: "x", License: value}})
		if err != nil {
			t.Fatal(err)
		}
		p, _ := tree.Instance("all")
		env, _ := p.File(".env")
		got, err := dotenv.Parse(strings.NewReader(string(env.Content)))
		if err != nil {
			t.Fatalf("%q: %v", value, err)
		}
		if got["ROCKETCHAT_LICENSE"] != value || got["COMPOSE_PROJECT_NAME"] != p.Name {
			t.Errorf("%q arrives as %q", value, got["ROCKETCHAT_LICENSE"])
		}
	})
}
