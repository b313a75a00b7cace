package main

import (
	"math/rand/v2"
	"strconv"
)

// Names are made of syllables, because what a structure costs depends on what names
// share, and random letters share nothing.
var (
	syllables = []string{
		"ba", "be", "bo", "ca", "ce", "co", "da", "de", "di", "do", "el", "en", "er", "fa", "fi", "fo", "ga", "ge", "go", "ha", "he", "in", "is",
		"ka", "ko", "la", "le", "li", "lo", "lu", "ma", "me", "mi", "mo", "na", "ne", "ni", "no", "on", "or", "pa", "pe", "pi", "po", "ra", "re",
		"ri", "ro", "sa", "se", "si", "so", "ta", "te", "ti", "to", "un", "va", "ve", "vi", "wa", "we", "xo", "ya", "ze",
	}
	words = []string{
		"shop", "online", "news", "media", "click", "track", "ads", "bonus", "casino", "bet", "secure", "login", "account", "update", "support",
		"mail", "cloud", "web", "free", "best", "top", "my", "the", "get", "go", "win", "play", "game", "live", "stream", "data", "app", "store",
	}
	// Top-level domains and hosts below each thousand names, as lists of the world have them.
	tops = weigh(map[string]int{
		"com": 480, "net": 70, "org": 45, "info": 40, "ru": 35, "xyz": 35, "top": 35, "de": 25, "online": 20, "site": 20, "co.uk": 15, "it": 15,
		"fr": 12, "pl": 12, "shop": 15, "club": 12, "com.br": 10, "cn": 15, "io": 8, "nl": 8, "cz": 6, "blogspot.com": 12, "github.io": 4,
		"duckdns.org": 6, "weebly.com": 6, "web.app": 4, "es": 6, "eu": 6, "biz": 6, "ee": 2,
	})
	hosts = []string{"www", "m", "mail", "login", "cdn", "ads", "track", "static", "api", "img", "secure", "app"}
)

func weigh(weights map[string]int) []string {
	var all []string
	for _, top := range sorted(weights) {
		for range weights[top] {
			all = append(all, top)
		}
	}
	return all
}

// name is the name of a number: the same for the same number, different for most others.
func name(seed, number uint64, into []byte) []byte {
	random := rand.New(rand.NewPCG(seed, number))
	if random.IntN(100) < 14 {
		into = append(append(into, hosts[random.IntN(len(hosts))]...), '.')
	}
	if random.IntN(100) < 30 {
		into = append(into, words[random.IntN(len(words))]...)
		if random.IntN(4) == 0 {
			into = append(into, '-')
		}
	}
	for range 4 + random.IntN(6) {
		into = append(into, syllables[random.IntN(len(syllables))]...)
	}
	if random.IntN(100) < 22 {
		into = strconv.AppendUint(into, uint64(random.IntN(10000)), 10)
	}
	return append(append(into, '.'), tops[random.IntN(len(tops))]...)
}
