package pages

import (
	"net/http"
	"slices"
	"time"

	"github.com/recourse-dns/recourse/redress/accounts"
	"github.com/recourse-dns/recourse/redress/household"
)

// overviewView is the adults' first page: what waits, which profiles there are, which devices.
type overviewView struct {
	Waiting  []waiting
	Profiles []profileRow
	Devices  []deviceRow
	Unnamed  int // devices on the link that nobody named
	Charts   bool
	CanChart bool
}

// waiting is a request of a profile.
type waiting struct {
	Profile string
	ID      int64
	Name    string
	Asked   time.Time
}

type profileRow struct {
	ID    string
	State string
	Until time.Time
}

type deviceRow struct {
	household.Device
	Listening bool
}

func (h *handler) overview(w http.ResponseWriter, r *http.Request, who accounts.Identity) {
	view := overviewView{CanChart: h.config.Charts != nil && h.everything(who)}
	view.Charts = view.CanChart && h.config.Charts.On()
	for _, id := range h.reachable(who) {
		entry, err := h.config.Office.Show(id)
		if err != nil {
			continue // it went away meanwhile
		}
		view.Profiles = append(view.Profiles, profileRow{ID: id, State: stateOf(&entry), Until: entry.Phase.Until})
		asked, err := h.config.Office.Requests(r.Context(), id)
		if err != nil {
			h.fail(w, r, err)
			return
		}
		for _, one := range asked {
			view.Waiting = append(view.Waiting, waiting{Profile: id, ID: one.ID, Name: text(one.Name), Asked: one.At})
		}
	}
	for _, device := range h.devicesOf(who) {
		if device.Unnamed {
			view.Unnamed++
			continue
		}
		_, listening := h.config.Ear.Until(device.Device)
		view.Devices = append(view.Devices, deviceRow{device, listening})
	}
	h.write(w, r, http.StatusOK, "overview", h.pages.Tongue(r).Say("menu.home"), &view)
}

// devicesOf are the devices that an account's home has. Who works with some profiles alone is not at home on this
// link, and sees none but those of these profiles.
func (h *handler) devicesOf(who accounts.Identity) []household.Device {
	all := h.config.Devices.List()
	if h.everything(who) {
		return all
	}
	return slices.DeleteFunc(all, func(device household.Device) bool { return device.Profile == "" || !h.reaches(who, device.Profile) })
}

// deviceOf is one of them, by what it is known by.
func (h *handler) deviceOf(who accounts.Identity, known string) (household.Device, bool) {
	all := h.devicesOf(who)
	at := slices.IndexFunc(all, func(device household.Device) bool { return device.Device == known })
	if at < 0 {
		return household.Device{}, false
	}
	return all[at], true
}
