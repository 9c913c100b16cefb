package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"go.yaml.in/yaml/v3"
)

// datasource is one entry of provisioning/datasources.
type datasource struct {
	Name      string `yaml:"name" json:"name"`
	UID       string `yaml:"uid" json:"uid"`
	Type      string `yaml:"type" json:"type"`
	Access    string `yaml:"access" json:"access"`
	URL       string `yaml:"url" json:"url"`
	IsDefault bool   `yaml:"isDefault" json:"isDefault"`
}

// dashboard is one file of a provider, as /api/search lists it.
type dashboard struct {
	UID    string `json:"uid"`
	Title  string `json:"title"`
	Type   string `json:"type"`
	Folder string `json:"folderTitle,omitempty"`
	URL    string `json:"url"`
}

// provisioned is what the files say.
type provisioned struct {
	datasources []datasource
	dashboards  []dashboard
}

// provision reads datasources/*.yml and dashboards/*.yml, and the dashboards
// that those name. A dashboard with invalid JSON is logged and left out, as in
// Grafana; invalid provisioning files end it, as in Grafana.
func provision(root string, log func(string, ...any)) (*provisioned, error) {
	p := &provisioned{}
	err := eachFile(filepath.Join(root, "datasources"), func(file string, text []byte) error {
		var config struct {
			Datasources []datasource `yaml:"datasources"`
		}
		if err := yaml.Unmarshal(text, &config); err != nil {
			return fmt.Errorf("Datasource provisioning error: %s: %w", file, err) //nolint:staticcheck // Grafana's own words
		}
		p.datasources = append(p.datasources, config.Datasources...)
		return nil
	})
	if err != nil {
		return nil, err
	}
	defaults := 0
	for i, d := range p.datasources {
		if d.Name == "" || d.Type == "" {
			return nil, fmt.Errorf("Datasource provisioning error: entry %d has no name or no type", i) //nolint:staticcheck // Grafana's own words
		}
		if d.IsDefault {
			defaults++
		}
	}
	if defaults > 1 {
		return nil, errors.New("Datasource provisioning error: datasource.yaml config is invalid. Only one datasource per organization can be marked as default") //nolint:staticcheck // Grafana's own words
	}
	err = eachFile(filepath.Join(root, "dashboards"), func(file string, text []byte) error {
		var config struct {
			Providers []struct {
				Name    string `yaml:"name"`
				Folder  string `yaml:"folder"`
				Type    string `yaml:"type"`
				Options struct {
					Path string `yaml:"path"`
				} `yaml:"options"`
			} `yaml:"providers"`
		}
		if err := yaml.Unmarshal(text, &config); err != nil {
			return fmt.Errorf("Dashboard provisioning error: %s: %w", file, err) //nolint:staticcheck // Grafana's own words
		}
		for _, provider := range config.Providers {
			if provider.Type != "" && provider.Type != "file" {
				return fmt.Errorf("Dashboard provisioning error: %s: type %q", file, provider.Type) //nolint:staticcheck // Grafana's own words
			}
			if err := p.load(provider.Options.Path, provider.Folder, log); err != nil {
				return err
			}
		}
		return nil
	})
	return p, err
}

// load reads the dashboards of one provider.
func (p *provisioned) load(dir, folder string, log func(string, ...any)) error {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return fmt.Errorf("dashboards: %w: is the folder mounted?", err)
	}
	for _, e := range entries {
		file := filepath.Join(dir, e.Name())
		if filepath.Ext(file) != ".json" {
			continue
		}
		text, err := os.ReadFile(file)
		if err != nil {
			return fmt.Errorf("dashboards: %w: a file belongs there", err)
		}
		var d struct{ UID, Title string }
		if err := json.Unmarshal(text, &d); err != nil || d.Title == "" {
			log("level=error msg=%q file=%s error=%q", "failed to load dashboard from ", file, fmt.Sprint(err))
			continue
		}
		if d.UID == "" {
			d.UID = strings.TrimSuffix(e.Name(), ".json")
		}
		p.dashboards = append(p.dashboards, dashboard{UID: d.UID, Title: d.Title, Type: "dash-db", Folder: folder, URL: "/d/" + d.UID})
	}
	return nil
}

// eachFile calls do for the YAML files of a folder that must have one.
func eachFile(dir string, do func(file string, text []byte) error) error {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return fmt.Errorf("can't read provisioning files from directory: %w: is it mounted?", err)
	}
	found := false
	for _, e := range entries {
		if ext := filepath.Ext(e.Name()); ext != ".yml" && ext != ".yaml" {
			continue
		}
		file := filepath.Join(dir, e.Name())
		text, err := os.ReadFile(file)
		if err != nil {
			return fmt.Errorf("provisioning: %w: a file belongs there", err)
		}
		if err := do(file, text); err != nil {
			return err
		}
		found = true
	}
	if !found {
		return fmt.Errorf("no provisioning file in %s: is it mounted?", dir)
	}
	return nil
}
