package main

import (
	"fmt"
	"io"
	"strings"

	"github.com/recourse-dns/recourse/policy"
	"github.com/recourse-dns/recourse/resolver"
)

// explainedStep is one step of the order of precedence, as explain --json has it.
type explainedStep struct {
	Step  policy.StepName `json:"step"`
	Says  string          `json:"says"`
	Lists []explainedList `json:"lists,omitempty"`
}

// explainedList is what one list, profile or the operator brought to a step.
type explainedList struct {
	List    string `json:"list,omitempty"`
	Profile string `json:"profile,omitempty"`
	Matches []int  `json:"matches"` // of the explanation's, from 0
}

// explainedAnswer is what goes out in the place of the real answer.
type explainedAnswer struct {
	Rcode    string              `json:"rcode,omitempty"`
	Instead  string              `json:"instead,omitempty"`
	Records  []string            `json:"records,omitempty"`
	Extended []explainedExtended `json:"extended"`
}

// explainedExtended is an Extended DNS Error in both its forms. Who reads structured errors gets
// none of a forged answer.
type explainedExtended struct {
	Code       uint16 `json:"code"`
	Name       string `json:"name"`
	Text       string `json:"text,omitempty"`
	Structured string `json:"structured,omitempty"`
	Brief      string `json:"brief,omitempty"`
}

func explainSteps(steps []policy.Step) []explainedStep {
	told := make([]explainedStep, 0, len(steps))
	for _, step := range steps {
		one := explainedStep{Step: step.Name, Says: step.Says}
		for _, list := range step.Lists {
			one.Lists = append(one.Lists, explainedList{List: string(list.List), Profile: list.Profile, Matches: list.Matches})
		}
		told = append(told, one)
	}
	return told
}

func explainAnswer(answered *policy.Answered) *explainedAnswer {
	if answered == nil {
		return nil
	}
	told := &explainedAnswer{Rcode: answered.Rcode, Instead: answered.Instead, Records: answered.Records, Extended: []explainedExtended{}}
	for _, one := range answered.Extended {
		told.Extended = append(told.Extended, explainedExtended{
			Code: one.Code, Name: extendedName(one.Code), Text: one.Text, Structured: one.Structured, Brief: one.Brief,
		})
	}
	return told
}

// branch is one line of a tree with what hangs on it.
type branch struct {
	text     string
	branches []branch
}

// write draws what hangs on a line. What stands before a line shows on what it hangs.
func (b *branch) write(to *strings.Builder, before string) {
	for i := range b.branches {
		mark, below := "├─ ", "│  "
		if i == len(b.branches)-1 {
			mark, below = "└─ ", "   "
		}
		fmt.Fprintf(to, "%s%s%s\n", before, mark, b.branches[i].text)
		b.branches[i].write(to, before+below)
	}
}

// stepWords are what steps are called in a tree, where that is not their name.
var stepWords = map[policy.StepName]string{
	policy.ExceptionStep: "decided exceptions", policy.OperatorStep: "the operator's exceptions",
	policy.AllowStep: "the profile's allow", policy.DenyStep: "the profile's deny", policy.UserStep: "user lists",
}

// printTree shows the whole reasoning to people, and below it the same in sentences.
func (e *explanation) printTree(to io.Writer) error {
	var text strings.Builder
	text.WriteString(e.Verdict)
	if e.ReasonCode != "" {
		fmt.Fprintf(&text, " (%s), reason code %s", e.Purpose, e.ReasonCode)
	}
	text.WriteString("\n")
	root := branch{}
	for i := range e.Steps {
		root.branches = append(root.branches, e.stepBranch(&e.Steps[i]))
	}
	if e.Answer != nil {
		root.branches = append(root.branches, e.Answer.branch())
	}
	root.write(&text, "")
	for _, because := range e.Because {
		fmt.Fprintf(&text, "because %s\n", because)
	}
	_, err := io.WriteString(to, text.String())
	return err
}

func (e *explanation) stepBranch(step *explainedStep) branch {
	name := stepWords[step.Step]
	if name == "" {
		name = string(step.Step)
	}
	made := branch{text: name + ": " + step.Says}
	if strings.HasPrefix(step.Says, name+" ") || step.Step == policy.ConclusionStep || step.Step == policy.AskingStep {
		made.text = step.Says
	}
	for _, list := range step.Lists {
		one := branch{text: list.title()}
		for _, m := range list.Matches {
			one.branches = append(one.branches, e.Matches[m].branch(step.Step))
		}
		made.branches = append(made.branches, one)
	}
	return made
}

func (l *explainedList) title() string {
	switch {
	case l.List != "":
		return "list " + l.List
	case l.Profile != "":
		return "profile " + l.Profile
	}
	return "operator"
}

// branch is a match with why it counts or does not.
func (m *explainedMatch) branch(step policy.StepName) branch {
	text := fmt.Sprintf("%s (%s)", m.Name, strings.TrimPrefix(m.Trigger+", "+m.Scope, ", "))
	switch {
	case m.Line != 0:
		text += fmt.Sprintf(", line %d of %s", m.Line, m.Source)
	case m.Source != "":
		text += ", " + m.Source
	}
	if m.Link != "" {
		text += ", covers the " + m.Link
	}
	if m.Order != "" {
		text += ", order " + m.Order
	}
	made := branch{text: text}
	if step == policy.ExceptionStep {
		made.branches = []branch{{text: m.Because}}
		return made
	}
	made.branches = append(made.branches, branch{text: m.Because})
	if m.Hold != "" && !strings.Contains(m.Because, m.Hold) {
		made.branches = append(made.branches, branch{text: m.Hold})
	}
	return made
}

func (a *explainedAnswer) branch() branch {
	made := branch{text: strings.TrimPrefix(strings.TrimSuffix("answered "+a.Rcode+", "+a.Instead, ", "), ", ")}
	for _, record := range a.Records {
		made.branches = append(made.branches, branch{text: strings.ReplaceAll(record, "\t", " ")})
	}
	for _, one := range a.Extended {
		text := fmt.Sprintf("%d %s", one.Code, one.Name)
		if one.Code == resolver.ForgedAnswer {
			text += ", to who does not ask for structured errors"
		}
		said := branch{text: text}
		if one.Text != "" {
			said.branches = append(said.branches, branch{text: "plain: " + one.Text})
		}
		if one.Structured != "" {
			said.branches = append(said.branches, branch{text: "structured: " + one.Structured})
		}
		if one.Brief != "" {
			said.branches = append(said.branches, branch{text: "where there is less room: " + one.Brief})
		}
		made.branches = append(made.branches, said)
	}
	return made
}
