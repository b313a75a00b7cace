package policy

import (
	"time"

	"github.com/miekg/dns"

	"github.com/recourse-dns/recourse/blocklists"
	"github.com/recourse-dns/recourse/resolver"
	"github.com/recourse-dns/recourse/resolver/wire"
)

// Answered is what goes out in the place of a real answer, to a question for addresses (A).
type Answered struct {
	Rcode    string   // as NXDOMAIN; "" where there is no reply
	Instead  string   // what is done that no code tells; "" for nothing
	Records  []string // of the answer section, where they are the list's own
	Extended []resolver.Extended
}

// answered makes the answer that the filter would; nil where the verdict lets the name pass.
func (s *Snapshot) answered(verdict *Verdict, name wire.Name, at time.Time) *Answered {
	if verdict.Action == Pass || verdict.Primary == nil {
		return nil
	}
	match := *verdict.Primary
	if match.Action == blocklists.Drop {
		return &Answered{Instead: "no reply at all"}
	}
	query := resolver.NewQuery(name, wire.TypeA, nil)
	query.Budget, query.Structured, query.Now = resolver.TextBudget, true, at
	answer, instead, err := s.standing(query, &match)
	if err != nil {
		return &Answered{Instead: "no answer: " + err.Error()}
	}
	made := &Answered{Rcode: dns.RcodeToString[answer.Rcode()], Instead: instead, Extended: answer.Extended}
	if message, err := answer.Unpack(); err == nil {
		for _, record := range message.Answer {
			made.Records = append(made.Records, record.String())
		}
	}
	return made
}

// standing is the answer as far as it can be told without resolving anything.
func (s *Snapshot) standing(query *resolver.Query, match *Match) (answer *resolver.Answer, instead string, err error) {
	place := stead{owner: query.Question.Name}
	switch {
	case match.Action == blocklists.TCPOnly:
		answer, err = s.truncated(query, match)
		return answer, "cut short, so that the client asks again over TCP", err
	case match.Role == SafeSearch:
		if match.Target.Alias != "" {
			instead = "and what " + match.Target.Alias.String() + " resolves to"
		}
		answer, err = s.explained(searchReply(query, match), query, match)
		return answer, instead, err
	case match.Action == blocklists.LocalData:
		reply := query.Message()
		if reply.Answer, err = localRecords(match, query, place.owner); err != nil {
			return nil, "", err
		}
		if target := aliasOf(reply.Answer, query); target != "" {
			instead = "and what " + target.String() + " resolves to"
		}
		place.complete(reply, query, match)
		answer, err = s.explained(reply, query, match)
		return answer, instead, err
	case match.StandIn != "":
		instead = "what resolver.zones has for " + match.StandIn.String() + ", and this where it has nothing"
	}
	answer, err = s.blocked(query, match, place)
	return answer, instead, err
}
