package main

import (
	"io"
	"net"
	"testing"
)

func TestZero(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	host, port, _ := net.SplitHostPort(l.Addr().String())
	for range 2 {
		if code := run([]string{"-z", "-w", "3", host, port}, io.Discard); code != 0 {
			t.Errorf("a port that listens: exit code %d", code)
		}
	}
	_ = l.Close()
	if code := run([]string{"-zv", host, port}, io.Discard); code != 1 {
		t.Errorf("a closed port: exit code %d", code)
	}
	if code := run([]string{"-z", host}, io.Discard); code != 1 {
		t.Errorf("no port: exit code %d", code)
	}
}
