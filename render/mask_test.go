package render

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// What a hand may write: each secret has "canary" in it, and "shown" is in
// what must stay to be seen.
const hostileEnv = `# shown: written by hand
RELEASE=shown
export REG_TOKEN=canary
ADMIN_PASS = 'canary $x' # canary
ADMIN_USERNAME=shown # a shown remark
GF_SECURITY_ADMIN_PASSWORD: canary
smtp_password="a\"canary"
EMPTY_PASSWORD=
EMPTY_TOKEN=""
MONGO_URL=mongodb://user:canary@shown.example.com/rocketchat
OTHER_URL="mongodb://10.0.0.10:27017/shown?replicaSet=rs0"
QUERY_URL=https://example.com/?user=x&password=canary
MAIL_URL=smtp://user:can/ary@mail.example.com # canary
INITIAL_USER='{"_id":"x","password":"canary"}'
#OLD_TOKEN=canary
# was: mongodb://user:canary@host/db
OVERWRITE_SETTING_FileUpload_GoogleStorage_Secret="-----BEGIN PRIVATE KEY-----
canary
can=ary/canary
-----END PRIVATE KEY-----
"
AFTER=shown
NOTE="shown once
REG_TOKEN=canary
"
UNQUOTED=-----BEGIN PRIVATE KEY-----
canary
-----END PRIVATE KEY-----
# -----BEGIN RSA PRIVATE KEY-----
# canary
# -----END RSA PRIVATE KEY-----
TWO="shown" REG_TOKEN=canary
just canary
ROOT_URL=https://chat.passau.example.com:8443/shown
CRLF_TOKEN=canary` + "\r" + `
LAST=shown
LICENSE="canary
and=canary
`

func TestMaskedHostileEnv(t *testing.T) {
	t.Parallel()
	shown := string(Masked("rc1/instances/rc1/.env", []byte(hostileEnv)))
	want := `# shown: written by hand
RELEASE=shown
export REG_TOKEN="********"
ADMIN_PASS = "********"
ADMIN_USERNAME=shown # a shown remark
GF_SECURITY_ADMIN_PASSWORD: "********"
smtp_password="********"
EMPTY_PASSWORD=
EMPTY_TOKEN=""
MONGO_URL="********"
OTHER_URL="mongodb://10.0.0.10:27017/shown?replicaSet=rs0"
QUERY_URL="********"
MAIL_URL="********"
INITIAL_USER="********"
# ********
# ********
OVERWRITE_SETTING_FileUpload_GoogleStorage_Secret="********"
AFTER=shown
NOTE="********"
UNQUOTED="********"
********
TWO="********"
********
ROOT_URL=https://chat.passau.example.com:8443/shown
CRLF_TOKEN="********"` + "\r" + `
LAST=shown
LICENSE="********"`
	if d := cmp.Diff(want, shown); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
}

func TestMaskedConfiguration(t *testing.T) {
	t.Parallel()
	const compose = `services:
  x:
    environment:
      # ADMIN_PASS: canary
      ADMIN_PASS: canary
      A_TOKEN: "${A_TOKEN:?write it into .env}"
      B_TOKEN: ${B_TOKEN:-canary}
      MONGO_URL: mongodb://user:canary@shown/x
      LICENSE: |
        canary

        canary
      SHOWN: shown
      - REG_TOKEN=canary
    command: [--admin-password=canary]
    keyFile: /etc/shown.pem
    entrypoint:
      - --api-token=canary
    labels: {user: x, password: canary}
`
	const want = `services:
  x:
    environment:
      # ********
      ADMIN_PASS: "********"
      A_TOKEN: "${A_TOKEN:?write it into .env}"
      B_TOKEN: "********"
      MONGO_URL: "********"
      LICENSE: "********"
      SHOWN: shown
      - REG_TOKEN="********"
    command: "********"
    keyFile: /etc/shown.pem
    entrypoint:
      ********
    labels: "********"
`
	if d := cmp.Diff(want, string(Masked("x/compose.yml", []byte(compose)))); d != "" {
		t.Errorf("compose.yml (-want +got):\n%s", d)
	}
	nats := "port: 4222\nauthorization {\n  user shown\n  password canary\n  token: canary\n}\n"
	if got := string(Masked("nats.conf", []byte(nats))); got != "port: 4222\nauthorization {\n  user shown\n  password \"********\"\n  token: \"********\"\n}\n" {
		t.Errorf("nats.conf is %q", got)
	}
}

// A change of a value of several lines is known to be one, and not shown.
func TestSecretOfSeveralLinesChanged(t *testing.T) {
	t.Parallel()
	before := "KEY=\"one\ntwo\"\n"
	d := compare("a/.env", Updated, []byte(before), []byte(strings.Replace(before, "two", "2", 1)))
	if !d.SecretChanged || d.Unified != "" {
		t.Errorf("%+v", d)
	}
}

func FuzzMasked(f *testing.F) {
	f.Add(hostileEnv)
	f.Fuzz(func(t *testing.T, before string) {
		// Whatever stands before, the value of a secret's name is not shown.
		shown := string(Masked(".env", []byte(before+"\nREG_TOKEN=canary-4711\n")))
		if strings.Contains(shown, "canary-4711") {
			t.Errorf("shown:\n%s", shown)
		}
		for _, name := range []string{"compose.yml", "nats.conf", "key.pem"} {
			Masked(name, []byte(before))
		}
	})
}
