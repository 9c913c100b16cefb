package main

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"
)

// knownCommand is for the program itself: its first argument is a command, so
// one that comes here is none.
func knownCommand(root *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	near := root.SuggestionsFor(args[0])
	if len(near) == 0 {
		return usage(fmt.Errorf("unknown command %q; rcwizard help lists them all", args[0]))
	}
	return usage(fmt.Errorf("unknown command %q; did you mean %s?", args[0], strings.Join(near, " or ")))
}

// flagError is for a flag that cannot be: behind a command that is none, its
// flags are not what is wrong.
func flagError(cmd *cobra.Command, err error) error {
	if !cmd.HasParent() {
		if err := knownCommand(cmd, cmd.Flags().Args()); err != nil {
			return err
		}
	}
	return usage(err)
}

// atMost refuses the first argument that is too many.
func atMost(n int) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if len(args) <= n {
			return nil
		}
		return usage(fmt.Errorf("the argument %q is one too many; usage: %s", args[n], cmd.UseLine()))
	}
}
