// Package terminal runs a program in a terminal that nobody looks at: a
// pseudo-terminal with an emulator behind it, which answers what programs ask
// of a terminal. It promises that every wait has an end, and that Close ends
// the program. It knows nothing of pictures' files.
package terminal
