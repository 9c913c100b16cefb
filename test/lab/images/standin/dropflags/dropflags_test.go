package main

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestParse(t *testing.T) {
	for _, c := range []struct {
		args, want, config string
		reload             time.Duration
	}{
		{"--config.file=/p.yml --storage.tsdb.path=/prometheus", "--config.file=/p.yml --storage.tsdb.path=/prometheus", "/p.yml", 0},
		{"--config.file /p.yml --enable-feature=auto-reload-config --config.auto-reload-interval=5s", "--config.file /p.yml", "/p.yml", 5 * time.Second},
		{"--enable-feature auto-reload-config,agent --auto-gomaxprocs", "--enable-feature=agent", "prometheus.yml", 30 * time.Second},
		{"--config.auto-reload-interval 5s", "", "prometheus.yml", 0},
		{"--nonsense", "--nonsense", "prometheus.yml", 0},
	} {
		p, err := parse(strings.Fields(c.args))
		if err != nil {
			t.Errorf("%s: %v", c.args, err)
		}
		if d := cmp.Diff(c.want, strings.Join(p.args, " ")); d != "" || p.reload != c.reload || p.config != c.config {
			t.Errorf("%s: %+v\n%s", c.args, p, d)
		}
	}
	if _, err := parse([]string{"--config.auto-reload-interval=x"}); err == nil {
		t.Error("an interval that is none is accepted")
	}
}
