package reasoning

import (
	"fmt"
	"io"
	"strings"

	"github.com/recourse-dns/recourse/policy"
	"github.com/recourse-dns/recourse/resolver"
)

// Branch is one line of a tree with what hangs on it.
type Branch struct {
	Text     string
	Branches []Branch
}

// write draws what hangs on a line. What stands before a line shows on what it hangs.
func (b *Branch) write(to *strings.Builder, before string) {
	for i := range b.Branches {
		mark, below := "├─ ", "│  "
		if i == len(b.Branches)-1 {
			mark, below = "└─ ", "   "
		}
		fmt.Fprintf(to, "%s%s%s\n", before, mark, b.Branches[i].Text)
		b.Branches[i].write(to, before+below)
	}
}

// stepWords are what steps are called in a tree, where that is not their name.
var stepWords = map[policy.StepName]string{
	policy.ExceptionStep: "decided exceptions", policy.OperatorStep: "the operator's exceptions",
	policy.AllowStep: "the profile's allow", policy.DenyStep: "the profile's deny", policy.UserStep: "user lists",
}

// Tree is the whole reasoning: below the verdict the steps, below each what was weighed there,
// and at the end what is answered.
func (e *Reasoning) Tree() Branch {
	root := Branch{Text: e.Verdict}
	if e.ReasonCode != "" {
		root.Text = fmt.Sprintf("%s (%s), reason code %s", e.Verdict, e.Purpose, e.ReasonCode)
	}
	for i := range e.Steps {
		root.Branches = append(root.Branches, e.stepBranch(&e.Steps[i]))
	}
	if e.Answer != nil {
		root.Branches = append(root.Branches, e.Answer.branch())
	}
	return root
}

// Print shows the tree to people, and below it the same in sentences.
func (e *Reasoning) Print(to io.Writer) error {
	var text strings.Builder
	root := e.Tree()
	text.WriteString(root.Text + "\n")
	root.write(&text, "")
	for _, because := range e.Because {
		fmt.Fprintf(&text, "because %s\n", because)
	}
	_, err := io.WriteString(to, text.String())
	return err
}

func (e *Reasoning) stepBranch(step *Step) Branch {
	name := stepWords[step.Step]
	if name == "" {
		name = string(step.Step)
	}
	made := Branch{Text: name + ": " + step.Says}
	if strings.HasPrefix(step.Says, name+" ") || step.Step == policy.ConclusionStep || step.Step == policy.AskingStep {
		made.Text = step.Says
	}
	for _, list := range step.Lists {
		one := Branch{Text: list.title()}
		for _, m := range list.Matches {
			one.Branches = append(one.Branches, e.Matches[m].branch(step.Step))
		}
		made.Branches = append(made.Branches, one)
	}
	return made
}

func (l *List) title() string {
	switch {
	case l.List != "":
		return "list " + l.List
	case l.Profile != "":
		return "profile " + l.Profile
	}
	return "operator"
}

// branch is a match with why it counts or does not.
func (m *Match) branch(step policy.StepName) Branch {
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
	made := Branch{Text: text}
	if step == policy.ExceptionStep {
		made.Branches = []Branch{{Text: m.Because}}
		return made
	}
	made.Branches = append(made.Branches, Branch{Text: m.Because})
	if m.Hold != "" && !strings.Contains(m.Because, m.Hold) {
		made.Branches = append(made.Branches, Branch{Text: m.Hold})
	}
	return made
}

func (a *Answer) branch() Branch {
	made := Branch{Text: strings.TrimPrefix(strings.TrimSuffix("answered "+a.Rcode+", "+a.Instead, ", "), ", ")}
	for _, record := range a.Records {
		made.Branches = append(made.Branches, Branch{Text: strings.ReplaceAll(record, "\t", " ")})
	}
	for _, one := range a.Extended {
		text := fmt.Sprintf("%d %s", one.Code, one.Name)
		if one.Code == resolver.ForgedAnswer {
			text += ", to who does not ask for structured errors"
		}
		said := Branch{Text: text}
		if one.Text != "" {
			said.Branches = append(said.Branches, Branch{Text: "plain: " + one.Text})
		}
		if one.Structured != "" {
			said.Branches = append(said.Branches, Branch{Text: "structured: " + one.Structured})
		}
		if one.Brief != "" {
			said.Branches = append(said.Branches, Branch{Text: "where there is less room: " + one.Brief})
		}
		made.Branches = append(made.Branches, said)
	}
	return made
}
