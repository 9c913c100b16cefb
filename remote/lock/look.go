package lock

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"strings"

	"github.com/rcwizard/rcwizard/remote"
)

//go:embed look.sh
var lookScript string

//go:embed free.sh
var freeScript string

// State is what is to be seen of a lock.
type State string

// The states.
const (
	// Free: nobody holds it.
	Free State = "free"
	// Left: whoever held it died; it is free, and names who had it.
	Left State = "left"
	// Taken: somebody holds it.
	Taken State = "taken"
)

// Look says who holds the lock of a place. It takes nothing.
func Look(ctx context.Context, p Place) (State, Holder, error) {
	line, err := p.ask(ctx, "look at the lock", lookScript, p.File)
	if err != nil {
		return "", Holder{}, err
	}
	word, rest, _ := strings.Cut(line, " ")
	age, rest, _ := strings.Cut(rest, " ")
	id, about, _ := strings.Cut(rest, " ")
	state := map[string]State{"FREE": Free, "LEFT": Left, "HELD": Taken}[word]
	if state == "" {
		return "", Holder{}, fmt.Errorf("host %s: look at the lock: %s", p.Host.Name(), line)
	}
	if state == Free {
		return Free, Holder{}, nil
	}
	h := holder(about, seconds(age))
	h.ID = id
	return state, h, nil
}

// ErrChanged says that the lock is another's than was to be freed.
var ErrChanged = errors.New("the lock is another's by now")

// Break takes the lock of a place away from the holder with that id, who is told
// of it before its next change. It returns when the host has ended all that the
// holder had running there.
func Break(ctx context.Context, p Place, id string) error {
	line, err := p.ask(ctx, "free the lock", freeScript, p.File, id)
	if err != nil {
		return err
	}
	word, rest, _ := strings.Cut(line, " ")
	switch word {
	case "FREE", "ENDED":
		return nil
	case "CHANGED":
		return fmt.Errorf("host %s: %w", p.Host.Name(), ErrChanged)
	case "STAYS":
		return fmt.Errorf("host %s: the lock is free, but a shell of its holder is still there after ten seconds", p.Host.Name())
	}
	return fmt.Errorf("host %s: free the lock: %s", p.Host.Name(), rest)
}

// ask runs a script of one line of output, as root where that can be had.
func (p Place) ask(ctx context.Context, what, script string, args ...string) (string, error) {
	for root := !p.NoRoot; ; root = false {
		var line, complaint string
		res, err := p.Host.Stream(ctx, remote.Command{Script: script, Args: args, Root: root}, func(l remote.Line) {
			if l.Stderr {
				complaint = l.Text
			} else if line == "" {
				line = l.Text
			}
		})
		if refused, ok := errors.AsType[*remote.SudoError](err); ok && root && refused.Kind != remote.SudoWrongPassword {
			continue
		}
		if err != nil {
			return "", fmt.Errorf("%s: %w", what, err)
		}
		if line == "" {
			return "", fmt.Errorf("host %s: %s: it ended with code %d: %s", p.Host.Name(), what, res.Code, complaint)
		}
		return line, nil
	}
}
