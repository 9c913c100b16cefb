// Package steps is Rocket.Chat's guide "Running Rocket.Chat with Multiple
// Instances" as plans for the engine.
//
// Verbs are lists that can be read top to bottom: install.go, add.go, remove.go.
// Nouns build the steps that the lists name: ready.go, files.go, images.go,
// database.go, instance.go, admin.go, proxy.go, verify.go, and of an instance that
// comes or goes joined.go, lists.go, leaving.go. A plan is made of what is wanted
// (the rendered tree), of a Scope where it is about some instances alone, and of
// what is seen (every step's Check looks at the host again), never of what an
// earlier run remembers. Beside the plans, check*.go collect what package check
// judges, and firewall*.go carry out the firewall lines that it names.
//
// The package opens no connection and has no screen: hosts are given to it
// connected, and what happens goes to the engine's output.
package steps
