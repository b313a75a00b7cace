package pages

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/recourse-dns/recourse/policy"
	"github.com/recourse-dns/recourse/policy/profile"
	"github.com/recourse-dns/recourse/redress"
	"github.com/recourse-dns/recourse/redress/accounts"
	"github.com/recourse-dns/recourse/redress/household"
	"github.com/recourse-dns/recourse/redress/household/listening"
)

// fixView is what is withheld from a device while somebody looks for what is in the way.
type fixView struct {
	household.Device
	listening.Heard
	Began  bool
	Groups []fixGroup
	Lent   map[string]time.Time // what is allowed for a while, by name
	Lends  bool
}

// fixGroup is the names that one rule withholds, with what can be done about it here.
type fixGroup struct {
	listening.Group
	Because string // a key of texts
	Can     bool   // a name of it can be allowed here
	Bedtime bool   // more time can be granted
	Report  string // where it can be reported; "" nowhere
}

// fixDevice is the device of the path, which has to have a profile that the account may change.
func (h *handler) fixDevice(w http.ResponseWriter, r *http.Request, who accounts.Identity) (household.Device, bool) {
	device, known := h.deviceOf(who, r.PathValue("device"))
	if !known {
		h.fail(w, r, redress.ErrNotFound)
	}
	return device, known
}

// refresh is how often the page of what is withheld is loaded again by itself, in seconds.
const refresh = "5"

func (h *handler) fix(w http.ResponseWriter, r *http.Request, who accounts.Identity) {
	device, known := h.fixDevice(w, r, who)
	if !known {
		return
	}
	view := fixView{Device: device}
	view.Heard, view.Began = h.config.Ear.Heard(device.Device)
	for _, group := range view.Heard.Groups {
		view.Groups = append(view.Groups, h.fixGroup(&group, &device))
	}
	view.Lent = make(map[string]time.Time)
	if entry, err := h.config.Office.Show(device.Profile); err == nil {
		for _, lend := range entry.Lend {
			view.Lent[strings.TrimSuffix(lend.Name, ".")] = lend.Until
		}
		for i := range view.Groups { // what was allowed meanwhile is in nobody's way
			view.Groups[i].Names = slices.DeleteFunc(slices.Clone(view.Groups[i].Names), func(name listening.Name) bool {
				return view.Groups[i].Can && allowedBy(&entry, name.Name)
			})
		}
	}
	view.Groups = slices.DeleteFunc(view.Groups, func(group fixGroup) bool { return len(group.Names) == 0 })
	if view.Began && !view.Over {
		w.Header().Set("Refresh", refresh)
	}
	h.write(w, r, http.StatusOK, "fix", h.pages.Tongue(r).Say("fix.title"), &view)
}

func (h *handler) fixGroup(group *listening.Group, device *household.Device) fixGroup {
	shown := fixGroup{Group: *group}
	switch group.Rule.Kind {
	case listening.Law:
		shown.Because, shown.Report = "fix.law", "/r/"+group.Rule.Code.String()
	case listening.Security:
		shown.Because, shown.Report = "fix.security", "/r/"+group.Rule.Code.String()
	case listening.Hours:
		shown.Because, shown.Bedtime = "fix.hours", group.Rule.Role == policy.Offline
	default:
		shown.Can = device.Profile != ""
		shown.Because = "fix.own"
		switch group.Rule.Role {
		case policy.Service:
			shown.Because = "fix.service"
		case policy.SafeSearch:
			shown.Because = "fix.search"
		case policy.Feed:
			shown.Because, shown.Report = "fix.list", "/contest"
		}
	}
	return shown
}

// Reported is where a name is reported to whoever made the list.
func (g fixGroup) Reported(name string) string {
	if g.Report == "/contest" {
		return g.Report + "?name=" + url.QueryEscape(name)
	}
	return g.Report
}

// startFix listens to the device from now on.
func (h *handler) startFix(w http.ResponseWriter, r *http.Request, who accounts.Identity) {
	device, known := h.fixDevice(w, r, who)
	if !known {
		return
	}
	if _, started := h.config.Ear.Start(device.Device); !started {
		h.pages.TooMany(w, r)
		return
	}
	h.done(w, r, fixPath(device.Device))
}

func (h *handler) stopFix(w http.ResponseWriter, r *http.Request, who accounts.Identity) {
	device, known := h.fixDevice(w, r, who)
	if !known {
		return
	}
	h.config.Ear.Stop(device.Device)
	h.done(w, r, Root)
}

func fixPath(device string) string { return "/home/fix/" + url.PathEscape(device) }

// fixName allows a name for an hour or for always. It must be one that is withheld from the device now: the
// page is no way to allow what nobody has asked for.
func (h *handler) fixName(w http.ResponseWriter, r *http.Request, who accounts.Identity) {
	device, known := h.fixDevice(w, r, who)
	if !known || !h.pages.ReadForm(w, r) {
		return
	}
	name := r.PostForm.Get("name")
	if device.Profile == "" || !h.reaches(who, device.Profile) || !h.isHeard(device.Device, name) {
		h.fail(w, r, redress.ErrNotPermitted)
		return
	}
	var err error
	if r.PostForm.Get("how") == "always" {
		_, err = h.config.Office.Allow(r.Context(), who.Name, device.Profile, name)
	} else {
		_, err = h.config.Office.Lend(r.Context(), who.Name, device.Profile, name, time.Hour)
	}
	if err != nil {
		h.fail(w, r, err)
		return
	}
	h.done(w, r, fixPath(device.Device))
}

// isHeard says whether a name is withheld from a device by something that the household chose.
func (h *handler) isHeard(device, name string) bool {
	heard, is := h.config.Ear.Heard(device)
	return is && slices.ContainsFunc(heard.Groups, func(group listening.Group) bool {
		return group.Rule.Kind == listening.Own && slices.ContainsFunc(group.Names, func(one listening.Name) bool { return one.Name == name })
	})
}

// allowedBy says whether a profile lets a name pass by now.
func allowedBy(entry *household.Entry, name string) bool {
	below := func(own string) bool {
		own = strings.ToLower(strings.TrimSuffix(own, "."))
		return name == own || strings.HasSuffix(name, "."+own)
	}
	return slices.ContainsFunc(entry.Allow, below) ||
		slices.ContainsFunc(entry.Lend, func(lend profile.Lend) bool { return time.Now().Before(lend.Until) && below(lend.Name) })
}
