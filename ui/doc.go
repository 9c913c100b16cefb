// Package ui holds the faces of rcwizard, each in a package of its own: plain
// lines and JSON lines. A face reads what the engine tells and prints it; it
// opens no connection, changes no host, and nothing that it does or fails to
// do holds up a run.
package ui
