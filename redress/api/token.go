package api

import (
	"net/http"

	"github.com/recourse-dns/recourse/redress"
)

// ByToken says whose token a request carries, for handlers that stand beside the API.
func ByToken(tokens []Token) func(*http.Request) (redress.Actor, bool) {
	h := &handler{config: Config{Tokens: tokens}}
	return h.actor
}
