package lab_test

import (
	"testing"

	"github.com/rcwizard/rcwizard/test/lab"
)

func TestUp(t *testing.T) {
	f := lab.Up(t, lab.Options{Hosts: lab.Hosts("db", "rc1", "rc2", "edge")})
	out, err := f.Host("db").Exec(t.Context(), "docker", "info")
	t.Log(out, err)
}
