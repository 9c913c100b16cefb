package question

import (
	"fmt"
	"strings"
	"testing"
)

// A face asks what to ask at every key: with twenty hosts that must not be felt.
func BenchmarkOn(b *testing.B) {
	list := make([]string, 20)
	for n := range list {
		list[n] = fmt.Sprintf("192.0.2.%d", n+1)
	}
	var a Answers
	q, _ := Find("hosts", a)
	if err := q.Set(&a, strings.Join(list, " ")); err != nil {
		b.Fatal(err)
	}
	for _, p := range Pages() {
		b.Run(p.String(), func(b *testing.B) {
			for b.Loop() {
				On(p, a)
			}
		})
	}
}
