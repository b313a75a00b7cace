package reasoning

import (
	"fmt"
	"strings"

	"github.com/miekg/dns"

	"github.com/recourse-dns/recourse/blocklists"
	"github.com/recourse-dns/recourse/policy"
	"github.com/recourse-dns/recourse/resolver"
)

// Reasoning is a verdict with all that led to it, in the shape that explain --json promises.
type Reasoning struct {
	Verdict    string   `json:"verdict"`
	Purpose    string   `json:"purpose,omitempty"`
	ReasonCode string   `json:"reason_code,omitempty"`
	Matches    []Match  `json:"matches"`
	Because    []string `json:"because"`
	// Steps are the same as a tree: the order of precedence, with the matches under each step.
	Steps []Step `json:"steps"`
	// Answer is what a question for addresses gets in the place of the real answer.
	Answer *Answer `json:"answer,omitempty"`
}

// Match is an entry that covers the name, and why it counts or does not.
type Match struct {
	List      blocklists.ListID `json:"list"`
	Line      uint32            `json:"line,omitempty"`
	Source    string            `json:"source"`
	Name      string            `json:"name"`
	Scope     string            `json:"scope"`
	Trigger   string            `json:"trigger,omitempty"` // where it is not the name
	Purpose   string            `json:"purpose"`
	Order     string            `json:"order,omitempty"`
	Link      string            `json:"link,omitempty"` // what it covers, where that is not the question
	Counts    bool              `json:"counts"`
	Hold      string            `json:"hold,omitempty"`
	Exception string            `json:"exception,omitempty"`
	Because   string            `json:"because"`
}

// Step is one step of the order of precedence, as explain --json has it.
type Step struct {
	Step  policy.StepName `json:"step"`
	Says  string          `json:"says"`
	Lists []List          `json:"lists,omitempty"`
}

// List is what one list, profile or the operator brought to a step.
type List struct {
	List    string `json:"list,omitempty"`
	Profile string `json:"profile,omitempty"`
	Matches []int  `json:"matches"` // of the Reasoning's, from 0
}

// Answer is what goes out in the place of the real answer.
type Answer struct {
	Rcode    string     `json:"rcode,omitempty"`
	Instead  string     `json:"instead,omitempty"`
	Records  []string   `json:"records,omitempty"`
	Extended []Extended `json:"extended"`
}

// Extended is an Extended DNS Error in both its forms. Who reads structured errors gets
// none of a forged answer.
type Extended struct {
	Code       uint16 `json:"code"`
	Name       string `json:"name"`
	Text       string `json:"text,omitempty"`
	Structured string `json:"structured,omitempty"`
	Brief      string `json:"brief,omitempty"`
}

// Of tells a verdict.
func Of(verdict *policy.Verdict) Reasoning {
	said := Reasoning{
		Verdict: verdict.Action.String(), Matches: []Match{}, Because: verdict.Because,
		Steps: stepsOf(verdict.Steps), Answer: answerOf(verdict.Answered),
	}
	if verdict.Primary != nil && verdict.Action != policy.Pass {
		said.Purpose, said.ReasonCode = verdict.Primary.Purpose().String(), verdict.Primary.Code.String()
	}
	for i := range verdict.Matches {
		said.Matches = append(said.Matches, matchOf(&verdict.Matches[i]))
	}
	return said
}

func matchOf(match *policy.Match) Match {
	said := Match{
		List: match.Entry.List, Line: match.Entry.Line, Source: match.Entry.Source, Name: match.Entry.Subject(),
		Scope: match.Entry.Scope.String(), Purpose: match.Purpose().String(), Because: match.Because, Counts: match.Counts,
	}
	if match.Link.Kind != resolver.Asked {
		said.Link = match.Covers()
	}
	if match.Entry.Trigger != blocklists.OnName {
		said.Trigger = match.Entry.Trigger.String()
	}
	said.Order = match.OrderRef()
	if match.Hold != nil {
		said.Hold = match.Hold.String()
	}
	if match.Exception != nil {
		said.Exception = strings.TrimSpace(fmt.Sprintf("%s %s", match.Exception.Kind, match.Exception.Case))
	}
	return said
}

func stepsOf(steps []policy.Step) []Step {
	told := make([]Step, 0, len(steps))
	for _, step := range steps {
		one := Step{Step: step.Name, Says: step.Says}
		for _, list := range step.Lists {
			one.Lists = append(one.Lists, List{List: string(list.List), Profile: list.Profile, Matches: list.Matches})
		}
		told = append(told, one)
	}
	return told
}

func answerOf(answered *policy.Answered) *Answer {
	if answered == nil {
		return nil
	}
	told := &Answer{Rcode: answered.Rcode, Instead: answered.Instead, Records: answered.Records, Extended: []Extended{}}
	for _, one := range answered.Extended {
		told.Extended = append(told.Extended, Extended{
			Code: one.Code, Name: ExtendedName(one.Code), Text: one.Text, Structured: one.Structured, Brief: one.Brief,
		})
	}
	return told
}

// ExtendedName is the purpose of an info code in the IANA registry.
func ExtendedName(code uint16) string {
	if name, known := dns.ExtendedErrorCodeToString[code]; known {
		return name
	}
	return "unknown code"
}
