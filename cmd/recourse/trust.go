package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"net/http"
	"path/filepath"
	"runtime/debug"
	"strings"
	"syscall"
	"time"

	"github.com/recourse-dns/recourse/resolver/dnssec"
	"github.com/recourse-dns/recourse/resolver/wire"
)

type trustCommands struct {
	Anchors  TrustAnchorsOptions  `cmd:"" help:"List the trust anchors and where their keys stand."`
	Negative TrustNegativeOptions `cmd:"" help:"List the negative trust anchors and when they end."`
}

// TrustAnchorsOptions are the flags of trust anchors.
type TrustAnchorsOptions struct {
	ConfigFlag
	JSONFlag
}

// Help shows the command at work.
func (TrustAnchorsOptions) Help() string {
	return example("Works on a running and on a stopped server:", "recourse trust anchors --config forward.yaml")
}

// Run is called by the command line.
func (o *TrustAnchorsOptions) Run(ctx context.Context, env *environment) error {
	report, err := readTrust(ctx, env, o.ConfigFlag)
	if err != nil {
		return err
	}
	if o.JSON {
		return printJSON(env.stdout, report.Anchors)
	}
	return printAnchors(env.stdout, report.Anchors)
}

// TrustNegativeOptions are the flags of trust negative.
type TrustNegativeOptions struct {
	ConfigFlag
	JSONFlag
}

// Help shows the command at work.
func (TrustNegativeOptions) Help() string {
	return example("The zones that are not validated, from the configuration:", "recourse trust negative --config forward.yaml")
}

// Run is called by the command line.
func (o *TrustNegativeOptions) Run(ctx context.Context, env *environment) error {
	report, err := readTrust(ctx, env, o.ConfigFlag)
	if err != nil {
		return err
	}
	if o.JSON {
		return printJSON(env.stdout, report.Negative)
	}
	return printNegative(env.stdout, report.Negative)
}

// trustReport is what validation trusts, as the control socket gives it.
type trustReport struct {
	Anchors  []dnssec.AnchorStatus   `json:"anchors"`
	Negative []dnssec.NegativeStatus `json:"negative"`
}

func reportTrust(validator *dnssec.Validator) trustReport {
	return trustReport{Anchors: validator.Anchors(), Negative: validator.Negative(time.Now())}
}

// readTrust asks the server that runs on the state. Where none does, it reads what
// one would start with.
func readTrust(ctx context.Context, env *environment, flag ConfigFlag) (*trustReport, error) {
	config, err := env.config(flag, false)
	if err != nil {
		return nil, err
	}
	report, err := askTrust(ctx, dialControl(filepath.Join(config.StateDir(), controlFile)))
	if !errors.Is(err, fs.ErrNotExist) && !errors.Is(err, syscall.ECONNREFUSED) {
		return report, err
	}
	logger := env.logger()
	validator, err := newValidator(config, nil, nil, logger)
	if err != nil {
		return nil, err
	}
	offline := reportTrust(validator)
	return &offline, nil
}

const trustPath = "/trust"

func askTrust(ctx context.Context, client *http.Client) (*trustReport, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://control"+trustPath, nil)
	if err != nil {
		return nil, err
	}
	reply, err := client.Do(request)
	if err != nil {
		return nil, fmt.Errorf("the server cannot be asked: %w", err)
	}
	defer func() { _ = reply.Body.Close() }() // read only: nothing is lost
	if reply.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("the server answered with status %d", reply.StatusCode)
	}
	report := new(trustReport)
	if err := json.NewDecoder(io.LimitReader(reply.Body, maxReply)).Decode(report); err != nil {
		return nil, fmt.Errorf("the server's reply: %w", err)
	}
	return report, nil
}

// trustHandler tells what validation trusts, over the control socket alone.
type trustHandler struct{ validator *dnssec.Validator }

func (h trustHandler) beside(other http.Handler) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET "+trustPath, func(writer http.ResponseWriter, _ *http.Request) {
		writer.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(writer).Encode(reportTrust(h.validator)) // whoever asked is gone
	})
	mux.Handle("/", other)
	return mux
}

func printAnchors(to io.Writer, anchors []dnssec.AnchorStatus) error {
	var text strings.Builder
	if len(anchors) == 0 {
		text.WriteString("There is no trust anchor: nothing is validated.\n")
	}
	for _, anchor := range anchors {
		fmt.Fprintf(&text, "%s key %d (algorithm %d): %s", anchor.Zone, anchor.KeyTag, anchor.Algorithm, anchor.State)
		if !anchor.Since.IsZero() {
			fmt.Fprintf(&text, " since %s", anchor.Since.Format(time.RFC3339))
		}
		if !anchor.Until.IsZero() {
			fmt.Fprintf(&text, ", trusted from %s on", anchor.Until.Format(time.RFC3339))
		}
		if !anchor.Trusted {
			text.WriteString(", not trusted")
		}
		text.WriteByte('\n')
	}
	_, err := io.WriteString(to, text.String())
	return err
}

func printNegative(to io.Writer, anchors []dnssec.NegativeStatus) error {
	var text strings.Builder
	if len(anchors) == 0 {
		text.WriteString("There is no negative trust anchor.\n")
	}
	for _, anchor := range anchors {
		end := "without end"
		if !anchor.Until.IsZero() {
			end = "until " + anchor.Until.Format(time.RFC3339)
		}
		if !anchor.InForce {
			end += ", which is past: the zone is validated again"
		}
		fmt.Fprintf(&text, "%s: not validated %s\n", anchor.Zone, end)
	}
	_, err := io.WriteString(to, text.String())
	return err
}

// Validation is the part of the validator's settings that needs no file. The
// configuration has been validated.
func (c *Config) Validation() dnssec.Config {
	settings := dnssec.Config{RefuseSHA1: c.Resolver.SHA1 == "insecure"}
	switch c.Resolver.DNSSEC {
	case "process":
		settings.Mode = dnssec.Process
	case "off":
		settings.Mode = dnssec.Off
	}
	for _, anchor := range c.Resolver.NegativeTrustAnchors {
		settings.Negative = append(settings.Negative, dnssec.NegativeAnchor{Zone: wire.MustName(anchor.Zone), Until: anchor.Until})
	}
	for _, name := range c.Resolver.NTPNames {
		settings.TimeServers = append(settings.TimeServers, wire.MustName(name))
	}
	if pretended := c.Resolver.ValidationTime; !pretended.IsZero() {
		settings.Now = func() time.Time { return pretended }
	}
	return settings
}

// newClock doubts the machine's clock only where names of time servers are
// configured: without them nothing could ever be set right by a lookup, and a
// replay of old scenes at their own date is legitimate.
func newClock(config *Config, logger *slog.Logger) *dnssec.Clock {
	if len(config.Resolver.NTPNames) == 0 {
		return nil
	}
	return dnssec.OpenClock(filepath.Join(config.StateDir(), clockFile), buildTime(), logger)
}

// buildTime is when the source of this build was committed; zero where unknown.
func buildTime() time.Time {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return time.Time{}
	}
	for _, setting := range info.Settings {
		if setting.Key == "vcs.time" {
			at, _ := time.Parse(time.RFC3339, setting.Value) // zero where it is none
			return at
		}
	}
	return time.Time{}
}
