package audit

import (
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strconv"
	"strings"

	"github.com/recourse-dns/recourse/policy/store"
	"github.com/recourse-dns/recourse/redress/route"
)

// pages are what is public of the log.
type pages struct {
	db     *store.DB
	signer *Signer
	feed   *Feed
	logger *slog.Logger
}

// NewPages makes the handler of /audit/: the heads, the key and the feed.
func NewPages(db *store.DB, signer *Signer, feed *Feed, logger *slog.Logger) http.Handler {
	p := &pages{db: db, signer: signer, feed: feed, logger: logger}
	wrongMethod := func(w http.ResponseWriter, allowed string) {
		plain(w, http.StatusMethodNotAllowed, "This address answers "+allowed+".")
	}
	missing := func(w http.ResponseWriter, _ *http.Request) {
		plain(w, http.StatusNotFound, "There is /audit/heads, /audit/key and /audit/feed.atom.")
	}
	return route.Guarded("default-src 'none'; frame-ancestors 'none'", route.Mux([]route.Route{
		{Method: http.MethodGet, Path: "/audit/heads", Handler: p.heads},
		{Method: http.MethodGet, Path: "/audit/key", Handler: p.key},
		{Method: http.MethodGet, Path: "/audit/feed.atom", Handler: p.atom},
	}, wrongMethod, missing))
}

func plain(w http.ResponseWriter, status int, text string) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.WriteHeader(status)
	_, _ = io.WriteString(w, text+"\n")
}

// maxLines is how many heads a page has: those of six weeks.
const maxLines = 1000

// heads gives the lines after a number, and where those behind them are.
func (p *pages) heads(w http.ResponseWriter, r *http.Request) {
	after := int64(0)
	if text := r.URL.Query().Get("after"); text != "" {
		var err error
		if after, err = strconv.ParseInt(text, 10, 64); err != nil || after < 0 {
			plain(w, http.StatusBadRequest, "after must be a number, as the Link header of the page before says it.")
			return
		}
	}
	lines, err := Lines(r.Context(), p.db, after, maxLines)
	if err != nil {
		p.fail(w, err)
		return
	}
	var text strings.Builder
	for _, line := range lines {
		text.WriteString(line.JSON + "\n")
		after = line.ID
	}
	w.Header().Set("Link", fmt.Sprintf(`</audit/heads?after=%d>; rel="next"`, after)) // also where there are none yet
	w.Header().Set("Content-Type", "application/jsonl; charset=utf-8")
	_, _ = io.WriteString(w, text.String())
}

func (p *pages) key(w http.ResponseWriter, _ *http.Request) {
	octets, err := x509.MarshalPKIXPublicKey(p.signer.Public())
	if err != nil {
		p.fail(w, err)
		return
	}
	w.Header().Set("Content-Type", "application/x-pem-file")
	_ = pem.Encode(w, &pem.Block{Type: "PUBLIC KEY", Bytes: octets})
}

func (p *pages) atom(w http.ResponseWriter, r *http.Request) {
	octets, err := p.feed.Atom(r.Context())
	if err != nil {
		p.fail(w, err)
		return
	}
	w.Header().Set("Content-Type", "application/atom+xml; charset=utf-8")
	_, _ = w.Write(octets)
}

func (p *pages) fail(w http.ResponseWriter, err error) {
	p.logger.Error("the audit log cannot be shown", "error", err)
	plain(w, http.StatusServiceUnavailable, "This cannot be shown now. Try again in a minute.")
}
