package main

import (
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/recourse-dns/recourse/policy"
	"github.com/recourse-dns/recourse/policy/devices"
	"github.com/recourse-dns/recourse/policy/profile"
	"github.com/recourse-dns/recourse/redress/household"
	"github.com/recourse-dns/recourse/resolver"
	"github.com/recourse-dns/recourse/transports/neighbours"
)

// homeDevices is who clients are, for the pages of a home: by the name that somebody gave them, on the link by
// hardware address, else by address.
type homeDevices struct {
	rows    func() []profile.Client // of the configuration in force
	current *policy.Current
	clients *clientele
}

// What devices are known by begins with one of these.
const (
	byID   = "id-"
	byMAC  = "mac-"
	byAddr = "at-"
	byRow  = "row-"
)

// Device implements the devices of package listening.
func (d *homeDevices) Device(client resolver.Client) string { return d.Visitor(client).Device }

// Visitor implements [household.Recognised].
func (d *homeDevices) Visitor(client resolver.Client) household.Visitor {
	now := time.Now()
	table := d.current.Load().Clients
	who, admitted := table.Who(client, now)
	if !admitted {
		return household.Visitor{}
	}
	visitor := household.Visitor{Fixed: who.Chosen == profile.ByRow || who.Chosen == profile.ByNetwork && who.Profile != nil}
	if who.Profile != nil {
		visitor.Profile = who.Profile.ID
	}
	mac, onLink := d.hardware(client.Addr)
	device, named := d.clients.devices.Own(client, mac, now)
	switch {
	case named:
		visitor.Device, visitor.ID, visitor.Label, visitor.Adult = byID+device.ID, device.ID, device.Label, device.Adult && !visitor.Fixed
	case who.Chosen == profile.ByRow && d.isNamedRow(who.Chooser):
		visitor.Device = byRow + strconv.Itoa(who.Chooser)
	case onLink:
		visitor.Device = byMAC + macKey(mac)
	case !who.Shared: // behind a shared address are many, and nobody says which of them asks
		visitor.Device = byAddr + client.Addr.Unmap().WithZone("").String()
	}
	return visitor
}

func macKey(mac [6]byte) string { return strings.ReplaceAll(profile.FormatMAC(mac), ":", "") }

func (d *homeDevices) hardware(addr netip.Addr) ([6]byte, bool) {
	if d.clients.neighbours == nil {
		return [6]byte{}, false
	}
	return d.clients.neighbours.Hardware(addr)
}

// isNamedRow says whether a row of clients is of those who connect by a name or path.
func (d *homeDevices) isNamedRow(row int) bool {
	rows := d.rows()
	return row < len(rows) && (rows[row].Match.ServerName != "" || rows[row].Match.Path != "")
}

// List implements the pages' devices: those that somebody named, those of the file, and those on the link that
// nobody has named.
func (d *homeDevices) List() []household.Device {
	onLink := d.onLink()
	all := d.named(onLink)
	all = append(all, d.written(onLink)...)
	known := make(map[string]bool, len(all))
	for i := range all {
		known[all[i].MAC] = true
	}
	table := d.current.Load().Clients
	for _, one := range onLink {
		text := profile.FormatMAC(one.MAC)
		if known[text] || table.Knows(one.MAC) {
			continue
		}
		device := household.Device{Visitor: household.Visitor{Device: byMAC + macKey(one.MAC)}, MAC: text, Addresses: one.Addresses, Seen: one.LastSeen, Unnamed: true}
		if len(one.Addresses) > 0 {
			visitor := d.Visitor(resolver.Client{Addr: one.Addresses[0]})
			device.Profile = visitor.Profile
		}
		all = append(all, device)
	}
	return all
}

// maxListed bounds the devices of a page.
const maxListed = 500

// onLink are the devices on the link, but for ourselves and what nobody named would call a device.
func (d *homeDevices) onLink() []neighbours.Device {
	if d.clients.neighbours == nil {
		return nil
	}
	found := d.clients.neighbours.Devices()
	return found[:min(len(found), maxListed)]
}

func (d *homeDevices) named(onLink []neighbours.Device) []household.Device {
	var all []household.Device
	list := d.clients.devices.List()
	for _, device := range list[:min(len(list), maxListed)] {
		all = append(all, deviceOf(&device, onLink))
	}
	return all
}

func deviceOf(device *devices.Device, onLink []neighbours.Device) household.Device {
	made := household.Device{
		Visitor: household.Visitor{Device: byID + device.ID, Profile: device.Profile, ID: device.ID, Label: device.Label, Adult: device.Adult},
		MAC:     device.MAC, Own: device.MAC == "",
	}
	made.Addresses, made.Seen = seenAt(device.MAC, onLink)
	return made
}

// seenAt is where a device on the link is, and when it was last seen.
func seenAt(mac string, onLink []neighbours.Device) ([]netip.Addr, time.Time) {
	at := slices.IndexFunc(onLink, func(one neighbours.Device) bool { return profile.FormatMAC(one.MAC) == mac })
	if at < 0 {
		return nil, time.Time{}
	}
	return onLink[at].Addresses, onLink[at].LastSeen
}

// written are the devices that the file gives a profile: by hardware address, and by an address that is one device's.
func (d *homeDevices) written(onLink []neighbours.Device) []household.Device {
	var all []household.Device
	rows := d.rows()
	for i := range rows {
		row := &rows[i]
		if row.Profile == "" || len(all) >= maxListed {
			continue
		}
		fixed := household.Visitor{Profile: row.Profile, Fixed: true}
		if d.isNamedRow(i) {
			fixed.Device = byRow + strconv.Itoa(i)
			all = append(all, household.Device{Visitor: fixed})
			continue
		}
		for _, text := range row.Match.MAC {
			mac, err := profile.ParseMAC(text)
			if err != nil {
				continue // told when the file was read
			}
			device := household.Device{Visitor: fixed, MAC: profile.FormatMAC(mac)}
			device.Device = byMAC + macKey(mac)
			device.Addresses, device.Seen = seenAt(device.MAC, onLink)
			all = append(all, device)
		}
		for _, network := range row.Match.Networks {
			if network.IsSingleIP() && len(row.Match.MAC) == 0 {
				fixed.Device = byAddr + network.Addr().String()
				if mac, on := d.hardware(network.Addr()); on { // as the device itself is known
					fixed.Device = byMAC + macKey(mac)
				}
				all = append(all, household.Device{Visitor: fixed, Addresses: []netip.Addr{network.Addr()}})
			}
		}
	}
	return all
}
