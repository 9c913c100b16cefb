package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"golang.org/x/crypto/bcrypt"
)

// accounts keeps the administrator, in the place of Grafana's database.
type accounts struct {
	file string

	User string `json:"user"`
	Hash string `json:"hash"`
}

// open reads the administrator, or makes one at the very first start. Later the
// environment's password changes nothing.
func (a *accounts) open(user, password string) error {
	text, err := os.ReadFile(a.file)
	if err == nil {
		if err := json.Unmarshal(text, a); err != nil {
			return fmt.Errorf("%s: %w", a.file, err)
		}
		return nil
	}
	if !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("GF_PATHS_DATA='%s' is not readable: %w", filepath.Dir(a.file), err)
	}
	a.User = user
	return a.save(password)
}

// reset is grafana cli's. A server that runs goes on with the old password until
// it is asked again, so check reads the file each time.
func (a *accounts) reset(password string) error {
	if err := a.open("admin", password); err != nil {
		return err
	}
	return a.save(password)
}

func (a *accounts) save(password string) error {
	hash, err := bcrypt.GenerateFromPassword([]byte(password), bcrypt.DefaultCost)
	if err != nil {
		return fmt.Errorf("password: %w", err)
	}
	a.Hash = string(hash)
	text, err := json.Marshal(a)
	if err != nil {
		return fmt.Errorf("encode accounts: %w", err)
	}
	if err := os.WriteFile(a.file, text, 0o600); err != nil {
		return fmt.Errorf("GF_PATHS_DATA='%s' is not writable.\nYou may have issues with file permissions: %w", filepath.Dir(a.file), err)
	}
	return nil
}

// check compares a login with what the database says now.
func (a *accounts) check(user, password string) bool {
	now := accounts{file: a.file}
	if text, err := os.ReadFile(a.file); err != nil || json.Unmarshal(text, &now) != nil {
		return false
	}
	return user == now.User && bcrypt.CompareHashAndPassword([]byte(now.Hash), []byte(password)) == nil
}
