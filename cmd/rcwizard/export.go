package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/google/renameio/v2"
	"github.com/spf13/cobra"

	"github.com/rcwizard/rcwizard/render"
)

func (a *app) exportCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "export [NAME]",
		Short: "Write every file that would be deployed, without deploying",
		Long: `Write every file that would be deployed into a folder or a .tar.gz, with the
commands of the guide to deploy them by hand. The same answers give the same
bytes. Files with secrets are readable by their owner alone.`,
		Args: atMost(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.export(cmd.Context(), args)
		},
	}
	workspaceFlags(cmd)
	f := cmd.Flags()
	f.StringP("output", "o", "", "folder `PATH`, or a file that ends in .tar.gz (default NAME-files)")
	f.Bool("no-secrets", false, "leave a placeholder where a secret belongs")
	f.String("diff", "", "write nothing, show what differs from an earlier export in the folder `PATH`")
	return cmd
}

func (a *app) export(ctx context.Context, args []string) error {
	ans, err := a.answers(args)
	if err != nil {
		return err
	}
	a.warn(ans)
	bare := a.config.GetBool("no-secrets")
	if !bare {
		if err := a.keepLocked(&ans, "export"); err != nil {
			return err
		}
	}
	in, err := a.inputs(ctx, ans)
	if err != nil {
		return err
	}
	if bare {
		in = in.WithoutSecrets()
	}
	tree, err := render.Render(in)
	if err != nil {
		return fmt.Errorf("render the files: %w", err)
	}
	if old := a.config.GetString("diff"); old != "" {
		return a.exportDiff(old, tree)
	}
	dst := a.config.GetString("output")
	if dst == "" {
		dst = ans.workspace.Name + "-files"
	}
	left, err := exportTo(dst, tree)
	if err != nil {
		return err
	}
	var b strings.Builder
	fmt.Fprintf(&b, "%d files are in %s; begin with %s\n", len(tree.Exported()), dst, render.DeployFile)
	if len(left) > 0 {
		b.WriteString("left there from an earlier export, and no longer part of the workspace; do not copy these, remove them:\n")
		for _, name := range left {
			b.WriteString("  " + name + "\n")
		}
	}
	return a.print(b.String())
}

// exportTo writes the files into a folder, or an archive by its name, and tells
// what is left in the folder of an export before.
func exportTo(dst string, tree render.Tree) (left []string, err error) {
	if strings.HasSuffix(dst, ".tar.gz") || strings.HasSuffix(dst, ".tgz") {
		err = exportArchive(dst, tree)
	} else {
		left, err = render.ExportDir(tree, dst)
	}
	if err != nil {
		return nil, fmt.Errorf("export to %s: %w", dst, err)
	}
	return left, nil
}

// exportArchive writes the archive whole or not at all, readable by its owner.
func exportArchive(dst string, tree render.Tree) error {
	file, err := renameio.NewPendingFile(dst, renameio.WithPermissions(0o600))
	if err != nil {
		return fmt.Errorf("make the archive: %w", err)
	}
	defer file.Cleanup() //nolint:errcheck // after the rename there is nothing left to clean up
	if err := render.ExportArchive(tree, file); err != nil {
		return fmt.Errorf("write the archive: %w", err)
	}
	if err := file.CloseAtomicallyReplace(); err != nil {
		return fmt.Errorf("finish the archive: %w", err)
	}
	return nil
}

func (a *app) exportDiff(old string, tree render.Tree) error {
	info, err := os.Stat(old)
	if err != nil || !info.IsDir() {
		return usage(fmt.Errorf("--diff: %s is no folder of an earlier export", old))
	}
	diffs, err := render.Diff(os.DirFS(filepath.Clean(old)), tree)
	if err != nil {
		return fmt.Errorf("compare with %s: %w", old, err)
	}
	if len(diffs) == 0 {
		return a.print("no differences\n")
	}
	var b strings.Builder
	for _, d := range diffs {
		fmt.Fprintf(&b, "%s %s\n%s", d.Kind, d.Path, d.Unified)
		if d.SecretChanged {
			b.WriteString("a secret in it changed\n")
		}
	}
	return a.print(b.String())
}
