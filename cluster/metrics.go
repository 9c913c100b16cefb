package cluster

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"
)

// infoMetric is set by each instance of itself every 5 s (Rocket.Chat
// app/metrics/server/lib/collectMetrics.ts), so a young instance has none.
const infoMetric = "rocketchat_info"

// errNoInfoMetric says that the port answers and the gauge is not there yet.
var errNoInfoMetric = errors.New("there is no " + infoMetric + " yet")

// readMetrics reads rocketchat_info, and waits for it a little when the port
// answers without it.
func readMetrics(ctx context.Context, address string, web *http.Client, timeout time.Duration) Metrics {
	m := Metrics{Address: address}
	ctx, cancel := context.WithTimeout(ctx, timeout+timeout/2)
	defer cancel()
	for {
		reply, err := fetch(ctx, web, "http://"+address+"/metrics", "")
		if err == nil {
			err = m.read(reply)
		}
		if err == nil {
			return m
		}
		if !errors.Is(err, errNoInfoMetric) {
			m.Error = failure(err)
			return m
		}
		pause := time.NewTimer(timeout / 5)
		select {
		case <-ctx.Done():
			pause.Stop()
			m.Error = failure(fmt.Errorf("%s/metrics: %w", address, errNoInfoMetric))
			return m
		case <-pause.C:
		}
	}
}

func (m *Metrics) read(reply webReply) error {
	if reply.code != http.StatusOK {
		return fmt.Errorf("%s/metrics answers %s", m.Address, reply.status())
	}
	parser := expfmt.NewTextParser(model.UTF8Validation)
	families, err := parser.TextToMetricFamilies(bytes.NewReader(reply.body))
	family := families[infoMetric]
	if family == nil {
		if err != nil {
			return fmt.Errorf("%s/metrics does not answer as an instance does: %w", m.Address, err)
		}
		return errNoInfoMetric
	}
	// A gauge that is set again with other labels (a new site_url) leaves the
	// old row behind, before the new one: the last counts.
	for _, metric := range family.GetMetric() {
		labels := make(map[string]string, len(metric.GetLabel()))
		for _, l := range metric.GetLabel() {
			labels[l.GetName()] = l.GetValue()
		}
		if labels["version"] != "" {
			m.Version, m.UniqueID, m.SiteURL = labels["version"], labels["unique_id"], labels["site_url"]
		}
	}
	if m.Version == "" {
		return errNoInfoMetric
	}
	return nil
}
