package cache_test

import (
	"errors"
	"log/slog"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/recourse-dns/recourse/resolver"
	"github.com/recourse-dns/recourse/resolver/cache"
)

// TestCrowd: of many datagrams that wait for one answer only so many are answered, fewer
// when it is late; connections all are.
func TestCrowd(t *testing.T) {
	for name, test := range map[string]struct {
		door     resolver.Door
		takes    time.Duration
		answered int64 // of 1,201
	}{
		"soon":         {resolver.UDP, 1900 * time.Millisecond, 1001},
		"late":         {resolver.UDP, 1901 * time.Millisecond, 101},
		"over TCP":     {resolver.TCP, 3 * time.Second, 1201},
		"of ourselves": {resolver.Internal, 3 * time.Second, 1201},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := &world{ttl: 60, delay: test.takes}
				c := cache.New(cache.Config{Logger: slog.New(slog.DiscardHandler)})
				defer c.Close()
				handler := resolver.Chain(w, c.Lookup, c.Flight)
				var answered, dropped atomic.Int64
				var waiting sync.WaitGroup
				for range 1201 {
					waiting.Go(func() {
						query := ask("www.example")
						query.Client.Door = test.door
						switch _, err := handler.Resolve(t.Context(), query); {
						case err == nil:
							answered.Add(1)
						case errors.Is(err, resolver.Dropped):
							dropped.Add(1)
						default:
							t.Error(err)
						}
					})
				}
				waiting.Wait()
				if answered.Load() != test.answered || answered.Load()+dropped.Load() != 1201 || c.Stats().Discarded.Load() != dropped.Load() || w.asked.Load() != 1 {
					t.Errorf("%d answered, %d dropped, %d counted", answered.Load(), dropped.Load(), c.Stats().Discarded.Load())
				}
			})
		})
	}
}

// TestCrowdThatCameLate: who did not wait long is answered, however long others did.
func TestCrowdThatCameLate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := &world{ttl: 60, delay: 3 * time.Second}
		c := cache.New(cache.Config{Logger: slog.New(slog.DiscardHandler)})
		defer c.Close()
		handler := resolver.Chain(w, c.Lookup, c.Flight)
		var dropped atomic.Int64
		var waiting sync.WaitGroup
		for i := range 301 {
			if i == 1 {
				synctest.Wait()
				time.Sleep(2 * time.Second)
			}
			waiting.Go(func() {
				query := ask("www.example")
				query.Client.Door = resolver.UDP
				if _, err := handler.Resolve(t.Context(), query); err != nil {
					dropped.Add(1)
				}
			})
		}
		waiting.Wait()
		if dropped.Load() != 0 {
			t.Errorf("%d dropped", dropped.Load())
		}
	})
}
