package page

import (
	"errors"
	"fmt"
	"strings"
)

// Mistake is what is wrong with one field of a form, in words.
type Mistake struct {
	Field string
	Text  string
}

// Mistakes are all of a form; template "problems" sums them up.
type Mistakes []Mistake

// Of is what is wrong with a field; "" if nothing is.
func (m Mistakes) Of(field string) string {
	for _, one := range m {
		if one.Field == field {
			return one.Text
		}
	}
	return ""
}

// Field is one field of a form: its label above, its mistake beside it, what was filled in kept.
type Field struct {
	ID    string
	Label string
	Value string
	Wrong string

	Hint     string
	Kind     string // a type of input; "area" for several lines; "" for text
	Name     string // "": the same as ID
	Max      int    // characters; 0: 2048
	Rows     int    // of an area; 0: 8
	Complete string // autocomplete; "": off
	Required bool
}

// newField makes a field in a template: its further values come as pairs.
func newField(id, label string, value any, mistakes Mistakes, pairs ...any) (Field, error) {
	// What is no text is not shown as such: a page in pieces would be what a stranger makes of it.
	f := Field{ID: id, Label: label, Value: strings.ToValidUTF8(fmt.Sprint(value), "\uFFFD"), Wrong: mistakes.Of(id), Name: id, Max: 2048, Rows: 8, Complete: "off"}
	if len(pairs)%2 != 0 {
		return f, errors.New("field: a value is missing")
	}
	for i := 0; i < len(pairs); i += 2 {
		if !f.set(fmt.Sprint(pairs[i]), pairs[i+1]) {
			return f, fmt.Errorf("field: %v of %T is not known", pairs[i], pairs[i+1])
		}
	}
	return f, nil
}

// set sets what a pair names; false where there is no such thing, or not of that type.
func (f *Field) set(what string, value any) (is bool) {
	targets := map[string]any{
		"hint": &f.Hint, "kind": &f.Kind, "name": &f.Name, "complete": &f.Complete, "max": &f.Max, "rows": &f.Rows, "required": &f.Required,
	}
	switch target := targets[what].(type) {
	case *string:
		*target, is = value.(string)
	case *int:
		*target, is = value.(int)
	case *bool:
		*target, is = value.(bool)
	}
	return is
}

// Described is what a field's aria-describedby names.
func (f Field) Described() string {
	switch {
	case f.Hint != "" && f.Wrong != "":
		return f.ID + "-hint " + f.ID + "-error"
	case f.Wrong != "":
		return f.ID + "-error"
	case f.Hint != "":
		return f.ID + "-hint"
	}
	return ""
}

// Choice is one of several things to choose from.
type Choice struct {
	Value string
	Label string
}

// Choices are a field of which one is chosen: template "choices".
type Choices struct {
	Field
	Options []Choice
}

// newChoice makes choices in a template: values and labels come in turn.
func newChoice(id, label string, value any, mistakes Mistakes, pairs ...any) (Choices, error) {
	field, err := newField(id, label, value, mistakes)
	made := Choices{Field: field}
	if len(pairs)%2 != 0 {
		return made, errors.New("choice: a label is missing")
	}
	for i := 0; i < len(pairs); i += 2 {
		made.Options = append(made.Options, Choice{Value: fmt.Sprint(pairs[i]), Label: fmt.Sprint(pairs[i+1])})
	}
	return made, err
}
