package main

import (
	"encoding/json"
	"fmt"

	"github.com/spf13/cobra"
)

func (a *app) versionCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "version",
		Short: "Print the version",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if a.config.GetBool("json") {
				if err := json.NewEncoder(cmd.OutOrStdout()).Encode(a.build); err != nil {
					return fmt.Errorf("print the version: %w", err)
				}
				return nil
			}
			fmt.Fprintf(cmd.OutOrStdout(), "rcwizard %s\n", a.build.Version)
			if a.build.Commit != "" {
				fmt.Fprintf(cmd.OutOrStdout(), "commit %s, %s\n", a.build.Commit, a.build.Date)
			}
			fmt.Fprintf(cmd.OutOrStdout(), "%s\n", a.build.Go)
			return nil
		},
	}
}
