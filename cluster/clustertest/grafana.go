package clustertest

import (
	"fmt"
	"io"
	"net/http"

	"github.com/rcwizard/rcwizard/workspace"
)

// Grafana answers as Grafana of that version does, from a sub-path or from a
// domain of its own, as the workspace has it.
func Grafana(w workspace.Workspace, version string) http.Handler {
	base := ""
	if w.Grafana.Mode == workspace.GrafanaPath {
		base = w.Grafana.Path
	}
	return http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case base + "/api/health":
			_, _ = fmt.Fprintf(rw, `{"database":"ok","version":%q,"commit":"x"}`, version)
		case base + "/login":
			_, _ = io.WriteString(rw, "<title>Grafana</title>")
		case base + "/":
			http.Redirect(rw, r, base+"/login", http.StatusFound)
		default:
			http.NotFound(rw, r)
		}
	})
}
