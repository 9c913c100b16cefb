package e2e

import (
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/rcwizard/rcwizard/workspace"
)

// kept are the secrets in the state folder, with the passwords that were made.
func (r *rig) kept() workspace.Secrets {
	r.t.Helper()
	file := filepath.Join(r.state, "secrets.yaml")
	data, err := os.ReadFile(file)
	if err != nil {
		r.t.Fatal(err)
	}
	s, problems := workspace.ParseSecrets(file, data)
	if err := problems.Err(); err != nil {
		r.t.Fatal(err)
	}
	return s
}

// roles logs in through the proxy and returns what the account may be; none when it is not let in.
func (r *rig) roles(user, password string) []string {
	r.t.Helper()
	var answer struct {
		Data struct{ Me struct{ Roles []string } }
	}
	r.post(r.browser(), r.w.RootURL+"/api/v1/login", map[string]string{"user": user, "password": password}, &answer)
	return answer.Data.Me.Roles
}

// register makes an account through the proxy, as whoever passes by can, and returns what it may be.
func (r *rig) register(user string) []string {
	r.t.Helper()
	code := r.post(r.browser(), r.w.RootURL+"/api/v1/users.register",
		map[string]string{"username": user, "email": user + "@example.com", "pass": "pw-" + user, "name": user}, nil)
	if code != http.StatusOK {
		r.t.Fatalf("registering %s answers %d", user, code)
	}
	return r.roles(user, "pw-"+user)
}

// administrator shows that the first administrator is there and nobody else becomes one, and that the password is
// nowhere on the hosts.
func (r *rig) administrator() {
	r.t.Helper()
	secrets := r.kept()
	if roles := r.roles("admin", secrets.AdminPassword); !slices.Contains(roles, "admin") {
		r.t.Errorf("admin, with the password of secrets.yaml, is %v", roles)
	}
	if roles := r.roles("admin", secrets.AdminPassword+"x"); roles != nil {
		r.t.Errorf("admin is let in with a wrong password: %v", roles)
	}
	if roles := r.register("passerby"); !slices.Equal(roles, []string{"user"}) {
		r.t.Errorf("whoever registers first is %v", roles)
	}
	for _, h := range r.w.Hosts {
		if found := r.search(h.Name, secrets.AdminPassword); len(found) > 0 {
			r.t.Errorf("%s has the administrator's password in %v", h.Name, found)
		}
		if left := r.shell(h.Name, "find "+r.w.Directory+" -name 'compose.first-admin*'"); left != "" {
			r.t.Errorf("%s still has %s", h.Name, left)
		}
	}
	// The same search finds what must be there, so that it can find.
	found := r.search(r.w.Database.Host, secrets.GrafanaAdminPassword)
	for _, place := range []string{r.w.Directory + "/database/.env", "docker inspect"} {
		if !slices.Contains(found, place) {
			r.t.Errorf("Grafana's password is not found in %s, only in %v", place, found)
		}
	}
}

// search is where on a host a text is: in files, in the environment of processes, in what Docker tells of containers.
func (r *rig) search(host, text string) []string {
	r.t.Helper()
	found := r.shell(host, `text='`+text+`'
grep -rlsF -D skip -e "$text" /opt /root /home /etc /tmp /run /var || true
grep -lsF -e "$text" /proc/[0-9]*/environ || true
docker ps -aq | xargs -r docker inspect >/dev/shm/inspected
! grep -qF -e "$text" /dev/shm/inspected || echo docker inspect
rm /dev/shm/inspected
`)
	return slices.DeleteFunc(strings.Split(found, "\n"), func(s string) bool { return s == "" })
}
