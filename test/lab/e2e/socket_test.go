package e2e

import (
	"context"
	"net/http"
	"sync"
	"time"

	"github.com/coder/websocket"

	"github.com/rcwizard/rcwizard/test/lab"
)

// socket is a browser's WebSocket that comes back by itself, as Rocket.Chat's does.
type socket struct {
	stop func()

	mu sync.Mutex
	// away is how long each loss of the connection took, until the next was there,
	// without the time in which the machine had no processor for something.
	away []time.Duration
}

// socket opens a WebSocket through the proxy, with a browser's cookies.
func (r *rig) socket(cookies http.CookieJar) *socket {
	r.t.Helper()
	web := r.keeping()
	web.Jar, web.Timeout = cookies, 0
	ctx, cancel := context.WithCancel(r.t.Context())
	s := new(socket)
	var ended sync.WaitGroup
	s.stop = sync.OnceFunc(func() { cancel(); ended.Wait() })
	r.t.Cleanup(s.stop)
	first := make(chan struct{})
	ended.Go(func() { s.live(ctx, web, r.w.RootURL+"/websocket", first) })
	select {
	case <-first:
	case <-time.After(2 * time.Minute):
		r.t.Fatal("no WebSocket through the proxy")
	}
	return s
}

func (s *socket) live(ctx context.Context, web *http.Client, url string, first chan<- struct{}) {
	var lost lab.Stopwatch
	was := false
	for again := time.NewTicker(100 * time.Millisecond); ctx.Err() == nil; {
		conn, _, err := websocket.Dial(ctx, url, &websocket.DialOptions{HTTPClient: web}) //nolint:bodyclose // the library closes it
		if err == nil {
			err = conn.Write(ctx, websocket.MessageText, []byte(`{"msg":"connect","version":"1","support":["1"]}`))
		}
		if err == nil {
			_, _, err = conn.Read(ctx)
		}
		if err != nil {
			select {
			case <-again.C:
			case <-ctx.Done():
			}
			continue
		}
		if !was {
			close(first)
			was = true
		} else {
			s.mu.Lock()
			s.away = append(s.away, lost.Took())
			s.mu.Unlock()
		}
		for err == nil {
			_, _, err = conn.Read(ctx)
		}
		lost = lab.StartWatch()
		_ = conn.CloseNow()
	}
}

// reconnected waits until the connection was lost and came back, and says how long that took.
func (s *socket) reconnected(r *rig) time.Duration {
	r.t.Helper()
	var took time.Duration
	eventually(r.t, "the WebSocket to come back", 2*time.Minute, func() (bool, string) {
		s.mu.Lock()
		defer s.mu.Unlock()
		if len(s.away) == 0 {
			return false, "it was never lost"
		}
		took = s.away[len(s.away)-1]
		return true, ""
	})
	r.t.Logf("lab: a WebSocket whose instance was removed was with another after %.2f s", took.Seconds())
	return took
}
