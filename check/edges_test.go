package check

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/rcwizard/rcwizard/workspace"
)

func lines(edges []Edge) string {
	var b strings.Builder
	for _, e := range edges {
		fmt.Fprintf(&b, "%s>%s:%d\n", e.From, e.To, e.Port)
	}
	return b.String()
}

func TestEdges(t *testing.T) {
	t.Parallel()
	tcp := four()
	tcp.Messaging = workspace.Messaging{Transporter: workspace.TransporterTCP}
	tcp.Instances = append(tcp.Instances, workspace.Instance{Host: "rc1"})
	tcp = tcp.Complete()
	bare := four()
	bare.Grafana.Mode, bare.TLS.Mode, bare.Database.External = workspace.GrafanaNone, workspace.TLSNone, true
	odd := four()
	odd.Database.MongoDBPort, odd.Proxy.HTTPSPort, odd.Instances[1].Port = 27018, 8443, 3111
	for name, c := range map[string]struct {
		w    workspace.Workspace
		want string
	}{
		"four": {four(), `
db>db:27017
rc1>db:27017
rc2>db:27017
rc1>db:4222
rc2>db:4222
edge>db:5050
edge>rc1:3000
db>rc1:9458
edge>rc2:3000
db>rc2:9458
>edge:80
>edge:443
`},
		"one host": {one(), `
box>box:3000
box>box:3001
box>box:4222
box>box:5050
box>box:9458
box>box:9459
box>box:27017
>box:80
>box:443
`},
		"tcp, two on a host": {tcp, `
db>db:27017
rc1>db:27017
rc2>db:27017
edge>db:5050
edge>rc1:3000
edge>rc1:3001
rc1>rc1:3301
rc2>rc1:3301
rc1>rc1:3302
rc2>rc1:3302
db>rc1:9458
db>rc1:9459
edge>rc2:3000
rc1>rc2:3301
db>rc2:9458
>edge:80
>edge:443
`},
		"external, no monitoring, no TLS": {bare, `
rc1>db:4222
rc2>db:4222
edge>rc1:3000
edge>rc2:3000
>edge:80
`},
		"ports as configured": {odd, `
db>db:27018
rc1>db:27018
rc2>db:27018
rc1>db:4222
rc2>db:4222
edge>db:5050
edge>rc1:3000
db>rc1:9458
edge>rc2:3111
db>rc2:9458
>edge:80
>edge:8443
`},
	} {
		want := strings.Split(strings.TrimSpace(c.want), "\n")
		got := strings.Split(strings.TrimSpace(lines(Edges(c.w))), "\n")
		// Hosts are in the order of the file, which is tested below.
		slices.SortStableFunc(want, func(a, b string) int { return strings.Compare(key(a), key(b)) })
		slices.SortStableFunc(got, func(a, b string) int { return strings.Compare(key(a), key(b)) })
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
	if got, _, _ := strings.Cut(lines(Edges(four())), "\n"); got != "rc1>db:4222" {
		t.Errorf("first is %s", got)
	}
	for _, e := range Edges(four()) {
		if e.Why == "" || e.Service == "" || (e.Address == "") != (e.From == World) {
			t.Errorf("%+v", e)
		}
	}
}

func key(line string) string { return line[strings.Index(line, ">"):] }

func TestEdgesNotComplete(t *testing.T) {
	t.Parallel()
	if got := Edges(workspace.Workspace{}); len(got) != 0 {
		t.Errorf("an empty workspace has %v", got)
	}
	w := four()
	w.Instances[0].Port = 0
	for _, e := range Edges(w) {
		if e.Port == 0 {
			t.Errorf("%+v", e)
		}
	}
}

// TestEdgesMeetListeners: who is connected to must listen, and the firewall must
// not name what does not.
func TestEdgesMeetListeners(t *testing.T) {
	t.Parallel()
	for _, w := range []workspace.Workspace{four(), one()} {
		places := Places(w)
		for _, e := range Edges(w) {
			if !slices.ContainsFunc(places, func(s Site) bool {
				return s.Host == e.To && s.Port == e.Port && s.Scope != workspace.ScopeLoopback && s.Service == e.Service
			}) {
				t.Errorf("nobody listens at the end of %+v", e)
			}
		}
		for _, s := range places {
			if strings.Contains(s.Service, "SSH") {
				t.Errorf("%+v is not deployed", s)
			}
		}
	}
	if got := Places(four()); !slices.ContainsFunc(got, func(s Site) bool { return s.Address == "127.0.0.1" && s.Port == 27017 }) {
		t.Error("MongoDB's loopback port is not looked at")
	}
}

func TestExternalEdges(t *testing.T) {
	t.Parallel()
	w := four()
	members := []string{"m1.example.net:27017", "[fd00::9]:27018", "no port", "x:99999", "user:secret@host:27017", "m1.example.net:27017"}
	if got := ExternalEdges(w, members); got != nil {
		t.Errorf("with a database of our own: %v", got)
	}
	w.Database.External = true
	want := "rc1>m1.example.net:27017\nrc2>m1.example.net:27017\nrc1>fd00::9:27018\nrc2>fd00::9:27018\n"
	if diff := cmp.Diff(want, lines(ExternalEdges(w, members))); diff != "" {
		t.Error(diff)
	}
}
