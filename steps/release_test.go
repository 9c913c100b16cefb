package steps

import (
	"strings"
	"testing"

	"github.com/rcwizard/rcwizard/workspace"
)

func TestReleaseIn(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct{ env, want string }{
		"as rcwizard writes it": {"A=\"1\"\nRELEASE=\"8.9.1\"\nB=2\n", "8.9.1"},
		"as the guide does":     {"RELEASE=8.9.2\n", "8.9.2"},
		"single quotes":         {"RELEASE='8.9.2'", "8.9.2"},
		"with spaces":           {"  export RELEASE = 9.0.0  # raised\n", "9.0.0"},
		"from Windows":          {"RELEASE=9.0.0\r\nA=1\r\n", "9.0.0"},
		"the last one counts":   {"RELEASE=8.9.1\nRELEASE=8.9.2\n", "8.9.2"},
		"none":                  {"RELEASES=1\nMY_RELEASE=8.9.1\n#RELEASE=8.9.1\n", ""},
		"empty":                 {"RELEASE=\n", ""},
	} {
		if got := releaseIn([]byte(test.env)); got != test.want {
			t.Errorf("%s: %q, want %q", name, got, test.want)
		}
	}
}

func TestReleaseOf(t *testing.T) {
	t.Parallel()
	for image, want := range map[string]string{
		"registry.rocket.chat/rocketchat/rocket.chat:8.9.1":              "8.9.1",
		"registry.rocket.chat/rocketchat/rocket.chat:8.9.1@sha256:0123a": "8.9.1",
		"localhost:5000/rocket.chat:9.0.0":                               "9.0.0",
		"registry.rocket.chat:443/rocketchat/rocket.chat":                "",
		"docker.io/traefik:v3.6.12":                                      "",
	} {
		if got := releaseOf(image); got != want {
			t.Errorf("%s: %q, want %q", image, got, want)
		}
	}
}

// Instances of two releases never share a database, and none is ever lowered.
func TestOtherReleases(t *testing.T) {
	t.Parallel()
	const image = "registry.rocket.chat/rocketchat/rocket.chat:"
	alone := guide()
	alone.Hosts = append(alone.Hosts[:2:2], alone.Hosts[3])
	alone.Instances = alone.Instances[:1]
	for name, test := range map[string]struct {
		workspace  workspace.Workspace
		containers []engineContainer
		want       string // in the only reason; empty means none
	}{
		"nothing there":            {guide(), nil, ""},
		"the wanted one":           {guide(), []engineContainer{{Service: "rocketchat", State: "running", Image: image + "8.9.1"}}, ""},
		"a newer one":              {guide(), []engineContainer{{Service: "rocketchat", State: "exited", Image: image + "8.9.2"}}, "never lowers a release"},
		"an older one, running":    {guide(), []engineContainer{{Service: "rocketchat", State: "running", Image: image + "8.9.0"}}, "must not share a database"},
		"an older one, stopped":    {guide(), []engineContainer{{Service: "rocketchat", State: "exited", Image: image + "8.9.0"}}, ""},
		"an older one, on its own": {alone, []engineContainer{{Service: "rocketchat", State: "running", Image: image + "8.9.0"}}, ""},
	} {
		s := newSite(t, test.workspace, workspace.Secrets{})
		h := withEngine(t, "rc1", test.containers...)
		s.Hosts["rc1"] = h
		for i := range s.Tree.Projects {
			s.Tree.Projects[i].Dir = t.TempDir()
		}
		flaws, err := s.otherReleases(t.Context(), h)
		switch {
		case err != nil:
			t.Errorf("%s: %v", name, err)
		case test.want == "" && len(flaws) > 0:
			t.Errorf("%s: %v", name, flaws)
		case test.want != "" && (len(flaws) != 1 || !strings.Contains(flaws[0].reason, test.want) || flaws[0].cure == ""):
			t.Errorf("%s: %v, want %q", name, flaws, test.want)
		}
	}
}
