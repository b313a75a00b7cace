package api

import (
	"net/http"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/recourse-dns/recourse/policy/devices"
	"github.com/recourse-dns/recourse/policy/profile"
	"github.com/recourse-dns/recourse/policy/rewrite"
	"github.com/recourse-dns/recourse/redress"
	"github.com/recourse-dns/recourse/redress/household"
	"github.com/recourse-dns/recourse/redress/route"
	"github.com/recourse-dns/recourse/resolver"
)

func (h *handler) profileRoutes() []route.Route {
	const one = "/api/v1/profiles/{id}"
	return []route.Route{
		{Method: http.MethodGet, Path: one, Handler: h.homed(h.showProfile)},
		{Method: http.MethodPut, Path: one, Handler: h.homed(h.putProfile)},
		{Method: http.MethodDelete, Path: one, Handler: h.homed(h.leaveProfile)},
		{Method: http.MethodGet, Path: one + "/changes", Handler: h.homed(h.profileChanges)},
		{Method: http.MethodPost, Path: one + "/pause", Handler: h.homed(h.pauseProfile)},
		{Method: http.MethodDelete, Path: one + "/pause", Handler: h.homed(h.resumeProfile)},
		{Method: http.MethodPost, Path: one + "/extra", Handler: h.homed(h.extendProfile)},
		{Method: http.MethodGet, Path: one + "/requests", Handler: h.homed(h.profileRequests)},
		{Method: http.MethodPost, Path: one + "/requests", Handler: h.askProfile},
		{Method: http.MethodPost, Path: one + "/requests/{request}", Handler: h.homed(h.decideRequest)},
	}
}

// homed lets those do something with a profile who may: its household, a provider's program
// and the operator.
func (h *handler) homed(do func(w http.ResponseWriter, r *http.Request, by, id string)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if h.config.Profiles == nil {
			h.fail(w, redress.ErrNotFound)
			return
		}
		id := r.PathValue("id")
		actor, known := h.actor(r)
		if !known {
			askToken(w, "This call needs the token of a household or of provisioning.")
			return
		}
		if !h.mayChange(r, actor, id) {
			h.fail(w, redress.ErrNotPermitted)
			return
		}
		do(w, r, actor.Name, id)
	}
}

func (h *handler) mayChange(r *http.Request, actor redress.Actor, id string) bool {
	switch actor.Role {
	case redress.Operator, redress.Provisioning:
		return true
	case redress.Household:
		token := h.token(r)
		return token != nil && (len(token.Profiles) == 0 || slices.Contains(token.Profiles, id))
	}
	return false
}

// profileRequest is what a profile is to say. Nothing in it: that it says nothing any more.
type profileRequest struct {
	ID         string            `json:"id"`
	Requested  profile.Requested `json:"requested"`
	Categories []string          `json:"categories"`
	Services   []string          `json:"services"`
	SafeSearch rewrite.Choice    `json:"safe_search"`
	Allow      []string          `json:"allow"`
	Deny       []string          `json:"deny"`
	Schedule   profile.Schedule  `json:"schedule"`
}

// profileReply is what a profile says, and what it does now.
type profileReply struct {
	ID         string             `json:"id"`
	Requested  *profile.Requested `json:"requested,omitempty"`
	Categories []string           `json:"categories"`
	Services   []string           `json:"services"`
	SafeSearch rewrite.Choice     `json:"safe_search"`
	Allow      []string           `json:"allow"`
	Deny       []string           `json:"deny"`
	Schedule   *profile.Schedule  `json:"schedule,omitempty"`
	Pause      *profile.Pause     `json:"pause,omitempty"`
	ExtraUntil *time.Time         `json:"extra_until,omitempty"`
	Lend       []profile.Lend     `json:"allowed_until,omitempty"`
	State      string             `json:"state"`
	StateUntil *time.Time         `json:"state_until,omitempty"`
	Changed    *profileChanged    `json:"changed,omitempty"`
}

// profileChanged is who changed a profile last; a profile of the configuration has nobody.
type profileChanged struct {
	By string    `json:"by"`
	At time.Time `json:"at"`
}

func profileOf(entry *household.Entry) profileReply {
	reply := profileReply{
		ID: entry.ID, Categories: orEmpty(entry.Categories), Services: orEmpty(entry.Services), SafeSearch: entry.SafeSearch,
		Allow: orEmpty(entry.Allow), Deny: orEmpty(entry.Deny), State: entry.Phase.State.String(), StateUntil: timeOrNull(entry.Phase.Until),
	}
	if entry.Phase.State == profile.Filtering && !entry.Filters() {
		reply.State = "unfiltered" // nothing was asked for, or it was left
	}
	if entry.Requested != (profile.Requested{}) {
		reply.Requested = &entry.Requested
	}
	if entry.Schedule.Timezone != "" {
		reply.Schedule = &entry.Schedule
	}
	now := time.Now()
	if now.Before(entry.Pause.Until) {
		reply.Pause = &entry.Pause
	}
	if now.Before(entry.Extra) {
		reply.ExtraUntil = timeOrNull(entry.Extra)
	}
	for _, lend := range entry.Lend {
		if now.Before(lend.Until) {
			reply.Lend = append(reply.Lend, lend)
		}
	}
	if entry.By != "" {
		reply.Changed = &profileChanged{By: entry.By, At: entry.At}
	}
	return reply
}

func orEmpty(texts []string) []string {
	if texts == nil {
		return []string{}
	}
	return texts
}

// answerProfile answers with the profile as it is then, or says what is wrong.
func (h *handler) answerProfile(w http.ResponseWriter, entry household.Entry, err error) {
	if err != nil {
		h.fail(w, err)
		return
	}
	respond(w, http.StatusOK, profileOf(&entry))
}

func (h *handler) showProfile(w http.ResponseWriter, _ *http.Request, _, id string) {
	entry, err := h.config.Profiles.Show(id)
	h.answerProfile(w, entry, err)
}

func (h *handler) putProfile(w http.ResponseWriter, r *http.Request, by, id string) {
	var asked profileRequest
	if !decode(w, r, &asked, true) {
		return
	}
	if asked.ID != "" && asked.ID != id {
		h.fail(w, &redress.Invalid{Fields: []redress.FieldProblem{{Field: "id", Text: "is another than in the address; it may be left out"}}})
		return
	}
	config := profile.Config{
		ID: id, Requested: asked.Requested, Categories: asked.Categories, Services: asked.Services, SafeSearch: asked.SafeSearch,
		Allow: asked.Allow, Deny: asked.Deny, Schedule: asked.Schedule,
	}
	if config.Requested.By != "" && config.Requested.At.IsZero() {
		config.Requested.At = time.Now().UTC().Truncate(time.Second)
	}
	entry, err := h.config.Profiles.Put(r.Context(), by, &config)
	h.answerProfile(w, entry, err)
}

func (h *handler) leaveProfile(w http.ResponseWriter, r *http.Request, by, id string) {
	entry, err := h.config.Profiles.Leave(r.Context(), by, id)
	h.answerProfile(w, entry, err)
}

// pauseRequest says what pauses, the filters where it does not, and until when or for how long.
type pauseRequest struct {
	Of      string    `json:"of"`
	Until   time.Time `json:"until"`
	Minutes int       `json:"minutes"`
}

func (h *handler) pauseProfile(w http.ResponseWriter, r *http.Request, by, id string) {
	asked := pauseRequest{Of: profile.PauseFilters}
	if !decode(w, r, &asked, false) {
		return
	}
	if asked.Until.IsZero() && asked.Minutes > 0 && asked.Minutes < 1e6 {
		asked.Until = time.Now().Add(time.Duration(asked.Minutes) * time.Minute)
	}
	entry, err := h.config.Profiles.Pause(r.Context(), by, id, profile.Pause{Of: asked.Of, Until: asked.Until})
	h.answerProfile(w, entry, err)
}

func (h *handler) resumeProfile(w http.ResponseWriter, r *http.Request, by, id string) {
	entry, err := h.config.Profiles.Resume(r.Context(), by, id)
	h.answerProfile(w, entry, err)
}

// extraRequest is how much longer a device may be online; half an hour where it does not say.
type extraRequest struct {
	Minutes int `json:"minutes"`
}

func (h *handler) extendProfile(w http.ResponseWriter, r *http.Request, by, id string) {
	asked := extraRequest{Minutes: 30}
	if !decode(w, r, &asked, true) {
		return
	}
	asked.Minutes = min(max(asked.Minutes, 0), 1e6)
	entry, err := h.config.Profiles.Extend(r.Context(), by, id, time.Duration(asked.Minutes)*time.Minute)
	h.answerProfile(w, entry, err)
}

// changesReply is what was done to a profile, the newest first.
type changesReply struct {
	Changes []profileChange `json:"changes"`
}

type profileChange struct {
	What      string             `json:"what"`
	By        string             `json:"by"`
	At        time.Time          `json:"at"`
	Requested *profile.Requested `json:"requested,omitempty"`
}

func (h *handler) profileChanges(w http.ResponseWriter, r *http.Request, _, id string) {
	changes, err := h.config.Profiles.Changes(r.Context(), id)
	if err != nil {
		h.fail(w, err)
		return
	}
	reply := changesReply{Changes: []profileChange{}}
	for i := range changes {
		one := profileChange{What: changes[i].What, By: changes[i].By, At: changes[i].At}
		if changes[i].Requested != (profile.Requested{}) {
			one.Requested = &changes[i].Requested
		}
		reply.Changes = append(reply.Changes, one)
	}
	respond(w, http.StatusOK, reply)
}

// askRequest is a name that a device asks to be allowed.
type askRequest struct {
	Name string `json:"name"`
}

// askProfile is for the profile's own clients, who are known by their address or show their device's token. What
// they ask for is in no log.
func (h *handler) askProfile(w http.ResponseWriter, r *http.Request) {
	from := h.config.Address(r)
	if wait, ok := h.config.Limits.Cases.Allow(h.config.Limited(r)); !ok {
		tooMany(w, wait)
		return
	}
	var asked askRequest
	if !decode(w, r, &asked, false) {
		return
	}
	if h.config.Profiles == nil {
		h.fail(w, redress.ErrNotPermitted)
		return
	}
	if err := h.config.Profiles.Ask(r.Context(), asker(r, from), r.PathValue("id"), asked.Name); err != nil {
		h.fail(w, err)
		return
	}
	respond(w, http.StatusAccepted, asked)
}

// asker is the client of the resolver that sends a request: the one at its address, or the device whose own
// token it shows.
func asker(r *http.Request, from netip.Addr) resolver.Client {
	token, shown := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	if !shown || len(token) != devices.TokenSize {
		token = ""
	}
	return resolver.Client{Addr: from, Path: token}
}

// requestsReply is what waits for somebody to decide, the oldest first.
type requestsReply struct {
	Requests []profileAsked `json:"requests"`
}

type profileAsked struct {
	ID   int64     `json:"id"`
	Name string    `json:"name"`
	At   time.Time `json:"at"`
}

func (h *handler) profileRequests(w http.ResponseWriter, r *http.Request, _, id string) {
	waiting, err := h.config.Profiles.Requests(r.Context(), id)
	if err != nil {
		h.fail(w, err)
		return
	}
	reply := requestsReply{Requests: []profileAsked{}}
	for _, one := range waiting {
		reply.Requests = append(reply.Requests, profileAsked{ID: one.ID, Name: strings.TrimSuffix(one.Name.String(), "."), At: one.At})
	}
	respond(w, http.StatusOK, reply)
}

// answerRequest is grant or decline.
type answerRequest struct {
	Decision string `json:"decision"`
	Minutes  int    `json:"minutes,omitempty"` // granted for so long; 0: for always
}

func (h *handler) decideRequest(w http.ResponseWriter, r *http.Request, by, id string) {
	number, err := strconv.ParseInt(r.PathValue("request"), 10, 64)
	if err != nil {
		h.fail(w, redress.ErrNotFound)
		return
	}
	var asked answerRequest
	if !decode(w, r, &asked, false) {
		return
	}
	if asked.Decision != "grant" && asked.Decision != "decline" {
		h.fail(w, &redress.Invalid{Fields: []redress.FieldProblem{{Field: "decision", Text: "must be grant or decline"}}})
		return
	}
	entry, err := h.config.Profiles.Decide(r.Context(), by, id, number, household.Reply{Granted: asked.Decision == "grant", For: time.Duration(asked.Minutes) * time.Minute})
	h.answerProfile(w, entry, err)
}
