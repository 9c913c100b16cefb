package main

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/rcwizard/rcwizard/workspace"
	"github.com/rcwizard/rcwizard/workspace/release"
)

func TestAgainst(t *testing.T) {
	now := time.Date(2026, time.November, 23, 12, 0, 0, 0, time.UTC)
	for _, test := range []struct {
		name      string
		release   string
		mongodb   string
		published release.Published
		err       error
		want      []string // parts, in order
	}{
		{"present, nothing reached", "8.9.1", "8.0", release.Published{}, release.ErrUnreachable, nil},
		{"of long ago, by the catalogue", "8.0.1", "8.2", release.Published{}, release.ErrUnreachable, []string{"8.0.1 is not supported any more"}},
		{
			"expired, by what is published", "8.9.1", "8.0",
			release.Published{Supported: []release.SupportedLine{{Line: "8.9", Expires: now.AddDate(0, 0, -1)}}},
			nil,
			[]string{"8.9.1 is not supported any more since 2026-11-22"},
		},
		{"no such release", "8.9.99", "8.0", release.Published{}, errors.Join(release.ErrNoSuchRelease), []string{"8.9.99: releases.rocket.chat knows no such release"}},
		{"MongoDB fits", "8.9.1", "8.0.21", release.Published{MongoDB: []string{"8.0"}}, nil, nil},
		{"MongoDB does not fit", "8.9.1", "8.2", release.Published{MongoDB: []string{"8.0"}}, nil, []string{"is made for MongoDB [8.0], the workspace says 8.2"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			r, err := release.Parse(test.release)
			if err != nil {
				t.Fatal(err)
			}
			test.published.Release = r
			w := workspace.Workspace{Release: test.release, Database: workspace.Database{MongoDBVersion: test.mongodb}}
			got := against(w, test.published, test.err, now)
			if !slices.EqualFunc(got, test.want, strings.Contains) {
				t.Errorf("got %q, want %q", got, test.want)
			}
		})
	}
}
