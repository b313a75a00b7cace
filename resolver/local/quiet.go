package local

import (
	"context"
	"errors"

	"github.com/recourse-dns/recourse/resolver"
)

// Quiet is the stage below policy that says nothing of how an answer came about,
// for clients that stumble over Extended DNS Errors. Who withholds a name says so
// all the same (15 to 18): no switch turns a block's reason off.
func Quiet(next resolver.Handler) resolver.Handler {
	return resolver.HandlerFunc(func(ctx context.Context, query *resolver.Query) (*resolver.Answer, error) {
		answer, err := next.Resolve(ctx, query)
		var failure *resolver.Failure
		switch {
		case errors.As(err, &failure):
			return nil, &resolver.Failure{Extended: withheld(failure.Extended), Err: failure.Err}
		case err != nil || len(answer.Extended) == 0:
			return answer, err
		}
		quiet := *answer
		quiet.Extended = withheld(answer.Extended)
		return &quiet, nil
	})
}

func withheld(extended []resolver.Extended) []resolver.Extended {
	var kept []resolver.Extended
	for _, one := range extended {
		if isWithheld([]resolver.Extended{one}) {
			kept = append(kept, one)
		}
	}
	return kept
}
