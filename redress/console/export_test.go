package console

import "github.com/recourse-dns/recourse/redress"

// Allowed is one route, and who may use it.
type Allowed struct {
	Method, Path string
	Roles        []redress.ActorRole
}

// Routes is the table of all routes.
func Routes() []Allowed {
	var all []Allowed
	for _, one := range (&handler{}).routes() {
		all = append(all, Allowed{Method: one.method, Path: one.path, Roles: one.may})
	}
	return all
}
