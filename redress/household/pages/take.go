package pages

import (
	"crypto/rand"
	"encoding/base32"
	"html/template"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/boombuler/barcode/qr"

	"github.com/recourse-dns/recourse/policy/devices"
	"github.com/recourse-dns/recourse/policy/profile"
	"github.com/recourse-dns/recourse/redress/household/apple"
)

// handing holds the names that devices were given, until the devices have taken them: nobody can be told them
// later. It is in memory, for some minutes.
type handing struct {
	mu    sync.Mutex
	byKey map[string]handed
}

type handed struct {
	device devices.Device
	token  string
	until  time.Time
}

const (
	// handTime is how long a name can be taken over to its device.
	handTime = 15 * time.Minute
	// maxHanded bounds those that wait.
	maxHanded = 100
)

func newHanding() *handing { return &handing{byKey: make(map[string]handed)} }

// keep gives the word by which the device takes its name.
func (h *handing) keep(device devices.Device, token string) string {
	octets := make([]byte, 20)
	_, _ = rand.Read(octets) // never fails (crypto/rand)
	key := strings.ToLower(base32.StdEncoding.WithPadding(base32.NoPadding).EncodeToString(octets))
	now := time.Now()
	h.mu.Lock()
	defer h.mu.Unlock()
	for other, one := range h.byKey {
		if !now.Before(one.until) {
			delete(h.byKey, other)
		}
	}
	if len(h.byKey) < maxHanded {
		h.byKey[key] = handed{device: device, token: token, until: now.Add(handTime)}
	}
	return key
}

func (h *handing) find(key string) (handed, bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	one, known := h.byKey[key]
	return one, known && time.Now().Before(one.until)
}

// takeView is what the device needs, on the device or beside it.
type takeView struct {
	Label   string
	URL     string        // of DNS over HTTPS; "" where that door is closed
	Name    string        // for Android and DNS over TLS; likewise
	Profile string        // the path of Apple's profile
	QR      template.HTML // of this page's own address
	Until   time.Time
}

func (h *handler) take(w http.ResponseWriter, r *http.Request) {
	one, known := h.handing.find(r.PathValue("code"))
	if !known {
		tongue := h.pages.Tongue(r)
		h.pages.Fault(w, r, http.StatusNotFound, tongue.Say("take.gone"), tongue.Say("take.gone.text"))
		return
	}
	url, name := h.config.Own.of(one.token)
	view := takeView{Label: one.device.Label, URL: url, Name: name, Profile: r.URL.EscapedPath() + "/recourse.mobileconfig", Until: one.until}
	if drawn, err := drawQR(h.base(r) + r.URL.EscapedPath()); err == nil { // the address can be typed as well
		view.QR = drawn
	}
	h.write(w, r, http.StatusOK, "take", h.pages.Tongue(r).Say("take.title", "device", one.device.Label), &view)
}

// of is what a device with a token connects to.
func (o OwnNames) of(token string) (url, name string) {
	if o.HasDoH {
		url = "https://" + o.Host + o.DoH + profile.PathPrefix + token
	}
	if o.HasDoT {
		name = token + "." + o.Host
	}
	return url, name
}

// base is the address by which the pages were opened.
func (h *handler) base(r *http.Request) string {
	if r.TLS != nil {
		return "https://" + r.Host
	}
	return "http://" + r.Host
}

func (h *handler) appleProfile(w http.ResponseWriter, r *http.Request) {
	one, known := h.handing.find(r.PathValue("code"))
	if !known || !h.config.Own.open() {
		h.pages.Missing(w, r)
		return
	}
	tongue := h.pages.Tongue(r)
	url, name := h.config.Own.of(one.token)
	title := h.config.Own.Operator + ": " + one.device.Label
	made := apple.Profile(apple.Settings{ID: one.device.ID, Title: title, Operator: h.config.Own.Operator, Notice: tongue.Say("take.notice"), URL: url, Name: name})
	w.Header().Set("Content-Type", apple.ContentType)
	w.Header().Set("Content-Disposition", `attachment; filename="recourse.mobileconfig"`)
	_, _ = w.Write(made) // the client has gone; nobody is left to tell
}

// quiet is the light border that readers want around a code, in modules.
const quiet = 4

// drawQR draws a code as SVG: one path, dark on light whatever the page's colours are.
func drawQR(content string) (template.HTML, error) {
	code, err := qr.Encode(content, qr.M, qr.Auto)
	if err != nil {
		return "", err
	}
	var path strings.Builder
	size := code.Bounds().Dx()
	for y := range size {
		for x := range size {
			if red, _, _, _ := code.At(x, y).RGBA(); red == 0 {
				path.WriteString("M" + decimal(x+quiet) + " " + decimal(y+quiet) + "h1v1h-1z")
			}
		}
	}
	side := decimal(size + 2*quiet)
	return template.HTML(`<svg class="qr" viewBox="0 0 ` + side + ` ` + side + `" role="img" aria-labelledby="qr-says"><rect class="light" width="` + side + `" height="` + side + `"/><path class="dark" d="` + path.String() + `"/></svg>`), nil //nolint:gosec // of numbers alone
}
