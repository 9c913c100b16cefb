package main

import (
	"fmt"
	"strings"

	"github.com/rcwizard/rcwizard/cluster"
	"github.com/rcwizard/rcwizard/render"
	"github.com/rcwizard/rcwizard/workspace"
)

// text is the count as a person reads it.
func text(report cluster.Report) string {
	var b strings.Builder
	_ = cluster.WriteText(&b, report) // a Builder takes everything
	return b.String()
}

// next is the last thing that a person sees: where to go, where the passwords
// are, and what is still to be done.
func next(ans answers) string {
	w := ans.workspace
	var b strings.Builder
	fmt.Fprintf(&b, "Workspace      %s\n", w.RootURL)
	if w.Admin.Creates() {
		fmt.Fprintf(&b, "Administrator  %s; the password is admin_password in\n               %s\n", w.Admin.Username, ans.folder.SecretsPath())
	} else {
		fmt.Fprintf(&b, "Administrator  whoever opens the workspace first: open it now\n")
	}
	if w.RunsMonitoring() {
		fmt.Fprintf(&b, "Grafana        %s, user admin; the password is\n               grafana_admin_password in the same file\n", w.GrafanaURL())
	}
	fmt.Fprintf(&b, "Report         %s\n\n", ans.folder.Report())
	b.WriteString(single(w) + "\n\nNext:\n")
	b.WriteString("  - back up the database (mongodump) regularly: nothing does it by itself\n")
	if ans.secrets.License == "" && ans.secrets.RegistrationToken == "" {
		b.WriteString("  - register the workspace and add a licence: without the module scalability\n    the instances do not pass live events to each other\n")
	}
	if w.Storage.Type == workspace.StorageGridFS {
		b.WriteString("  - decide where files are kept before people upload many: changing the storage\n    later does not move them\n")
	}
	fmt.Fprintf(&b, "  - %s: the hosts' firewalls must keep\n    everybody else out\n", render.NoPasswords(w))
	return b.String()
}

// single names what there is one of, and what that means.
func single(w workspace.Workspace) string {
	switch {
	case w.Database.External:
		return "Still single: one reverse proxy. If its host is lost, the workspace is down until\nit is back."
	case w.Database.Host == w.Proxy.Host:
		return "Still single: one MongoDB, one reverse proxy, both on " + w.Proxy.Host + ". If that host is lost,\nthe workspace is down until it is back."
	}
	return "Still single: one MongoDB, one reverse proxy. If either host is lost, the\nworkspace is down until it is back."
}

// markdown is report.md: the same, to be kept, and what the check before the
// last change came to, a line each.
func markdown(ans answers, report cluster.Report, checked []string) []byte {
	out := fmt.Appendf(nil, "# %s\n\n%s, %s\n\n```text\n%s```\n\n```text\n%s```\n",
		ans.workspace.Name, report.Summary, report.At.Format("2006-01-02 15:04 MST"), text(report), next(ans))
	if len(checked) > 0 {
		out = append(out, "\n## Check before the last change\n\n"...)
	}
	for _, line := range checked {
		out = append(out, "- "+line+"\n"...)
	}
	return out
}
