package main

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"maps"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const modulePath = "github.com/recourse-dns/recourse"

// layers is who may import whom, from the folder at the top to the folders at the
// top. Within its own folder a package imports what it likes, but for the rows below.
var layers = map[string][]string{
	"resolver":   {},
	"blocklists": {"resolver"},
	"transports": {"resolver"},
	"policy":     {"resolver", "blocklists"},
	"redress":    {"resolver", "blocklists", "policy"},
	"cmd":        {"resolver", "blocklists", "transports", "policy", "redress"},
}

// vocabulary is the packages that a whole folder speaks: they import no sibling
// but those named.
var vocabulary = map[string][]string{
	"resolver/wire": {},
	"resolver":      {"resolver/wire"},
	"blocklists":    {"resolver", "resolver/wire"},
}

// confined is libraries that only some files may know, so that a successor can
// replace them; a path that ends with a slash is a folder.
var confined = map[string][]string{
	"gopkg.in/yaml.v3":            {"cmd/recourse/decode.go"},
	"github.com/alecthomas/kong":  {"cmd/recourse/main.go"},
	"github.com/quic-go/quic-go/": {"transports/"},
	"github.com/caddyserver/":     {"transports/tlsconf/"},
	"github.com/mholt/":           {"transports/tlsconf/"},
	"go.uber.org/zap":             {"transports/tlsconf/"},
	"net/http":                    {"transports/", "blocklists/fetch/", "redress/", "cmd/", "resolver/lab/"},
}

// source is one Go file of the module and what it imports.
type source struct {
	path    string // from the module's root, with slashes
	folder  string
	test    bool
	imports []string
}

func TestLayers(t *testing.T) {
	for _, file := range moduleFiles(t) {
		top, _, _ := strings.Cut(file.path, "/")
		allowed, known := layers[top]
		if !known {
			t.Errorf("%s: lies in none of the six folders", file.path)
			continue
		}
		for _, imported := range file.ours() {
			target, _, _ := strings.Cut(imported, "/")
			if target == "cmd" {
				t.Errorf("%s: imports %s, which nobody may", file.path, imported)
			} else if target != top && !slices.Contains(allowed, target) {
				t.Errorf("%s: imports %s, but %s may import only %v", file.path, imported, top, allowed)
			}
		}
	}
}

func TestVocabularyImportsNoSibling(t *testing.T) {
	seen := map[string]bool{}
	for _, file := range moduleFiles(t) {
		allowed, spoken := vocabulary[file.folder]
		if !spoken || file.test {
			continue
		}
		seen[file.folder] = true
		for _, imported := range file.ours() {
			if !slices.Contains(allowed, imported) {
				t.Errorf("%s: imports %s, but %s may import only %v", file.path, imported, file.folder, allowed)
			}
		}
	}
	for folder := range vocabulary {
		if !seen[folder] {
			t.Errorf("%s: no such package; is the table out of date?", folder)
		}
	}
}

func TestConfinedLibraries(t *testing.T) {
	for _, file := range moduleFiles(t) {
		if file.test {
			continue
		}
		for _, imported := range file.imports {
			for library, places := range confined {
				here := func(place string) bool { return within(file.path, place) }
				if within(imported, library) && !slices.ContainsFunc(places, here) {
					t.Errorf("%s: imports %s, which belongs to %v", file.path, imported, places)
				}
			}
		}
	}
}

// within says whether a path is the place, or lies in it where the place ends with a slash.
func within(path, place string) bool {
	return path == strings.TrimSuffix(place, "/") || strings.HasSuffix(place, "/") && strings.HasPrefix(path, place)
}

// TestPolicyKnowsNoSockets: policy judges values. Of the package net it may use
// the types of addresses in a record and of a device, and nothing that opens anything; the
// store alone has a connection, to the database server that it keeps things on.
func TestPolicyKnowsNoSockets(t *testing.T) {
	connecting := []string{"policy/store/dial.go", "policy/store/postgres.go"}
	harmless := []string{"IP", "IPv4len", "IPv6len", "IPv4zero", "IPv6zero", "HardwareAddr", "ParseMAC"}
	for _, file := range moduleFiles(t) {
		if !strings.HasPrefix(file.path, "policy/") || file.test || !slices.Contains(file.imports, "net") || slices.Contains(connecting, file.path) {
			continue
		}
		parsed, err := parser.ParseFile(token.NewFileSet(), filepath.Join("..", "..", filepath.FromSlash(file.path)), nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(parsed, func(node ast.Node) bool {
			selector, is := node.(*ast.SelectorExpr)
			if !is {
				return true
			}
			if from, is := selector.X.(*ast.Ident); is && from.Name == "net" && !slices.Contains(harmless, selector.Sel.Name) {
				t.Errorf("%s: uses net.%s", file.path, selector.Sel.Name)
			}
			return true
		})
	}
}

// TestBenchImportsNothingOfOurs: bench is a module of its own, beside this one.
func TestBenchImportsNothingOfOurs(t *testing.T) {
	for _, file := range goFiles(t, filepath.Join("..", "..", "bench"), "bench") {
		for _, imported := range file.ours() {
			if !strings.HasPrefix(imported, "bench/") {
				t.Errorf("%s: imports %s", file.path, imported)
			}
		}
	}
}

// TestEveryPackageHasItsStory: a doc.go a package.
func TestEveryPackageHasItsStory(t *testing.T) {
	docs, folders := map[string]bool{}, map[string]bool{}
	for _, file := range moduleFiles(t) {
		if !file.test {
			folders[file.folder] = true
		}
		if filepath.Base(file.path) == "doc.go" {
			docs[file.folder] = true
		}
	}
	for folder := range folders {
		if !docs[folder] {
			t.Errorf("%s: has no doc.go", folder)
		}
	}
}

// moduleFiles is every Go file of this module.
func moduleFiles(t *testing.T) []source {
	t.Helper()
	root := filepath.Join("..", "..")
	var files []source
	for _, folder := range slices.Sorted(maps.Keys(layers)) {
		files = append(files, goFiles(t, filepath.Join(root, folder), folder)...)
	}
	entries, err := filepath.Glob(filepath.Join(root, "*.go"))
	if err != nil || len(entries) > 0 {
		t.Fatalf("Go files at the module's root: %v, %v", entries, err)
	}
	if len(files) < 20 {
		t.Fatalf("found only %d files: is %s the module's root?", len(files), root)
	}
	return files
}

// goFiles reads the imports of all Go files below a folder; none where it is absent.
func goFiles(t *testing.T, dir, name string) []source {
	t.Helper()
	var files []source
	err := filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if path == dir && err != nil {
			return fs.SkipDir // absent
		}
		if err != nil {
			return err
		}
		if entry.IsDir() && entry.Name() == "testdata" {
			return fs.SkipDir
		}
		if entry.IsDir() || filepath.Ext(path) != ".go" {
			return nil
		}
		relative, err := filepath.Rel(dir, path)
		if err != nil {
			return err
		}
		files = append(files, readImports(t, path, filepath.ToSlash(filepath.Join(name, relative))))
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

func readImports(t *testing.T, path, name string) source {
	t.Helper()
	parsed, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.ImportsOnly)
	if err != nil {
		t.Fatal(err)
	}
	file := source{path: name, folder: filepath.ToSlash(filepath.Dir(name)), test: strings.HasSuffix(name, "_test.go")}
	for _, spec := range parsed.Imports {
		imported, err := strconv.Unquote(spec.Path.Value)
		if err != nil {
			t.Fatal(err)
		}
		file.imports = append(file.imports, imported)
	}
	return file
}

// ours is the imports that are packages of this module, without its path.
func (s source) ours() []string {
	var ours []string
	for _, imported := range s.imports {
		if below, found := strings.CutPrefix(imported, modulePath+"/"); found {
			ours = append(ours, below)
		}
	}
	return ours
}
