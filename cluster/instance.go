package cluster

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"time"

	"github.com/rcwizard/rcwizard/workspace"
)

// InstanceHeader carries the id of the instance that answered, the _id of its
// record (Rocket.Chat PR #7211). A proxy may strip it.
const InstanceHeader = "X-Instance-ID"

// ProbeInstance asks one instance directly, over dial from its own host: its
// HTTP port, its metrics and its licence. Each question has its own deadline
// of 5 s within ctx.
func ProbeInstance(ctx context.Context, w workspace.Workspace, i workspace.Instance, dial Dial) InstanceReport {
	return probeInstance(ctx, w, i, dial.orNowhere(), defaultTimeout)
}

// AskInstance asks one instance for no more than who it is, over dial, which may
// stand where nothing but its HTTP port is open: ID, InfoVersion and Error are set.
func AskInstance(ctx context.Context, w workspace.Workspace, i workspace.Instance, dial Dial) InstanceReport {
	r := InstanceReport{Name: i.Name, Host: i.Host, Address: i.Address(w), Healthy: Unknown, License: License{Scalability: Unknown}}
	r.askInfo(ctx, newWeb(dial.orNowhere(), nil, defaultTimeout))
	return r
}

func probeInstance(ctx context.Context, w workspace.Workspace, i workspace.Instance, dial Dial, timeout time.Duration) InstanceReport {
	r := InstanceReport{
		Name: i.Name, Host: i.Host, Address: i.Address(w),
		Healthy: Unknown,
		License: License{Scalability: Unknown},
	}
	web := newWeb(dial, nil, timeout)
	var wg sync.WaitGroup
	wg.Go(func() { r.Metrics = readMetrics(ctx, i.MetricsAddress(w), web, timeout) })
	r.askInfo(ctx, web)
	if r.Error == nil {
		// An address that does not answer one question will not answer three.
		wg.Go(func() { r.License = askLicense(ctx, web, "http://"+r.Address) })
		r.askHealth(ctx, web)
	} else {
		r.License.Reason = r.Error.Text
	}
	wg.Wait()
	return r
}

// info is what /api/info tells strangers.
type info struct {
	Success bool   `json:"success"`
	Version string `json:"version"`
}

// readInfo reads Rocket.Chat's answer; the error says what came instead.
func readInfo(reply webReply) (info, error) {
	if reply.code != http.StatusOK {
		return info{}, errors.New("/api/info answers " + reply.status())
	}
	var i info
	if err := json.Unmarshal(reply.body, &i); err != nil || !i.Success || i.Version == "" {
		return info{}, errors.New("/api/info does not answer as Rocket.Chat does")
	}
	return i, nil
}

func (r *InstanceReport) askInfo(ctx context.Context, web *http.Client) {
	reply, err := fetch(ctx, web, "http://"+r.Address+"/api/info", "")
	if err != nil {
		r.Error = failure(err)
		return
	}
	r.ID = reply.header.Get(InstanceHeader)
	i, err := readInfo(reply)
	if err != nil {
		r.Error = failure(fmt.Errorf("%s: %w", r.Address, err))
		return
	}
	r.InfoVersion = i.Version
}

// askHealth asks /livez, which is there from 7.11 on, and else /health, which
// logs a line on every call.
func (r *InstanceReport) askHealth(ctx context.Context, web *http.Client) {
	for _, path := range []string{"/livez", "/health"} {
		reply, err := fetch(ctx, web, "http://"+r.Address+path, "")
		if err != nil {
			r.HealthPath, r.HealthText = path, err.Error()
			return
		}
		if reply.code == http.StatusNotFound {
			continue
		}
		r.HealthPath, r.HealthText, r.Healthy = path, reply.status(), No
		if reply.code == http.StatusOK {
			r.Healthy = Yes
		}
		return
	}
	r.HealthText = "neither /livez nor /health is there"
}
