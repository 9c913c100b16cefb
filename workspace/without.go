package workspace

import "slices"

// Without is the workspace without the instances of these names, and without the
// hosts that had one of them and have nothing else to do. Of a complete workspace
// everything else stays as it is, the ports of the other instances above all.
func (w Workspace) Without(instances ...string) Workspace {
	out := w.Clone()
	out.Instances = slices.DeleteFunc(out.Instances, func(i Instance) bool { return slices.Contains(instances, i.Name) })
	out.Hosts = slices.DeleteFunc(out.Hosts, func(h Host) bool {
		had := slices.ContainsFunc(w.InstancesOn(h.Name), func(i Instance) bool { return slices.Contains(instances, i.Name) })
		return had && len(out.RolesOn(h.Name)) == 0 && h.Name != out.Database.Host
	})
	return out
}
