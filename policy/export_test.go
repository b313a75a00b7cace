package policy

import (
	"time"

	"github.com/recourse-dns/recourse/policy/profile"
	"github.com/recourse-dns/recourse/resolver"
)

// JudgeClient is Judge for a client that may have passes.
func JudgeClient(s *Snapshot, links []resolver.Link, who profile.Who, client resolver.Client, at time.Time) Verdict {
	return judge(s, links, who, client, at)
}
