// Package bench measures rcwizard on the lab's hosts and prints a table, with
// ratios between programs that ran in turn on the same fleet:
//
//   - ten hosts at once: connect, look, write 30 files (244 kB) and run one
//     command, through rcwizard's package remote, through a program that has
//     x/crypto and nothing else, and through ansible-core;
//   - an installation on four hosts, and how much of it was rcwizard's own;
//   - every connection among ten hosts, and among fifty with their facts;
//   - the start to the first frame of the wizard, on a terminal;
//   - a second installation that changes nothing, the start to the first
//     output, memory, and the size of the program.
//
// make bench runs it. They are benchmarks, so that go test leaves them alone.
// All hosts share one machine: what is measured is the work, without a
// network's latency, and figures of different machines cannot be compared.
package bench
