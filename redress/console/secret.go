package console

import (
	"slices"
	"time"

	"github.com/recourse-dns/recourse/blocklists"
	"github.com/recourse-dns/recourse/policy"
	"github.com/recourse-dns/recourse/policy/reasoning"
	"github.com/recourse-dns/recourse/resolver/wire"
)

// leftOut is said beside whatever a list could be missing from.
const leftOut = "Confidential lists are left out: your account is not cleared for them."

// isSecret says whether a match is of a list that nothing may be said of.
func isSecret(match *policy.Match) bool {
	return match.Manifest != nil && match.Manifest.Disclosure == blocklists.Secret
}

func (v *visit) leftOut() string {
	if v.Cleared {
		return ""
	}
	return leftOut
}

// visible are the matches that the visitor may see.
func (v *visit) visible(matches []policy.Match) []policy.Match {
	if v.Cleared {
		return matches
	}
	return slices.DeleteFunc(slices.Clone(matches), func(match policy.Match) bool { return isSecret(&match) })
}

// reasoning explains a name to the visitor. Who is not cleared for secret lists sees them nowhere in it: neither
// that one matches nor that none does, but where one decides.
func (v *visit) reasoning(snapshot *policy.Snapshot, name wire.Name, subject policy.Subject, at time.Time) (reasoning.Reasoning, error) {
	verdict, err := snapshot.Explain(name, subject, at)
	if err != nil {
		return reasoning.Reasoning{}, err
	}
	if !v.Cleared {
		conceal(&verdict)
	}
	return reasoning.Of(&verdict), nil
}

func conceal(verdict *policy.Verdict) {
	if verdict.Primary != nil && isSecret(verdict.Primary) && verdict.Action != policy.Pass {
		said := "a confidential list decides, for which your account is not cleared"
		verdict.Steps = []policy.Step{verdict.Steps[0], {Name: policy.ConclusionStep, Says: said}}
		verdict.Because, verdict.Matches, verdict.Answered = []string{verdict.Because[0], said}, nil, nil
		return
	}
	places := make([]int, len(verdict.Matches)) // where each match stands now; -1 nowhere
	var kept []policy.Match
	because := verdict.Because[:1:1] // who asks; then a sentence a match, and the end
	for i := range verdict.Matches {
		if places[i] = -1; !isSecret(&verdict.Matches[i]) {
			places[i], kept, because = len(kept), append(kept, verdict.Matches[i]), append(because, verdict.Because[i+1])
		}
	}
	verdict.Because = append(because, verdict.Because[len(verdict.Matches)+1:]...)
	verdict.Matches = kept
	for i := range verdict.Steps {
		concealStep(&verdict.Steps[i], places)
	}
}

// concealStep leaves a step in which nothing is left as if there had been nothing.
func concealStep(step *policy.Step, places []int) {
	had := len(step.Lists)
	var lists []policy.Weighed
	for _, list := range step.Lists {
		matches := list.Matches
		list.Matches = nil
		for _, m := range matches {
			if places[m] >= 0 {
				list.Matches = append(list.Matches, places[m])
			}
		}
		if len(list.Matches) > 0 {
			lists = append(lists, list)
		}
	}
	step.Lists = lists
	switch {
	case len(lists) == had:
	case step.Name == policy.ExceptionStep && len(lists) > 0:
		step.Says = "what they cover is taken out of these lists"
	case step.Name == policy.ExceptionStep:
		step.Says = "none covers what matches"
	case len(lists) == 0:
		step.Says = "no entry covers the name"
	}
}
