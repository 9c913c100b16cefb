// Package loaders has no code but tests: it gives what render makes to the
// programs that will read it, or to their own loaders, so that a file which a
// host would refuse never leaves the operator's machine.
//
// It is a module of its own, so that Traefik's, Prometheus', NATS' and Compose's
// dependencies never reach the product.
//
// Docker Compose, Traefik and NATS are taken as programs where there are some:
// from RCWIZARD_COMPOSE, RCWIZARD_TRAEFIK and RCWIZARD_NATS, else from the lab's
// cache. Where there is none the test is skipped and says so; with
// RCWIZARD_LAB=required it fails.
package loaders
