package main

import (
	"net/http"
	"net/http/httptest"
	"testing"
)

// officialTree has the structure of Rocket.Chat's own repository.
const officialTree = "../../test/official"

// mirror serves the tree below /good, at a commit of zeros, and what else a network
// may answer below other names. It returns its address.
func mirror(t *testing.T) string {
	t.Helper()
	mux := http.NewServeMux()
	mux.Handle("/good/0000000000000000000000000000000000000000/",
		http.StripPrefix("/good/0000000000000000000000000000000000000000", http.FileServer(http.Dir(officialTree))))
	mux.HandleFunc("/changed/", func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("services: {}\n")) })
	mux.HandleFunc("/page/", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		_, _ = w.Write([]byte("<html>log in to go on</html>\n"))
	})
	mux.HandleFunc("/cut/", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Length", "5052")
		_, _ = w.Write([]byte("services:\n"))
	})
	s := httptest.NewServer(mux)
	t.Cleanup(s.Close)
	return s.URL
}
