package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
)

// errSourceNotFound is what Grafana ends with where a data source is provisioned
// under a name that it keeps with another uid: it looks for the source by the name,
// and changes the one that has the kept number and the new uid, which is none.
var errSourceNotFound = errors.New("Datasource provisioning error: data source not found") //nolint:staticcheck // Grafana's own words

// keepSources takes the provisioned data sources into the file that is kept from
// start to start, in the place of Grafana's database.
func keepSources(file string, sources []datasource) error {
	kept := map[string]string{} // uids by names
	text, err := os.ReadFile(file)
	if err == nil {
		err = json.Unmarshal(text, &kept)
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("%s: %w", file, err)
	}
	for _, s := range sources {
		if uid, there := kept[s.Name]; there && uid != s.UID {
			return fmt.Errorf("%w: %s is kept with the uid %s, and is to have %s", errSourceNotFound, s.Name, uid, s.UID)
		}
		kept[s.Name] = s.UID
	}
	if text, err = json.Marshal(kept); err != nil {
		return fmt.Errorf("encode data sources: %w", err)
	}
	if err := os.WriteFile(file, text, 0o600); err != nil {
		return fmt.Errorf("keep data sources: %w", err)
	}
	return nil
}
