package main

import (
	"context"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"github.com/rcwizard/rcwizard/test/lab/images/standin/mongodb"
)

func TestScrape(t *testing.T) {
	s, err := mongodb.Listen(t.Context(), mongodb.Config{DBPath: t.TempDir(), Addresses: []string{"127.0.0.1"}, Version: "8.0.21", Log: io.Discard})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- s.Run(ctx) }()
	uri := fmt.Sprintf("mongodb://127.0.0.1:%d/?directConnection=true", s.Port())
	client, err := mongo.Connect(options.Client().ApplyURI(uri).SetServerSelectionTimeout(time.Second))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = client.Disconnect(context.Background()) }()
	var up strings.Builder
	scrape(t.Context(), client, &up)
	for _, want := range []string{"mongodb_up 1\n", `mongodb_version_info{mongodb="8.0.21"} 1`, `mongodb_connections{state="current"} `, `mongodb_op_counters_total{type="command"} `, `mongodb_memory{type="resident"} `} {
		if !strings.Contains(up.String(), want) {
			t.Errorf("no %q in\n%s", want, up.String())
		}
	}
	cancel()
	if err := <-done; err != nil {
		t.Error(err)
	}
	var down strings.Builder
	scrape(t.Context(), client, &down)
	if !strings.Contains(down.String(), "mongodb_up 0\n") {
		t.Errorf("with the server gone:\n%s", down.String())
	}
}

func TestFlags(t *testing.T) {
	uri, listen, _, err := flags([]string{"--mongodb.uri=mongodb://127.0.0.1:27017/?directConnection=true", "--web.listen-address=127.0.0.1:9216", "--collector.diagnosticdata", "--compatible-mode"}, "")
	if err != nil || listen != "127.0.0.1:9216" || !strings.HasPrefix(uri, "mongodb://127.0.0.1") {
		t.Errorf("%s, %s, %v", uri, listen, err)
	}
	for _, args := range [][]string{{}, {"--nonsense", "--mongodb.uri=mongodb://h"}} {
		if _, _, _, err := flags(args, ""); err == nil {
			t.Errorf("%q is accepted", args)
		}
	}
}
