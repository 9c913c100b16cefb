package steps

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/rcwizard/rcwizard/remote"
	"github.com/rcwizard/rcwizard/workspace"
)

func TestMeter(t *testing.T) {
	t.Parallel()
	out := &output{}
	m := newMeter(out)
	for _, test := range []struct {
		ref         string
		p           remote.PullProgress
		done, total int64
	}{
		{"mongo:8.0", remote.PullProgress{Status: "Pulling from library/mongo"}, 0, 0},
		{"mongo:8.0", remote.PullProgress{Layer: "a", Status: "Waiting"}, 0, 0},
		{"mongo:8.0", remote.PullProgress{Layer: "a", Status: "Downloading", Current: 10, Total: 100}, 10, 100},
		{"nats:2.11", remote.PullProgress{Layer: "b", Status: "Downloading", Current: 5, Total: 50}, 15, 150},
		{"mongo:8.0", remote.PullProgress{Layer: "a", Status: "Downloading", Current: 60, Total: 100}, 65, 150},
		// A layer of both images is downloaded once.
		{"nats:2.11", remote.PullProgress{Layer: "a", Status: "Downloading", Current: 70, Total: 100}, 75, 150},
		// Bytes that are unpacked are others than those that were downloaded.
		{"mongo:8.0", remote.PullProgress{Layer: "a", Status: "Extracting", Current: 1, Total: 300}, 105, 150},
		{"mongo:8.0", remote.PullProgress{Layer: "c", Status: "Already exists"}, 105, 150},
		{"nats:2.11", remote.PullProgress{Layer: "b", Status: "Pull complete"}, 150, 150},
	} {
		m.layer(test.p)
		if out.done != test.done || out.total != test.total || out.what != "bytes" {
			t.Errorf("after %s %s %s: %d of %d (%s), want %d of %d", test.ref, test.p.Layer, test.p.Status, out.done, out.total, out.what, test.done, test.total)
		}
	}
}

// A host's images are named once each, however many projects use them.
func TestReferences(t *testing.T) {
	t.Parallel()
	w := guide()
	w.Hosts = w.Hosts[:1]
	w.Proxy.Host = "db"
	w.Instances = []workspace.Instance{{Host: "db"}, {Host: "db"}}
	s := newSite(t, w, workspace.Secrets{})
	refs := s.references("db")
	count := func(text string) int {
		n := 0
		for _, r := range refs {
			if strings.Contains(r, text) {
				n++
			}
		}
		return n
	}
	if count("rocket.chat:8.9.1") != 1 || count("traefik:") != 1 || !slices.IsSorted(refs) {
		t.Errorf("references %v", refs)
	}
	if got := s.references("nobody"); len(got) > 0 {
		t.Errorf("a host without a project pulls %v", got)
	}
}

func TestPullProblem(t *testing.T) {
	t.Parallel()
	for kind, test := range map[remote.PullKind]struct{ cause, next string }{
		remote.PullNoTag:       {"no such image or tag", "correct the release"},
		remote.PullNoImage:     {"no such image or tag", "correct the release"},
		remote.PullNoSpace:     {"on rc1 is full", "free space"},
		remote.PullUnreachable: {"rc1 cannot reach the registry", "see that rc1 can reach"},
		remote.PullRateLimit:   {"limits how much", "docker login"},
		remote.PullNoPlatform:  {string(remote.PullNoPlatform), "run again"},
		remote.PullUntrusted:   {string(remote.PullUntrusted), "run again"},
		remote.PullDenied:      {"wants a login", "docker pull mongo:9.9"},
		remote.PullFailed:      {string(remote.PullFailed), "run again"},
	} {
		p := asProblem(t, pullProblem("mongo:9.9", "rc1", &remote.PullError{Host: "rc1", Ref: "mongo:9.9", Kind: kind, Err: errors.New("said so")}))
		if p.Command != "docker pull mongo:9.9" || !strings.Contains(p.Cause, test.cause) || !strings.Contains(p.Next, test.next) {
			t.Errorf("%s: %+v", kind, p)
		}
	}
	if p := asProblem(t, pullProblem("mongo:9.9", "rc1", errors.New("connection lost"))); p.Next == "" || !strings.Contains(p.Error(), "connection lost") {
		t.Errorf("another error: %+v", p)
	}
	// The registry has no part in what became of the connection to the host.
	for _, err := range []error{&remote.OutcomeUnknownError{Host: "rc1", Cause: errors.New("reset")}, &remote.LostError{Host: "rc1", Err: errors.New("timeout")}} {
		if p := asProblem(t, explain(pullProblem("mongo:9.9", "rc1", err))); strings.Contains(p.Cause+p.Next, "registry") || !strings.Contains(p.Cause, "connection") && !strings.Contains(p.Cause, "network") {
			t.Errorf("the connection broke: %+v", p)
		}
	}
}

func TestSameImage(t *testing.T) {
	t.Parallel()
	a := remote.Image{ID: "sha256:a", Digests: []string{"mongo@sha256:1", "mirror:5000/mongo@sha256:2"}}
	for name, test := range map[string]struct {
		other remote.Image
		want  bool
	}{
		"from the same registry":         {remote.Image{ID: "sha256:b", Digests: []string{"mongo@sha256:1"}}, true},
		"by another way":                 {remote.Image{ID: "sha256:b", Digests: []string{"other/mongo@sha256:2"}}, true},
		"loaded from a file":             {remote.Image{ID: "sha256:a"}, true},
		"pushed anew":                    {remote.Image{ID: "sha256:b", Digests: []string{"mongo@sha256:3"}}, false},
		"another one loaded from a file": {remote.Image{ID: "sha256:b"}, false},
	} {
		if got := sameImage(a, test.other); got != test.want {
			t.Errorf("%s: %t", name, got)
		}
	}
}
