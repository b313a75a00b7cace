package main

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding"
	"encoding/hex"
	"fmt"
	"maps"
	"net/url"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/recourse-dns/recourse/blocklists"
	"github.com/recourse-dns/recourse/policy"
	"github.com/recourse-dns/recourse/redress/audit"
)

// hiddenValue stands for a value that the log does not have: behind it is a hash that only we can make.
const hiddenValue = "(left out) "

// settings gives the configuration as the log may have it: a value a key. What is about
// households, people and secret lists, and what might open something, is left out.
type settings struct {
	key    policy.Key
	values map[string]string
}

func settingsOf(config *Config, key policy.Key) map[string]string {
	s := settings{key: key, values: map[string]string{}}
	shown := *config
	shown.Clients, shown.Profiles, shown.Blocklists = nil, nil, nil
	s.walk("", reflect.ValueOf(shown))
	s.values["clients"], s.values["profiles"] = fmt.Sprint(len(config.Clients)), fmt.Sprint(len(config.Profiles))
	secret := settings{key: key, values: map[string]string{}}
	for _, list := range config.Blocklists {
		into := &s
		if list.Disclosure == blocklists.Secret {
			into = &secret
		}
		into.walk("blocklists["+string(list.ID)+"]", reflect.ValueOf(list))
	}
	if len(secret.values) > 0 {
		s.values["blocklists[secret]"] = s.hide(linesOf(secret.values))
	}
	return s.values
}

// linesOf is one text of all settings.
func linesOf(values map[string]string) string {
	var text strings.Builder
	for _, key := range slices.Sorted(maps.Keys(values)) {
		fmt.Fprintf(&text, "%s=%q\n", key, values[key])
	}
	return text.String()
}

func hashOf(values map[string]string) string {
	digest := sha256.Sum256([]byte(linesOf(values)))
	return hex.EncodeToString(digest[:])
}

func (s *settings) hide(value string) string {
	mac := hmac.New(sha256.New, s.key)
	mac.Write([]byte("setting\x00" + value))
	return hiddenValue + hex.EncodeToString(mac.Sum(nil)[:8])
}

func (s *settings) walk(path string, value reflect.Value) {
	for value.Kind() == reflect.Pointer || value.Kind() == reflect.Interface {
		if value.IsNil() {
			return
		}
		value = value.Elem()
	}
	if value.IsZero() {
		return
	}
	if text, whole := textOfSetting(value); whole {
		s.put(path, text)
		return
	}
	switch value.Kind() {
	case reflect.Struct:
		for i := range value.NumField() {
			field := value.Type().Field(i)
			tag, _, _ := strings.Cut(field.Tag.Get("yaml"), ",")
			if !field.IsExported() || tag == "-" {
				continue
			}
			s.walk(below(path, tag), value.Field(i))
		}
	case reflect.Slice, reflect.Array:
		for i := range value.Len() {
			s.walk(fmt.Sprintf("%s[%s]", path, placeOf(value.Index(i), i)), value.Index(i))
		}
	case reflect.Map:
		for _, key := range value.MapKeys() {
			s.walk(below(path, fmt.Sprint(key.Interface())), value.MapIndex(key))
		}
	default:
		s.put(path, fmt.Sprint(value.Interface()))
	}
}

// below joins keys; a field that is inlined has none of its own.
func below(path, key string) string {
	if path == "" || key == "" {
		return path + key
	}
	return path + "." + key
}

// textOfSetting is a value that is one text: a time, an address, a word.
func textOfSetting(value reflect.Value) (string, bool) {
	switch one := value.Interface().(type) {
	case time.Duration:
		return one.String(), true
	case encoding.TextMarshaler:
		text, err := one.MarshalText()
		return string(text), err == nil
	}
	return "", false
}

// placeOf is what a member of a list of settings is called: its name, so that one that is put in
// before it does not make it another.
func placeOf(value reflect.Value, index int) string {
	for value.Kind() == reflect.Pointer && !value.IsNil() {
		value = value.Elem()
	}
	if value.Kind() == reflect.Struct {
		for _, name := range []string{"ID", "Name", "Zone", "Title"} {
			if field := value.FieldByName(name); field.IsValid() && field.Kind() == reflect.String && field.String() != "" {
				return field.String()
			}
		}
	}
	return fmt.Sprint(index)
}

// concealed are parts of keys whose values are left out: what opens something, and whom one
// writes or calls.
var concealed = []string{"secret", "password", "tsig", "mail", "on_call", "contact", "telephone", "webhook", "snoop", "allow_unsigned", "networks"}

func (s *settings) put(path, text string) {
	hidden := strings.Contains(text, "@") || slices.ContainsFunc(concealed, func(word string) bool { return strings.Contains(path, word) })
	if parsed, err := url.Parse(text); err == nil && parsed.Host != "" && (parsed.User != nil || parsed.RawQuery != "") {
		hidden = true
	}
	if hidden {
		text = s.hide(text)
	}
	s.values[path] = text
}

// maxChanges is how many changed settings an event lists.
const maxChanges = 500

// differencesOf lists what is different.
func differencesOf(was, is map[string]string) []audit.SettingChange {
	keys := maps.Clone(was)
	maps.Copy(keys, is)
	var changes []audit.SettingChange
	for _, key := range slices.Sorted(maps.Keys(keys)) {
		if was[key] != is[key] {
			changes = append(changes, audit.SettingChange{Key: key, Was: said(was[key]), Is: said(is[key])})
		}
	}
	return changes
}

// said is a value without the hash that stands for one left out.
func said(value string) string {
	if strings.HasPrefix(value, hiddenValue) {
		return strings.TrimSpace(hiddenValue)
	}
	return value
}

// standing is what of a configuration makes names resolve otherwise than lists and orders say.
func (c *Config) standing() audit.Settings {
	made := audit.Settings{
		Guard: c.Bundle.Guard, LocalRecords: len(c.Resolver.LocalRecords), Lists: len(c.Blocklists), Profiles: len(c.Profiles), Clients: len(c.Clients),
	}
	for i := range c.Resolver.Zones {
		zone := &c.Resolver.Zones[i]
		kind := "records"
		switch {
		case len(zone.Forward) > 0:
			kind = "forward"
		case len(zone.Stub) > 0:
			kind = "stub"
		}
		made.Zones = append(made.Zones, zone.Zone+" "+kind)
	}
	for _, anchor := range c.Resolver.NegativeTrustAnchors {
		said := anchor.Zone
		if !anchor.Until.IsZero() {
			said += " until " + anchor.Until.UTC().Format(time.RFC3339)
		}
		made.NegativeAnchors = append(made.NegativeAnchors, said)
	}
	for _, canary := range c.Canaries.On() {
		made.Canaries = append(made.Canaries, fmt.Sprintf("%s %s", canary.Key, canary.Manifest.Purpose))
	}
	return made
}
