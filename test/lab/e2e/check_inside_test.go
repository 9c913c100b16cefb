package e2e

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rcwizard/rcwizard/check"
)

// publicDB is where the internet has the database host, from the block that is
// set aside for documentation (RFC 5737).
const publicDB = "203.0.113.10"

// inside is an operator on rc1, a host of the cluster, who knows the database
// host by its public address.
type inside struct {
	r    *rig
	file string
	run  func(args ...string) outcome
}

// newInside has a router lead the public address to the database host's private
// one, as clouds do.
func newInside(r *rig) inside {
	r.t.Helper()
	address := r.Host("db").Address().String()
	for _, host := range []string{"rc1", "edge"} {
		r.shell(host, "ip route add "+publicDB+" via "+address)
	}
	r.shell("db", `nft -f - <<'.'
table ip lab_router {
 chain pre { type nat hook prerouting priority -110; ip daddr `+publicDB+` dnat to `+address+`; }
}
.`)
	w := r.w.Clone()
	for n := range w.Hosts {
		if w.Hosts[n].Name == "db" {
			w.Hosts[n].Address = publicDB
		}
	}
	text, err := w.Marshal()
	r.must(err)
	i := inside{r: r, file: filepath.Join(filepath.Dir(r.file), "inside.yaml")}
	r.must(os.WriteFile(i.file, text, 0o600))
	i.run = r.moved("rc1")
	r.carry(r.Host("rc1"), i.file)
	return i
}

// finds shows what the operator is told of MongoDB's port, which edge, that has no
// business there, tries.
func (i inside) finds(t *testing.T, v check.Verdict, kind check.Kind, got string) {
	t.Helper()
	o := i.run("check", "-f", i.file, "--json")
	var report check.Report
	if err := json.Unmarshal([]byte(o.stdout), &report); err != nil {
		t.Fatalf("check --json on rc1: %v:\n%s", err, o.text())
	}
	f := findingOf(t, report, "exposure:db:27017")
	if f.Verdict != v || f.Kind != kind || !strings.Contains(f.Got, got) || !strings.Contains(f.Tried, "edge, which is of the workspace, connected to "+publicDB+":27017") {
		t.Errorf("from rc1 MongoDB's port is %s (%s), tried %q, got %q", f.Kind, f.Verdict, f.Tried, f.Got)
	}
	if v == check.Fail && o.code != 3 {
		t.Errorf("check on rc1 ended with code %d", o.code)
	}
	t.Logf("lab: checked from a host of the cluster in %.1f s: %s", o.took.Seconds(), f.Got)
}

// published has the host itself own the address, whose firewall keeps the port,
// and Docker publish it.
func (i inside) published(t *testing.T) {
	t.Helper()
	i.r.shell("db", `nft delete table ip lab_router
ip address add `+publicDB+`/32 dev lo
docker run -d --name old-mongo -p 27017:27017 alpine:3.22 nc -ll -p 27017 -e cat >/dev/null`)
	i.finds(t, check.Fail, "nearby-published", "the container old-mongo,")
	i.r.shell("db", "docker rm -f old-mongo && docker rmi alpine:3.22 && ip address del "+publicDB+"/32 dev lo")
	for _, host := range []string{"rc1", "edge"} {
		i.r.shell(host, "ip route del "+publicDB)
	}
}
