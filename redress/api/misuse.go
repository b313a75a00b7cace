package api

import (
	"context"
	"net/http"
	"time"

	"github.com/recourse-dns/recourse/redress"
	"github.com/recourse-dns/recourse/redress/misuse"
	"github.com/recourse-dns/recourse/redress/route"
)

// Misuse knows of whom warnings and suspensions are proposed, in force or over.
type Misuse interface {
	List(ctx context.Context, actor redress.Actor) ([]misuse.Listed, error)
}

func (h *handler) misuseRoutes() []route.Route {
	const one = "/api/v1/cases/{id}/measure"
	return []route.Route{
		{Method: http.MethodGet, Path: "/api/v1/measures", Handler: h.measures},
		{Method: http.MethodPost, Path: one, Handler: h.staffed(h.giveMeasure)},
		{Method: http.MethodPost, Path: one + "/appeal", Handler: h.partyOnly(h.appealMeasure)},
		{Method: http.MethodPost, Path: one + "/appeal-decision", Handler: h.staffed(h.decideMeasureAppeal)},
	}
}

// measure is a warning or a suspension, by the case that led to it.
type measure struct {
	Case  redress.CaseID       `json:"case"`
	Kind  redress.MeasureKind  `json:"kind"`
	State redress.MeasureState `json:"state"`
	Found time.Time            `json:"found"`
	Given *time.Time           `json:"given"`
	Until *time.Time           `json:"until"`
}

// measuresReply are the measures, those that wait for a person first.
type measuresReply struct {
	Measures []measure `json:"measures"`
}

func (h *handler) measures(w http.ResponseWriter, r *http.Request) {
	actor, ok := h.reader(w, r)
	if !ok {
		return
	}
	reply := measuresReply{Measures: []measure{}}
	if h.config.Misuse != nil {
		listed, err := h.config.Misuse.List(r.Context(), actor)
		if err != nil {
			h.fail(w, err)
			return
		}
		for i := range listed {
			one := &listed[i]
			reply.Measures = append(reply.Measures, measure{Case: one.Case, Kind: one.Kind, State: one.State, Found: one.Found, Given: timeOrNull(one.Given), Until: timeOrNull(one.Until)})
		}
	}
	respond(w, http.StatusOK, reply)
}

// measureRequest decides on what was proposed, or on an appeal.
type measureRequest struct {
	Outcome string `json:"outcome"` // give or drop; of an appeal uphold or lift
	Facts   string `json:"facts"`
	Ground  string `json:"ground"`
}

// choose reads which of two words was said; where it was neither, it has answered.
func (h *handler) choose(w http.ResponseWriter, r *http.Request, first, other string) (request measureRequest, is, ok bool) {
	if !decode(w, r, &request, false) {
		return request, false, false
	}
	if request.Outcome != first && request.Outcome != other {
		h.fail(w, &redress.Invalid{Fields: []redress.FieldProblem{{Field: "outcome", Text: "must be " + first + " or " + other}}})
		return request, false, false
	}
	return request, request.Outcome == first, true
}

func (h *handler) giveMeasure(w http.ResponseWriter, r *http.Request, id redress.CaseID, actor redress.Actor) {
	request, give, ok := h.choose(w, r, "give", "drop")
	if !ok {
		return
	}
	do := h.desk.DropMeasure
	if give {
		do = h.desk.GiveMeasure
	}
	h.stands(w, r, actor, id, do(r.Context(), actor, id, request.Facts, request.Ground))
}

func (h *handler) decideMeasureAppeal(w http.ResponseWriter, r *http.Request, id redress.CaseID, actor redress.Actor) {
	if request, lift, ok := h.choose(w, r, "lift", "uphold"); ok {
		h.stands(w, r, actor, id, h.desk.DecideMeasureAppeal(r.Context(), actor, id, lift, request.Facts, request.Ground))
	}
}

// measureAppealRequest says why a suspension is wrong.
type measureAppealRequest struct {
	Explanation string `json:"explanation"`
}

func (h *handler) appealMeasure(w http.ResponseWriter, r *http.Request, id redress.CaseID, token string) {
	var request measureAppealRequest
	if decode(w, r, &request, false) {
		h.doneForParty(w, r, id, token, h.desk.AppealMeasure(r.Context(), id, token, request.Explanation))
	}
}

// standingMeasure is a measure as the party of its case sees it.
type standingMeasure struct {
	Kind      redress.MeasureKind  `json:"kind"`
	State     redress.MeasureState `json:"state"`
	Given     time.Time            `json:"given"`
	Until     *time.Time           `json:"until"`
	MayAppeal bool                 `json:"may_appeal"`
}

func standingOf(from *redress.Measure) *standingMeasure {
	if from == nil {
		return nil
	}
	return &standingMeasure{Kind: from.Kind, State: from.State, Given: from.Given, Until: timeOrNull(from.Until), MayAppeal: from.MayAppeal(time.Now())}
}
