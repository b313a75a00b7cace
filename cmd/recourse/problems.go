package main

import (
	"cmp"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
)

// maxProblems bounds what one file can make us say.
const maxProblems = 200

// Problem is one thing wrong in a file: where, at which key, and what to do.
type Problem struct {
	File string
	Line int    // 0 where the problem is with the file as a whole
	Path string // the key, dotted, as blocklists[0].source.file; empty for the file
	Text string
}

func (p Problem) String() string {
	var text strings.Builder
	text.WriteString(p.File)
	if p.Line > 0 {
		fmt.Fprintf(&text, ":%d", p.Line)
	}
	text.WriteString(": ")
	if p.Path != "" {
		text.WriteString(p.Path + ": ")
	}
	return text.String() + p.Text
}

// Warning is a problem that nothing has to stop for.
type Warning struct{ Problem }

func (w Warning) String() string {
	marked := w.Problem
	if marked.Path == "" {
		marked.Text = "warning: " + marked.Text
	} else {
		marked.Path = "warning: " + marked.Path
	}
	return marked.String()
}

// ConfigError is everything that keeps a configuration from being used.
type ConfigError struct {
	Problems []Problem
}

// Error has one line a problem.
func (e *ConfigError) Error() string {
	lines := make([]string, len(e.Problems))
	for i, problem := range e.Problems {
		lines[i] = problem.String()
	}
	return strings.Join(lines, "\n")
}

// positions knows where each key of a file stands.
type positions struct {
	file  string
	dir   string         // what paths in the file are relative to
	lines map[string]int // by dotted path
}

// line finds where a path stands; for one that the file does not have, where the
// closest mapping or list around it begins.
func (p *positions) line(path string) int {
	for path != "" {
		if line, found := p.lines[path]; found {
			return line
		}
		path = parent(path)
	}
	return p.lines[""]
}

func (p *positions) problem(path, text string) Problem {
	return Problem{File: p.file, Line: p.line(path), Path: path, Text: text}
}

// resolve gives a path of the file as the program opens it.
func (p *positions) resolve(path string) string {
	if path == "" || filepath.IsAbs(path) || isBuiltin(path) {
		return path
	}
	return filepath.Join(p.dir, path)
}

// report collects all problems and warnings about one file, one a mistake: a path
// that has a problem, and all below it, gets no second one, and what is missing
// below a key that is missing itself is told together.
type report struct {
	positions
	problems []Problem
	warnings []Warning
	bad      map[string]bool
	absent   map[string]int // missing keys to the index of the problem that tells of it
}

func newReport(file string) *report {
	return &report{
		positions: positions{file: file, dir: filepath.Dir(file), lines: map[string]int{"": 0}},
		bad:       map[string]bool{},
		absent:    map[string]int{},
	}
}

func (r *report) problem(path, format string, args ...any) {
	if r.isBad(path) || len(r.problems) > maxProblems {
		return
	}
	r.bad[path] = true
	if len(r.problems) == maxProblems {
		path, format, args = "", "more than %d problems; the rest is left out", []any{maxProblems}
	}
	if around := r.missingAround(path); around != "" {
		if told, found := r.absent[around]; found {
			r.problems[told].Text += fmt.Sprintf("; and %s: "+format, append([]any{path[len(around)+1:]}, args...)...)
			return
		}
		r.absent[around] = len(r.problems)
	}
	r.problems = append(r.problems, r.positions.problem(path, fmt.Sprintf(format, args...)))
}

// missingAround is the outermost key around the path that the file does not have.
func (r *report) missingAround(path string) string {
	missing := ""
	for above := parent(path); above != ""; above = parent(above) {
		if _, found := r.lines[above]; found {
			break
		}
		missing = above
	}
	return missing
}

// excuse keeps silent about a path and what lies below it: another problem is its cause.
func (r *report) excuse(path string) { r.bad[path] = true }

func (r *report) warn(path, format string, args ...any) {
	if len(r.warnings) < maxProblems {
		r.warnings = append(r.warnings, Warning{r.positions.problem(path, fmt.Sprintf(format, args...))})
	}
}

// isBad says whether the path, or one that it lies below, has a problem already.
func (r *report) isBad(path string) bool {
	for path != "" {
		if r.bad[path] {
			return true
		}
		path = parent(path)
	}
	return false
}

// isBadWithin says whether anything at or below the path has a problem.
func (r *report) isBadWithin(path string) bool {
	for bad := range r.bad {
		if rest, below := strings.CutPrefix(bad, path); below && (rest == "" || rest[0] == '.' || rest[0] == '[') {
			return true
		}
	}
	return false
}

// err is the problems in the order of their lines; nil where there are none.
func (r *report) err() error {
	if len(r.problems) == 0 {
		return nil
	}
	slices.SortStableFunc(r.problems, r.inOrder)
	return &ConfigError{Problems: r.problems}
}

// sortedWarnings is the warnings in the order of their lines.
func (r *report) sortedWarnings() []Warning {
	slices.SortStableFunc(r.warnings, func(a, b Warning) int { return r.inOrder(a.Problem, b.Problem) })
	return r.warnings
}

// inOrder compares places: this file by line, then the files that it names.
func (r *report) inOrder(a, b Problem) int {
	own := func(p Problem) string {
		if p.File == r.file {
			return ""
		}
		return p.File
	}
	return cmp.Or(cmp.Compare(own(a), own(b)), cmp.Compare(a.Line, b.Line))
}

// parent is the path without its last key or index.
func parent(path string) string {
	return path[:max(strings.LastIndexAny(path, ".["), 0)]
}

// child is the path of a key in a mapping.
func child(path, key string) string {
	switch {
	case path == "":
		return key
	case key == "":
		return path
	}
	return path + "." + key
}

// item is the path of a list's item.
func item(path string, index int) string { return fmt.Sprintf("%s[%d]", path, index) }
