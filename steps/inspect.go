package steps

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/rcwizard/rcwizard/check"
	"github.com/rcwizard/rcwizard/remote"
	"github.com/rcwizard/rcwizard/remote/facts"
	"github.com/rcwizard/rcwizard/render"
	"github.com/rcwizard/rcwizard/workspace"
)

// Inspection is what one look at a host found.
type Inspection struct {
	Facts facts.Facts
	// Host is the same as evidence for checks, without what depends on files and
	// images.
	Host check.Host
	// Deployed are the receipts below the workspace's directory, those that could
	// be read.
	Deployed []Receipt
}

// Inspect looks at one host of a workspace that may be far from whole: what the
// host is, whether the login becomes root, and whether Docker can be used. It
// changes nothing. A password for sudo that is given is tried, once.
func Inspect(ctx context.Context, w workspace.Workspace, secrets workspace.Secrets, h remote.Host) (Inspection, error) {
	f, err := facts.Gather(ctx, h, w.Directory)
	if err != nil {
		return Inspection{}, fmt.Errorf("look at %s: %w", h.Name(), err)
	}
	s := &Site{Workspace: w, Secrets: secrets}
	s.remember(h.Name(), f)
	l := &looker{s: s}
	seen := hostOf(f)
	l.sudo(ctx, h, f, &seen)
	if seen.Sudo != check.SudoPasswordWrong {
		seen.Docker = dockerOf(ctx, h, f, w.Compose)
	}
	out := Inspection{Facts: f, Host: seen}
	if seen.Sudo == check.SudoPasswordWrong || seen.Sudo == check.SudoPasswordNone {
		return out, nil
	}
	res, err := h.Run(ctx, remote.Command{Script: receiptsScript, Args: []string{w.Directory, receiptName}, Root: s.asRoot(h.Name())})
	if err == nil {
		out.Deployed = receipts(res.Stdout)
	}
	return out, nil
}

// receiptsScript prints the receipts of all projects, one after the other.
const receiptsScript = `
for f in "$1"/*/"$2"; do
	[ ! -r "$f" ] || cat "$f"
done
`

// receipts reads them up to what is none.
func receipts(text string) []Receipt {
	var out []Receipt
	for in := json.NewDecoder(strings.NewReader(text)); ; {
		var r Receipt
		if err := in.Decode(&r); err != nil {
			return out // the end, or somebody's own file
		}
		if r.Version == receiptVersion {
			out = append(out, r)
		}
	}
}

// RolesOf are the roles of receipts, each once.
func RolesOf(deployed []Receipt) []render.Role {
	var out []render.Role
	for _, role := range []render.Role{render.RoleDatabase, render.RoleInstance, render.RoleProxy} {
		for _, r := range deployed {
			if r.Role == role {
				out = append(out, role)
				break
			}
		}
	}
	return out
}
