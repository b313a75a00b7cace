package policy

import (
	"fmt"

	"github.com/recourse-dns/recourse/blocklists"
)

// Step is one place in the order of precedence, with what was weighed there and what came of
// it. The steps of a verdict are the same for every name, in the order in which they are taken.
type Step struct {
	Name  StepName
	Lists []Weighed // in the order in which they judge
	Says  string
}

// StepName is what a step is called.
type StepName string

// The steps, in order: who asks; entries that decided exceptions take out of their lists; law in
// force in the client's jurisdiction; the operator's exceptions; security; names of help; hours in
// which the client's profile withholds all else; what it allows, what it denies, the services that
// it switched off, the user lists that it asked for, and the engines that it wants in their safe form.
const (
	AskingStep     StepName = "client"
	ExceptionStep  StepName = "exceptions"
	LawStep        StepName = "law"
	OperatorStep   StepName = "operator"
	SecurityStep   StepName = "security"
	HelpStep       StepName = "help"
	OfflineStep    StepName = "offline"
	AllowStep      StepName = "allow"
	DenyStep       StepName = "deny"
	ServiceStep    StepName = "services"
	UserStep       StepName = "user"
	SearchStep     StepName = "safe search"
	ConclusionStep StepName = "conclusion"
)

// Weighed is what one list, profile or operator brought to a step.
type Weighed struct {
	List    blocklists.ListID // "" for a profile's or the operator's own names
	Profile string            // whose names these are
	Matches []int             // among the verdict's
}

var stepNames = [...]StepName{
	stepLaw: LawStep, stepOperator: OperatorStep, stepSecurity: SecurityStep,
	stepHelp: HelpStep, stepOffline: OfflineStep,
	stepAllow: AllowStep, stepDeny: DenyStep, stepService: ServiceStep, stepUser: UserStep, stepSearch: SearchStep,
}

// steps tells the verdict as the order of precedence. Each match comes with its hit.
func (h *hearing) steps(verdict *Verdict, indices []int, decided int) []Step {
	told := []Step{h.exceptions(verdict)}
	over := ""
	for at, name := range stepNames {
		made := Step{Name: name}
		for m, i := range indices {
			if h.step(i) == step(at) {
				made.weigh(&verdict.Matches[m], m)
			}
		}
		switch {
		case over != "":
			made.Says = "not reached: " + over
		case decided != noHit && h.step(decided) == step(at):
			made.Says = sourceOf(verdict.Primary) + " decides"
			over = sourceOf(verdict.Primary) + " decided"
		case step(at) == stepOffline && len(made.Lists) == 0:
			made.Says = "the client is online at this hour"
		default:
			made.Says = made.undecided(verdict)
		}
		told = append(told, made)
	}
	return append(told, Step{Name: ConclusionStep, Says: verdict.conclusion()})
}

// exceptions are the matches that a decided exception takes out of their lists.
func (h *hearing) exceptions(verdict *Verdict) Step {
	made := Step{Name: ExceptionStep, Says: "none covers what matches"}
	for m := range verdict.Matches {
		if match := &verdict.Matches[m]; match.Exception != nil && match.Exception.Kind != blocklists.Operator {
			made.weigh(match, m)
		}
	}
	if len(made.Lists) > 0 {
		made.Says = fmt.Sprintf("what they cover is taken out of %s", plural(len(made.Lists), "its list", "its lists"))
	}
	return made
}

func plural(count int, one, more string) string {
	if count == 1 {
		return one
	}
	return more
}

// weigh puts a match under its list, behind those that came before.
func (s *Step) weigh(match *Match, index int) {
	source := Weighed{Profile: match.Profile}
	if match.Role == Feed {
		source.List = match.Entry.List
	}
	if last := len(s.Lists) - 1; last >= 0 && s.Lists[last].List == source.List && s.Lists[last].Profile == source.Profile {
		s.Lists[last].Matches = append(s.Lists[last].Matches, index)
		return
	}
	source.Matches = []int{index}
	s.Lists = append(s.Lists, source)
}

// undecided is what a step says that was taken and did not decide.
func (s *Step) undecided(verdict *Verdict) string {
	if len(s.Lists) == 0 {
		return "no entry covers the name"
	}
	for i := range s.Lists {
		for _, m := range s.Lists[i].Matches {
			if match := &verdict.Matches[m]; match.Counts && match.Action == blocklists.Passthru {
				return fmt.Sprintf("list %s lets the name pass", s.Lists[i].List)
			}
		}
	}
	return "nothing that covers the name counts for this client"
}

// sourceOf is what an entry that decides belongs to.
func sourceOf(match *Match) string {
	switch match.Role {
	case OperatorException:
		return "the operator's exception"
	case HelpName:
		return "the list of help names"
	case ProfileAllow, ProfileDeny, Service, SafeSearch, Offline, Pause:
		return "profile " + match.Profile
	}
	return "list " + string(match.Entry.List)
}
