package main

import "testing"

// TestRetestIsChecked: a network from which sites are looked at has a name of its own and,
// where it is not this machine's, a proxy; from one alone nothing is concluded.
func TestRetestIsChecked(t *testing.T) {
	t.Parallel()
	points := func(text string) string { return "desk: {retest: [" + text + "]}\n" }
	checkEach(t, []piece{
		{points(""), "", ""},
		{points(`{name: ours}, {name: mobile, proxy: "socks5://192.0.2.5:1080"}`), "", ""},
		{points(`{name: ours}, {name: mobile, proxy: "socks5://[2001:db8::5]:1080"}, {name: abroad, proxy: "socks5://user:pass@proxy.example.net:1080"}`), "", ""},
		{points(`{name: ours}`), "", "desk.retest"},
		{points(`{name: ours}, {proxy: "socks5://192.0.2.5:1080"}`), "desk.retest[1].name", ""},
		{points(`{name: ours}, {name: ours, proxy: "socks5://192.0.2.5:1080"}`), "desk.retest[1].name", ""},
		{points(`{name: ours}, {name: mobile, proxy: "http://192.0.2.5:1080"}`), "desk.retest[1].proxy", ""},
		{points(`{name: ours}, {name: mobile, proxy: "socks5://192.0.2.5"}`), "desk.retest[1].proxy", ""},
		{points(`{name: ours}, {name: mobile, proxy: "socks5://:1080"}`), "desk.retest[1].proxy", ""},
		{points(`{name: ours}, {name: mobile, proxy: "192.0.2.5:1080"}`), "desk.retest[1].proxy", ""},
		{points(`{name: ours}, {name: mobile, poxy: "socks5://192.0.2.5:1080"}`), "desk.retest[1].poxy", ""},
	})
}
