package check

import (
	"slices"
	"strings"

	"github.com/rcwizard/rcwizard/workspace"
)

// New are the ids of the checks that a workspace has beyond those of an earlier
// one, as Again takes them: of hosts that are new or have a new instance, and of
// the connections and places that come in.
func New(before, after workspace.Workspace) []string {
	known := Judge(before, Evidence{}, nil).ids()
	var out []string
	for _, id := range Judge(after, Evidence{}, nil).ids() {
		if !slices.Contains(known, id) {
			out = append(out, id)
		}
	}
	for _, i := range after.Instances {
		if _, old := before.Instance(i.Name); old {
			continue
		}
		out = append(out, "host:"+i.Host, "image:"+i.Host)
		if _, old := before.Host(i.Host); !old {
			// Also to members of an external database, which nobody knows yet.
			out = append(out, "port:"+i.Host)
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// Beside are the ids of the checks that need not be made for those that only
// names; none for nil. Hosts are looked at in any case, since what else is found
// depends on them, and so is listening: without a listener nothing can be said
// of the way to it.
func Beside(w workspace.Workspace, only []string) []string {
	if only == nil {
		return nil
	}
	ids := Judge(w, Evidence{}, nil).ids()
	var out []string
	for _, id := range ids {
		kind, _, _ := strings.Cut(id, ":")
		// An id may be the beginning of another's.
		needed := slices.ContainsFunc(ids, func(other string) bool { return Matches([]string{id}, other) && Matches(only, other) })
		if !needed && !slices.Contains([]string{"host", "listen", "loopback"}, kind) {
			out = append(out, id)
		}
	}
	return out
}
