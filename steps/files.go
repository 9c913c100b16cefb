package steps

import (
	"context"
	"fmt"
	"io/fs"
	"maps"
	"path"
	"slices"
	"strconv"
	"strings"

	"github.com/rcwizard/rcwizard/engine"
	"github.com/rcwizard/rcwizard/remote"
	"github.com/rcwizard/rcwizard/render"
)

// files puts a project's files onto its host: guide 1.1 to 1.5, 2.1 to 2.3,
// 3.1 to 3.3. Three sides are known of each file: as rcwizard wrote it last
// (the receipt), as it is on the host, and as it is wanted. A file that
// somebody edited since, or that was never ours, is not written over unless
// the site says so.
func (s *Site) files(rp render.Project, needs ...string) engine.Step {
	guide := map[render.Role]string{render.RoleDatabase: "1.1–1.5", render.RoleInstance: "2.1–2.3", render.RoleProxy: "3.1–3.3"}[rp.Role]
	return engine.Step{
		ID:    filesID(rp),
		Title: "Write the files to " + rp.Dir,
		Host:  rp.Host,
		Guide: guide,
		Needs: needs,
		Check: func(ctx context.Context, _ engine.Output) (engine.Report, error) {
			p, err := s.project(rp)
			if err != nil {
				return engine.Report{}, err
			}
			return p.checkFiles(ctx)
		},
		Apply: func(ctx context.Context, _ engine.Output) error {
			p, err := s.project(rp)
			if err != nil {
				return err
			}
			return p.putFiles(ctx)
		},
	}
}

// wantedFiles are the rendered files, and on the database host the answers
// themselves, so that they do not die with somebody's laptop.
func (p project) wantedFiles() ([]render.File, error) {
	files := slices.Clone(p.Files)
	if p.Role == render.RoleDatabase {
		answers, err := p.site.Workspace.Marshal()
		if err != nil {
			return nil, fmt.Errorf("write workspace.yaml: %w", err)
		}
		files = append(files, render.File{Path: "workspace.yaml", Mode: 0o600, Content: answers, Live: true})
	}
	return files, nil
}

func (p project) checkFiles(ctx context.Context) (engine.Report, error) {
	wanted, err := p.wantedFiles()
	if err != nil {
		return engine.Report{}, err
	}
	seen, err := p.look(ctx, wanted)
	if err != nil {
		return engine.Report{}, err
	}
	if seen.foreign != "" {
		return blocked(seen.foreign), nil
	}
	changes, edited, err := p.compare(ctx, wanted, seen)
	if err != nil {
		return engine.Report{}, err
	}
	gone, touched, err := p.compareObsolete(ctx, obsolete(wanted, seen.receipt), seen.receipt)
	if err != nil {
		return engine.Report{}, err
	}
	changes, edited = append(changes, gone...), append(edited, touched...)
	for _, name := range seen.left {
		changes = append(changes, engine.Change{Kind: engine.Delete, Path: p.path(name)})
	}
	switch {
	case len(edited) > 0 && !p.site.Overwrite:
		r := blocked(notOurs(edited, p, seen.receipt != nil))
		r.Changes = changes
		r.Next = "look at the difference with rcwizard plan, and decide which of the two is to stay"
		if p.site.Scope != nil {
			r.Next = "look at the difference, which was shown before the check, and decide which of the two is to stay"
		}
		return r, nil
	case len(changes) > len(seen.left):
		return needed(fmt.Sprintf("%d of %d files differ", len(changes)-len(seen.left), len(wanted)), changes...), nil
	case len(changes) > 0:
		return needed("as they should be, beside what an upload that was cut left there", changes...), nil
	case seen.receipt == nil:
		return needed("as they should be, but not written by rcwizard: they are taken over", engine.Change{Kind: engine.Create, Path: p.path(receiptName)}), nil
	}
	return done(fmt.Sprintf("%d files as they should be", len(wanted))), nil
}

// notOurs says that files stand in the way which rcwizard did not write as
// they are now.
func notOurs(names []string, p project, deployed bool) string {
	what := "there already, and not written by rcwizard. Move them away"
	if deployed {
		what = "changed by hand since rcwizard wrote them. Take the change over into workspace.yaml"
	}
	return fmt.Sprintf("%s in %s on %s: %s, or run again with --overwrite-edited to put rcwizard's version there (rcwizard plan shows the difference)",
		strings.Join(names, ", "), p.Dir, p.Host, what)
}

// obsolete are the files that rcwizard once wrote and wants no longer.
func obsolete(wanted []render.File, receipt *Receipt) []string {
	if receipt == nil {
		return nil
	}
	var names []string
	for name := range receipt.Files {
		if !slices.ContainsFunc(wanted, func(f render.File) bool { return f.Path == name }) {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

// compare gives what would change, and the paths of files that were edited
// by hand since.
func (p project) compare(ctx context.Context, wanted []render.File, seen directory) (changes []engine.Change, edited []string, err error) {
	var show []string
	for _, f := range wanted {
		have, ok := seen.entries[f.Path]
		switch {
		case !ok:
			changes = append(changes, change(engine.Create, p.path(f.Path), f))
			continue
		case have.kind == kindFile && have.sum == sum(f.Content) && have.mode == f.Mode:
			continue
		}
		changes = append(changes, change(engine.Update, p.path(f.Path), f))
		if have.kind != kindFile || have.sum == sum(f.Content) {
			continue
		}
		if !seen.receipt.wrote(f.Path, have.sum) {
			raised, err := p.onlyReleaseDiffers(ctx, f)
			if err != nil {
				return nil, nil, err
			}
			if !raised {
				edited = append(edited, f.Path)
			}
		}
		if !f.Secret {
			show = append(show, f.Path)
		}
	}
	before, err := p.contents(ctx, show)
	if err != nil {
		return nil, nil, err
	}
	for i, c := range changes {
		if text, ok := before[c.Path]; ok {
			// What lies on the host may be anybody's, with secrets that nobody
			// told rcwizard of.
			changes[i].Before = string(render.Masked(path.Base(c.Path), []byte(text)))
		}
	}
	return changes, edited, nil
}

// compareObsolete gives what would be removed, and which of it somebody edited
// since rcwizard wrote it. A path that is there no longer is only forgotten.
func (p project) compareObsolete(ctx context.Context, names []string, receipt *Receipt) (changes []engine.Change, edited []string, err error) {
	if len(names) == 0 {
		return nil, nil, nil
	}
	files := make([]render.File, 0, len(names))
	for _, name := range names {
		files = append(files, render.File{Path: name})
	}
	seen, err := p.look(ctx, files)
	if err != nil {
		return nil, nil, err
	}
	for _, name := range names {
		changes = append(changes, engine.Change{Kind: engine.Delete, Path: p.path(name)})
		if have, ok := seen.entries[name]; ok && (have.kind != kindFile || !receipt.wrote(name, have.sum)) {
			edited = append(edited, name)
		}
	}
	return changes, edited, nil
}

func change(kind engine.ChangeKind, at string, f render.File) engine.Change {
	c := engine.Change{Kind: kind, Path: at, Secret: f.Secret}
	// What is new and Rocket.Chat's own is half a megabyte, and known by its sum.
	if !f.Secret && (kind != engine.Create || !f.Upstream) {
		c.After = string(render.Masked(path.Base(f.Path), f.Content))
	}
	return c
}

// putFiles writes what is wanted together with the receipt, in one stream.
// Directories that stand where a file belongs, left by Docker after a literal
// run of the guide (H3), make way if they are empty.
func (p project) putFiles(ctx context.Context) error {
	wanted, err := p.wantedFiles()
	if err != nil {
		return err
	}
	seen, err := p.look(ctx, wanted)
	if err != nil {
		return err
	}
	if len(seen.left) > 0 {
		// Any Put removes it. If that is all, no file is touched: containers may
		// have them mounted.
		if err := p.host.Put(ctx, p.Dir, nil, remote.PutOptions{Root: p.site.asRoot(p.Host)}); err != nil {
			return fmt.Errorf("remove what was left in %s: %w", p.Dir, err)
		}
		if r, err := p.checkFiles(ctx); err != nil || r.Verdict == engine.Done {
			return err
		}
	}
	receipt := Receipt{
		Version: receiptVersion, RCWizard: p.site.Version, Workspace: p.site.Workspace.Name,
		Project: p.Name, Role: p.Role, Instance: p.Instance, Release: p.site.Workspace.Release,
		Files: make(map[string]string, len(wanted)),
	}
	remove := obsolete(wanted, seen.receipt)
	if old := seen.receipt; old != nil {
		receipt.Applied, receipt.Services, receipt.Compose = old.Applied, old.Services, old.Compose
	}
	files := make([]remote.File, 1, 1+len(wanted)) // the receipt comes first
	for _, f := range wanted {
		receipt.writing(seen.receipt, f.Path, seen.entries[f.Path].sum, sum(f.Content))
		if seen.entries[f.Path].kind == kindDirectory {
			remove = append(remove, f.Path)
		}
		files = append(files, remote.File{Path: f.Path, Mode: f.Mode, Content: f.Content})
	}
	data, err := receipt.marshal()
	if err != nil {
		return err
	}
	files[0] = remote.File{Path: receiptName, Mode: 0o644, Content: data}
	return p.host.Put(ctx, p.Dir, files, remote.PutOptions{Root: p.site.asRoot(p.Host), Remove: remove}) //nolint:wrapcheck // it says what it wrote, and where
}

// writeReceipt changes the receipt alone.
func (p project) writeReceipt(ctx context.Context, edit func(*Receipt)) error {
	seen, err := p.look(ctx, nil)
	if err != nil {
		return err
	}
	if seen.receipt == nil {
		return fmt.Errorf("%s is gone from %s: run again", receiptName, p.Dir)
	}
	edit(seen.receipt)
	data, err := seen.receipt.marshal()
	if err != nil {
		return err
	}
	err = p.host.Put(ctx, p.Dir, []remote.File{{Path: receiptName, Mode: 0o644, Content: data}}, remote.PutOptions{Root: p.site.asRoot(p.Host)})
	if err != nil {
		return fmt.Errorf("write %s: %w", p.path(receiptName), err)
	}
	return nil
}

type kind byte

const (
	kindFile kind = iota
	kindDirectory
	kindOther
)

// entry is one path as it is on the host.
type entry struct {
	kind  kind
	mode  fs.FileMode
	sum   string
	empty bool
}

// directory is a project's directory as it is on the host.
type directory struct {
	entries map[string]entry
	receipt *Receipt
	// left are directories of uploads that were cut, as by a loss of power.
	left []string
	// foreign says why the directory cannot be taken: empty if it can.
	foreign string
}

// lookScript prints one line for each path that exists, one for each upload that
// was cut, then the receipt. It forks a fixed number of times, however many paths
// there are.
const lookScript = remote.UploadsLeft + `
cd -- "$1" 2>/dev/null || exit 0
shift
dead . | sed 's/^/left /'
if [ $# -gt 0 ]; then
	stat -c 'stat %a %F|%n' -- "$@" 2>/dev/null || :
	sha256sum -- "$@" 2>/dev/null | sed 's/^/sum /' || :
	for p in "$@"; do
		[ -d "$p" ] && [ ! -L "$p" ] && [ -z "$(ls -A -- "$p")" ] && printf 'empty %s\n' "$p" || :
	done
fi
[ ! -f receipt.json ] || { echo receipt; cat receipt.json; }
`

func (p project) look(ctx context.Context, wanted []render.File) (directory, error) {
	args := make([]string, 0, 1+len(wanted))
	args = append(args, p.Dir)
	for _, f := range wanted {
		args = append(args, f.Path)
	}
	res, err := p.host.Run(ctx, remote.Command{Script: lookScript, Args: args, Root: p.site.asRoot(p.Host)})
	if err != nil {
		return directory{}, fmt.Errorf("look into %s: %w", p.Dir, err)
	}
	if res.Code != 0 {
		return directory{}, fmt.Errorf("look into %s: %s", p.Dir, strings.TrimSpace(res.Stderr))
	}
	listing, receipt, found := strings.Cut("\n"+res.Stdout, "\nreceipt\n")
	d := directory{entries: parseListing(listing), left: parseLeft(listing)}
	if found {
		r, err := parseReceipt([]byte(receipt))
		if err != nil {
			return directory{}, fmt.Errorf("%s: %w", p.path(receiptName), err)
		}
		d.receipt = &r
		if r.Workspace != p.site.Workspace.Name {
			d.foreign = fmt.Sprintf("%s on %s belongs to the workspace %s: give this one another directory in workspace.yaml", p.Dir, p.Host, r.Workspace)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(d.entries)) {
		switch e := d.entries[name]; {
		case e.kind == kindDirectory && !e.empty:
			d.foreign = fmt.Sprintf("a directory with something in it stands where the file %s belongs on %s: look at it and move it away", p.path(name), p.Host)
		case e.kind == kindOther:
			d.foreign = fmt.Sprintf("%s on %s is no regular file: look at it and move it away", p.path(name), p.Host)
		}
	}
	return d, nil
}

// parseListing reads what lookScript printed before the receipt.
func parseListing(text string) map[string]entry {
	entries := make(map[string]entry)
	for line := range strings.Lines(text) {
		verb, rest, _ := strings.Cut(strings.TrimSuffix(line, "\n"), " ")
		switch verb {
		case "stat":
			mode, rest, _ := strings.Cut(rest, " ")
			what, name, ok := strings.Cut(rest, "|")
			bits, err := strconv.ParseUint(mode, 8, 32)
			if !ok || err != nil {
				continue
			}
			e := entries[name]
			e.mode = fs.FileMode(bits) & fs.ModePerm
			switch {
			case strings.HasPrefix(what, "regular"):
				e.kind = kindFile
			case what == "directory":
				e.kind = kindDirectory
			default:
				e.kind = kindOther
			}
			entries[name] = e
		case "sum":
			s, name, ok := strings.Cut(rest, "  ")
			if e, known := entries[name]; ok && known {
				e.sum = s
				entries[name] = e
			}
		case "empty":
			if e, known := entries[rest]; known {
				e.empty = true
				entries[rest] = e
			}
		}
	}
	return entries
}

// parseLeft reads what lookScript printed of uploads that were cut.
func parseLeft(text string) []string {
	var left []string
	for line := range strings.Lines(text) {
		if name, ok := strings.CutPrefix(strings.TrimSuffix(line, "\n"), "left "); ok {
			left = append(left, name)
		}
	}
	return left
}

// contentsScript prints each file behind a line with its size and path.
const contentsScript = `
cd -- "$1"; shift
for p in "$@"; do
	printf '%s %s\n' "$(wc -c <"$p" | tr -d ' ')" "$p"
	cat -- "$p"
done
`

// contents reads files that are about to be shown in a diff, by absolute path.
func (p project) contents(ctx context.Context, names []string) (map[string]string, error) {
	out := make(map[string]string, len(names))
	if len(names) == 0 {
		return out, nil
	}
	res, err := p.host.Run(ctx, remote.Command{Script: contentsScript, Args: append([]string{p.Dir}, names...), Root: p.site.asRoot(p.Host)})
	if err != nil {
		return nil, fmt.Errorf("read files in %s: %w", p.Dir, err)
	}
	if res.Code != 0 {
		return nil, fmt.Errorf("read files in %s: %s", p.Dir, strings.TrimSpace(res.Stderr))
	}
	rest := res.Stdout
	for rest != "" {
		head, body, _ := strings.Cut(rest, "\n")
		size, name, _ := strings.Cut(head, " ")
		n, err := strconv.Atoi(size)
		if err != nil || n > len(body) {
			return nil, fmt.Errorf("read files in %s: the answer was cut", p.Dir)
		}
		out[path.Join(p.Dir, name)] = body[:n]
		rest = body[n:]
	}
	return out, nil
}
