package remote

// Docker reads a host's Docker engine, and pulls images on it, through the
// connection to the host. Changes to containers are made by docker compose on
// the host itself, as the guide does, so that the administrator finds there
// what rcwizard did.
type Docker struct{}
