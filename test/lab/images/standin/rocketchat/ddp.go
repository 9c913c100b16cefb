package main

import (
	"context"
	"net/http"
	"sync"

	"github.com/coder/websocket"
	"github.com/coder/websocket/wsjson"
	"github.com/google/uuid"
)

// sessions counts the clients that are connected.
type sessions struct {
	mu sync.Mutex
	n  int
}

func (s *sessions) add(by int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.n += by
}

func (s *sessions) count() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.n
}

// websocket speaks enough of DDP for a client to connect, to stay, and to see
// the lab's events as a subscription to lab-events.
func (a *app) websocket(w http.ResponseWriter, r *http.Request) {
	conn, err := websocket.Accept(w, r, &websocket.AcceptOptions{InsecureSkipVerify: true}) // any origin, like Rocket.Chat
	if err != nil {
		return // Accept has answered
	}
	defer func() { _ = conn.CloseNow() }()
	a.sessions.add(1)
	defer a.sessions.add(-1)
	ctx, cancel := context.WithCancel(r.Context())
	defer cancel()
	for {
		var in struct {
			Msg, Method, Name string
			ID                any
		}
		if err := wsjson.Read(ctx, conn, &in); err != nil {
			return
		}
		if err := a.answer(ctx, conn, in.Msg, in.Name, in.Method, in.ID); err != nil {
			return
		}
	}
}

func (a *app) answer(ctx context.Context, conn *websocket.Conn, msg, name, method string, id any) error {
	write := func(o object) error { return wsjson.Write(ctx, conn, o) }
	switch msg {
	case "connect":
		return write(object{"msg": "connected", "session": uuid.NewString()})
	case "ping":
		return write(object{"msg": "pong", "id": id})
	case "method":
		a.calls.methods.Add(1)
		return write(object{"msg": "result", "id": id, "error": object{"error": 404, "reason": "Method '" + method + "' not found"}})
	case "sub":
		if name != "lab-events" {
			return write(object{"msg": "nosub", "id": id, "error": object{"error": 404, "reason": "Subscription '" + name + "' not found"}})
		}
		events, stop := a.events.listen()
		go func() {
			defer stop()
			for {
				select {
				case <-ctx.Done():
					return
				case e := <-events:
					if write(object{"msg": "changed", "collection": "lab-events", "id": "id", "fields": e}) != nil {
						return
					}
				}
			}
		}()
		return write(object{"msg": "ready", "subs": []any{id}})
	}
	return nil
}
