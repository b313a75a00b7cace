package browser

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"
)

// Phone and Desk are the widths that every page is looked at in, in pixels.
const (
	Phone = 320
	Desk  = 1280
)

// Widths are both.
func Widths() []int { return []int{Phone, Desk} }

// patience is how long one visit may take.
const patience = 3 * time.Minute

// Browser is a running Chromium.
type Browser struct{ context context.Context }

// Start starts a browser that ends with the test. Flags are those of the command line.
func Start(t *testing.T, flags ...chromedp.ExecAllocatorOption) *Browser {
	t.Helper()
	chromium, err := exec.LookPath("chromium")
	if err != nil {
		t.Skip("needs chromium (Debian package chromium)")
	}
	options := append(chromedp.DefaultExecAllocatorOptions[:len(chromedp.DefaultExecAllocatorOptions):len(chromedp.DefaultExecAllocatorOptions)],
		chromedp.ExecPath(chromium), chromedp.NoSandbox, chromedp.UserDataDir(t.TempDir()),
		chromedp.Flag("disable-quic", true), chromedp.Flag("disable-component-update", true), chromedp.Flag("disable-background-networking", true))
	allocator, cancel := chromedp.NewExecAllocator(context.Background(), append(options, flags...)...)
	t.Cleanup(cancel)
	started, cancel := chromedp.NewContext(allocator)
	t.Cleanup(cancel)
	if err := chromedp.Do(started, chromedp.Navigate("about:blank")); err != nil {
		t.Fatalf("the browser does not start: %v", err)
	}
	return &Browser{context: started}
}

// Options are how a visit looks at pages.
type Options struct {
	Width     int    // 0: Desk
	Languages string // Accept-Language; "": en
	Scripts   bool   // leave scripts on
	Dark      bool
	// From is the address that a front end, which the server trusts, would say that the visitor has; "": none.
	From string
}

// Visit is a window with cookies of its own.
type Visit struct {
	t       *testing.T
	context context.Context
	options Options
	shots   string

	mu       sync.Mutex
	problems []string // what the browser complained of; guarded by mu
}

// Open opens a window. At the end of the test whatever the browser complained of is an error.
func (b *Browser) Open(t *testing.T, options Options) *Visit {
	t.Helper()
	if options.Width == 0 {
		options.Width = Desk
	}
	window, cancel := chromedp.NewContext(b.context, chromedp.WithNewBrowserContext())
	t.Cleanup(cancel)
	v := &Visit{t: t, options: options, shots: shots(t)}
	err := chromedp.Listen(window, func(event any) {
		if entry, ok := event.(*log.EventEntryAdded); ok {
			v.complain(entry.Entry.Text)
		}
	})
	if err != nil {
		t.Fatalf("the browser does not open a window: %v", err)
	}
	v.context, cancel = context.WithTimeout(window, patience)
	t.Cleanup(cancel)
	v.prepare()
	return v
}

func (v *Visit) prepare() {
	v.t.Helper()
	v.scripts(v.options.Scripts)
	call(v, log.Enable, cdp.Empty{})
	languages := v.options.Languages
	if languages == "" {
		languages = "en"
	}
	call(v, network.Enable, network.EnableParams{})
	headers := network.Headers{"Accept-Language": languages}
	if v.options.From != "" {
		headers["X-Forwarded-For"] = v.options.From
	}
	call(v, network.SetExtraHTTPHeaders, network.SetExtraHTTPHeadersParams{Headers: headers})
	if v.options.Dark {
		call(v, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: "dark"}}}) //nolint:misspell // so CSS spells it
	}
	v.do(chromedp.EmulateViewport(int64(v.options.Width), 900))
}

func call[P, R any](v *Visit, command cdp.Command[P, R], params P) {
	v.t.Helper()
	if _, err := chromedp.Call(v.context, command, params); err != nil {
		v.t.Fatalf("the browser: %v", err)
	}
}

// shots is the folder build/pages of the repository.
func shots(t *testing.T) string {
	t.Helper()
	folder, err := os.Getwd()
	for err == nil {
		if _, missing := os.Stat(filepath.Join(folder, "go.mod")); missing == nil {
			break
		}
		if folder == filepath.Dir(folder) {
			t.Fatal("the test runs in no module")
		}
		folder = filepath.Dir(folder)
	}
	folder = filepath.Join(folder, "build", "pages")
	if err := os.MkdirAll(folder, 0o755); err != nil { //nolint:gosec // pictures for people to look at
		t.Fatal(err)
	}
	return folder
}

// complain keeps what the browser says; it comes from another goroutine.
func (v *Visit) complain(text string) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.problems = append(v.problems, text)
}

// NoComplaints makes whatever the browser complained of an error, but what has one of the words:
// of what a test does wrong on purpose, as 422.
func (v *Visit) NoComplaints(but ...string) {
	v.t.Helper()
	// Of pages over plain HTTP by name the browser says which of their headers need more.
	but = append(but, "favicon", "Cross-Origin-Opener-Policy header has been ignored")
	v.mu.Lock()
	defer v.mu.Unlock()
	for _, problem := range v.problems {
		if !slices.ContainsFunc(but, func(word string) bool { return strings.Contains(problem, word) }) {
			v.t.Errorf("the browser complained: %s", problem)
		}
	}
	v.problems = nil
}

func (v *Visit) do(actions ...chromedp.Action[chromedp.Void]) {
	v.t.Helper()
	if err := chromedp.Do(v.context, actions...); err != nil {
		v.t.Fatalf("the browser: %v", err)
	}
}

func read[T any](v *Visit, action chromedp.Action[T]) T {
	v.t.Helper()
	value, err := chromedp.Run(v.context, action)
	if err != nil {
		v.t.Fatalf("the browser: %v", err)
	}
	return value
}

// leave does what leads to another page, and waits until that is there.
func (v *Visit) leave(action chromedp.Action[chromedp.Void]) {
	v.t.Helper()
	always := func(page.EventLoadEventFired) bool { return true }
	if _, err := chromedp.Run(v.context, chromedp.WaitEvent(page.LoadEventFired, always, action)); err != nil {
		v.t.Fatalf("the browser: %v", err)
	}
}

func (v *Visit) scripts(on bool) {
	v.t.Helper()
	call(v, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: !on})
}
