package main

import (
	"cmp"
	"context"
	"fmt"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/rcwizard/rcwizard/assets"
	"github.com/rcwizard/rcwizard/engine"
	"github.com/rcwizard/rcwizard/render"
	"github.com/rcwizard/rcwizard/steps"
	"github.com/rcwizard/rcwizard/ui"
	"github.com/rcwizard/rcwizard/workspace"
)

// Review implements ui.Backend. The files are there even where a host cannot be
// reached, beside the error that says so: there is no plan then.
func (b *backend) Review(ctx context.Context, d ui.Draft) (ui.Review, error) {
	if d.Change != nil {
		return b.reviewChange(ctx, d)
	}
	ans, err := b.kept(ctx, d)
	if err != nil {
		return ui.Review{}, err
	}
	tree, err := b.a.renderTree(ctx, ans)
	if err != nil {
		return ui.Review{}, err
	}
	review := ui.Review{Warnings: ans.warnings, Hosts: hostFiles(ans.workspace, tree, nil)}
	if folder, err := b.folder(d.Key); d.Key != "" && err == nil {
		if old := stale(folder.Folder, b.drawnFrom(d.Key, folder.Folder), ans.workspace); old != "" {
			text := old + "; the plan shows it. To begin with what is kept instead, go back to Start"
			review.Warnings = append(review.Warnings, workspace.Problem{Severity: workspace.Warning, Text: text})
		}
	}
	hosts, failures := b.connectHosts(ctx, ans, everyHost)
	if err := unreached(ans.workspace, failures); err != nil {
		return review, err
	}
	site, err := b.site(ctx, ans, hosts)
	if err != nil {
		return review, err
	}
	site.Overwrite = b.a.config.GetBool("overwrite-edited")
	review.Plan, err = engine.Preview(ctx, steps.Install(site), engine.Options{Redact: b.a.redactor.Redact})
	if err != nil {
		return review, fmt.Errorf("look at the hosts: %w", err)
	}
	review.Hosts = hostFiles(ans.workspace, tree, review.Plan)
	review.Estimate, review.EstimateFrom = b.estimate(d.Key, review.Plan)
	return review, nil
}

// estimate is what the last run took that carried out everything, where there
// was one: nothing else is known of how fast these hosts are. A plan without
// anything to do takes no time worth telling.
func (b *backend) estimate(key string, plan []engine.StepReport) (about time.Duration, from string) {
	if engine.Total(plan).Done == len(plan) {
		return 0, ""
	}
	folder, err := b.folder(key)
	if err != nil {
		return 0, ""
	}
	history, err := engine.ReadJournal(folder.Journal())
	if err != nil {
		return 0, ""
	}
	for _, run := range slices.Backward(history.Runs) {
		applied := slices.ContainsFunc(run.Done, func(s engine.StepHistory) bool { return s.How == engine.Applied })
		if run.Outcome == engine.Succeeded && applied && run.Ended.After(run.Started) {
			return run.Ended.Sub(run.Started).Round(time.Second), "the run of " + run.Started.Local().Format("2 January 15:04") + ", which carried out everything"
		}
	}
	return 0, ""
}

// hostFiles are the files of each host, as they may be shown, with what the plan
// would do to them.
func hostFiles(w workspace.Workspace, tree render.Tree, plan []engine.StepReport) []ui.HostFiles {
	changes := map[string]engine.Change{}
	for _, step := range plan {
		for _, c := range step.Changes {
			changes[step.Host+":"+c.Path] = c
		}
	}
	holes := map[string]assets.Hole{}
	for _, h := range assets.Holes() {
		holes[h.ID] = h
	}
	out := make([]ui.HostFiles, 0, len(w.Hosts))
	for _, h := range w.Hosts {
		files := ui.HostFiles{Host: h.Name}
		for _, p := range tree.On(h.Name) {
			if !slices.Contains(files.Roles, p.Role) {
				files.Roles = append(files.Roles, p.Role)
			}
			for _, f := range p.Files {
				at := path.Join(p.Dir, f.Path)
				change := changes[h.Name+":"+at]
				shown := string(render.Masked(f.Path, f.Content))
				files.Files = append(files.Files, ui.ReviewFile{
					Path: at, Name: f.Path, Mode: f.Mode.String(), Content: shown,
					Change: change.Kind, Before: string(render.Masked(f.Path, []byte(change.Before))),
					Remarks: remarks(shown, holes),
				})
			}
		}
		out = append(out, files)
	}
	return out
}

// remarks are the reasons that a file's own comments name by their ids, at the
// end of a line: of several the first, which is the guide's own.
func remarks(content string, holes map[string]assets.Hole) []ui.Remark {
	id := regexp.MustCompile(`\s([HT][0-9]+)(?: [HT][0-9]+)*\s*$`)
	var out []ui.Remark
	line := 0
	for text := range strings.Lines(content) {
		line++
		found := id.FindStringSubmatch(strings.TrimRight(text, "\n"))
		if found == nil || !strings.HasPrefix(strings.TrimSpace(text), "#") {
			continue
		}
		if hole, ok := holes[found[1]]; ok {
			out = append(out, ui.Remark{Line: line, Text: hole.Happens})
		}
	}
	return out
}

// Export implements ui.Backend.
func (b *backend) Export(ctx context.Context, d ui.Draft, o ui.ExportOptions) (ui.Exported, error) {
	ans, err := b.exportable(ctx, d, o.NoSecrets)
	if err != nil {
		return ui.Exported{}, err
	}
	in, err := b.a.inputs(ctx, ans)
	if err != nil {
		return ui.Exported{}, err
	}
	if o.NoSecrets {
		in = in.WithoutSecrets()
	}
	tree, err := render.Render(in)
	if err != nil {
		return ui.Exported{}, fmt.Errorf("render the files: %w", err)
	}
	dst, err := filepath.Abs(cmp.Or(o.To, ans.workspace.Name+"-files"))
	if err != nil {
		return ui.Exported{}, fmt.Errorf("find %s: %w", o.To, err)
	}
	left, err := exportTo(dst, tree)
	if err != nil {
		return ui.Exported{}, err
	}
	return ui.Exported{Path: dst, Files: len(tree.Exported()), Left: left}, nil
}

// exportable are the answers for an export. Without secrets it needs none.
func (b *backend) exportable(ctx context.Context, d ui.Draft, bare bool) (answers, error) {
	if !bare {
		return b.kept(ctx, d)
	}
	ans, err := b.given(d)
	if err != nil {
		return answers{}, err
	}
	if err := ans.workspace.Validate().Err(); err != nil {
		return answers{}, usage(err)
	}
	return ans, nil
}
