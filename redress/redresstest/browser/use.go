package browser

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

// Go opens an address.
func (v *Visit) Go(address string) { v.t.Helper(); v.do(chromedp.Navigate(address)) }

// Type writes into a field.
func (v *Visit) Type(field, text string) {
	v.t.Helper()
	v.do(chromedp.SendKeys(field, text))
}

// Click clicks what stays on the page, as a box to tick.
func (v *Visit) Click(what string) { v.t.Helper(); v.do(chromedp.Click(what)) }

// Follow clicks what leads to another page.
func (v *Visit) Follow(what string) { v.t.Helper(); v.leave(chromedp.Click(what)) }

// Submit sends the form that a field is in.
func (v *Visit) Submit(field string) { v.t.Helper(); v.leave(chromedp.Submit(field)) }

// Value is what a field holds.
func (v *Visit) Value(field string) string { v.t.Helper(); return read(v, chromedp.Value(field)) }

// Text is what people read of a part of the page.
func (v *Visit) Text(what string) string { v.t.Helper(); return read(v, chromedp.Text(what)) }

// Address is where the browser is.
func (v *Visit) Address() string { v.t.Helper(); return read(v, chromedp.Location()) }

// Ask evaluates an expression of the page, for what people see and no method here tells.
func Ask[T any](v *Visit, expression string) T {
	v.t.Helper()
	return read(v, chromedp.Evaluate[T](expression))
}

// Do does what has no method here.
func (v *Visit) Do(actions ...chromedp.Action[chromedp.Void]) { v.t.Helper(); v.do(actions...) }

// See checks what holds for every page, keeps a picture under the name, and gives what people read. The page
// must have the texts.
func (v *Visit) See(name string, texts ...string) string {
	v.t.Helper()
	v.do(chromedp.WaitVisible(chromedp.CSS("main"))) // a search would find the word too, and wait for that
	shown := read(v, chromedp.Text(chromedp.CSS("body")))
	for _, text := range texts {
		if !strings.Contains(shown, text) {
			v.t.Errorf("%s lacks %q:\n%s", name, text, shown)
		}
	}
	v.Picture(filepath.Join(v.shots, fmt.Sprintf("%s-%d.png", name, v.options.Width)))
	if wide := Ask[int](v, `document.documentElement.scrollWidth - document.documentElement.clientWidth`); wide > 0 {
		v.t.Errorf("%s is %d pixels wider than the screen", name, wide)
	}
	inline := `document.querySelectorAll('script:not([src]),[style],[onclick],style').length`
	if count := Ask[int](v, inline); count > 0 || read(v, chromedp.Title()) == "" {
		v.t.Errorf("%s has %d inline scripts and styles, or no title", name, count)
	}
	v.axe(name)
	return shown
}

// Picture writes a picture of the whole page to a file.
func (v *Visit) Picture(path string) {
	v.t.Helper()
	if err := os.WriteFile(path, read(v, chromedp.FullScreenshot(100)), 0o600); err != nil {
		v.t.Fatal(err)
	}
}

// Press presses keys, as kb.Tab or kb.Enter.
func (v *Visit) Press(keys string) { v.t.Helper(); v.do(chromedp.KeyEvent(keys)) }

// PressOn presses a key that leads to another page.
func (v *Visit) PressOn(key string) { v.t.Helper(); v.leave(chromedp.KeyEvent(key)) }

// Reach walks by the Tab key, from where it is, until what it looks for has the focus. Nothing else of it is used, as
// by whoever has no mouse.
func (v *Visit) Reach(what string) {
	v.t.Helper()
	for range maxStops {
		v.Press(kb.Tab)
		if Ask[bool](v, fmt.Sprintf(`document.activeElement.matches(%q)`, what)) {
			return
		}
	}
	v.t.Fatalf("by keyboard %s is not reached in %d steps at %s", what, maxStops, v.Address())
}

// maxStops is the most things of one page that are walked to.
const maxStops = 300

// Walk goes through the page by the Tab key, and says what can be reached, in order. That nothing can be
// missed, every stop is visible, and shown to be where one is, are errors otherwise.
func (v *Visit) Walk() []string {
	v.t.Helper()
	Ask[bool](v, `(document.activeElement && document.activeElement.blur(), true)`)
	var stops []string
	for range maxStops {
		v.Press(kb.Tab)
		stop := Ask[string](v, whereAmI)
		if stop == "" || len(stops) > 0 && stop == stops[0] {
			break
		}
		if strings.HasSuffix(stop, " UNSEEN") {
			v.t.Errorf("whoever walks by keyboard does not see that they are at %s", stop)
		}
		stops = append(stops, stop)
	}
	if want := Ask[int](v, reachable); len(stops) < want {
		v.t.Errorf("by keyboard %d of %d things can be reached: %q", len(stops), want, stops)
	}
	return stops
}

// whereAmI names what has the focus, and says if that cannot be seen.
const whereAmI = `(() => {
	const e = document.activeElement;
	if (!e || e === document.body || e === document.documentElement) return '';
	const all = [...document.querySelectorAll('*')];
	const style = getComputedStyle(e), box = e.getBoundingClientRect();
	const seen = style.outlineStyle !== 'none' && parseFloat(style.outlineWidth) > 0 && box.width > 0 && box.right > 0;
	return all.indexOf(e) + ' ' + e.tagName.toLowerCase() + (e.id ? '#' + e.id : '') + ' ' + (e.innerText || e.value || '').trim().slice(0, 40) + (seen ? '' : ' UNSEEN');
})()`

// reachable counts what must be: of a group of radio buttons one.
const reachable = `(() => {
	const groups = new Set();
	return [...document.querySelectorAll('a[href],button,input:not([type=hidden]),select,textarea,summary,[tabindex="0"]')].filter(e => {
		if (e.disabled || e.closest('details:not([open])') && e.tagName !== 'SUMMARY' || !e.getClientRects().length) return false;
		if (e.type !== 'radio') return true;
		if (groups.has(e.name)) return false;
		groups.add(e.name);
		return true;
	}).length;
})()`
