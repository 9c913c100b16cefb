package probe

import (
	"net/netip"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const (
	idMongo = "11112222333344445555666677778888aaaabbbbccccddddeeeeffff00001111"
	idWeb   = "9999222233334444555566667777888811112222333344445555666677778888"
)

// said is what the script prints on a host, in short.
const said = `SOCKET 0B4D000A:6989 0A 501
SOCKET 0100007F:6989 0A 502
SOCKET 0B4D000A:6989 01 503
SOCKET 0100007F:1F90 01 600
SOCKET 0100007F:1F90 06 0
SOCKET 00000000000000000000000000000000:0050 0A 700
SOCKET 00000000:0051 0A 901
SOCKET 00000000000000000000000000000000:0051 0A 902
SOCKET 0000000000000000FFFF00000B4D000A:0FA0 0A 800
HAS 400 [501]
HAS 300 [501]
HAS 300 [502]
HAS 77 [600]
HAS 900 [700]
NAME 300 mongod
NAME 400 mongod
NAME 77 curl
NAME 900 docker-proxy
CGROUP 300 0::/system.slice/docker-` + idMongo + `.scope
CGROUP 400 12:memory:/docker/` + idMongo + `
CGROUP 900 0::/system.slice/docker.service
CONTAINER ` + idWeb + `|web|site|front|0.0.0.0:80->8080/tcp, [::]:80->8080/tcp
CONTAINER ` + idMongo + `|db-mongodb-1|db|mongodb|
END
`

func TestOwners(t *testing.T) {
	t.Parallel()
	mongo := Owner{
		Addr: netip.MustParseAddrPort("10.0.77.11:27017"), Listens: true, PID: 300, Program: "mongod",
		ContainerID: idMongo, Container: "db-mongodb-1", Project: "db", Service: "mongodb",
	}
	loop := mongo
	loop.Addr = netip.MustParseAddrPort("127.0.0.1:27017")
	web := Owner{
		Addr: netip.MustParseAddrPort("[::]:80"), Listens: true, PID: 900, Program: "docker-proxy",
		ContainerID: idWeb, Container: "web", Project: "site", Service: "front",
	}
	for addr, want := range map[string][]Owner{
		"10.0.77.11:27017": {mongo},
		"0.0.0.0:27017":    {mongo, loop},
		"10.0.77.12:27017": nil,
		"127.0.0.1:8080":   {{Addr: netip.MustParseAddrPort("127.0.0.1:8080"), PID: 77, Program: "curl"}},
		"10.0.77.11:80":    {web},
		"[fd00::1]:80":     {web},
		"10.0.77.11:4000":  {{Addr: netip.MustParseAddrPort("10.0.77.11:4000"), Listens: true}},
		"10.0.77.11:81":    {{Addr: netip.MustParseAddrPort("0.0.0.0:81"), Listens: true}},
		"10.0.77.11:82":    nil,
	} {
		if diff := cmp.Diff(want, ownersOf(said, netip.MustParseAddrPort(addr)), cmp.Comparer(func(a, b netip.AddrPort) bool { return a == b })); diff != "" {
			t.Errorf("%s (-want +got):\n%s", addr, diff)
		}
	}
}

func TestPublishes(t *testing.T) {
	t.Parallel()
	const ports = "80/tcp, 127.0.0.1:8000->80/tcp, :::9000-9002->9000-9002/tcp, 0.0.0.0:53->53/udp"
	for addr, want := range map[string]bool{
		"127.0.0.1:8000": true, "10.0.0.1:8000": false, "10.0.0.1:9001": true, "10.0.0.1:9003": false,
		"[fd00::1]:9000": true, "0.0.0.0:53": false, "0.0.0.0:80": false, "0.0.0.0:8000": true,
	} {
		if got := publishes(ports, netip.MustParseAddrPort(addr)); got != want {
			t.Errorf("%s: %t", addr, got)
		}
	}
}

// FuzzOwners: whatever a host prints, an owner has the port that was asked for.
func FuzzOwners(f *testing.F) {
	f.Add(said, "10.0.77.11:27017")
	f.Add(said, "[::]:80")
	f.Add(strings.ReplaceAll(said, "CONTAINER ", "CONTAINER |"), "0.0.0.0:8080")
	f.Fuzz(func(t *testing.T, output, at string) {
		addr, err := netip.ParseAddrPort(at)
		if err != nil {
			t.Skip()
		}
		for _, o := range ownersOf(output, addr) {
			if o.Addr.Port() != addr.Port() {
				t.Errorf("%+v has not %s", o, addr)
			}
		}
	})
}
