package render

import (
	"errors"
	"fmt"
	"strings"

	"github.com/rcwizard/rcwizard/workspace"
)

// FirstAdminFile is the name of the extra compose file of the one start that
// makes the first administrator.
const FirstAdminFile = "compose.first-admin.yml"

// FirstAdmin renders the compose file that makes the first administrator: put
// beside the compose.yml of the first instance, started with
//
//	docker compose -f compose.yml -f compose.first-admin.yml up -d
//
// and removed, with the instance recreated, once the administrator is there.
// ADMIN_PASS acts only while there is no administrator (docs/rocketchat.md §4);
// it is in no other file, so that the password stays neither in .env nor in
// docker inspect. It is part of no Tree and of no export.
//
// The address is not declared verified: Rocket.Chat asks owners of a verified
// one for a code by e-mail, which a workspace without a mail server cannot send.
func FirstAdmin(w workspace.Workspace, s workspace.Secrets) (File, error) {
	if w.Admin.Username == "" || s.AdminPassword == "" {
		return File{}, errors.New("render the first administrator: admin.username or the secret admin_password is missing")
	}
	var out strings.Builder
	out.WriteString("# For one start of one instance: it makes the first administrator. Remove it afterwards.\n" +
		"services:\n  rocketchat:\n    environment:\n")
	for _, v := range [][2]string{
		{"ADMIN_USERNAME", w.Admin.Username},
		{"ADMIN_EMAIL", w.Admin.Email},
		{"ADMIN_PASS", s.AdminPassword},
	} {
		if v[1] == "" {
			continue
		}
		quoted, err := quoteYAML(v[1])
		if err != nil {
			return File{}, err
		}
		// Compose puts variables into values, quoted or not.
		fmt.Fprintf(&out, "      %s: %s\n", v[0], strings.ReplaceAll(quoted, "$", "$$"))
	}
	return File{Path: FirstAdminFile, Mode: 0o600, Content: []byte(out.String()), Secret: true}, nil
}
