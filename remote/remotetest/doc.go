// Package remotetest stands in for hosts in tests: an SSH server inside the
// test's own process that runs commands with the real sh (Server), a host that
// is a map of files and a function (Fake), and a host that writes down what
// was done to another (Recorder).
//
// The server behaves as OpenSSH does where remote depends on it: a command
// lives on when its channel or connection ends, its stdin then ends and its
// output goes nowhere. It is no proof that a real sshd works.
package remotetest
