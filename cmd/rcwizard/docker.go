package main

import (
	"context"
	"fmt"
	"strings"

	"github.com/rcwizard/rcwizard/check"
	"github.com/rcwizard/rcwizard/steps"
)

// offerDocker installs Docker on the hosts of which the check says that they
// have none, if it was asked for: by --install-docker, or by a person who is
// shown the commands first. A person may decline; the check then stands.
func (s *stage) offerDocker(ctx context.Context, report check.Report) error {
	var hosts []string
	for _, f := range report.Findings {
		if (f.Kind == "docker-absent" || f.Kind == "docker-absent-by-hand") && !f.Skipped {
			hosts = append(hosts, f.Host)
		}
	}
	if len(hosts) == 0 || s.docker == "" && !s.ask {
		return nil
	}
	s.a.sayf("Docker is not installed on %s.\n", strings.Join(hosts, ", "))
	commands, err := s.chooseDocker(hosts)
	if err != nil || len(commands) == 0 {
		return err
	}
	s.installed = true
	plan := steps.InstallDocker(s.site, commands)
	return s.a.carryOut(ctx, plan, s.ans, &s.site.Result, nil)
}

// chooseDocker gives the commands for each host, which were shown; none if they
// were declined or cannot be had.
func (s *stage) chooseDocker(hosts []string) (map[string][]string, error) {
	if s.docker != "" {
		commands, err := s.site.DockerFor(hosts, s.docker)
		if err != nil {
			return nil, &exitError{code: exitCheckFailed, err: err}
		}
		s.show(hosts, commands)
		if !s.ask {
			return commands, nil
		}
		if yes, err := s.a.ask("Run these commands as root?"); err != nil || !yes {
			return nil, err
		}
		return commands, nil
	}
	offers := map[string]map[string][]string{}
	var words []string
	for _, source := range []steps.DockerSource{steps.DockerDistribution, steps.DockerDocker} {
		commands, err := s.site.DockerFor(hosts, source)
		if err != nil {
			s.a.sayf("  %s\n", strings.ReplaceAll(err.Error(), "\n", "\n  "))
			continue
		}
		s.a.sayf("From the source %q:\n", source)
		s.show(hosts, commands)
		offers[string(source)] = commands
		words = append(words, string(source))
	}
	if len(words) == 0 {
		return map[string][]string{}, nil
	}
	question := fmt.Sprintf("Install it from which source? [%s/n] ", strings.Join(words, "/"))
	for {
		s.a.sayf("%s", question)
		answer, err := s.a.line()
		if err != nil {
			return nil, err
		}
		word := strings.ToLower(strings.TrimSpace(answer))
		if commands, ok := offers[word]; ok {
			return commands, nil
		}
		if word == "n" || word == "no" {
			return map[string][]string{}, nil
		}
	}
}

// show shows what would be run on each host; hosts with the same commands share
// them.
func (s *stage) show(hosts []string, commands map[string][]string) {
	var order []string
	sharing := map[string][]string{}
	for _, h := range hosts {
		lines := strings.Join(commands[h], "\n    ")
		if sharing[lines] == nil {
			order = append(order, lines)
		}
		sharing[lines] = append(sharing[lines], h)
	}
	for _, lines := range order {
		s.a.sayf("  as root on %s:\n    %s\n", strings.Join(sharing[lines], ", "), lines)
	}
}
