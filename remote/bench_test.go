package remote_test

import (
	"bytes"
	"fmt"
	"testing"

	"github.com/rcwizard/rcwizard/remote"
)

// BenchmarkOpenSSH is what the parts of a deployment cost on one machine.
func BenchmarkOpenSSH(b *testing.B) {
	s := startSSHD(b)
	h := connect(b, s.target(b))
	b.Run("connect", func(b *testing.B) {
		for b.Loop() {
			c, err := remote.Connect(b.Context(), s.target(b))
			if err != nil {
				b.Fatal(err)
			}
			_ = c.Close()
		}
	})
	b.Run("run", func(b *testing.B) {
		for b.Loop() {
			if _, err := h.Run(b.Context(), remote.Command{Script: "true"}); err != nil {
				b.Fatal(err)
			}
		}
	})
	files := make([]remote.File, 30)
	for i := range files {
		files[i] = remote.File{Path: fmt.Sprintf("d/%d", i), Mode: 0o644, Content: bytes.Repeat([]byte{byte(i)}, 8133)}
	}
	b.Run("put 30 files, 244 kB", func(b *testing.B) {
		dir := b.TempDir()
		for b.Loop() {
			if err := h.Put(b.Context(), dir, files, remote.PutOptions{}); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("stream 16 MB", func(b *testing.B) {
		b.SetBytes(16 << 20)
		for b.Loop() {
			if _, err := h.Stream(b.Context(), remote.Command{Script: "yes 0123456789abcde | head -c 16777216"}, func(remote.Line) {}); err != nil {
				b.Fatal(err)
			}
		}
	})
}
