// Package e2e tests rcwizard as an administrator meets it: the built program,
// in the operator's place, on hosts that are the lab's. Every test has a fleet
// of its own. What a test needs of the running cluster it asks the hosts and
// the cluster themselves, never rcwizard.
package e2e
