package main

import "github.com/spf13/cobra"

func (a *app) versionCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "version",
		Short: "Print the version",
		Args:  atMost(0),
		RunE: func(*cobra.Command, []string) error {
			if a.config.GetBool("json") {
				return a.printJSON(a.build)
			}
			text := "rcwizard " + a.build.Version + "\n"
			if a.build.Commit != "" {
				text += "commit " + a.build.Commit + ", " + a.build.Date + "\n"
			}
			return a.print(text + a.build.Go + "\n")
		},
	}
}
