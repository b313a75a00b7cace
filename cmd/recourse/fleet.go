package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/recourse-dns/recourse/policy/store"
	"github.com/recourse-dns/recourse/redress/fleet"
)

type fleetCommands struct {
	Key    FleetKeyOptions    `cmd:"" help:"Print the public key that nodes verify this desk's decisions with."`
	Nodes  FleetNodesOptions  `cmd:"" help:"List the nodes that follow this desk, and how far they are."`
	Forget FleetForgetOptions `cmd:"" help:"Leave a node out of the list that is no more."`
	Keys   FleetKeysOptions   `cmd:"" help:"Show the keys that desks of one database share, and how to copy them."`
}

// Help says how the commands belong together.
func (fleetCommands) Help() string {
	return example("A node with roles: [resolve] follows one desk. At the desk:",
		"recourse fleet key --config recourse.yaml > fleet.pub", "recourse fleet nodes --config recourse.yaml")
}

// FleetKeyOptions are the flags of fleet key.
type FleetKeyOptions struct{ ConfigFlag }

// Help shows the command at work.
func (FleetKeyOptions) Help() string {
	return example("Each node names a copy of it under fleet.key_file. While a desk changes its key, the file holds both:",
		"recourse fleet key --config recourse.yaml > fleet.pub")
}

// Run is called by the command line.
func (o *FleetKeyOptions) Run(ctx context.Context, env *environment) error {
	var reply fleetKey
	if err := askFleet(ctx, env, o.ConfigFlag, http.MethodGet, fleetPaths+"key", nil, &reply); err != nil {
		return err
	}
	_, err := fmt.Fprint(env.stdout, reply.PEM)
	return err
}

// FleetNodesOptions are the flags of fleet nodes.
type FleetNodesOptions struct {
	ConfigFlag
	JSONFlag
}

// Help shows the command at work.
func (FleetNodesOptions) Help() string {
	return example("Exit status 1 says that a node is behind or silent:", "recourse fleet nodes --config recourse.yaml")
}

// Run is called by the command line.
func (o *FleetNodesOptions) Run(ctx context.Context, env *environment) error {
	var reply fleetReply
	if err := askFleet(ctx, env, o.ConfigFlag, http.MethodGet, fleetPaths+"nodes", nil, &reply); err != nil {
		return err
	}
	if o.JSON {
		if err := printJSON(env.stdout, reply); err != nil {
			return err
		}
	} else if _, err := fmt.Fprint(env.stdout, reply.text()); err != nil {
		return err
	}
	for i := range reply.Nodes {
		if reply.Nodes[i].Behind || reply.Nodes[i].Silent {
			return errNo
		}
	}
	return nil
}

// FleetForgetOptions are the flags of fleet forget.
type FleetForgetOptions struct {
	ConfigFlag
	Node string `arg:"" help:"The node's name."`
}

// Help shows the command at work.
func (FleetForgetOptions) Help() string {
	return example("Its receipts stay. A node that is still there comes back with its next report:", "recourse fleet forget node-7 --config recourse.yaml")
}

// Run is called by the command line.
func (o *FleetForgetOptions) Run(ctx context.Context, env *environment) error {
	var reply fleetNodeName
	if err := askFleet(ctx, env, o.ConfigFlag, http.MethodPost, fleetPaths+"forget", fleetNodeName{o.Node}, &reply); err != nil {
		return err
	}
	_, err := fmt.Fprintf(env.stdout, "%s is left out of the list\n", reply.Node)
	return err
}

func askFleet(ctx context.Context, env *environment, flag ConfigFlag, method, path string, body, into any) error {
	desk, err := openNode(ctx, env, flag, &node{asItIs: true})
	if err != nil {
		return err
	}
	return errors.Join(desk.callAt(ctx, method, path, body, into), desk.close())
}

// fleetPaths are the calls about nodes, on the control socket alone.
const fleetPaths = "/control/v1/fleet/"

type fleetKey struct {
	PEM string `json:"pem"`
}

type fleetNodeName struct {
	Node string `json:"node"`
}

type fleetReply struct {
	Position fleet.Position `json:"position"` // where the desk is
	Nodes    []fleetNode    `json:"nodes"`
}

type fleetNode struct {
	fleet.Report
	Seen   time.Time `json:"seen"`
	Behind bool      `json:"behind"`
	Silent bool      `json:"silent"`
}

// silence is how long a node that is there says nothing at the most: it asks every 20 s.
const silence = 90 * time.Second

func (r *fleetReply) text() string {
	if len(r.Nodes) == 0 {
		return "no node has reported yet\n"
	}
	var text strings.Builder
	table := tabwriter.NewWriter(&text, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "NODE\tSTATE\tLAST SEEN\tGENERATION\tEXCEPTIONS\tORDERS\tPROFILES\tVERSION")
	for i := range r.Nodes {
		one := &r.Nodes[i]
		fmt.Fprintf(table, "%s\t%s\t%s\t%d\t%d\t%d\t%d\t%s\n", one.Node, one.state(), one.Seen.Format(time.RFC3339), one.Generation,
			one.Position.Exceptions, one.Position.Orders, one.Position.Profiles, one.Version)
	}
	_ = table.Flush() // into memory
	fmt.Fprintf(&text, "the desk is at exceptions %d, orders %d, profiles %d\n", r.Position.Exceptions, r.Position.Orders, r.Position.Profiles)
	return text.String()
}

func (n *fleetNode) state() string {
	switch {
	case n.Silent:
		return "silent"
	case n.Behind:
		return "behind"
	}
	return "up to date"
}

// fleetCalls puts the calls about nodes beside others.
func (n *node) fleetCalls(others http.Handler, database *store.DB, public string) http.Handler {
	mux := http.NewServeMux()
	mux.Handle("/", others)
	mux.HandleFunc("GET "+fleetPaths+"key", func(w http.ResponseWriter, _ *http.Request) { sayJSON(w, fleetKey{public}) })
	mux.HandleFunc("GET "+fleetPaths+"nodes", func(w http.ResponseWriter, r *http.Request) {
		reply, err := n.fleetNodes(r.Context(), database)
		sayListsResult(w, reply, err)
	})
	mux.HandleFunc("POST "+fleetPaths+"forget", callOf(func(ctx context.Context, what fleetNodeName, _ string) (fleetNodeName, error) {
		return what, fleet.Forget(ctx, database, what.Node)
	}))
	return mux
}

func (n *node) fleetNodes(ctx context.Context, database *store.DB) (*fleetReply, error) {
	at, err := fleet.NewSource(database).Position(ctx)
	if err != nil {
		return nil, err
	}
	found, err := fleet.Nodes(ctx, database)
	if err != nil {
		return nil, err
	}
	reply := &fleetReply{Position: at, Nodes: []fleetNode{}}
	for _, one := range found {
		// One that shares no database and follows nobody says only what changed.
		quiet := one.Node == n.config.nodeName() && !n.config.sharesDatabase()
		reply.Nodes = append(reply.Nodes, fleetNode{
			Report: one.Report, Seen: one.Seen, Behind: one.Position != at, Silent: !quiet && time.Since(one.Seen) > silence,
		})
	}
	return reply, nil
}
