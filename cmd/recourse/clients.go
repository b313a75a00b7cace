package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"text/tabwriter"
	"time"
)

type clientsCommands struct {
	Bind    BindOptions         `cmd:"" help:"Bind a network, an address or a range of its ports until a time."`
	Show    ShowBindingOptions  `cmd:"" help:"Say what a network, address or range of ports is bound to."`
	Unbind  UnbindOptions       `cmd:"" help:"End a binding."`
	Devices DevicesOptions      `cmd:"" help:"List the devices that have a name, and those on the link that have none."`
	Name    NameDeviceOptions   `cmd:"" help:"Give a device a name of its own, which is printed once."`
	Revoke  RevokeDeviceOptions `cmd:"" help:"Take a device's name away, at once."`
}

// PrefixArg is what is bound.
type PrefixArg struct {
	Prefix string `arg:"" help:"A network, an address, or an IPv4 address with a range of ports, as 192.0.2.1:1024-2047."`
}

func (p *PrefixArg) path() string { return "/clients/" + url.PathEscape(p.Prefix) }

// BindOptions are the flags of clients bind.
type BindOptions struct {
	ConfigFlag
	JSONFlag
	PrefixArg
	Profile      string `placeholder:"P" help:"The profile."`
	Jurisdiction string `placeholder:"CC" help:"Whose law holds, where the configuration says none."`
	Until        moment `placeholder:"TIME" help:"The lease's end; in 24 hours where it is not given."`
}

// Help shows the command at work.
func (BindOptions) Help() string {
	return example("What the configuration says of the address goes before:", "recourse clients bind 203.0.113.7 --profile family --until 2026-12-24T18:00:00Z")
}

// Run is called by the command line.
func (o *BindOptions) Run(ctx context.Context, env *environment) error {
	body := map[string]any{"profile": o.Profile, "jurisdiction": o.Jurisdiction}
	if !o.Until.IsZero() {
		body["until"] = o.Until.UTC().Format(time.RFC3339)
	}
	return callDesk(ctx, env, o.ConfigFlag, o.JSON, http.MethodPut, o.path(), body, printBinding)
}

// ShowBindingOptions are the flags of clients show.
type ShowBindingOptions struct {
	ConfigFlag
	JSONFlag
	PrefixArg
}

// Help shows the command at work.
func (ShowBindingOptions) Help() string {
	return example("Exit status 1 says that just this is not bound:", "recourse clients show 203.0.113.0/24")
}

// Run is called by the command line.
func (o *ShowBindingOptions) Run(ctx context.Context, env *environment) error {
	return callDesk(ctx, env, o.ConfigFlag, o.JSON, http.MethodGet, o.path(), nil, printBinding)
}

// UnbindOptions are the flags of clients unbind.
type UnbindOptions struct {
	ConfigFlag
	JSONFlag
	PrefixArg
}

// Help shows the command at work.
func (UnbindOptions) Help() string {
	return example("As when a lease ends:", "recourse clients unbind 203.0.113.7")
}

// Run is called by the command line.
func (o *UnbindOptions) Run(ctx context.Context, env *environment) error {
	return callDesk(ctx, env, o.ConfigFlag, o.JSON, http.MethodDelete, o.path(), nil, func(reply unbound) string {
		if !reply.Removed {
			return reply.Prefix + " was not bound\n"
		}
		return reply.Prefix + " is not bound any more\n"
	})
}

// DevicesOptions are the flags of clients devices.
type DevicesOptions struct {
	ConfigFlag
	JSONFlag
}

// Help shows the command at work.
func (DevicesOptions) Help() string {
	return example("With the devices on the link that nobody has named yet:", "recourse clients devices --config household.yaml")
}

// Run is called by the command line.
func (o *DevicesOptions) Run(ctx context.Context, env *environment) error {
	return callDesk(ctx, env, o.ConfigFlag, o.JSON, http.MethodGet, "/clients/devices", nil, printDevices)
}

// NameDeviceOptions are the flags of clients name.
type NameDeviceOptions struct {
	ConfigFlag
	JSONFlag
	Label   string `arg:"" help:"What people call it."`
	Profile string `placeholder:"P" help:"The profile."`
	MAC     string `name:"mac" placeholder:"MAC" help:"Know it on the link by this hardware address, in place of a name that it connects to."`
	Anyone  bool   `help:"Admit it from anywhere."`
	Until   moment `placeholder:"TIME" help:"When the name ends by itself."`
}

// Help shows the command at work.
func (NameDeviceOptions) Help() string {
	return example("Prints the address to enter in the device:",
		"recourse clients name \"Anna's phone\" --profile teens --anyone",
		"recourse clients name Tablet --profile kids --mac 02:00:5e:10:00:01")
}

// Run is called by the command line.
func (o *NameDeviceOptions) Run(ctx context.Context, env *environment) error {
	body := map[string]any{"label": o.Label, "profile": o.Profile, "mac": o.MAC, "anyone": o.Anyone}
	if !o.Until.IsZero() {
		body["until"] = o.Until.UTC().Format(time.RFC3339)
	}
	return callDesk(ctx, env, o.ConfigFlag, o.JSON, http.MethodPost, "/clients/devices", body, printNamed)
}

// RevokeDeviceOptions are the flags of clients revoke.
type RevokeDeviceOptions struct {
	ConfigFlag
	JSONFlag
	ID string `arg:"" help:"The device, as clients devices lists it."`
}

// Help shows the command at work.
func (RevokeDeviceOptions) Help() string {
	return example("The next query finds nothing, on connections that are open too:", "recourse clients revoke ID")
}

// Run is called by the command line.
func (o *RevokeDeviceOptions) Run(ctx context.Context, env *environment) error {
	return callDesk(ctx, env, o.ConfigFlag, o.JSON, http.MethodDelete, "/clients/devices/"+url.PathEscape(o.ID), nil, func(reply unbound) string {
		return "device " + reply.ID + " has no name any more\n"
	})
}

// callDesk makes one call of the API, or of what is on the control socket alone, and prints what came of it.
func callDesk[Reply any](ctx context.Context, env *environment, flag ConfigFlag, asJSON bool, method, path string, body any, text func(Reply) string) (err error) {
	control := strings.HasPrefix(path, controlPaths)
	d, err := openNode(ctx, env, flag, &node{asItIs: control})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, d.close()) }()
	if !control {
		path = "/api/v1" + path
	}
	var raw json.RawMessage
	if err := d.callAt(ctx, method, path, body, &raw); err != nil {
		return err
	}
	if asJSON {
		return printJSON(env.stdout, raw)
	}
	var reply Reply
	if err := json.Unmarshal(raw, &reply); err != nil {
		return fmt.Errorf("the desk's reply: %w", err)
	}
	_, err = fmt.Fprint(env.stdout, text(reply))
	return err
}

// controlPaths begin the calls that are on the control socket alone.
const controlPaths = "/control/"

// bound, unbound, named and deviceList are what the commands want of the API's replies.
type bound struct {
	Prefix       string    `json:"prefix"`
	Profile      string    `json:"profile"`
	Jurisdiction string    `json:"jurisdiction"`
	Until        time.Time `json:"until"`
	Admitted     bool      `json:"admitted"`
}

type unbound struct {
	ID      string `json:"id"`
	Prefix  string `json:"prefix"`
	Removed bool   `json:"removed"`
}

type named struct {
	ID         string    `json:"id"`
	Label      string    `json:"label"`
	Profile    string    `json:"profile"`
	MAC        string    `json:"mac"`
	Until      time.Time `json:"until"`
	Path       string    `json:"path"`
	URL        string    `json:"doh"`
	ServerName string    `json:"server_name"`
}

type deviceList struct {
	Devices []named `json:"devices"`
	Unknown []struct {
		MAC       string    `json:"mac"`
		Addresses []string  `json:"addresses"`
		LastSeen  time.Time `json:"last_seen"`
	} `json:"unknown"`
}

func printBinding(reply bound) string {
	var text strings.Builder
	fmt.Fprintf(&text, "%s is bound until %s", reply.Prefix, reply.Until.Format(time.RFC3339))
	if reply.Profile != "" {
		fmt.Fprintf(&text, ", profile %s", reply.Profile)
	}
	if reply.Jurisdiction != "" {
		fmt.Fprintf(&text, ", jurisdiction %s", reply.Jurisdiction)
	}
	text.WriteString("\n")
	if !reply.Admitted {
		text.WriteString("No row of clients admits all of it, and a binding admits nobody.\n")
	}
	return text.String()
}

func printNamed(reply named) string {
	switch {
	case reply.MAC != "":
		return fmt.Sprintf("device %s is %s on the link\n", reply.ID, reply.MAC)
	case reply.URL == "":
		return fmt.Sprintf("device %s\n  DNS over HTTPS  %s, behind the server's name\nIt is not told again.\n", reply.ID, reply.Path)
	}
	return fmt.Sprintf("device %s\n  DNS over HTTPS         %s\n  DNS over TLS and QUIC  %s\nIt is not told again.\n", reply.ID, reply.URL, reply.ServerName)
}

func printDevices(reply deviceList) string {
	var text strings.Builder
	table := tabwriter.NewWriter(&text, 0, 0, 2, ' ', 0)
	for _, device := range reply.Devices {
		fmt.Fprintf(table, "%s\t%s\t%s\t%s\n", device.ID, device.Label, device.Profile, device.MAC)
	}
	for _, device := range reply.Unknown {
		fmt.Fprintf(table, "unknown\t%s\t%s\t%s\n", device.MAC, strings.Join(device.Addresses, ", "), device.LastSeen.Format(time.RFC3339))
	}
	if err := table.Flush(); err != nil {
		return err.Error()
	}
	if text.Len() == 0 {
		return "no devices\n"
	}
	return text.String()
}
