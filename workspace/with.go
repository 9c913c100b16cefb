package workspace

import "slices"

// With is the workspace with instances of another one, as they are there, and
// with the hosts that they need: what Without takes out. Those that it has stay
// as they are.
func (w Workspace) With(other Workspace, instances ...string) Workspace {
	out := w.Clone()
	for _, i := range other.Instances {
		if _, there := out.Instance(i.Name); there || !slices.Contains(instances, i.Name) {
			continue
		}
		if h, known := other.Host(i.Host); known {
			if _, there := out.Host(i.Host); !there {
				out.Hosts = append(out.Hosts, h)
			}
		}
		out.Instances = append(out.Instances, i)
	}
	return out
}
