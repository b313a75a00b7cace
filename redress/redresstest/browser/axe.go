package browser

import (
	_ "embed" // axe
	"encoding/json"

	"github.com/chromedp/chromedp"
)

//go:embed testdata/axe/axe.min.js
var axeSource string

// finding is what axe has against a page.
type finding struct {
	ID    string   `json:"id"`
	Help  string   `json:"help"`
	Nodes []string `json:"nodes"`
}

// look runs axe on the page with the rules of WCAG 2.2 at levels A and AA, and axe's own best practices.
const look = `axe.run(document, {runOnly: {type: 'tag', values: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice']}, resultTypes: ['violations']})
	.then(r => JSON.stringify(r.violations.map(v => ({id: v.id, help: v.help, nodes: v.nodes.slice(0, 5).map(n => n.html + ' ' + n.failureSummary)}))))`

// axe makes whatever axe has against the page an error.
func (v *Visit) axe(name string) {
	v.t.Helper()
	v.scripts(true)
	Ask[bool](v, axeSource+"\n;true")
	said := read(v, chromedp.Evaluate[string](look, chromedp.EvalAwaitPromise))
	v.scripts(v.options.Scripts)
	var findings []finding
	if err := json.Unmarshal([]byte(said), &findings); err != nil {
		v.t.Fatalf("axe says %.200q: %v", said, err)
	}
	for _, found := range findings {
		v.t.Errorf("%s at %d pixels: %s (%s): %q", name, v.options.Width, found.Help, found.ID, found.Nodes)
	}
}
