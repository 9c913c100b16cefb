package steps

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"

	"github.com/rcwizard/rcwizard/render"
	"github.com/rcwizard/rcwizard/workspace"
)

// receiptName is the file in a project's directory in which rcwizard writes
// down what it did there. It holds no secret and no time, so that writing it
// again changes nothing.
const receiptName = "receipt.json"

const receiptVersion = 1

// Receipt says what rcwizard put into a project's directory and what it last
// started from it. The host stays the truth: the receipt tells our files from
// somebody's, and a file that we wrote from one that was edited since.
type Receipt struct {
	Version   int         `json:"version"`
	RCWizard  string      `json:"rcwizard"`
	Workspace string      `json:"workspace"`
	Project   string      `json:"project"`
	Role      render.Role `json:"role"`
	Instance  string      `json:"instance,omitempty"`
	// Release is Rocket.Chat's, as rendered.
	Release string `json:"release"`
	// Files are the sha256 sums of the files as they were written, by path.
	Files map[string]string `json:"files"`
	// Was are the sums of those files that the last write changed, before it. The
	// receipt is written first: while a write is cut in the middle, and when it was,
	// each of its files is as it was or as it is to be, and rcwizard's either way.
	Was map[string]string `json:"was,omitempty"`
	// Applied is the digest of the files that the running containers were
	// made from; empty until Compose succeeded once.
	Applied string `json:"applied,omitempty"`
	// Compose is the kind of compose files that Applied is of; empty means
	// rcwizard's own.
	Compose workspace.Compose `json:"compose,omitempty"`
	// Services are the containers that Compose made, by service.
	Services map[string]Service `json:"services,omitempty"`
}

// Service is what runs for one service of a compose project.
type Service struct {
	Image string `json:"image"`
	// Digest is what was really pulled for Image.
	Digest string `json:"digest,omitempty"`
	// ConfigHash is Compose's own sum of the service's configuration.
	ConfigHash string `json:"config_hash"`
	// OneShot says that the service does its work and ends.
	OneShot bool `json:"one_shot,omitempty"`
}

// wrote reports whether a file with that sum is as rcwizard wrote it.
func (r *Receipt) wrote(path, sum string) bool {
	return r != nil && sum != "" && (r.Files[path] == sum || r.Was[path] == sum)
}

// writing notes that a file is about to be written, over one with the sum have;
// empty where there is none.
func (r *Receipt) writing(before *Receipt, path, have, want string) {
	r.Files[path] = want
	switch {
	case before == nil:
	case before.Files[path] == want:
		// Gone on with after a cut, or nothing new: what was before still was.
		if was, ok := before.Was[path]; ok {
			r.was(path, was)
		}
	case before.wrote(path, have):
		r.was(path, have)
	}
}

func (r *Receipt) was(path, sum string) {
	if r.Was == nil {
		r.Was = make(map[string]string)
	}
	r.Was[path] = sum
}

func parseReceipt(data []byte) (Receipt, error) {
	var r Receipt
	if err := json.Unmarshal(data, &r); err != nil {
		return Receipt{}, fmt.Errorf("read %s: %w", receiptName, err)
	}
	if r.Version != receiptVersion {
		return Receipt{}, fmt.Errorf("%s has version %d, this rcwizard knows version %d: use a newer rcwizard", receiptName, r.Version, receiptVersion)
	}
	return r, nil
}

func (r Receipt) marshal() ([]byte, error) {
	data, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		return nil, fmt.Errorf("write %s: %w", receiptName, err)
	}
	return append(data, '\n'), nil
}

func sum(content []byte) string {
	s := sha256.Sum256(content)
	return hex.EncodeToString(s[:])
}

// digest is one sum over all files that need compose up when they change:
// every file but the live ones.
func digest(files []render.File) string {
	h := sha256.New() // its Write never fails
	for _, f := range slices.SortedFunc(slices.Values(files), func(a, b render.File) int {
		if a.Path < b.Path {
			return -1
		}
		return 1
	}) {
		if !f.Live {
			h.Write([]byte(sum(f.Content) + " " + f.Path + "\n"))
		}
	}
	return hex.EncodeToString(h.Sum(nil))
}
