package page

import (
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"fmt"
	"html/template"
	"io/fs"
	"log/slog"
	"net/http"
	"time"

	"github.com/recourse-dns/recourse/policy"
	"github.com/recourse-dns/recourse/redress/language"
	"github.com/recourse-dns/recourse/redress/route"
)

// Config is what all pages obey.
type Config struct {
	Operator policy.Operator
	// Location is the time zone of all times. Nil: UTC.
	Location *time.Location
	// More holds an operator's own files of texts. Nil: none.
	More fs.FS
}

//go:embed texts/*.json templates/*.html style.css
var files embed.FS

// Kit makes pages for all doors.
type Kit struct {
	config Config
	texts  *language.Catalogue
	style  Asset
	base   *template.Template
	logger *slog.Logger
}

// Catalogue is the kit's own texts, with those that an operator adds.
func Catalogue(more fs.FS) (*language.Catalogue, error) {
	return language.Embedded("page", files, more)
}

// Joined is texts of a package's own with the kit's beneath them, for what is written outside of pages.
func Joined(own *language.Catalogue, more fs.FS) (*language.Catalogue, error) {
	kit, err := Catalogue(more)
	if err != nil {
		return nil, err
	}
	return language.Join(own, kit), nil
}

// New makes a kit. Its error is a fault of the program, or of an operator's texts.
func New(config Config, logger *slog.Logger) (*Kit, error) {
	if config.Location == nil {
		config.Location = time.UTC
	}
	texts, err := Catalogue(config.More)
	if err != nil {
		return nil, fmt.Errorf("page: %w", err)
	}
	style, err := files.ReadFile("style.css")
	if err != nil {
		return nil, fmt.Errorf("page: %w", err)
	}
	k := &Kit{config: config, texts: texts, style: NewAsset("style.css", "text/css; charset=utf-8", style), logger: logger}
	english := texts.In(language.Source)
	if k.base, err = template.New("layout.html").Funcs(k.functions(english)).ParseFS(files, "templates/*.html"); err != nil {
		return nil, fmt.Errorf("page: %w", err)
	}
	return k, nil
}

// Operator is whose pages they are.
func (k *Kit) Operator() policy.Operator { return k.config.Operator }

// More holds an operator's own files of texts; nil where there are none.
func (k *Kit) More() fs.FS { return k.config.More }

// Style is the route of the style sheet.
func (k *Kit) Style() route.Route { return k.style.Route() }

// Routes are what all pages load: the style sheet.
func (k *Kit) Routes() []route.Route { return []route.Route{k.style.Route()} }

// Asset is a file that pages load. Its address has its hash, so that it may be kept for ever.
type Asset struct {
	Path        string
	contentType string
	content     []byte
}

// NewAsset makes an asset of a file's name, type and content.
func NewAsset(name, contentType string, content []byte) Asset {
	sum := sha256.Sum256(content)
	return Asset{Path: "/assets/" + hex.EncodeToString(sum[:6]) + "/" + name, contentType: contentType, content: content}
}

// Route serves the asset.
func (a Asset) Route() route.Route {
	return route.Route{Method: http.MethodGet, Path: a.Path, Handler: a.serve}
}

func (a Asset) serve(w http.ResponseWriter, _ *http.Request) {
	header := w.Header()
	header.Set("Content-Type", a.contentType)
	header.Set("Cache-Control", "public, max-age=31536000, immutable")
	_, _ = w.Write(a.content) // the client has gone; nobody is left to tell
}

// ContentPolicy lets nothing be loaded or sent but here and, where more is not "", to one more origin.
func ContentPolicy(more string) string {
	if more != "" {
		more = " " + more
	}
	return "default-src 'none'; style-src 'self'" + more + "; form-action 'self'" + more + "; base-uri 'none'; frame-ancestors 'none'"
}

// Guarded sets what every page has before its handler runs.
func Guarded(next http.Handler) http.Handler { return route.Guarded(ContentPolicy(""), next) }
