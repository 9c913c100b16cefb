package steps

import "testing"

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
