package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strconv"
	"strings"

	"gopkg.in/yaml.v3"
)

// Bounds of a file.
const (
	maxFile  = 16 << 20
	maxDepth = 32
	maxNodes = 1 << 20 // aliases are counted as often as they are used
	maxText  = 4096
)

// kind is what a value of a file is.
type kind uint8

const (
	kindEmpty kind = iota // ~, null or nothing
	kindWord
	kindList
	kindMapping
)

var kindNames = [...]string{"nothing", "a word", "a list", "a mapping"}

func (k kind) String() string { return kindNames[k] }

// fileNode is one value of a file and where it stands. It is all that the decoder
// knows of YAML.
type fileNode struct {
	kind   kind
	line   int
	text   string // of a word
	items  []*fileNode
	values []pair
}

// pair is one key of a mapping.
type pair struct {
	key   string
	line  int
	value *fileNode
}

// decode reads a file into a struct whose fields have yaml tags, over what the
// struct already holds, and tells the report all that is wrong.
func decode(data []byte, into any, report *report) {
	tree := readTree(data, report)
	if tree == nil {
		return
	}
	filler := filler{report: report}
	filler.root(tree, into)
}

// readTree parses the text; nil where it is no usable YAML.
func readTree(data []byte, report *report) *fileNode {
	if len(data) > maxFile {
		report.problem("", "is larger than %d MiB", maxFile>>20)
		return nil
	}
	decoder := yaml.NewDecoder(bytes.NewReader(data))
	var document, more yaml.Node
	if err := decoder.Decode(&document); err != nil {
		syntaxProblem(err, report)
		return nil
	}
	if err := decoder.Decode(&more); !errors.Is(err, io.EOF) {
		report.lines[""] = more.Line
		report.problem("", "holds a second document: one file, one configuration")
		return nil
	}
	if len(document.Content) == 0 {
		syntaxProblem(io.EOF, report)
		return nil
	}
	converter := converter{report: report, left: maxNodes}
	return converter.convert(document.Content[0], 0)
}

var syntaxForm = regexp.MustCompile(`^yaml: (?:line (\d+): )?(.*)$`)

// syntaxProblem takes the line out of the words of the YAML library.
func syntaxProblem(err error, report *report) {
	if errors.Is(err, io.EOF) {
		report.problem("", "is empty: there is no configuration in it")
		return
	}
	text := err.Error()
	if parts := syntaxForm.FindStringSubmatch(text); parts != nil {
		report.lines[""], _ = strconv.Atoi(parts[1])
		text = parts[2]
	}
	if strings.Contains(text, "cannot start any token") {
		text += "; a tab cannot indent, and a value that begins with @, ` or % needs quotes"
	}
	report.problem("", "is not YAML: %s", text)
}

// converter turns the library's nodes into ours, within bounds.
type converter struct {
	report *report
	left   int
}

// convert gives nil, with a problem told, for what is beyond the bounds or not
// part of the language: tags of the writer's own.
func (c *converter) convert(from *yaml.Node, depth int) *fileNode {
	c.left--
	switch {
	case c.left == 0:
		return c.refuse(from, fmt.Sprintf("holds more than %d values", maxNodes))
	case c.left < 0:
		return nil
	case depth > maxDepth:
		return c.refuse(from, fmt.Sprintf("is nested deeper than %d", maxDepth))
	case from.Style&yaml.TaggedStyle != 0:
		return c.refuse(from, fmt.Sprintf("tag %q is not understood: write the value alone", from.Tag))
	}
	to := &fileNode{line: from.Line}
	switch from.Kind {
	case yaml.AliasNode:
		return c.convert(from.Alias, depth+1)
	case yaml.ScalarNode:
		return c.scalar(from, to)
	case yaml.SequenceNode:
		return c.sequence(from, to, depth)
	case yaml.MappingNode:
		return c.mapping(from, to, depth)
	}
	return c.refuse(from, "is not understood")
}

func (c *converter) refuse(at *yaml.Node, text string) *fileNode {
	if !c.report.bad[""] {
		c.report.lines[""] = at.Line
		c.report.problem("", "%s", text)
	}
	return nil
}

func (c *converter) scalar(from *yaml.Node, to *fileNode) *fileNode {
	if from.ShortTag() != "!!null" {
		to.kind, to.text = kindWord, from.Value
	}
	return to
}

func (c *converter) sequence(from *yaml.Node, to *fileNode, depth int) *fileNode {
	to.kind = kindList
	for _, content := range from.Content {
		value := c.convert(content, depth+1)
		if value == nil {
			return nil
		}
		to.items = append(to.items, value)
	}
	return to
}

func (c *converter) mapping(from *yaml.Node, to *fileNode, depth int) *fileNode {
	to.kind = kindMapping
	for i := 0; i+1 < len(from.Content); i += 2 {
		key := from.Content[i]
		if key.Kind != yaml.ScalarNode {
			return c.refuse(key, "a key must be a word")
		}
		value := c.convert(from.Content[i+1], depth+1)
		if value == nil {
			return nil
		}
		to.values = append(to.values, pair{key: key.Value, line: key.Line, value: value})
	}
	return to
}
