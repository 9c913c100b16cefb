package uitest

import (
	"fmt"
	"path"
	"slices"
	"time"

	"github.com/rcwizard/rcwizard/engine"
	"github.com/rcwizard/rcwizard/render"
	"github.com/rcwizard/rcwizard/ui"
	"github.com/rcwizard/rcwizard/workspace"
)

// Reviewed is the review of a workspace of which nothing is deployed yet, but
// for one file that somebody made by hand: the files are those that are
// rendered, without their secrets.
func Reviewed(w workspace.Workspace) (ui.Review, error) {
	w = w.Complete()
	tree, err := render.Render(render.Inputs{Workspace: w}.WithoutSecrets())
	if err != nil {
		return ui.Review{}, fmt.Errorf("render the files: %w", err)
	}
	r := ui.Review{Estimate: 4*time.Minute + 12*time.Second, EstimateFrom: "the run of 4 January 12:00, which carried out everything"}
	for _, h := range w.Hosts {
		host := ui.HostFiles{Host: h.Name}
		files := engine.StepReport{
			StepRef: engine.StepRef{Step: h.Name + "/files", Title: "Write the files", Host: h.Name, Guide: "1.3"},
			Report:  engine.Report{Verdict: engine.Needed},
		}
		for _, p := range tree.On(h.Name) {
			if !slices.Contains(host.Roles, p.Role) {
				host.Roles = append(host.Roles, p.Role)
			}
			for _, f := range p.Files {
				file := ui.ReviewFile{
					Path: path.Join(p.Dir, f.Path), Name: f.Path, Mode: f.Mode.String(), Change: engine.Create,
					Content: string(render.Masked(f.Path, f.Content)),
				}
				if len(r.Hosts) == 0 && len(host.Files) == 0 {
					file.Change, file.Before = engine.Update, "# made by hand\n"+file.Content[len(file.Content)/2:]
					file.Remarks = []ui.Remark{{Line: 2, Text: "its ports are published past the firewall; here each service listens only where it must"}}
				}
				host.Files = append(host.Files, file)
				files.Changes = append(files.Changes, engine.Change{Kind: file.Change, Path: file.Path})
			}
		}
		r.Hosts = append(r.Hosts, host)
		r.Plan = append(r.Plan,
			engine.StepReport{
				StepRef: engine.StepRef{Step: h.Name + "/ready", Title: "Look whether the server is ready", Host: h.Name},
				Report:  engine.Report{Verdict: engine.Done},
			},
			files,
			engine.StepReport{
				StepRef: engine.StepRef{Step: h.Name + "/compose-up", Title: "Start the containers", Host: h.Name, Guide: "1.4"},
				Report: engine.Report{Verdict: engine.Later, Changes: []engine.Change{
					{Kind: engine.Pull, Path: "docker.io/library/image:1"}, {Kind: engine.Start, Path: h.Name + "/container"},
				}},
			})
	}
	return r, nil
}
