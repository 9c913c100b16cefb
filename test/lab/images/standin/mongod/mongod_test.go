package main

import (
	"context"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/rcwizard/rcwizard/test/lab/images/standin/mongodb"
)

func TestParse(t *testing.T) {
	for _, c := range []struct {
		args string
		want mongodb.Config
		err  string
	}{
		{"", mongodb.Config{DBPath: "/data/db", Port: 27017, Addresses: []string{"127.0.0.1"}}, ""},
		{"--replSet rs0 --bind_ip 127.0.0.1,10.0.0.10 --port=27018", mongodb.Config{DBPath: "/data/db", Port: 27018, ReplSet: "rs0", Addresses: []string{"127.0.0.1", "10.0.0.10"}}, ""},
		{"--bind_ip 127.0.0.1,fd00::10 --ipv6", mongodb.Config{DBPath: "/data/db", Port: 27017, Addresses: []string{"127.0.0.1", "fd00::10"}}, ""},
		{"--bind_ip 127.0.0.1,fd00::10", mongodb.Config{DBPath: "/data/db", Port: 27017, Addresses: []string{"127.0.0.1"}}, ""},
		{"--replSet rs0 --bind_ip_all", mongodb.Config{DBPath: "/data/db", Port: 27017, ReplSet: "rs0", Addresses: []string{"0.0.0.0"}}, ""},
		{"--dbpath /x --wiredTigerCacheSizeGB 1", mongodb.Config{DBPath: "/x", Port: 27017, Addresses: []string{"127.0.0.1"}}, ""},
		{"--nonsense", mongodb.Config{}, "unrecognised option '--nonsense'"},
		{"--keyFile /k", mongodb.Config{}, "cannot do this"},
		{"stray", mongodb.Config{}, "too many positional options"},
	} {
		got, _, err := parse(t.Context(), strings.Fields(c.args))
		if c.err != "" {
			if err == nil || !strings.Contains(err.Error(), c.err) {
				t.Errorf("%s: %v, want %q", c.args, err, c.err)
			}
			continue
		}
		if d := cmp.Diff(c.want, got); err != nil || d != "" {
			t.Errorf("%s: %v\n%s", c.args, err, d)
		}
	}
}

func TestExitCodes(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	for args, want := range map[string]int{
		"--nonsense":                                                  exitBadOptions,
		"--dbpath " + t.TempDir() + "/absent":                         exitUncaught,
		"--dbpath " + t.TempDir() + " --bind_ip 192.0.2.77":           exitNetError,
		"--dbpath " + t.TempDir() + " --bind_ip fd00::10 --port 1234": exitNetError,
		"--version": 0,
	} {
		if got := run(ctx, strings.Fields(args), "8.0.21", io.Discard, io.Discard); got != want {
			t.Errorf("mongod %s: exit code %d, want %d", args, got, want)
		}
	}
}
