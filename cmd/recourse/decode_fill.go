package main

import (
	"encoding"
	"reflect"
	"regexp"
	"slices"
	"strings"
)

// filler puts a file's values into Go values. It goes on after a problem, so that
// one run names all of them. These tags on a field steer it:
//
//	yaml:"key"        the key; a field without it is not for the file
//	oneof:"a,b"       the words that a text, or each text of a list, may be
type filler struct {
	report *report
}

func (f *filler) root(tree *fileNode, into any) {
	f.report.lines[""] = tree.line
	if tree.kind != kindMapping {
		f.report.problem("", "must be a mapping of keys to values, not %s", tree.kind)
		return
	}
	f.structure("", tree, reflect.ValueOf(into).Elem())
}

// field is what the tags around a value say.
type field struct {
	oneOf []string
}

// value fills one value; the path's line is noted already.
func (f *filler) value(path string, from *fileNode, into reflect.Value, tags field) {
	if from.kind == kindEmpty {
		return
	}
	// What has a short form in one word may still be written with its keys.
	long := from.kind == kindMapping && into.Kind() == reflect.Struct && len(keysOf(into.Type())) > 0
	if read, known := scalarReader(into, tags); known && !long {
		f.scalar(path, from, into, read)
		return
	}
	switch into.Kind() {
	case reflect.Pointer:
		target := reflect.New(into.Type().Elem())
		f.value(path, from, target.Elem(), tags)
		into.Set(target)
	case reflect.Struct:
		f.structure(path, from, into)
	case reflect.Slice:
		f.slice(path, from, into, tags)
	case reflect.Map:
		f.dictionary(path, from, into, tags)
	default:
		f.report.problem(path, "cannot be set from a file")
	}
}

func (f *filler) scalar(path string, from *fileNode, into reflect.Value, read func(text string) (reflect.Value, error)) {
	if from.kind != kindWord {
		f.wrongKind(path, "one value", from, "write the value alone, without brackets, braces or hyphen")
		return
	}
	if len(from.text) > maxText {
		f.report.problem(path, "is longer than %d octets", maxText)
		return
	}
	value, err := read(from.text)
	if err != nil {
		f.report.problem(path, "%s", err)
		return
	}
	into.Set(value)
}

func (f *filler) wrongKind(path, wanted string, got *fileNode, hint string) {
	f.report.problem(path, "wanted %s, got %s; %s", wanted, got.kind, hint)
}

func (f *filler) slice(path string, from *fileNode, into reflect.Value, tags field) {
	if from.kind != kindList {
		hint := "write a list: one item a line, each behind a hyphen"
		if from.kind == kindWord {
			hint = "write [" + quote(from.text) + "]"
		}
		f.wrongKind(path, "a list", from, hint)
		return
	}
	items := reflect.MakeSlice(into.Type(), len(from.items), len(from.items))
	for i, value := range from.items {
		at := item(path, i)
		f.report.lines[at] = value.line
		if value.kind == kindEmpty {
			f.report.problem(at, "is empty")
			continue
		}
		f.value(at, value, items.Index(i), tags)
	}
	into.Set(items)
}

func (f *filler) dictionary(path string, from *fileNode, into reflect.Value, tags field) {
	if from.kind != kindMapping {
		f.wrongKind(path, "a mapping", from, "write {key: value}")
		return
	}
	result := reflect.MakeMapWithSize(into.Type(), len(from.values))
	for _, entry := range f.unique(path, from) {
		at := child(path, showKey(entry.key))
		value := reflect.New(into.Type().Elem()).Elem()
		f.value(at, entry.value, value, tags)
		result.SetMapIndex(reflect.ValueOf(entry.key).Convert(into.Type().Key()), value)
	}
	into.Set(result)
}

func (f *filler) structure(path string, from *fileNode, into reflect.Value) {
	if from.kind != kindMapping {
		f.wrongKind(path, "a mapping", from, "write its keys: "+strings.Join(keysOf(into.Type()), ", "))
		return
	}
	for _, entry := range f.unique(path, from) {
		at := child(path, showKey(entry.key))
		index := slices.IndexFunc(reflect.VisibleFields(into.Type()), func(field reflect.StructField) bool { return keyOf(field) == entry.key })
		if index < 0 || entry.key == "" {
			f.unknownKey(at, entry.key, into.Type())
			continue
		}
		about := reflect.VisibleFields(into.Type())[index]
		f.known(at, entry.value, into.FieldByIndex(about.Index), about.Tag)
	}
}

// known fills the field of a known key.
func (f *filler) known(path string, from *fileNode, into reflect.Value, tag reflect.StructTag) {
	var tags field
	if words := tag.Get("oneof"); words != "" {
		tags.oneOf = strings.Split(words, ",")
	}
	f.value(path, from, into, tags)
}

// unique notes where the keys of a mapping stand, and leaves out what comes twice.
func (f *filler) unique(path string, from *fileNode) []pair {
	first := make(map[string]int, len(from.values))
	var kept []pair
	for _, entry := range from.values {
		at := child(path, showKey(entry.key))
		if line, twice := first[entry.key]; twice {
			f.report.lines[at] = entry.line
			f.report.problem(at, "stands here a second time; the first is in line %d", line)
			f.report.lines[at] = line
			continue
		}
		first[entry.key] = entry.line
		f.report.lines[at] = entry.line
		kept = append(kept, entry)
	}
	return kept
}

func (f *filler) unknownKey(path, key string, in reflect.Type) {
	known := keysOf(in)
	meant := nearest(key, known)
	switch {
	case key == "<<":
		f.report.problem(path, "merging is not understood: repeat the keys, or name the whole value with & and *")
	case meant != "":
		f.report.problem(path, "unknown key; did you mean %q?", meant)
		f.report.excuse(path[:len(path)-len(showKey(key))] + meant)
	default:
		f.report.problem(path, "unknown key; here may stand %s", strings.Join(known, ", "))
	}
}

// keyOf is the key of a field; empty where the file has none for it.
func keyOf(field reflect.StructField) string {
	key, _, _ := strings.Cut(field.Tag.Get("yaml"), ",")
	if key == "-" || !field.IsExported() {
		return ""
	}
	return key
}

func keysOf(structure reflect.Type) []string {
	var keys []string
	for _, field := range reflect.VisibleFields(structure) {
		if key := keyOf(field); key != "" {
			keys = append(keys, key)
		}
	}
	return keys
}

var plainKey = regexp.MustCompile(`^[A-Za-z0-9_-]{1,64}$`)

// showKey makes a key fit to stand in a path, whatever the file says.
func showKey(key string) string {
	if plainKey.MatchString(key) {
		return key
	}
	return quote(key)
}

var unmarshalerType = reflect.TypeFor[encoding.TextUnmarshaler]()
