// Package ui holds the faces of rcwizard, each in a package of its own: plain
// lines, JSON lines, and the wizard (ui/tui). A face reads what the engine
// tells and shows it; it opens no connection, changes no host, and nothing that
// it does or fails to do holds up a run.
//
// What a wizard needs of the world is a Backend: declared here in terms of
// engine, check, render and workspace, and implemented by the command. So a
// face is drawn and tested from fixtures, with no SSH linked in.
package ui
