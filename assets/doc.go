// Package assets holds the files that rcwizard carries inside its binary:
// compose files, configuration templates, dashboards and the table of images.
//
// It is a leaf. It knows neither workspaces nor hosts; render fills in what
// differs from one workspace to the next. Nothing here was copied from
// Rocket.Chat's own repository: the files have the guide's names, so that the
// guide's commands work on them, and close the holes that docs/guide-map.md lists.
package assets
