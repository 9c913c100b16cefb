package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/rcwizard/rcwizard/test/pictures/script"
	"github.com/rcwizard/rcwizard/test/pictures/svg"
	"github.com/rcwizard/rcwizard/test/pictures/terminal"
)

// stage is where a script is carried out.
type stage struct {
	options
	dir, home string // where programs are run, and what is their HOME
	stdout    io.Writer

	width, height int
	theme         svg.Theme
	limit         time.Duration
	changing      []*regexp.Regexp
	terminal      *terminal.Terminal // from the first show or run on
}

// play carries a script out.
func (o options) play(ctx context.Context, file string, stdout io.Writer) (err error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return fmt.Errorf("read the script: %w", err)
	}
	instructions, err := script.Parse(file, string(text), o.defined)
	if err != nil {
		return err //nolint:wrapcheck // names file and line
	}
	home, err := os.MkdirTemp("", "pictures-")
	if err != nil {
		return fmt.Errorf("make a home for the programs: %w", err)
	}
	s := &stage{
		options: o, dir: filepath.Dir(file), home: home, stdout: stdout,
		width: 80, height: 24, theme: svg.Dark(), limit: 20 * time.Second,
	}
	s.env = slices.Clone(o.env)
	defer func() {
		if s.terminal != nil {
			err = errors.Join(err, s.terminal.Close())
		}
		err = errors.Join(err, os.RemoveAll(home))
	}()
	for _, in := range instructions {
		if err := s.carryOut(ctx, in); err != nil {
			return fmt.Errorf("%s:%d: %s: %w", file, in.Line, in.Verb, err)
		}
	}
	return nil
}

func (s *stage) carryOut(ctx context.Context, in script.Instruction) error {
	ctx, cancel := context.WithTimeout(ctx, s.limit)
	defer cancel()
	switch in.Verb {
	case script.Size, script.Background:
		return s.set(in)
	case script.Env:
		s.env = append(s.env, in.Args[0])
	case script.Timeout:
		s.limit = in.Timeout
	case script.Changing:
		s.changing = append(s.changing, in.Changing)
	case script.Show:
		return s.screen().Show(in.Args[0] + "\n") //nolint:wrapcheck // wrapped by the caller
	case script.Run:
		// A wait that is over does not end the program; Close does.
		return s.screen().Start(s.command(context.WithoutCancel(ctx), in.Args)) //nolint:wrapcheck // as above
	case script.Do:
		if out, err := s.command(ctx, in.Args).CombinedOutput(); err != nil {
			return fmt.Errorf("%q: %w: %s", in.Args, err, out)
		}
	default:
		if s.terminal == nil {
			return errors.New("nothing was run yet")
		}
		return s.act(ctx, in)
	}
	return nil
}

// act carries out what needs a terminal with something on it.
func (s *stage) act(ctx context.Context, in script.Instruction) error {
	missing := func(screen string) func(text string) bool {
		return func(text string) bool { return !strings.Contains(screen, text) }
	}
	var err error
	switch in.Verb {
	case script.Wait:
		err = s.terminal.Wait(ctx, fmt.Sprintf("%q", in.Args), func(screen string) bool { return !slices.ContainsFunc(in.Args, missing(screen)) })
	case script.Gone:
		err = s.terminal.Wait(ctx, fmt.Sprintf("no more %q", in.Args), func(screen string) bool {
			return !slices.ContainsFunc(in.Args, func(text string) bool { return strings.Contains(screen, text) })
		})
	case script.Type:
		err = s.terminal.Type(in.Args[0])
	case script.Key:
		var keys strings.Builder
		for _, key := range in.Args {
			sequence, keyErr := script.Sequence(key)
			if keyErr != nil {
				return keyErr //nolint:wrapcheck // wrapped by the caller
			}
			keys.WriteString(sequence)
		}
		err = s.terminal.Type(keys.String())
	case script.Paste:
		err = s.terminal.Paste(in.Args[0])
	case script.Resize:
		err = s.terminal.Resize(in.Width, in.Height)
	case script.Snapshot:
		err = s.snapshot(ctx, in.Args[0], in.Args[1])
	case script.Exit:
		var code int
		if code, err = s.terminal.Exit(ctx); err == nil && code != in.Code {
			err = fmt.Errorf("the program ended with code %d; the screen shows:\n%s", code, s.terminal.Screen().Text())
		}
	default:
		err = errors.New("not known")
	}
	return err
}

// set is for what a terminal has from its beginning.
func (s *stage) set(in script.Instruction) error {
	switch {
	case s.terminal != nil:
		return errors.New("something was run already: it comes before")
	case in.Verb == script.Size:
		s.width, s.height = in.Width, in.Height
	case in.Args[0] == "light":
		s.theme = svg.Light()
	default:
		s.theme = svg.Dark()
	}
	return nil
}

// screen is the terminal, which is there from now on.
func (s *stage) screen() *terminal.Terminal {
	if s.terminal == nil {
		s.terminal = terminal.New(s.width, s.height, s.theme)
	}
	return s.terminal
}

// command is a program as the script runs it.
func (s *stage) command(ctx context.Context, args []string) *exec.Cmd {
	if args[0] == "rcwizard" {
		args = slices.Concat(s.through, []string{s.program}, args[1:])
	}
	cmd := exec.CommandContext(ctx, args[0], args[1:]...)
	cmd.Dir = s.dir
	cmd.Env = append([]string{
		"PATH=" + os.Getenv("PATH"), "HOME=" + s.home, "LANG=C.UTF-8", "TERM=xterm-256color", "COLORTERM=truecolor",
	}, s.env...)
	return cmd
}

// snapshot writes a picture, unless the one that is there shows the same but
// for what changes.
func (s *stage) snapshot(ctx context.Context, name, title string) error {
	if err := s.terminal.Quiet(ctx); err != nil {
		return err //nolint:wrapcheck // wrapped by the caller
	}
	screen := s.terminal.Screen()
	screen.Title = title
	file := filepath.Join(s.out, name+".svg")
	there, err := os.ReadFile(file)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("read the picture that is there: %w", err)
	}
	picture := svg.Sign(svg.Draw(screen), screen.Without(s.changing))
	said := "as it was"
	if !svg.SameSign(there, picture) {
		said = "new"
		if err := replace(file, picture); err != nil {
			return err
		}
	}
	if _, err := fmt.Fprintf(s.stdout, "%s  %s, %d bytes\n", file, said, len(picture)); err != nil {
		return fmt.Errorf("say what was written: %w", err)
	}
	return nil
}

// replace writes a file whole or not at all.
func replace(file string, data []byte) error {
	if err := os.WriteFile(file+".tmp", data, 0o644); err != nil { //nolint:gosec // a picture, nothing private
		return fmt.Errorf("write the picture: %w", err)
	}
	if err := os.Rename(file+".tmp", file); err != nil {
		return fmt.Errorf("write the picture: %w", err)
	}
	return nil
}
