package pages

import (
	"context"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/recourse-dns/recourse/policy/profile"
	"github.com/recourse-dns/recourse/policy/rewrite"
	"github.com/recourse-dns/recourse/policy/store"
	"github.com/recourse-dns/recourse/redress"
	"github.com/recourse-dns/recourse/redress/accounts"
	"github.com/recourse-dns/recourse/redress/household"
	"github.com/recourse-dns/recourse/redress/page"
	"github.com/recourse-dns/recourse/redress/route"
	"github.com/recourse-dns/recourse/resolver/wire"
)

func (h *handler) profileRoutes() []route.Route {
	const one = "/home/profiles/{id}"
	post := func(path string, do func(r *http.Request, by, id string) error) route.Route {
		return route.Route{Method: http.MethodPost, Path: one + path, Handler: h.onProfile(do)}
	}
	return []route.Route{
		{Method: http.MethodGet, Path: one, Handler: h.config.Gate.Require(h.profile, mayManage()...)},
		post("/filters", h.setFilters),
		post("/pause", h.pause),
		post("/resume", func(r *http.Request, by, id string) error {
			_, err := h.config.Office.Resume(r.Context(), by, id)
			return err
		}),
		post("/extra", h.extra),
		post("/names", h.setName),
		post("/requests", h.answer),
		post("/leave", func(r *http.Request, by, id string) error {
			_, err := h.config.Office.Leave(r.Context(), by, id)
			return err
		}),
		{Method: http.MethodPost, Path: one + "/week", Handler: h.config.Gate.Require(h.setWeek, mayManage()...)},
	}
}

// onProfile does something with a profile of the account's home, and shows it then.
func (h *handler) onProfile(do func(r *http.Request, by, id string) error) http.HandlerFunc {
	return h.config.Gate.Require(func(w http.ResponseWriter, r *http.Request, who accounts.Identity) {
		id := r.PathValue("id")
		if !slices.Contains(h.reachable(who), id) {
			h.fail(w, r, redress.ErrNotFound)
			return
		}
		if !h.pages.ReadForm(w, r) {
			return
		}
		if err := do(r, who.Name, id); err != nil {
			h.fail(w, r, err)
			return
		}
		back := "/home/profiles/" + id
		if r.PostForm.Get("back") == "home" {
			back = Root
		}
		h.done(w, r, back)
	}, mayManage()...)
}

// profileView is all that a profile has, as a form a part.
type profileView struct {
	household.Entry
	State      string
	Paused     bool
	Categories []option
	Services   []option
	// ServicesOff is how many of them are.
	ServicesOff int
	Search      bool
	YouTube     string
	Week        week
	Lends       []profile.Lend
	Waiting     []store.ProfileRequest
	Changes     []store.ProfileChange
	Devices     []household.Device
	Mistakes    page.Mistakes
}

type option struct {
	ID     string
	Title  string
	Chosen bool
}

func (h *handler) profile(w http.ResponseWriter, r *http.Request, who accounts.Identity) {
	h.showProfile(w, r, who, http.StatusOK, nil, nil)
}

// showProfile shows a profile, with what was wrong in the form of its week.
func (h *handler) showProfile(w http.ResponseWriter, r *http.Request, who accounts.Identity, status int, tried *week, mistakes page.Mistakes) {
	id := r.PathValue("id")
	if !slices.Contains(h.reachable(who), id) {
		h.fail(w, r, redress.ErrNotFound)
		return
	}
	entry, err := h.config.Office.Show(id)
	if err != nil {
		h.fail(w, r, err)
		return
	}
	view := profileView{Entry: entry, State: stateOf(&entry), Mistakes: mistakes, Search: entry.SafeSearch.Any()}
	view.Paused = time.Now().Before(entry.Pause.Until)
	view.Week = weekOf(&entry.Schedule, h.config.Zone)
	if tried != nil {
		view.Week = *tried
	}
	view.Categories, view.Services, err = h.options(&entry)
	if err == nil {
		view.Waiting, err = h.config.Office.Requests(r.Context(), id)
	}
	if err == nil {
		view.Changes, err = h.config.Office.Changes(r.Context(), id)
	}
	if err != nil {
		h.fail(w, r, err)
		return
	}
	view.ServicesOff = len(entry.Services)
	view.Changes = view.Changes[:min(len(view.Changes), 10)]
	for _, lend := range entry.Lend {
		if time.Now().Before(lend.Until) {
			view.Lends = append(view.Lends, lend)
		}
	}
	view.Devices = slices.DeleteFunc(h.devicesOf(who), func(device household.Device) bool { return device.Profile != id })
	h.write(w, r, status, "profile", id, &view)
}

// options are what can be chosen, and what is: a category without a list any more can still be left out.
func (h *handler) options(entry *household.Entry) (categories, services []option, err error) {
	offered := append(h.config.Categories(), entry.Categories...)
	slices.Sort(offered)
	for _, id := range slices.Compact(offered) {
		categories = append(categories, option{ID: id, Chosen: slices.Contains(entry.Categories, id)})
	}
	all, err := profile.Services()
	for _, service := range all {
		services = append(services, option{ID: service.ID, Title: service.Title, Chosen: slices.Contains(entry.Services, service.ID)})
	}
	return categories, services, err
}

func (h *handler) setFilters(r *http.Request, by, id string) error {
	_, err := h.config.Office.Edit(r.Context(), by, id, func(config *profile.Config) {
		config.Categories, config.Services = slices.Clone(r.PostForm["category"]), slices.Clone(r.PostForm["service"])
		switch search := r.PostForm.Get("search") == "yes"; {
		case search && !config.SafeSearch.Any():
			config.SafeSearch = rewrite.All()
		case !search:
			config.SafeSearch = rewrite.Choice{}
		}
	})
	return err
}

// minutes reads a number of minutes; 0 where there is none that makes sense.
func minutes(r *http.Request) time.Duration {
	number, err := strconv.Atoi(r.PostForm.Get("minutes"))
	if err != nil || number < 0 || number > 31*24*60 {
		return 0
	}
	return time.Duration(number) * time.Minute
}

func (h *handler) pause(r *http.Request, by, id string) error {
	_, err := h.config.Office.Pause(r.Context(), by, id, profile.Pause{Of: r.PostForm.Get("of"), Until: time.Now().Add(minutes(r))})
	return err
}

func (h *handler) extra(r *http.Request, by, id string) error {
	_, err := h.config.Office.Extend(r.Context(), by, id, minutes(r))
	return err
}

// setName allows, denies or forgets a name.
func (h *handler) setName(r *http.Request, by, id string) error {
	do := map[string]func(ctx context.Context, by, id, name string) (household.Entry, error){
		"allow": h.config.Office.Allow, "deny": h.config.Office.Deny, "forget": h.config.Office.Forget,
	}[r.PostForm.Get("do")]
	if do == nil {
		return redress.ErrNotPermitted
	}
	_, err := do(r.Context(), by, id, r.PostForm.Get("name"))
	return err
}

func (h *handler) answer(r *http.Request, by, id string) error {
	number, err := strconv.ParseInt(r.PostForm.Get("request"), 10, 64)
	if err != nil {
		return redress.ErrNotFound
	}
	said := household.Reply{Granted: r.PostForm.Get("answer") != "no"}
	if r.PostForm.Get("answer") == "hour" {
		said.For = time.Hour
	}
	_, err = h.config.Office.Decide(r.Context(), by, id, number, said)
	return err
}

// makeProfile begins a profile that asks for nothing yet.
func (h *handler) makeProfile(w http.ResponseWriter, r *http.Request, who accounts.Identity) {
	if !h.pages.ReadForm(w, r) {
		return
	}
	id := idOf(r.PostForm.Get("name"))
	if !h.everything(who) || id == "" || slices.Contains(h.config.Office.Profiles(), id) {
		h.fail(w, r, &redress.Invalid{})
		return
	}
	_, err := h.config.Office.Edit(r.Context(), who.Name, id, func(config *profile.Config) {
		config.Requested = profile.Requested{By: who.Name, At: time.Now().UTC().Truncate(time.Second)}
	})
	if err != nil {
		h.fail(w, r, err)
		return
	}
	h.done(w, r, "/home/profiles/"+id)
}

// maxID is the most characters of a profile's name.
const maxID = 40

// idOf makes the id of a profile of what somebody calls it; "" where nothing is left of that.
func idOf(name string) string {
	if len(name) > 4*maxID {
		return ""
	}
	plain := strings.Map(func(r rune) rune {
		switch {
		case r >= 'a' && r <= 'z', r >= '0' && r <= '9':
			return r
		case r == ' ', r == '-', r == '_':
			return '-'
		}
		if letter, known := letters()[r]; known {
			return letter
		}
		return -1
	}, strings.ToLower(strings.TrimSpace(name)))
	plain = strings.Trim(plain, "-")
	return strings.Trim(plain[:min(len(plain), maxID)], "-")
}

// letters are those of our languages that a profile's id has without their marks.
func letters() map[rune]rune {
	plain := make(map[rune]rune)
	for base, marked := range maps.All(map[rune]string{
		'a': "àáâãäåą", 'c': "çćč", 'e': "èéêëę", 'i': "ìíîï", 'l': "ł", 'n': "ñń", 'o': "òóôõöø", 's': "śš", 'u': "ùúûü", 'y': "ýÿ", 'z': "źżž",
	}) {
		for _, letter := range marked {
			plain[letter] = base
		}
	}
	return plain
}

// text is a name as people write it.
func text(name wire.Name) string { return strings.TrimSuffix(name.String(), ".") }

func decimal(number int) string { return strconv.Itoa(number) }

func sortStrings(texts []string) { slices.Sort(texts) }
