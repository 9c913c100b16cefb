package e2e

import (
	"fmt"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/rcwizard/rcwizard/cluster"
	"github.com/rcwizard/rcwizard/test/lab"
	"github.com/rcwizard/rcwizard/workspace"
)

// What users of a workspace meet, whose Grafana is under a path of the domain: where they are led, who answers, and
// what an instance that goes away costs them.
func TestProxy(t *testing.T) { //nolint:tparallel // on one cluster, one thing after the other
	t.Parallel()
	r := newRig(t, lab.Up(t, lab.Options{Hosts: four()}), workspace.Secrets{License: "lab:scalability"}, nil)
	r.install()
	for _, test := range []struct {
		name string
		run  func(*rig)
	}{
		{"each listens only where it must", (*rig).fourListen},
		{"http is sent to https", (*rig).redirects},
		{"grafana is under its path", (*rig).grafanaPath},
		{"requests are spread", (*rig).spread},
		{"a browser stays with its instance", (*rig).sticks},
		{"events pass", (*rig).eventsPass},
		{"the first administrator", (*rig).administrator},
		{"taken out and then stopped", (*rig).drained},
		{"killed", (*rig).killed},
		{"frozen", (*rig).frozen},
	} {
		t.Run(test.name, func(t *testing.T) { test.run(r.in(t)) })
	}
	r.counts(cluster.VerdictOK, "2 of 2 instances registered, linked")
}

// counts shows that rcwizard's own count comes to say so. It may have to wait for
// Prometheus, which looks at each service every 15 s: what was away at that moment,
// or had no processor, is told as away until the next.
func (r *rig) counts(verdict cluster.Verdict, summary string) cluster.Report {
	r.t.Helper()
	var report cluster.Report
	eventually(r.t, fmt.Sprintf("status to say %s, %q", verdict, summary), 2*time.Minute, func() (bool, string) {
		var code int
		report, code = r.status()
		return report.Verdict == verdict && report.Summary == summary && code == 0,
			fmt.Sprintf("%s, %q, code %d; findings %+v", report.Verdict, report.Summary, code, report.Findings)
	})
	return report
}

func (r *rig) fourListen() {
	r.t.Helper()
	r.listen("db", loopback("27017", "8222", "9216", "7777", "9100", "9090"), r.private("db", "27017", "4222", "5050"))
	r.listen("rc1", r.private("rc1", "3000", "9458"))
	r.listen("rc2", r.private("rc2", "3000", "9458"))
	r.listen("edge", everywhere("80", "443"), loopback("8082"))
}

func (r *rig) redirects() {
	r.t.Helper()
	for _, path := range []string{"/", "/channel/general?msg=1", "/grafana/d/x"} {
		from := "http://" + r.w.Domain + path
		p := r.get(r.browser(), from)
		if to := p.location(from); p.code != http.StatusMovedPermanently && p.code != http.StatusPermanentRedirect || to != r.w.RootURL+path {
			r.t.Errorf("%s answers %d and leads to %s", from, p.code, to)
		}
	}
}

func (r *rig) grafanaPath() {
	r.t.Helper()
	r.grafana(r.w.RootURL+"/grafana", "/grafana")
	// Not everything that begins so is Grafana's.
	if p := r.get(r.browser(), r.w.RootURL+"/grafana-archive"); p.instance() == "" {
		r.t.Errorf("/grafana-archive is answered by nobody of Rocket.Chat: %d %s", p.code, p.body)
	}
}

// grafana shows that Grafana is at an address and leads nowhere else, that its links begin with the path, and that its
// administrator is let in with the password that was made, and not with a known one.
func (r *rig) grafana(root, path string) {
	r.t.Helper()
	address := root
	var p page
	for range 5 { // as a browser follows redirects
		if p = r.get(r.browser(), address); p.code < 300 || p.code > 399 {
			break
		}
		address = p.location(address)
		if address != root && !strings.HasPrefix(address, root+"/") {
			r.t.Errorf("%s leads to %s", root, address)
		}
	}
	if p.code != http.StatusOK || address != root+"/login" || !strings.Contains(p.body, "Grafana") {
		r.t.Errorf("%s ends at %s with %d: %s", root, address, p.code, p.body)
	}
	if !strings.Contains(p.body, `"appUrl":"`+root+`/"`) {
		r.t.Errorf("Grafana does not know that its address is %s/: %s", root, p.body)
	}
	for _, link := range regexp.MustCompile(`(?:href|src)="([^"]*)"`).FindAllStringSubmatch(p.body, -1) {
		if !strings.HasPrefix(link[1], path+"/") {
			r.t.Errorf("a link of Grafana's page leads to %s", link[1])
		}
	}
	for _, login := range []struct {
		password string
		code     int
	}{{r.kept().GrafanaAdminPassword, http.StatusOK}, {"admin", http.StatusUnauthorized}, {"rc-admin", http.StatusUnauthorized}} {
		if code := r.post(r.browser(), root+"/login", map[string]string{"user": "admin", "password": login.password}, nil); code != login.code {
			r.t.Errorf("the login answers %d, want %d", code, login.code)
		}
	}
}

// sticky is the cookie that binds a browser to an instance.
const sticky = "rocketchat_instance"

func (r *rig) sticks() {
	r.t.Helper()
	visitor := r.visitor()
	first := r.get(visitor, r.w.RootURL+info)
	cookie := first.cookie(sticky)
	secure := strings.HasPrefix(r.w.RootURL, "https:")
	if cookie == nil || !cookie.HttpOnly || cookie.Secure != secure || cookie.SameSite != http.SameSiteLaxMode {
		r.t.Fatalf("the cookie is %v: want it http-only, same-site lax, secure %t", cookie, secure)
	}
	for range 20 {
		if p := r.get(visitor, r.w.RootURL+info); p.instance() != first.instance() {
			r.t.Fatalf("a browser went from %s to %s", first.instance(), p.instance())
		}
	}
}

// victim is the instance that goes away, with its container's name.
func (r *rig) victim() (i workspace.Instance, container string) {
	r.t.Helper()
	i = r.w.Instances[len(r.w.Instances)-1]
	listed := r.shell(i.Host, "docker ps --format '{{.Names}}' --filter label=com.docker.compose.project="+r.w.Name+"-rocketchat-"+i.Name)
	if container = strings.TrimSpace(listed); container == "" || strings.Contains(container, "\n") {
		r.t.Fatalf("%s has these containers of %s: %q", i.Host, i.Name, listed)
	}
	return i, container
}

// drained takes an instance out of Traefik's list, stops it, starts it again and puts it back, while people ask.
func (r *rig) drained() {
	r.t.Helper()
	victim, container := r.victim()
	id := r.ids()[victim.Name]
	anew, keeping, bound := r.callers(id)
	proxy := r.proxyContainer()
	stop := r.calling(anew, keeping, bound)
	r.more(20, anew, keeping, bound)

	const file = "dynamic/rocketchat.yml"
	dir := r.w.Directory + "/proxy/"
	r.shell(r.w.Proxy.Host, fmt.Sprintf(`cd %[1]s
cp -p %[2]s /root/routes
grep -v 'http://%[3]s"*$' /root/routes >dynamic/.next
! cmp -s /root/routes dynamic/.next
mv dynamic/.next %[2]s
`, dir, file, victim.Address(r.w)))
	removed := time.Now()
	eventually(r.t, "the instance to be asked no more", time.Minute, func() (bool, string) {
		return r.silent(id, time.Second, anew, keeping, bound)
	})
	last := removed
	for _, c := range []*caller{anew, keeping, bound} {
		_, _, answers := c.seen()
		last = later(last, answers[id])
	}
	r.t.Logf("lab: an instance that is taken out of the list is asked no more after %.1f s", last.Sub(removed).Seconds())
	r.shell(victim.Host, "docker stop "+container)
	r.more(60, anew, keeping, bound)
	r.shell(victim.Host, "docker start "+container)
	id = r.ids()[victim.Name]
	r.shell(r.w.Proxy.Host, fmt.Sprintf("cd %s\ncp -p /root/routes dynamic/.next\nmv dynamic/.next %s\n", dir, file))
	eventually(r.t, "the instance to be asked again", time.Minute, func() (bool, string) {
		return answered(id, removed, anew, keeping)
	})
	r.more(30, anew, keeping, bound)
	stop()

	total := 0
	for _, c := range []*caller{anew, keeping, bound} {
		asked, misses, _ := c.seen()
		total += asked
		if len(misses) > 0 {
			r.t.Errorf("the caller %s lost %d of %d requests: %+v", c.name, len(misses), asked, misses)
		}
	}
	r.t.Logf("lab: %d requests while an instance was taken out, stopped, started and put back; none lost", total)
	if diff := cmp.Diff(proxy, r.proxyContainer()); diff != "" {
		r.t.Errorf("Traefik did not only take its file over (-before +after):\n%s", diff)
	}
}

// proxyContainer is Traefik's container with its start.
func (r *rig) proxyContainer() string {
	r.t.Helper()
	return r.shell(r.w.Proxy.Host, "docker ps -q --no-trunc --filter label=com.docker.compose.project="+r.w.Name+"-proxy"+
		" | xargs docker inspect -f '{{.Name}} {{.Id}} {{.State.StartedAt}} {{.RestartCount}}'")
}

// silent reports whether nobody has had an answer of the instance for a while.
func (r *rig) silent(id string, lately time.Duration, all ...*caller) (bool, string) {
	r.t.Helper()
	for _, c := range all {
		if _, _, answers := c.seen(); time.Since(answers[id]) < lately {
			return false, "the caller " + c.name + " is answered by it"
		}
	}
	return true, ""
}

// more waits until each has asked n times more.
func (r *rig) more(n int, all ...*caller) {
	r.t.Helper()
	for _, c := range all {
		before, _, _ := c.seen()
		eventually(r.t, fmt.Sprintf("%d more requests %s", n, c.name), time.Minute, func() (bool, string) {
			asked, _, _ := c.seen()
			return asked >= before+n, fmt.Sprint(asked-before, " requests")
		})
	}
}
