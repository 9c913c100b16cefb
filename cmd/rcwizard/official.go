package main

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"regexp"
	"strings"

	"github.com/spf13/cobra"

	"github.com/rcwizard/rcwizard/render"
	"github.com/rcwizard/rcwizard/ui"
	"github.com/rcwizard/rcwizard/upstream"
	"github.com/rcwizard/rcwizard/workspace"
)

// mirrorName is the flag that names a mirror.
const mirrorName = "compose-url"

// mirrorFlag is that of every command that renders files.
func mirrorFlag(cmd *cobra.Command) {
	cmd.Flags().String(mirrorName, "", "fetch Rocket.Chat's own compose files from the mirror at `URL`, below which come the commit and\nthe file's path, and not from GitHub")
}

// source is where Rocket.Chat's own files are fetched from. The address may have a
// password in it, so none of its text is repeated where it is none.
func (a *app) source() (upstream.Source, error) {
	base := or(a.config.GetString(mirrorName), upstream.URL)
	u, err := url.Parse(base)
	if err != nil || u.Host == "" || (u.Scheme != "https" && u.Scheme != "http") {
		return upstream.Source{}, usage(errors.New("what --compose-url or RCWIZARD_COMPOSE_URL says is no address that begins with https:// or http://"))
	}
	return upstream.Source{Base: base}, nil
}

// official are Rocket.Chat's own files, if the workspace is to have them: as they
// were fetched for it before, or fetched now.
func (a *app) official(ctx context.Context, ans answers) (render.Official, error) {
	kind := ans.workspace.Compose
	if !kind.Official() {
		return render.Official{}, nil
	}
	source, err := a.source()
	if err != nil {
		return render.Official{}, err
	}
	pinned := a.pinned
	if pinned.ID == "" {
		pinned = upstream.Pinned()
	}
	commit, cache := pinned.At(kind.Commit()), upstream.Cache{Dir: ans.upstream}
	files, err := cache.Get(ctx, source, commit, render.OfficialFiles(), func() {
		if !ans.drawn {
			a.sayf("fetching Rocket.Chat's own compose files at %s from %s\n", commit.Short(), upstream.Printable(source.Base))
		}
	})
	if err != nil {
		return render.Official{}, unfetched(err, ans.bundled)
	}
	return render.Official{Commit: commit.ID, Files: files}, nil
}

// The ways to rcwizard's own compose files: of a command with --compose, of the
// wizard, and of a command that takes the workspace as it is.
func bundledByFlag() string { return "--compose " + string(workspace.ComposeBundled) }
func bundledByKey() string  { return "the wizard's Review page has them (the key o on the screen)" }
func bundledFirst(name string) string {
	return "first rcwizard resume " + word(name) + " " + bundledByFlag() + ", then this again"
}

// unfetched says what can be done where Rocket.Chat's own files cannot be had.
// bundled is the way to rcwizard's own; empty: --compose.
func unfetched(err error, bundled string) error {
	var why *upstream.Error
	if !errors.As(err, &why) {
		return fmt.Errorf("get Rocket.Chat's own compose files: %w", err)
	}
	if why.Kind == upstream.Cancelled {
		return err
	}
	return &unfetchedError{err: why, bundled: or(bundled, bundledByFlag())}
}

// unfetchedError is an upstream.Error with the ways on.
type unfetchedError struct {
	err     *upstream.Error
	bundled string
}

// Error tells what happened, that nothing came of it, and the ways on.
func (e *unfetchedError) Error() string {
	return fmt.Sprintf("Rocket.Chat's own compose files cannot be had, and nothing was changed: %v\n"+
		"next: %s. Or take rcwizard's own files, which need no internet: %s", e.err, e.err.Next(), e.bundled)
}

// Unwrap is what happened, and what a face knows it by.
func (e *unfetchedError) Unwrap() []error { return []error{e.err, ui.ErrNoOfficialFiles} }

// internalCommand has what is for those who make rcwizard.
func (a *app) internalCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use: "internal", Short: "What those need who make rcwizard", Hidden: true, Args: cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			return usage(errors.New("rcwizard internal has one command: pin"))
		},
	}
	pin := &cobra.Command{
		Use:   "pin COMMIT",
		Short: "Fetch Rocket.Chat's own compose files and print the table of their sums",
		Args:  cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.pin(cmd.Context(), args[0])
		},
	}
	mirrorFlag(pin)
	cmd.AddCommand(pin)
	return cmd
}

// pin prints the table that upstream.Pinned has, for another commit.
func (a *app) pin(ctx context.Context, id string) error {
	if !regexp.MustCompile(`^[0-9a-f]{40}$`).MatchString(id) {
		return usage(fmt.Errorf("%q is no commit: give all of its 40 characters", id))
	}
	source, err := a.source()
	if err != nil {
		return err
	}
	files, err := source.Fetch(ctx, upstream.Commit{ID: id}, render.OfficialFiles())
	if err != nil {
		return fmt.Errorf("pin %s: %w", id, err)
	}
	var out strings.Builder
	fmt.Fprintf(&out, "\t\tID: %q,\n\t\tSums: map[string]string{\n", id)
	for _, path := range render.OfficialFiles() {
		fmt.Fprintf(&out, "\t\t\t%q: %q,\n", path, upstream.Sum(files[path]))
	}
	out.WriteString("\t\t},\n")
	return a.print(out.String())
}
