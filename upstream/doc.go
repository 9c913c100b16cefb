// Package upstream gets Rocket.Chat's own compose files: those of
// RocketChat/rocketchat-compose at one commit, from GitHub, from a mirror, or from
// what was fetched before.
//
// It promises that what it returns is, to the byte, what the sums say: those that
// the program knows of the one commit that it was made for (Pinned), and for any
// other commit those of what was fetched first. It returns all files or none, and
// keeps all or none. It asks nobody when it has everything.
//
// It does not know what the files are for, changes nothing in them, and never
// asks for a branch, which moves.
package upstream
