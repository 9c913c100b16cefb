package e2e

import (
	"context"
	"fmt"
	"maps"
	"net/http"
	"sync"
	"time"

	"github.com/rcwizard/rcwizard/test/lab"
)

// caller is somebody who asks for the same page without pause.
type caller struct {
	name string
	web  *http.Client
	url  string

	mu      sync.Mutex
	asked   int
	misses  []miss
	answers map[string]time.Time // when each instance answered last
}

// miss is a request that nobody answered as he should.
type miss struct {
	began time.Time
	took  time.Duration
	what  string
	watch lab.Stopwatch // as it began
}

// each is how long a caller waits between two requests.
const each = 40 * time.Millisecond

// callers are three users of the workspace: one who comes anew with every request, one who keeps the connection, and
// one who keeps the connection and the cookie that binds to the instance with the given id.
func (r *rig) callers(id string) (anew, keeping, bound *caller) {
	r.t.Helper()
	visitor := r.visitor()
	eventually(r.t, "a cookie of the instance", time.Minute, func() (bool, string) {
		visitor.Jar = r.visitor().Jar
		p := r.get(visitor, r.w.RootURL+info)
		return p.instance() == id, p.instance()
	})
	return &caller{name: "with new connections", web: r.browser(), url: r.w.RootURL + info},
		&caller{name: "on a kept connection", web: r.keeping(), url: r.w.RootURL + info},
		&caller{name: "with the instance's cookie", web: visitor, url: r.w.RootURL + info}
}

// calling has all of them ask until stop is called, which returns when the last has its answer.
func (r *rig) calling(all ...*caller) (stop func()) {
	r.t.Helper()
	ctx, cancel := context.WithCancel(r.t.Context())
	var wg sync.WaitGroup
	for _, c := range all {
		wg.Go(func() { c.call(ctx) })
	}
	stop = sync.OnceFunc(func() { cancel(); wg.Wait() })
	r.t.Cleanup(stop)
	return stop
}

func (c *caller) call(ctx context.Context) {
	tick := time.NewTicker(each)
	defer tick.Stop()
	for ctx.Err() == nil {
		watch, began := lab.StartWatch(), time.Now()
		// To its end: a request that was cut off by the test's end would be nobody's fault.
		p, err := ask(context.WithoutCancel(ctx), c.web, http.MethodGet, c.url, "", nil)
		c.note(watch, began, p, err)
		select {
		case <-ctx.Done():
		case <-tick.C:
		}
	}
}

func (c *caller) note(watch lab.Stopwatch, began time.Time, p page, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.asked++
	switch {
	case err != nil:
		c.misses = append(c.misses, miss{began, time.Since(began), err.Error(), watch})
	case p.code != http.StatusOK || p.instance() == "":
		c.misses = append(c.misses, miss{began, time.Since(began), fmt.Sprintf("%d %s", p.code, p.body), watch})
	default:
		if c.answers == nil {
			c.answers = make(map[string]time.Time)
		}
		c.answers[p.instance()] = time.Now()
	}
}

// seen is a copy of what the caller knows.
func (c *caller) seen() (asked int, misses []miss, answers map[string]time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.asked, append([]miss(nil), c.misses...), maps.Clone(c.answers)
}
