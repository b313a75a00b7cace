package api

import (
	"fmt"
	"net/http"

	"github.com/recourse-dns/recourse/redress"
)

// limiters are those of tokens that have a rate, by the token's name.
func limiters(tokens []Token) map[string]*redress.Limiter {
	made := map[string]*redress.Limiter{}
	for i := range tokens {
		if tokens[i].Rate.Burst > 0 {
			made[tokens[i].Name] = redress.NewLimiter(tokens[i].Rate)
		}
	}
	return made
}

// rated holds tokens to their rates, and tells how much of it is left (draft-ietf-httpapi-ratelimit-headers).
func (h *handler) rated(next http.Handler) http.Handler {
	byName := limiters(h.config.Tokens)
	if len(byName) == 0 {
		return next
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		token := h.token(r)
		if token == nil || byName[token.Name] == nil {
			next.ServeHTTP(w, r)
			return
		}
		limiter := byName[token.Name]
		wait, ok := limiter.AllowKey(token.Name)
		left, full := limiter.Left(token.Name)
		window := int(60 * float64(token.Rate.Burst) / float64(max(1, token.Rate.PerMinute)))
		w.Header().Set("RateLimit-Policy", fmt.Sprintf(`"token";q=%d;w=%d`, token.Rate.Burst, window))
		w.Header().Set("RateLimit", fmt.Sprintf(`"token";r=%d;t=%d`, left, int(full.Seconds())))
		if !ok {
			w.Header().Set("Retry-After", redress.RetryIn(wait))
			write(w, problem{Title: "Too many requests", Status: http.StatusTooManyRequests, Detail: "This token may call no more just now. Try again in " + wait.String() + "."})
			return
		}
		next.ServeHTTP(w, r)
	})
}
