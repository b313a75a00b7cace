package api

import (
	"net/http"
	"time"

	"github.com/recourse-dns/recourse/policy/devices"
	"github.com/recourse-dns/recourse/redress/household"
	"github.com/recourse-dns/recourse/redress/route"
)

func (h *handler) nameRoutes() []route.Route {
	const one = "/api/v1/profiles/{id}"
	return []route.Route{
		{Method: http.MethodPost, Path: one + "/allow", Handler: h.homed(h.allowName)},
		{Method: http.MethodPost, Path: one + "/deny", Handler: h.homed(h.denyName)},
		{Method: http.MethodDelete, Path: one + "/names/{name}", Handler: h.homed(h.forgetName)},
	}
}

// allowRequest is a name that is allowed with what lies below it, for some minutes or, without them, for always.
type allowRequest struct {
	Name    string `json:"name"`
	Minutes int    `json:"minutes"`
}

func (h *handler) allowName(w http.ResponseWriter, r *http.Request, by, id string) {
	var asked allowRequest
	if !decode(w, r, &asked, false) {
		return
	}
	var entry household.Entry
	var err error
	if asked.Minutes == 0 {
		entry, err = h.config.Profiles.Allow(r.Context(), by, id, asked.Name)
	} else {
		minutes := min(max(asked.Minutes, 0), 1e6)
		entry, err = h.config.Profiles.Lend(r.Context(), by, id, asked.Name, time.Duration(minutes)*time.Minute)
	}
	h.answerProfile(w, entry, err)
}

func (h *handler) denyName(w http.ResponseWriter, r *http.Request, by, id string) {
	var asked askRequest
	if !decode(w, r, &asked, false) {
		return
	}
	entry, err := h.config.Profiles.Deny(r.Context(), by, id, asked.Name)
	h.answerProfile(w, entry, err)
}

func (h *handler) forgetName(w http.ResponseWriter, r *http.Request, by, id string) {
	entry, err := h.config.Profiles.Forget(r.Context(), by, id, r.PathValue("name"))
	h.answerProfile(w, entry, err)
}

// changedDevice is what is changed of a device; what is left out stays.
type changedDevice struct {
	Label   *string `json:"label,omitempty"`
	Profile *string `json:"profile,omitempty"`
	Adult   *bool   `json:"adult,omitempty"`
}

func (h *handler) changeDevice(w http.ResponseWriter, r *http.Request, by mandate) {
	var asked changedDevice
	if !decode(w, r, &asked, false) {
		return
	}
	device, known := h.config.Clients.Devices.Get(r.PathValue("id"))
	if !known || !by.reaches(device.Profile) {
		h.failDevice(w, devices.ErrNone)
		return
	}
	changed := devices.Changed{Label: device.Label, Profile: device.Profile, Adult: device.Adult}
	set(&changed.Label, asked.Label)
	set(&changed.Profile, asked.Profile)
	set(&changed.Adult, asked.Adult)
	if why := h.wrongDevice(&deviceRequest{Profile: changed.Profile}, by); why != nil {
		h.refuse(w, why)
		return
	}
	device, err := h.config.Clients.Devices.Change(device.ID, changed, time.Now())
	if err != nil {
		h.failDevice(w, err)
		return
	}
	respond(w, http.StatusOK, deviceOf(device))
}

func set[T any](to *T, from *T) {
	if from != nil {
		*to = *from
	}
}
