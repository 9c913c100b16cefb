package loaders

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/rcwizard/rcwizard/render"
)

// runScript runs the entrypoint of a service with a PATH where the given
// programs stand before the real ones, and sleep takes no time.
func runScript(t *testing.T, argv, env []string, programs map[string]string) (output string, code int) {
	t.Helper()
	bin := t.TempDir()
	programs["sleep"] = "exit 0"
	for name, script := range programs {
		path := filepath.Join(bin, name)
		if err := os.WriteFile(path, []byte("#!/bin/sh\n"+script+"\n"), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	shell, err := exec.LookPath(argv[0])
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), shell, argv[1:]...)
	cmd.Env = append([]string{"PATH=" + bin + ":/usr/bin:/bin", "BIN=" + bin}, env...)
	out, err := cmd.CombinedOutput()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	return string(out), cmd.ProcessState.ExitCode()
}

// script returns the whole command of a service, as the container would get it.
func script(t *testing.T, role render.Role, service string) []string {
	t.Helper()
	for _, p := range write(t, samples()[0].inputs) {
		if p.Role == role {
			s := load(t, p).Services[service]
			argv := slices.Concat([]string(s.Entrypoint), []string(s.Command))
			for i := range argv {
				argv[i] = strings.ReplaceAll(argv[i], "$$", "$")
			}
			return argv
		}
	}
	t.Fatalf("there is no %s", role)
	return nil
}

// TestInstanceWaits shows that an instance waits for the hosts of MONGO_URL,
// whatever its form, and never for a host called mongodb (H1 T1).
func TestInstanceWaits(t *testing.T) {
	t.Parallel()
	argv := script(t, render.RoleInstance, "rocketchat")
	for _, test := range []struct {
		name, url, open string // open: the one host and port that answers
		want            string // what the last line of output begins with
		code            int
	}{
		{"guide", "mongodb://10.0.0.10:27017/rocketchat?replicaSet=rs0", "10.0.0.10 27017", "started", 0},
		{"default port", "mongodb://db.example.com/rocketchat", "db.example.com 27017", "started", 0},
		{"credentials", "mongodb://user:p%40ss%3Aword@db:27018/rocketchat?authSource=admin", "db 27018", "started", 0},
		{"at sign in a parameter", "mongodb://db:1/rocketchat?appName=a@b", "db 1", "started", 0},
		{"no path", "mongodb://db:1?replicaSet=rs0", "db 1", "started", 0},
		{"last of several", "mongodb://a:1,b:2,c:3/rocketchat?replicaSet=rs0", "c 3", "started", 0},
		{"IPv6", "mongodb://[fd00::10]:27017/rocketchat", "fd00::10 27017", "started", 0},
		{"IPv6, default port", "mongodb://u:p@[fd00::10],[fd00::11]/rocketchat", "fd00::11 27017", "started", 0},
		{"in DNS", "mongodb+srv://user:pass@cluster.example.com/rocketchat", "nothing", "started", 0},
		{"silent", "mongodb://user:secret@db:1/rocketchat", "nothing", "MongoDB at db:1 cannot be reached", 1},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			out, code := runScript(t, argv, []string{"MONGO_URL=" + test.url, "OPEN=" + test.open}, map[string]string{
				"nc":   `[ "$1 $2 $3 $4 $5" = "-z -w 3 $OPEN" ]`,
				"node": `[ "$*" = main.js ] && echo started`,
			})
			lines := strings.Split(strings.TrimSpace(out), "\n")
			if !strings.HasPrefix(lines[len(lines)-1], test.want) || code != test.code {
				t.Errorf("%s ends with %d:\n%s", test.url, code, out)
			}
			if strings.Contains(out, "secret") {
				t.Errorf("the password is in the log:\n%s", out)
			}
		})
	}
}

// mongosh stands for a MongoDB whose state is the content of $BIN/state: dead,
// new, starting, primary, moved. Initiating makes a new one a primary.
const mongosh = `
[ "$1 $2 $3" = "--quiet mongodb://127.0.0.1:27017/?directConnection=true --eval" ] || exit 9
state=$(cat "$BIN/state" 2>/dev/null || echo "$STATE")
case "$state $4" in
dead*) echo "MongoNetworkError: connect ECONNREFUSED" >&2; exit 1 ;;
"primary print(db.hello().isWritablePrimary)") echo true ;;
*"print(db.hello().isWritablePrimary)") [ "$state" != starting ] || echo primary >"$BIN/state"; echo false ;;
"primary print(db.hello().me)") echo "${ME:-10.0.0.10:27017}" ;;
"new try "*) echo NotYetInitialized ;;
"moved try "*) echo InvalidReplicaSetConfig ;;
"starting try "* | "primary try "*) echo rs0 ;;
"new print(rs.initiate({_id: 'rs0', members: [{_id: 0, host: '10.0.0.10:27017'}]}).ok)")
	echo starting >"$BIN/state"; echo 1 ;;
*) echo "unexpected in $state: $4" >&2; exit 1 ;;
esac`

// TestReplicaSetIsInitiatedOnce shows what the one-shot does and how it ends, in
// every state that it can meet (T7).
func TestReplicaSetIsInitiatedOnce(t *testing.T) {
	t.Parallel()
	argv := script(t, render.RoleDatabase, "mongodb-init-container")
	for _, test := range []struct {
		state, me string
		code      int
		initiated int
		want      string
	}{
		{"new", "", 0, 1, "replica set rs0: 10.0.0.10:27017 is primary"},
		{"starting", "", 0, 0, "replica set rs0: 10.0.0.10:27017 is primary"},
		{"primary", "", 0, 0, "replica set rs0: 10.0.0.10:27017 is primary"},
		{"primary", "10.0.0.99:27017", 1, 0, "exists with the address 10.0.0.99:27017, but .env says 10.0.0.10:27017"},
		{"moved", "", 1, 0, "does not know the address 10.0.0.10:27017"},
		{"dead", "", 1, 0, "no primary at 10.0.0.10:27017"},
	} {
		t.Run(test.state+test.me, func(t *testing.T) {
			t.Parallel()
			env := []string{"MONGODB_PORT_NUMBER=27017", "MONGODB_ADVERTISED_HOSTNAME=10.0.0.10", "STATE=" + test.state, "ME=" + test.me}
			programs := map[string]string{"mongosh": mongosh}
			out, code := runScript(t, argv, env, programs)
			if code != test.code || !strings.Contains(out, test.want) {
				t.Errorf("ends with %d, want %d and %q:\n%s", code, test.code, test.want, out)
			}
			if got := strings.Count(out, "initiating replica set"); got != test.initiated {
				t.Errorf("initiated %d times, want %d:\n%s", got, test.initiated, out)
			}
			if strings.Contains(out, "unexpected") {
				t.Errorf("mongosh was asked something else:\n%s", out)
			}
		})
	}
}
