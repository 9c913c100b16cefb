package engine_test

import (
	"context"
	"errors"
	"io"
	"strconv"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rcwizard/rcwizard/engine"
)

func TestManyReadersEachSeeEverythingInOrder(t *testing.T) {
	log := engine.NewLog()
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			c, want := log.Cursor(), 0
			for {
				news, err := c.Next(t.Context())
				if errors.Is(err, io.EOF) {
					break
				}
				for _, e := range news {
					if n, ok := e.(engine.Noted); !ok || n.Text != strconv.Itoa(want) {
						t.Errorf("event %d is %v", want, e)
						return
					}
					want++
				}
			}
			if want != 1000 {
				t.Errorf("read %d events, want 1000", want)
			}
		})
	}
	for i := range 1000 {
		log.Append(engine.Noted{Text: strconv.Itoa(i)})
	}
	log.Close()
	log.Append(engine.Noted{Text: "after the end"})
	all.Wait()
	if log.Len() != 1000 {
		t.Errorf("the log has %d events after Close, want 1000", log.Len())
	}
}

func TestNextEndsWithItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		if _, err := engine.NewLog().Cursor().Next(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("error %v, want the context's", err)
		}
	})
}

// A reader that never reads is no different from none: the run of a plan with
// an abandoned cursor and a reader stuck in the middle ends.
func TestAbsentReaderStallsNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		log, w := engine.NewLog(), newWorld()
		absent := log.Cursor()
		absent.More()
		stuck := make(chan struct{})
		go func() {
			if _, err := log.Cursor().Next(t.Context()); err != nil {
				t.Error(err)
			}
			<-stuck
		}()
		sum, err := engine.Run(t.Context(), engine.Plan{Steps: []engine.Step{w.step("a", "a")}}, engine.Options{Log: log})
		if err != nil || sum.Duration != time.Second {
			t.Errorf("took %v: %v", sum.Duration, err)
		}
		close(stuck)
		select {
		case <-absent.More():
		default:
			t.Error("the absent reader has nothing to read")
		}
	})
}

func BenchmarkLogAppend(b *testing.B) {
	log := engine.NewLog()
	var e engine.Event = engine.Noted{Text: "x"}
	b.ReportAllocs()
	for b.Loop() {
		log.Append(e)
	}
}
