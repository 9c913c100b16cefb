package steps

import (
	"context"
	"fmt"
	"strings"

	"github.com/rcwizard/rcwizard/remote"
)

// ownName is the name that a container of Compose's should have. Compose makes a
// container anew under another one, the id of the old one, shortened, before the
// name, and gives it the name when the old one is gone. Killed before that, it
// leaves the name as it is, and so does every later Compose, which knows
// containers by their labels (seen with 2.40).
func ownName(c *remote.Container) string {
	id, name, found := strings.Cut(c.Name, "_")
	if !found || name == "" || len(id) != 12 || strings.Trim(id, "0123456789abcdef") != "" {
		return c.Name
	}
	return name
}

// rename gives the containers of the project their own names back, by which
// people and the guide know them.
func (p project) rename(ctx context.Context) error {
	containers, err := p.containers(ctx)
	if err != nil {
		return err
	}
	for _, c := range containers {
		own := ownName(c)
		if own == c.Name {
			continue
		}
		docker, err := p.host.Docker(ctx)
		if err != nil {
			return fmt.Errorf("ask Docker on %s: %w", p.Host, err)
		}
		if err := docker.Rename(ctx, c.ID, own); err != nil {
			return fmt.Errorf("on %s, give the container %s its name back: %w", p.Host, c.Name, err)
		}
	}
	return nil
}
