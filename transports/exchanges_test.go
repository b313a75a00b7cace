package transports_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/recourse-dns/recourse/transports"
)

// waits is an exchange that ends with its context, by an error of the socket's.
func waits(ctx context.Context) ([]byte, error) {
	<-ctx.Done()
	return nil, errors.New("use of a closed connection")
}

func TestAnExchangeEndsInTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		exchanges := transports.NewExchanges(2*time.Second, 0)
		shorter, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		for want, ctx := range map[time.Duration]context.Context{2 * time.Second: t.Context(), time.Second: shorter} {
			began := time.Now()
			if _, err := exchanges.Do(ctx, waits); !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("%s: %v", want, err)
			}
			if want == 2*time.Second && time.Since(began) != want || want == time.Second && time.Since(began) > want {
				t.Errorf("it took %s, not %s", time.Since(began), want)
			}
		}
	})
}

func TestExchangesAreBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		exchanges := transports.NewExchanges(time.Minute, 1)
		go exchanges.Do(t.Context(), waits)
		synctest.Wait()
		soon, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		answered := func(context.Context) ([]byte, error) { return []byte("answer"), nil }
		if _, err := exchanges.Do(soon, answered); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("a second at once: %v", err)
		}
		if reply, err := exchanges.Do(t.Context(), answered); err != nil || string(reply) != "answer" {
			t.Errorf("when the first had ended: %q, %v", reply, err)
		}
	})
}
