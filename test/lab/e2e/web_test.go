package e2e

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/rcwizard/rcwizard/workspace"
)

// in is the rig for a subtest: what fails, fails there.
func (r *rig) in(t *testing.T) *rig {
	t.Helper()
	sub := *r
	sub.t = t
	return &sub
}

// page is one answer of a web server, whole.
type page struct {
	code   int
	header http.Header
	body   string
}

// instance is what the Rocket.Chat that answered calls itself; empty when it was none.
func (p page) instance() string { return p.header.Get("X-Instance-ID") }

// ask sends a request, with body as JSON unless it is empty, and reads the answer to its end.
func ask(ctx context.Context, web *http.Client, method, address, body string, headers map[string]string) (page, error) {
	req, err := http.NewRequestWithContext(ctx, method, address, strings.NewReader(body))
	if err != nil {
		return page{}, fmt.Errorf("ask: %w", err)
	}
	if body != "" {
		req.Header.Set("Content-Type", "application/json")
	}
	for name, value := range headers {
		req.Header.Set(name, value)
	}
	resp, err := web.Do(req)
	if err != nil {
		return page{}, fmt.Errorf("ask: %w", err)
	}
	defer func() { _ = resp.Body.Close() }()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		return page{}, fmt.Errorf("ask %s: %w", address, err)
	}
	return page{code: resp.StatusCode, header: resp.Header, body: string(text)}, nil
}

// get asks once, and fails the test when nobody answers.
func (r *rig) get(web *http.Client, address string) page {
	r.t.Helper()
	p, err := ask(r.t.Context(), web, http.MethodGet, address, "", nil)
	if err != nil {
		r.t.Fatal(err)
	}
	return p
}

// post sends JSON and decodes the answer's into v, unless that is nil. It returns the status.
func (r *rig) post(web *http.Client, address string, body, v any) int {
	r.t.Helper()
	data, err := json.Marshal(body)
	if err != nil {
		r.t.Fatal(err)
	}
	p, err := ask(r.t.Context(), web, http.MethodPost, address, string(data), nil)
	if err != nil {
		r.t.Fatal(err)
	}
	if v != nil {
		if err := json.Unmarshal([]byte(p.body), v); err != nil {
			r.t.Fatalf("%s answers %d, and no JSON: %v: %s", address, p.code, err, p.body)
		}
	}
	return p.code
}

// visitor is a browser that keeps its connections and its cookies.
func (r *rig) visitor() *http.Client {
	r.t.Helper()
	web := r.keeping()
	jar, err := cookiejar.New(nil)
	if err != nil {
		r.t.Fatal(err)
	}
	web.Jar = jar
	return web
}

// keeping is a browser that keeps its connections and no cookie.
func (r *rig) keeping() *http.Client {
	r.t.Helper()
	web := r.browser()
	transport, ok := web.Transport.(*http.Transport)
	if !ok {
		r.t.Fatalf("a browser has a %T", web.Transport)
	}
	transport.DisableKeepAlives = false
	return web
}

// inside is a browser on the proxy's host, which alone the firewalls let in to the instances' own ports.
func (r *rig) inside() *http.Client {
	r.t.Helper()
	web := r.browser()
	transport, ok := web.Transport.(*http.Transport)
	if !ok {
		r.t.Fatalf("a browser has a %T", web.Transport)
	}
	transport.DialContext = r.Host(r.w.Proxy.Host).Dial
	return web
}

// info is what users and monitors ask an instance for.
const info = "/api/info"

// ids are what the instances call themselves now, by the workspace's names, asked at their own ports. It waits until
// all answer.
func (r *rig) ids() map[string]string {
	r.t.Helper()
	web := r.inside()
	out := make(map[string]string)
	for _, i := range r.w.Instances {
		eventually(r.t, i.Name+" to answer at its own port", 2*time.Minute, func() (bool, string) {
			p, err := ask(r.t.Context(), web, http.MethodGet, "http://"+i.Address(r.w)+info, "", nil)
			if err != nil {
				return false, err.Error()
			}
			out[i.Name] = p.instance()
			return p.code == http.StatusOK && p.instance() != "", fmt.Sprint(p.code, p.header)
		})
	}
	return out
}

// spread asks through the proxy, each time as somebody new, until every instance has answered.
func (r *rig) spread() {
	r.t.Helper()
	ids, web := r.ids(), r.browser()
	seen := make(map[string]int)
	names := swapped(ids)
	if len(names) != len(r.w.Instances) {
		r.t.Fatalf("%d instances call themselves %v", len(r.w.Instances), ids)
	}
	requests := 10 * len(ids)
	for range requests {
		p := r.get(web, r.w.RootURL+info)
		if p.code != http.StatusOK {
			r.t.Fatalf("%s answers %d: %s", r.w.RootURL+info, p.code, p.body)
		}
		seen[cmp.Or(names[p.instance()], "a stranger, "+p.instance())]++
	}
	for name := range ids {
		// Traefik goes round, with other callers too, and on a busy machine a health
		// check takes an instance out of it for a moment: none may be left out.
		if seen[name] < 2 {
			r.t.Errorf("%d requests were answered by %v: want some by each of %d", requests, seen, len(ids))
		}
	}
}

// event posts an event on one instance, and says whether that told the others.
func (r *rig) event(from workspace.Instance, payload string) (told bool) {
	r.t.Helper()
	var answer struct{ Success, Broadcast bool }
	code := r.post(r.inside(), "http://"+from.Address(r.w)+"/lab/event", payload, &answer)
	if code != http.StatusOK || !answer.Success {
		r.t.Fatalf("%s takes no event: %d", from.Name, code)
	}
	return answer.Broadcast
}

// has reports whether the event came to the users of an instance.
func (r *rig) has(i workspace.Instance, payload string) bool {
	r.t.Helper()
	p := r.get(r.inside(), "http://"+i.Address(r.w)+"/lab/events")
	var answer struct{ Events []struct{ Payload string } }
	if err := json.Unmarshal([]byte(p.body), &answer); err != nil {
		r.t.Fatalf("%s answers %d for events: %s", i.Name, p.code, p.body)
	}
	for _, e := range answer.Events {
		if e.Payload == strconv.Quote(payload) {
			return true
		}
	}
	return false
}

// eventsPass shows that what is posted on any instance comes to all others.
func (r *rig) eventsPass() {
	r.t.Helper()
	for _, from := range r.w.Instances {
		payload := "from " + from.Name
		if !r.event(from, payload) {
			r.t.Errorf("%s does not pass its events on", from.Name)
		}
		for _, to := range r.w.Instances {
			eventually(r.t, "the event of "+from.Name+" to come to "+to.Name, time.Minute, func() (bool, string) {
				return r.has(to, payload), ""
			})
		}
	}
}

// eventsStay shows that without a licence no instance hears of another's events.
func (r *rig) eventsStay() {
	r.t.Helper()
	for _, from := range r.w.Instances {
		if payload := "from " + from.Name; r.event(from, payload) {
			r.t.Errorf("%s passes events on without a licence", from.Name)
		} else if !r.has(from, payload) {
			r.t.Errorf("%s lost its own event", from.Name)
		}
	}
	// An event that passes is there within milliseconds; two seconds are what somebody would wait.
	ctx, cancel := context.WithTimeout(r.t.Context(), 2*time.Second)
	defer cancel()
	tick := time.NewTicker(500 * time.Millisecond)
	defer tick.Stop()
	for ctx.Err() == nil {
		for _, from := range r.w.Instances {
			for _, to := range r.w.Instances {
				if from.Name != to.Name && r.has(to, "from "+from.Name) {
					r.t.Fatalf("the event of %s came to %s without a licence", from.Name, to.Name)
				}
			}
		}
		select {
		case <-ctx.Done():
		case <-tick.C:
		}
	}
}

// cookie is the one of that name that an answer sets; nil when it sets none.
func (p page) cookie(name string) *http.Cookie {
	for _, c := range (&http.Response{Header: p.header}).Cookies() {
		if c.Name == name {
			return c
		}
	}
	return nil
}

// location is where a redirect leads, as an absolute address.
func (p page) location(from string) string {
	base, err := url.Parse(from)
	if err != nil {
		return err.Error()
	}
	to, err := base.Parse(p.header.Get("Location"))
	if err != nil {
		return err.Error()
	}
	return to.String()
}

// swapped is a map with its keys and values changed over.
func swapped(m map[string]string) map[string]string {
	out := make(map[string]string, len(m))
	for k, v := range m {
		out[v] = k
	}
	return out
}
