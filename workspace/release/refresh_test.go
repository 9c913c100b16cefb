package release

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// serve answers the two addresses with what is given; an empty answer is 404,
// "!" is 500.
func serve(t *testing.T, info, list string) *httptest.Server {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		answer := map[string]string{
			"/8.9.1/info": info,
			"/v2/server/supportedVersions?source=desktop": list,
		}[r.URL.RequestURI()]
		switch answer {
		case "":
			http.NotFound(w, r)
		case "!":
			w.WriteHeader(http.StatusInternalServerError)
		default:
			if _, err := w.Write([]byte(answer)); err != nil {
				t.Error(err)
			}
		}
	}))
	t.Cleanup(server.Close)
	return server
}

const list = `{"signed":"x","timestamp":"2026-11-01T00:00:00Z","versions":[
	{"version":"8.9.0","expiration":"2027-10-31T00:00:00.000Z"},
	{"version":"7.10.0","expiration":"2026-09-30T00:00:00.000Z","messages":[]},
	{"version":"odd"},{"version":[]},
	{"version":"~8.5","expiration":"2027-06-30"},
	{"version":"8.6.2","expiration":{}}]}`

func day(text string) time.Time {
	t, err := time.Parse(time.DateOnly, text)
	if err != nil {
		panic(err)
	}
	return t
}

func TestRefresh(t *testing.T) {
	for _, c := range []struct {
		name, info, list string
		mongo            []string
		version          string
		lines            int
		want             []error
	}{
		{"as published", `{"tag":"8.9.1","nodeVersion":"22.16.0","compatibleMongoVersions":["8.0"]}`, list, []string{"8.0"}, "8.0", 4, nil},
		{"bare majors", `{"tag":"8.9.1","compatibleMongoVersions":["5","6","7","8"]}`, list, []string{"5.0", "6.0", "7.0", "8.0"}, "8.0", 4, nil},
		{"numbers", `{"tag":"8.9.1","compatibleMongoVersions":[10,8.2,"8.0.4"]}`, list, []string{"8.0", "8.2", "10.0"}, "10.0", 4, nil},
		{"one text", `{"tag":"8.9.1","compatibleMongoVersions":"8.x"}`, list, []string{"8.0"}, "8.0", 4, nil},
		{"absent", `{"tag":"8.9.1"}`, list, nil, "8.0", 4, nil},
		{"odd", `{"tag":"8.9.1","compatibleMongoVersions":{"min":"8"},"nodeVersion":[]}`, `{"versions":null}`, nil, "8.0", 0, nil},
		{"no such release", `{"error":"x"}`, list, nil, "8.0", 4, []error{ErrNoSuchRelease}},
		{"not found", "", list, nil, "8.0", 4, []error{ErrNoSuchRelease}},
		{"list fails", `{"tag":"8.9.1","compatibleMongoVersions":["8.2"]}`, "!", []string{"8.2"}, "8.2", 0, []error{ErrUnreachable}},
		{"info fails", "!", list, nil, "8.0", 4, []error{ErrUnreachable}},
		{"all fails", "!", "!", nil, "8.0", 0, []error{ErrUnreachable}},
		{"a captive portal", "<html>", "<html>", nil, "8.0", 0, []error{ErrUnreachable}},
		{"both", "", "<html>", nil, "8.0", 0, []error{ErrNoSuchRelease, ErrUnreachable}},
	} {
		t.Run(c.name, func(t *testing.T) {
			server := serve(t, c.info, c.list)
			p, err := Refresh(t.Context(), server.Client(), server.URL+"/", Default())
			if (err != nil) != (len(c.want) > 0) {
				t.Errorf("error %v", err)
			}
			for _, want := range c.want {
				if !errors.Is(err, want) {
					t.Errorf("%v is not %v", err, want)
				}
			}
			if diff := cmp.Diff(c.mongo, p.MongoDB); diff != "" {
				t.Errorf("MongoDB (-want +got):\n%s", diff)
			}
			if version, source, known := p.MongoDBVersion(); version != c.version || !known || source == "" {
				t.Errorf("MongoDB %q from %q, %v", version, source, known)
			}
			if len(p.Supported) != c.lines {
				t.Errorf("lines %v", p.Supported)
			}
		})
	}
}

func TestRefreshUnreachable(t *testing.T) {
	server := serve(t, "x", "x")
	server.Close()
	if _, err := Refresh(t.Context(), http.DefaultClient, server.URL, Default()); !errors.Is(err, ErrUnreachable) || errors.Is(err, ErrNoSuchRelease) {
		t.Errorf("a closed port: %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := Refresh(ctx, http.DefaultClient, server.URL, Default()); !errors.Is(err, ErrUnreachable) || !errors.Is(err, context.Canceled) {
		t.Errorf("canceled: %v", err)
	}
}

// The address may have a login in it, which no failure repeats.
func TestRefreshTellsNoLogin(t *testing.T) {
	server := serve(t, "x", "x")
	server.Close()
	at := strings.TrimPrefix(server.URL, "http://")
	for _, address := range []string{"http://token:word@" + at, "http://" + at + "?token=word", "http://token:word@[", "ftp://token:word@" + at} {
		_, err := Refresh(t.Context(), http.DefaultClient, address, Default())
		if !errors.Is(err, ErrUnreachable) || strings.Contains(err.Error(), "token") || strings.Contains(err.Error(), "word") {
			t.Errorf("%s: %v", address, err)
		}
	}
}

func TestPublishedSupport(t *testing.T) {
	server := serve(t, `{"tag":"x"}`, list)
	p, err := Refresh(t.Context(), server.Client(), server.URL, Default())
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		release Release
		now     time.Time
		want    Support
	}{
		{Release{8, 9, 7}, day("2027-10-30"), SupportYes},
		{Release{8, 9, 7}, day("2027-10-31"), SupportNo},
		{Release{7, 10, 0}, day("2026-11-01"), SupportNo},
		{Release{8, 5, 3}, day("2026-11-01"), SupportYes},
		{Release{7, 9, 9}, day("2026-11-01"), SupportNo},      // older than all that are listed
		{Release{8, 6, 2}, day("2026-11-01"), SupportUnknown}, // listed without an end that can be read
		{Release{9, 0, 0}, day("2026-11-23"), SupportYes},     // not listed: the catalogue
		{Release{8, 10, 0}, day("2026-11-23"), SupportUnknown},
	} {
		p.Release = c.release
		if got, _ := p.Support(c.now); got != c.want {
			t.Errorf("%s on %s: %v, want %v", c.release, c.now.Format(time.DateOnly), got, c.want)
		}
	}
}
