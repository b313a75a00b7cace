package pages

import (
	"errors"
	"fmt"
	"html/template"
)

// functions are those of the templates of a home.
func functions() template.FuncMap {
	return template.FuncMap{
		"dict": dict, "names": names, "text": text, "plain": short, "choosing": newChoosing, "wanted": wantedLabel,
	}
}

// dict makes values by name, in turn.
func dict(pairs ...any) (map[string]any, error) {
	made := make(map[string]any, len(pairs)/2)
	if len(pairs)%2 != 0 {
		return nil, errors.New("dict: a value is missing")
	}
	for i := 0; i < len(pairs); i += 2 {
		made[fmt.Sprint(pairs[i])] = pairs[i+1]
	}
	return made, nil
}

func names(values map[string]any) map[string]string {
	made := make(map[string]string, len(values))
	for key, value := range values {
		made[key] = fmt.Sprint(value)
	}
	return made
}

// choosing is the choice of a device's profile.
type choosing struct {
	ID       string
	Profiles []string
	Chosen   string
	None     bool // no profile can be chosen too
}

func newChoosing(profiles []string, id, chosen string, none bool) choosing {
	return choosing{ID: id, Profiles: profiles, Chosen: chosen, None: none}
}

// wantedLabel is what somebody wanted to call the device with a hardware address, or with none.
func wantedLabel(view *devicesView, mac string) string {
	if view.Wanted.MAC == mac {
		return view.Wanted.Label
	}
	return ""
}
