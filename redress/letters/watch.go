package letters

import (
	"strings"

	"github.com/recourse-dns/recourse/redress/notify"
)

// Confirm asks whoever reads a mailbox whether they want to watch a name.
func (w *Writer) Confirm(language, name, path string) notify.Message {
	d := w.draft(language, "confirm.subject", "name", name).say("confirm.body", "name", name).link(w.address(path)).say("confirm.else")
	return w.signed(d).message("watch.confirm")
}

// Watched tells that a name is blocked here by those lists, or by none any more.
func (w *Writer) Watched(language, name string, lists []string, leave string) notify.Message {
	var d *draft
	if len(lists) > 0 {
		d = w.draft(language, "blocked.subject", "name", name).say("blocked.body", "name", name, "lists", strings.Join(lists, ", "))
		d.say("blocked.link").link(w.address("/?name=" + name))
	} else {
		d = w.draft(language, "freed.subject", "name", name).say("freed.body", "name", name)
	}
	d.say("leave.link").link(w.address(leave))
	message := w.signed(d).message("watch.changed")
	message.Leave = w.address(leave)
	return message
}
