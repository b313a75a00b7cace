package api

import (
	"errors"
	"net/http"
	"net/netip"
	"time"

	"github.com/recourse-dns/recourse/policy/devices"
	"github.com/recourse-dns/recourse/policy/profile"
	"github.com/recourse-dns/recourse/redress"
)

// Neighbour is a device on the link.
type Neighbour struct {
	MAC       [6]byte
	Addresses []netip.Addr
	FirstSeen time.Time
	LastSeen  time.Time
}

// deviceRequest gives a device a name: a token of its own, or on the link its hardware address.
type deviceRequest struct {
	Label   string     `json:"label"`
	Profile string     `json:"profile"`
	MAC     string     `json:"mac"`
	Anyone  bool       `json:"anyone"`
	Adult   bool       `json:"adult"` // whose it is may take it out of its profile
	Until   *time.Time `json:"until"`
}

// deviceReply is a device that has a name.
type deviceReply struct {
	ID      string    `json:"id"`
	Label   string    `json:"label,omitempty"`
	Profile string    `json:"profile,omitempty"`
	MAC     string    `json:"mac,omitempty"`
	Anyone  bool      `json:"anyone,omitempty"`
	Adult   bool      `json:"adult,omitempty"`
	Created time.Time `json:"created"`
	Until   time.Time `json:"until,omitzero"`
}

// newDeviceReply tells the name, once: it cannot be told again.
type newDeviceReply struct {
	deviceReply
	Token string `json:"token,omitempty"`
	Path  string `json:"path,omitempty"`        // of DNS over HTTPS
	URL   string `json:"doh,omitempty"`         // the same with the server's name, where it has one
	Name  string `json:"server_name,omitempty"` // for DNS over TLS and QUIC
}

// devicesReply is all devices that have a name, and those on the link that have none.
type devicesReply struct {
	Devices []deviceReply   `json:"devices"`
	Unknown []unknownDevice `json:"unknown"`
}

// unknownDevice waits to be named.
type unknownDevice struct {
	MAC       string       `json:"mac"`
	Addresses []netip.Addr `json:"addresses"`
	FirstSeen time.Time    `json:"first_seen"`
	LastSeen  time.Time    `json:"last_seen"`
}

// removedReply says that a name was taken away.
type removedReply struct {
	ID      string `json:"id"`
	Removed bool   `json:"removed"`
}

func deviceOf(from devices.Device) deviceReply {
	return deviceReply{ID: from.ID, Label: from.Label, Profile: from.Profile, MAC: from.MAC, Anyone: from.Anyone, Adult: from.Adult, Created: from.Created, Until: from.Until}
}

func (h *handler) addDevice(w http.ResponseWriter, r *http.Request, by mandate) {
	var wanted deviceRequest
	if !decode(w, r, &wanted, false) {
		return
	}
	if wanted.Anyone && by.role != redress.Operator {
		write(w, problem{Title: "Forbidden", Status: http.StatusForbidden, Detail: "An operator alone can admit a device from anywhere."})
		return
	}
	made := devices.New{Label: wanted.Label, Profile: wanted.Profile, MAC: wanted.MAC, Anyone: wanted.Anyone, Adult: wanted.Adult}
	if wanted.Until != nil {
		made.Until = wanted.Until.UTC()
	}
	if why := h.wrongDevice(&wanted, by); why != nil {
		h.refuse(w, why)
		return
	}
	added, token, err := h.config.Clients.Devices.Add(made, time.Now())
	if err != nil {
		h.failDevice(w, err)
		return
	}
	respond(w, http.StatusCreated, h.named(deviceOf(added), token))
}

// wrongDevice is what the registry cannot know.
func (h *handler) wrongDevice(wanted *deviceRequest, by mandate) *refusal {
	if !by.reaches(wanted.Profile) {
		return &refusal{"", "This token does not work with that profile."}
	}
	table := h.config.Clients.Table()
	if wanted.Profile != "" && table.Profile(wanted.Profile) == nil {
		return &refusal{"profile", "is not the id of a profile"}
	}
	if mac, err := profile.ParseMAC(wanted.MAC); err == nil && table.Knows(mac) {
		return &refusal{"mac", "has a row in the configuration, which goes before"}
	}
	return nil
}

// failDevice says what is wrong with a device, where that is not ours.
func (h *handler) failDevice(w http.ResponseWriter, err error) {
	for field, known := range map[string][]error{"label": {devices.ErrLabel}, "until": {devices.ErrNotAhead}, "anyone": {devices.ErrAnyone}, "mac": {devices.ErrTaken, profile.ErrMAC}} {
		for _, one := range known {
			if errors.Is(err, one) {
				h.refuse(w, &refusal{field, err.Error()})
				return
			}
		}
	}
	switch {
	case errors.Is(err, devices.ErrNone):
		write(w, problem{Title: "Not found", Status: http.StatusNotFound, Detail: "There is no such device."})
	case errors.Is(err, devices.ErrFull):
		write(w, problem{Type: typeBase + "full", Title: "Full", Status: http.StatusConflict, Detail: sentence(err.Error())})
	default:
		h.fail(w, err)
	}
}

func (h *handler) named(device deviceReply, token string) newDeviceReply {
	reply := newDeviceReply{deviceReply: device, Token: token}
	if token == "" {
		return reply
	}
	reply.Path = profile.PathPrefix + token
	if host := h.config.Clients.Host; host != "" {
		reply.URL, reply.Name = "https://"+host+reply.Path, token+"."+host
	}
	return reply
}

// listDevices lists those of the token's profiles. Who works with some alone is not at home on
// the link, and sees none of its devices.
func (h *handler) listDevices(w http.ResponseWriter, _ *http.Request, by mandate) {
	reply := devicesReply{Devices: []deviceReply{}, Unknown: []unknownDevice{}}
	for _, device := range h.config.Clients.Devices.List() {
		if by.reaches(device.Profile) {
			reply.Devices = append(reply.Devices, deviceOf(device))
		}
	}
	if len(by.profiles) == 0 {
		reply.Unknown = h.unknown(time.Now())
	}
	respond(w, http.StatusOK, reply)
}

// unknown are the devices on the link that neither a row nor a person has named.
func (h *handler) unknown(at time.Time) []unknownDevice {
	all := []unknownDevice{}
	if h.config.Clients.Neighbours == nil {
		return all
	}
	table := h.config.Clients.Table()
	for _, one := range h.config.Clients.Neighbours() {
		if _, named := h.config.Clients.Devices.Seen(one.MAC, at); !named && !table.Knows(one.MAC) {
			all = append(all, unknownDevice{MAC: profile.FormatMAC(one.MAC), Addresses: notNil(one.Addresses), FirstSeen: one.FirstSeen.UTC(), LastSeen: one.LastSeen.UTC()})
		}
	}
	return all
}

func (h *handler) removeDevice(w http.ResponseWriter, r *http.Request, by mandate) {
	id := r.PathValue("id")
	if device, known := h.config.Clients.Devices.Get(id); known && !by.reaches(device.Profile) {
		h.failDevice(w, devices.ErrNone)
		return
	}
	if err := h.config.Clients.Devices.Remove(id); err != nil {
		h.failDevice(w, err)
		return
	}
	respond(w, http.StatusOK, removedReply{ID: id, Removed: true})
}
