package fleetd

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"strconv"
	"time"

	"github.com/rcwizard/rcwizard/test/lab/internal/spec"
)

// listen opens the control socket.
//
//	GET  /state                      spec.State
//	POST /hosts/{name}/{action}      boot, powercut, unplug, plug, start?service=, resize?free=
//	POST /names/{name}?address=      a name in DNS
//	POST /down                       the fleet goes down; the socket closes before it is gone
//
// A request that fails is answered with 500 and the error as text.
func (s *Supervisor) listen(ctx context.Context) (*http.Server, error) {
	socket, err := (&net.ListenConfig{}).Listen(ctx, "unix", s.fleet.Socket())
	if err != nil {
		return nil, fmt.Errorf("open the control socket: %w", err)
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /state", s.handleState)
	mux.HandleFunc("POST /hosts/{name}/{action}", s.handleHost)
	mux.HandleFunc("POST /names/{name}", func(w http.ResponseWriter, r *http.Request) {
		answer(w, s.setName(r.Context(), r.PathValue("name"), r.URL.Query().Get("address")))
	})
	mux.HandleFunc("POST /down", func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusNoContent)
		s.down()
	})
	server := &http.Server{Handler: mux, ReadHeaderTimeout: 10 * time.Second}
	go func() {
		if err := server.Serve(socket); !errors.Is(err, http.ErrServerClosed) {
			s.log.Error("the control socket failed", "error", err)
			s.down()
		}
	}()
	return server, nil
}

func (s *Supervisor) handleState(w http.ResponseWriter, _ *http.Request) {
	pid, err := os.Readlink("/proc/self")
	if err != nil {
		answer(w, fmt.Errorf("learn the process id: %w", err))
		return
	}
	st := spec.State{
		Version: spec.Version, OperatorPID: s.operator.pid, ServicesPID: s.services.pid,
		Hosts: make(map[string]spec.HostState, len(s.hosts)),
	}
	if st.PID, err = strconv.Atoi(pid); err != nil {
		answer(w, fmt.Errorf("learn the process id: %w", err))
		return
	}
	for name, h := range s.hosts {
		st.Hosts[name] = h.state()
	}
	w.Header().Set("Content-Type", "application/json")
	if err := json.NewEncoder(w).Encode(st); err != nil {
		s.log.Warn("answer a request for the state", "error", err)
	}
}

func (s *Supervisor) handleHost(w http.ResponseWriter, r *http.Request) {
	h, ok := s.hosts[r.PathValue("name")]
	if !ok {
		answer(w, fmt.Errorf("fleet %s has no host %q", s.fleet.Name, r.PathValue("name")))
		return
	}
	switch action := r.PathValue("action"); action {
	case "boot":
		answer(w, h.boot(r.Context()))
	case "powercut":
		answer(w, h.powerCut())
	case "unplug":
		answer(w, h.plug(false))
	case "plug":
		answer(w, h.plug(true))
	case "start":
		answer(w, h.startService(r.Context(), r.URL.Query().Get("service")))
	case "resize":
		free, err := strconv.ParseInt(r.URL.Query().Get("free"), 10, 64)
		if err != nil {
			answer(w, fmt.Errorf("resize %s: %w", h.spec.Name, err))
			return
		}
		answer(w, h.resizeRoot(free))
	default:
		answer(w, fmt.Errorf("unknown action %q", action))
	}
}

// answer says that a request succeeded, or why not.
func answer(w http.ResponseWriter, err error) {
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	w.WriteHeader(http.StatusNoContent)
}
