package main

import (
	"cmp"
	"flag"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/rcwizard/rcwizard/assets"
	"github.com/rcwizard/rcwizard/engine"
	"github.com/rcwizard/rcwizard/render"
	"github.com/rcwizard/rcwizard/steps"
	"github.com/rcwizard/rcwizard/workspace"
)

var update = flag.Bool("update", false, "write goldens and docs/guide-map.md anew")

const guideMapFile = "../../docs/guide-map.md"

// docs/guide-map.md is made of each step's Guide field, the table of the
// guide's holes, and the names of the tests, so that it cannot rot.
func TestGuideMap(t *testing.T) {
	got := guideMap(t)
	if *update {
		if err := os.WriteFile(guideMapFile, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(guideMapFile)
	if err != nil {
		t.Fatal(err)
	}
	if string(want) != got {
		t.Error("docs/guide-map.md is not what steps and holes say: run make guide-map and read the difference")
	}
}

// guideWorkspace is the guide's own example.
const guideWorkspace = `version: 1
domain: chat.example.com
email: ops@example.com
release: 8.9.1
hosts:
  - {name: db, address: 10.0.0.10}
  - {name: rc1, address: 10.0.0.11}
  - {name: rc2, address: 10.0.0.12}
  - {name: edge, address: 10.0.0.13}
database: {host: db}
proxy: {host: edge}
instances: [{host: rc1}, {host: rc2}]
`

func guideMap(t *testing.T) string {
	t.Helper()
	w, problems := workspace.Load("workspace.yaml", []byte(guideWorkspace))
	if err := problems.Err(); err != nil {
		t.Fatal(err)
	}
	secrets, _ := workspace.Secrets{}.Generate(w)
	tree, err := render.Render(render.Inputs{Workspace: w, Secrets: secrets})
	if err != nil {
		t.Fatal(err)
	}
	plan := steps.Install(&steps.Site{Workspace: w, Secrets: secrets, Tree: tree})

	var b strings.Builder
	b.WriteString(`# The guide, step by step

Written by ` + "`make guide-map`" + ` from the steps, the table of holes and the tests; do
not edit it. The guide is Rocket.Chat's "Running Rocket.Chat with Multiple
Instances"; its files are those of RocketChat/rocketchat-compose at f693f76
(2026-06-08).

## What rcwizard does for each step

The guide's example: db, rc1 and rc2, edge. Steps of several hosts run side by
side; the order of a host is the order here.

| guide | host | step | id |
|---|---|---|---|
`)
	table := func(plan engine.Plan) {
		for _, s := range plan.Steps {
			fmt.Fprintf(&b, "| %s | %s | %s | `%s` |\n", cmp.Or(s.Guide, "–"), cmp.Or(s.Host, "operator"), s.Title, s.ID)
		}
	}
	table(plan)
	changed := &steps.Site{Workspace: w, Secrets: secrets, Tree: tree, Scope: &steps.Scope{Instances: []string{"rc2"}, Without: w.Without("rc2")}}
	b.WriteString(`
## Adding an instance, and removing one

Here rc2, to and from a cluster that people are using. The guide's list of
instances for the proxy is in a file that Traefik takes over by itself.

| guide | host | step | id |
|---|---|---|---|
`)
	table(steps.Add(changed))
	b.WriteString(`
And the other way:

| guide | host | step | id |
|---|---|---|---|
`)
	table(steps.Remove(changed))
	b.WriteString(`
Not carried out, since they are not for an installer: 4.2's registration in the
browser (a registration token or a licence in secrets.yaml is passed on) and the
moving of files that were uploaded before step 5.

## Where the guide, followed to the letter, does not come up

H: holes of the guide and its files. T: the same and more, as traps for an
installer.

`)
	holes := assets.Holes()
	slices.SortStableFunc(holes, func(x, y assets.Hole) int {
		return cmp.Or(strings.Compare(x.ID[:1], y.ID[:1]), cmp.Compare(number(t, x.ID), number(t, y.ID)))
	})
	for _, h := range holes {
		fmt.Fprintf(&b, "### %s\n\n", cmp.Or(heading(h), h.ID))
		fmt.Fprintf(&b, "- **The guide:** %s.\n- **What happens:** %s.\n- **rcwizard:** %s.\n", h.Says, h.Happens, h.Cure)
		if len(h.Tests) > 0 {
			fmt.Fprintf(&b, "- **Shown by:** `%s`.\n", strings.Join(h.Tests, "`, `"))
		} else {
			b.WriteString("- **Shown by:** no test; nothing that rcwizard does could be shown by one.\n")
		}
		b.WriteString("\n")
	}
	return strings.TrimRight(b.String(), "\n") + "\n"
}

func heading(h assets.Hole) string {
	if h.Guide == "" {
		return h.ID
	}
	return h.ID + ", guide " + h.Guide
}

func number(t *testing.T, id string) int {
	t.Helper()
	n, err := strconv.Atoi(id[1:])
	if err != nil {
		t.Fatalf("hole %s: %v", id, err)
	}
	return n
}
