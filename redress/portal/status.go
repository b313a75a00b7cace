package portal

import (
	"context"
	"net/http"
	"strings"
	"time"

	"github.com/recourse-dns/recourse/blocklists"
	"github.com/recourse-dns/recourse/redress"
	"github.com/recourse-dns/recourse/redress/guide"
	"github.com/recourse-dns/recourse/redress/language"
	"github.com/recourse-dns/recourse/redress/page"
	"github.com/recourse-dns/recourse/resolver/wire"
)

// statusContent is a case as its party sees it.
type statusContent struct {
	ways
	redress.Status
	// Link is the party's link, token included, to be kept, and Words the words that replace it; "" where
	// they were shown before.
	Link  string
	Words string
	// Token opens the linked cases too.
	Token string
	// Resolving: nothing of ours blocks the name any more, and it resolves.
	Resolving bool
	// Proof is what the proof of control said just now; nil if none was run. Said is that in the reader's language.
	Proof *redress.Proof
	Said  string
	// Steps are what to do at the name's hosts, and a message to whoever looks after the site.
	Steps guide.Steps
	// Looks are what our own last looks for a proof found, and Next is when we look again.
	Looks []look
	Next  time.Time
	// Household: the account holder is somebody at home, who can be asked from here.
	Household bool
	// TakesPapers: a document may be sent.
	TakesPapers bool
	Mistakes    page.Mistakes
	// Text is what was written and not taken.
	Text string
	Done string // what was done just now: a key of the texts
}

// Provable says whether there is still something to prove control for.
func (c *statusContent) Provable() bool {
	return c.State == redress.Submitted || c.State == redress.Referred || c.State == redress.NeedInfo
}

// HolderFirst says whether the account holder can undo the block, while nobody has decided.
func (c *statusContent) HolderFirst() bool {
	return c.Entry != nil && c.Entry.Purpose == blocklists.User && c.Merits.Unfinished()
}

// Open says whether the party may still withdraw.
func (c *statusContent) Open() bool {
	return c.Merits.Unfinished() || c.Implementation.Unfinished()
}

// MayAppeal says whether there is an appeal to be had now.
func (c *statusContent) MayAppeal() bool { return time.Now().Before(c.AppealUntil) }

// Question is the one that an appeal is about: the last decided.
func (c *statusContent) Question() redress.Question {
	if c.Decision != nil && c.Decision.Question != "" {
		return c.Decision.Question
	}
	return redress.Merits
}

// cookieName is the cookie of one case. Each case has its own, at its own path, so
// that two filings do not take each other's place.
func cookieName(id redress.CaseID) string { return "case-" + string(id) }

// wordsName is the cookie that holds a case's recovery words for the short time in which they are shown.
func wordsName(id redress.CaseID) string { return "words-" + string(id) }

// wordsLife is how long the recovery words are shown, in seconds.
const wordsLife = 3600

// maxKept is for how many cases of a filing a reply sets cookies. The others open by the links on the page: what stands
// before us refuses replies with too long a head.
const maxKept = 8

// keep sets the cookies of a filing's first cases, and of the first the words, if any.
func (h *handler) keep(w http.ResponseWriter, ids []redress.CaseID, token, words string) {
	for _, id := range ids[:min(len(ids), maxKept)] {
		h.set(w, id, cookieName(id), token, 0)
	}
	if words != "" {
		h.set(w, ids[0], wordsName(ids[0]), words, wordsLife)
	}
}

func (h *handler) set(w http.ResponseWriter, id redress.CaseID, name, value string, life int) {
	http.SetCookie(w, &http.Cookie{ //nolint:gosec // Secure where the portal is https; a loopback portal is not
		Name: name, Value: value, Path: "/cases/" + string(id), MaxAge: life, HttpOnly: true, SameSite: http.SameSiteLaxMode,
		Secure: strings.HasPrefix(h.operator.Portal, "https://"),
	})
}

// caseOf reads the id of the path and the token of its cookie.
func caseOf(r *http.Request) (redress.CaseID, string, bool) {
	id, ok := redress.ParseCaseID(r.PathValue("id"))
	if !ok {
		return "", "", false
	}
	cookie, err := r.Cookie(cookieName(id))
	if err != nil {
		return id, "", true
	}
	return id, cookie.Value, true
}

func (h *handler) status(w http.ResponseWriter, r *http.Request) {
	id, token, ok := caseOf(r)
	if !ok {
		h.missingCase(w, r)
		return
	}
	if given := r.URL.Query().Get("token"); given != "" {
		h.admit(w, r, id, given)
		return
	}
	h.show(w, r, http.StatusOK, id, token, &statusContent{Done: doneKey(r.URL.Query().Get("done"))})
}

// doneKey lets through what may have been done.
func doneKey(what string) string {
	switch what {
	case "message", "appeal", "withdraw", "document":
		return "done." + what
	case "measure":
		return "done.appeal"
	}
	return ""
}

// show shows a case to whoever has its token, with what is to be said beside.
func (h *handler) show(w http.ResponseWriter, r *http.Request, code int, id redress.CaseID, token string, content *statusContent) {
	status, err := h.desk.Show(r.Context(), id, token)
	if err != nil {
		h.fail(w, r, err)
		return
	}
	content.Status, content.Link, content.Token = status, h.desk.StatusURL(id, token), token
	if cookie, err := r.Cookie(wordsName(id)); err == nil {
		content.Words = bounded(cookie.Value)
	}
	tongue := h.pages.Tongue(r)
	h.dress(r, tongue, content)
	if err := h.looked(r, id, tongue, content); err != nil {
		h.pages.Failed(w, r, err)
		return
	}
	purpose := ""
	if content.Entry != nil {
		purpose = content.Entry.Purpose.String()
	}
	h.pages.Write(w, r, code, "status", page.Head{Title: tongue.Say("status.title", "id", id), Purpose: purpose}, content)
}

func (h *handler) dress(r *http.Request, tongue *language.Tongue, content *statusContent) {
	content.ways = ways{Operator: h.operator}
	if content.Entry != nil {
		content.Spelled = spell(content.Entry.Code.String())
	}
	// Green is only what the reader can try: decided, and the name resolves.
	content.Resolving = content.State == redress.Decided && len(content.StillBlockedBy) == 0 && h.resolves(r, content.Name)
	if content.Proof != nil {
		content.Said = h.guide.Explain(tongue.Tag(), content.Proof.Flaw, content.Proof.At, content.Proof.Found)
	}
	content.Household = h.config.Household
	content.TakesPapers = h.config.Papers != nil
	if name, err := wire.ParseName(content.Name); err == nil && !content.Verified && content.Provable() {
		ctx, cancel := context.WithTimeout(r.Context(), guidePatience)
		defer cancel()
		content.Steps = h.guide.Steps(ctx, tongue.Tag(), name, content.Challenge)
	}
}

// look is what one look for a proof found; empty where it was right.
type look struct {
	At   time.Time
	Said string
}

// looked says what our own looks for a proof found, where there is still one to look for.
func (h *handler) looked(r *http.Request, id redress.CaseID, tongue *language.Tongue, content *statusContent) error {
	if h.config.Progress == nil || content.Verified || !content.Provable() {
		return nil
	}
	progress, err := h.config.Progress(r.Context(), id)
	if err != nil {
		return err
	}
	content.Next = progress.Next
	for _, one := range progress.Findings {
		if one.Flaw != "" {
			content.Looks = append(content.Looks, look{At: one.At, Said: h.guide.Explain(tongue.Tag(), one.Flaw, one.Place, one.Found)})
		}
	}
	return nil
}

// guidePatience is how long it may take to find out where a name's hosts are.
const guidePatience = 2 * time.Second

// admit takes the token of a party's link into a cookie and sends the browser to
// the clean address.
func (h *handler) admit(w http.ResponseWriter, r *http.Request, id redress.CaseID, token string) {
	status, err := h.desk.Show(r.Context(), id, token)
	if err != nil {
		h.fail(w, r, err)
		return
	}
	h.keep(w, append([]redress.CaseID{id}, status.Linked...), token, "")
	h.pages.Redirect(w, r, "/cases/"+string(id))
}

func (h *handler) verify(w http.ResponseWriter, r *http.Request) {
	id, token, ok := h.posted(w, r)
	if !ok {
		return
	}
	attempt := redress.Attempt{Method: redress.Method(r.PostForm.Get("method")), Code: bounded(r.PostForm.Get("mailed"))}
	proof, err := h.desk.Verify(r.Context(), id, token, attempt)
	if err != nil {
		h.fail(w, r, err)
		return
	}
	h.show(w, r, http.StatusOK, id, token, &statusContent{Proof: &proof})
}

// posted reads a form about a case; where it cannot, it has answered.
func (h *handler) posted(w http.ResponseWriter, r *http.Request) (id redress.CaseID, token string, ok bool) {
	if id, token, ok = caseOf(r); !ok {
		h.missingCase(w, r)
		return id, token, false
	}
	if _, ok = h.config.Limits.Proofs.AllowKey(string(id)); !ok {
		h.pages.TooMany(w, r)
		return id, token, false
	}
	return id, token, h.pages.ReadForm(w, r)
}

// resolves says whether a name has an address, past all filters.
func (h *handler) resolves(r *http.Request, name string) bool {
	parsed, err := wire.ParseName(name)
	return err == nil && h.reach.Resolves(r.Context(), parsed)
}
