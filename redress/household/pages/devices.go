package pages

import (
	"errors"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/recourse-dns/recourse/policy/devices"
	"github.com/recourse-dns/recourse/policy/profile"
	"github.com/recourse-dns/recourse/redress"
	"github.com/recourse-dns/recourse/redress/accounts"
	"github.com/recourse-dns/recourse/redress/household"
	"github.com/recourse-dns/recourse/redress/page"
)

// devicesView lists the devices of a home, those that nobody named first.
type devicesView struct {
	Unnamed  []household.Device
	Named    []household.Device
	Profiles []string
	First    bool // nobody has named any yet
	CanOwn   bool // devices can have a name of their own
	All      bool // the account has the whole home
	Operator bool // who alone admits a device from everywhere
	Mistakes page.Mistakes
	Wanted   devices.New
}

func (h *handler) devices(w http.ResponseWriter, r *http.Request, who accounts.Identity) {
	h.showDevices(w, r, who, http.StatusOK, devicesView{})
}

func (h *handler) showDevices(w http.ResponseWriter, r *http.Request, who accounts.Identity, status int, view devicesView) {
	for _, device := range h.devicesOf(who) {
		if device.Unnamed {
			view.Unnamed = append(view.Unnamed, device)
		} else {
			view.Named = append(view.Named, device)
		}
	}
	view.Profiles, view.CanOwn, view.All, view.Operator = h.reachable(who), h.config.Own.open(), h.everything(who), who.Role == redress.Operator
	view.First = !slices.ContainsFunc(view.Named, func(device household.Device) bool { return device.ID != "" })
	h.write(w, r, status, "devices", h.pages.Tongue(r).Say("menu.devices"), &view)
}

func (o OwnNames) open() bool { return o.Host != "" && (o.HasDoH || o.HasDoT) }

// readDevice reads the form of a device: what it is called and which profile it has.
func (h *handler) readDevice(w http.ResponseWriter, r *http.Request, who accounts.Identity) (devices.New, bool) {
	if !h.pages.ReadForm(w, r) {
		return devices.New{}, false
	}
	wanted := devices.New{Label: r.PostForm.Get("label"), Profile: r.PostForm.Get("profile"), MAC: r.PostForm.Get("mac"), Adult: r.PostForm.Get("adult") == "yes"}
	switch {
	case wanted.Profile == "" && !h.everything(who), wanted.Profile != "" && !slices.Contains(h.reachable(who), wanted.Profile):
		h.fail(w, r, redress.ErrNotPermitted)
		return wanted, false
	}
	return wanted, true
}

func (h *handler) addDevice(w http.ResponseWriter, r *http.Request, who accounts.Identity) {
	wanted, ok := h.readDevice(w, r, who)
	if !ok {
		return
	}
	if wanted.MAC != "" && !h.onLink(who, wanted.MAC) || wanted.MAC == "" && !h.config.Own.open() {
		h.fail(w, r, redress.ErrNotPermitted)
		return
	}
	wanted.Anyone = wanted.MAC == "" && who.Role == redress.Operator && r.PostForm.Get("anyone") == "yes"
	added, token, err := devices.Device{}, "", devices.ErrLabel
	if strings.TrimSpace(wanted.Label) != "" {
		added, token, err = h.config.Registry.Add(wanted, time.Now())
	}
	if err != nil {
		h.wrongDevice(w, r, who, wanted, err)
		return
	}
	if token != "" {
		h.done(w, r, "/home/take/"+h.handing.keep(added, token))
		return
	}
	h.done(w, r, "/home/devices")
}

// onLink says whether a device of the link waits to be named.
func (h *handler) onLink(who accounts.Identity, mac string) bool {
	return slices.ContainsFunc(h.devicesOf(who), func(device household.Device) bool { return device.Unnamed && device.MAC == mac })
}

func (h *handler) wrongDevice(w http.ResponseWriter, r *http.Request, who accounts.Identity, wanted devices.New, err error) {
	tongue := h.pages.Tongue(r)
	key := ""
	switch {
	case errors.Is(err, devices.ErrLabel):
		key = "devices.wrong.label"
	case errors.Is(err, devices.ErrTaken), errors.Is(err, profile.ErrMAC):
		key = "devices.wrong.taken"
	case errors.Is(err, devices.ErrFull):
		key = "devices.wrong.full"
	default:
		h.fail(w, r, err)
		return
	}
	field := "label-own"
	if wanted.MAC != "" {
		field = "label-" + short(wanted.MAC)
	}
	h.showDevices(w, r, who, http.StatusUnprocessableEntity, devicesView{Mistakes: page.Mistakes{{Field: field, Text: tongue.Say(key)}}, Wanted: wanted})
}

// named is a device of the account's home that somebody gave a name.
func (h *handler) named(r *http.Request, who accounts.Identity) (household.Device, bool) {
	all := h.devicesOf(who)
	at := slices.IndexFunc(all, func(device household.Device) bool { return device.ID != "" && device.ID == r.PathValue("id") })
	if at < 0 {
		return household.Device{}, false
	}
	return all[at], true
}

func (h *handler) changeDevice(w http.ResponseWriter, r *http.Request, who accounts.Identity) {
	wanted, ok := h.readDevice(w, r, who)
	if !ok {
		return
	}
	device, is := h.named(r, who)
	if !is {
		h.fail(w, r, redress.ErrNotFound)
		return
	}
	_, err := h.config.Registry.Change(device.ID, devices.Changed{Label: wanted.Label, Profile: wanted.Profile, Adult: wanted.Adult}, time.Now())
	if errors.Is(err, devices.ErrLabel) {
		tongue := h.pages.Tongue(r)
		h.showDevices(w, r, who, http.StatusUnprocessableEntity, devicesView{Mistakes: page.Mistakes{{Field: "label-" + device.ID, Text: tongue.Say("devices.wrong.label")}}})
		return
	}
	if err != nil {
		h.fail(w, r, err)
		return
	}
	h.done(w, r, "/home/devices")
}

func (h *handler) removeDevice(w http.ResponseWriter, r *http.Request, who accounts.Identity) {
	device, is := h.named(r, who)
	if !is {
		h.fail(w, r, redress.ErrNotFound)
		return
	}
	h.config.Ear.Stop(device.Device)
	if err := h.config.Registry.Remove(device.ID); err != nil && !errors.Is(err, devices.ErrNone) {
		h.fail(w, r, err)
		return
	}
	h.done(w, r, "/home/devices")
}

// short is a hardware address as a part of an element's id.
func short(mac string) string { return strings.ReplaceAll(mac, ":", "") }
