package steps

import (
	"errors"
	"net/netip"
	"strings"
	"testing"

	"github.com/rcwizard/rcwizard/check"
	"github.com/rcwizard/rcwizard/remote"
	"github.com/rcwizard/rcwizard/remote/facts"
	"github.com/rcwizard/rcwizard/workspace"
)

// fit is a host that can carry every role.
func fit() facts.Facts {
	return facts.Facts{Machine: "x86_64", CPUKnown: true, AVX: true, Tools: map[string]bool{"tar": true, "sha256sum": true, "flock": true}}
}

func TestUnfit(t *testing.T) {
	t.Parallel()
	s := newSite(t, guide(), workspace.Secrets{})
	external := guide()
	external.Database.External = true
	without := newSite(t, external, workspace.Secrets{MongoURL: "mongodb://u:p@mongo.example.com/rocketchat?replicaSet=rs0"})
	for name, test := range map[string]struct {
		site   *Site
		host   string
		change func(f *facts.Facts)
		want   string // in the only reason; empty means fit
	}{
		"fit":                              {s, "db", func(*facts.Facts) {}, ""},
		"ARM":                              {s, "db", func(f *facts.Facts) { f.Machine, f.AVX = "aarch64", false }, ""},
		"32 bits":                          {s, "db", func(f *facts.Facts) { f.Machine = "armv7l" }, "architecture armv7l"},
		"no tar":                           {s, "rc1", func(f *facts.Facts) { delete(f.Tools, "tar") }, "tar is not installed"},
		"no sha256sum":                     {s, "rc1", func(f *facts.Facts) { delete(f.Tools, "sha256sum") }, "sha256sum is not installed"},
		"no flock":                         {s, "rc1", func(f *facts.Facts) { delete(f.Tools, "flock") }, "flock is not installed"},
		"no AVX":                           {s, "db", func(f *facts.Facts) { f.AVX = false }, "no AVX, which MongoDB 8.0 needs"},
		"no AVX, where no MongoDB runs":    {s, "rc1", func(f *facts.Facts) { f.AVX = false }, ""},
		"no AVX, somebody else's database": {without, "db", func(f *facts.Facts) { f.AVX = false }, ""},
		"an address of its own": {s, "db", func(f *facts.Facts) {
			f.Addresses = []facts.Address{{Prefix: netip.MustParsePrefix("10.0.0.10/24")}}
		}, ""},
		"an address of the cloud's": {s, "db", func(f *facts.Facts) {
			f.Addresses = []facts.Address{{Prefix: netip.MustParsePrefix("127.0.0.1/8")}, {Prefix: netip.MustParsePrefix("172.31.0.7/20")}}
		}, "10.0.0.10 is none of the host's own (it has 172.31.0.7)"},
		"an address of the cloud's, where nothing binds to it": {s, "edge", func(f *facts.Facts) {
			f.Addresses = []facts.Address{{Prefix: netip.MustParsePrefix("172.31.0.7/20")}}
		}, ""},
		"a processor that tells nothing": {s, "db", func(f *facts.Facts) { f.AVX, f.CPUKnown = false, false }, ""},
	} {
		f := fit()
		test.change(&f)
		flaws := test.site.unfit(test.host, f)
		switch {
		case test.want == "" && len(flaws) > 0:
			t.Errorf("%s: %v", name, flaws)
		case test.want != "" && (len(flaws) != 1 || !strings.Contains(flaws[0].reason, test.want) || flaws[0].cure == ""):
			t.Errorf("%s: %v, want %q", name, flaws, test.want)
		}
	}
}

// All that is wrong with a host is told at once, with what to do.
func TestFlawsTogether(t *testing.T) {
	t.Parallel()
	flaws := []flaw{{"no tar", "install tar"}, {"no Docker", "install Docker"}}
	if got := reasons(flaws); got != "no tar; no Docker" {
		t.Errorf("reasons %q", got)
	}
	if got := cures(flaws); got != "install tar; install Docker; then run again" {
		t.Errorf("cures %q", got)
	}
}

func TestDockerFlaw(t *testing.T) {
	t.Parallel()
	for kind, want := range map[remote.DockerKind]flaw{
		remote.DockerAbsent:       {"not installed", "docs.docker.com"},
		remote.DockerNotRunning:   {"does not run", "systemctl enable --now docker"},
		remote.DockerNotPermitted: {"ops may not use Docker", "usermod -aG docker ops"},
		remote.DockerTooOld:       {"older than " + check.OldestDocker, "update Docker"},
		remote.DockerFailed:       {"does not answer as it should", "journalctl -u docker"},
	} {
		got := dockerFlaw(&remote.DockerError{Host: "rc1", User: "ops", Kind: kind, Err: errors.New("said so")})
		if !strings.Contains(got.reason, want.reason) || !strings.Contains(got.cure, want.cure) {
			t.Errorf("%s: %+v", kind, got)
		}
	}
}
