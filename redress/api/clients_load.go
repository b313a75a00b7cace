package api

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"mime"
	"net/http"
	"time"

	"github.com/recourse-dns/recourse/policy/bindings"
	"github.com/recourse-dns/recourse/policy/profile"
)

// loadRequest is one line of a load: a binding, or its end.
type loadRequest struct {
	Prefix string `json:"prefix"`
	bindRequest
	Remove bool `json:"remove"`
}

// loadReply is what became of the lines.
type loadReply struct {
	Bound    int           `json:"bound"`
	Removed  int           `json:"removed"`
	Refused  int           `json:"refused"`
	Problems []lineProblem `json:"problems"` // the first of those that were refused
}

// lineProblem is why a line was refused.
type lineProblem struct {
	Line   int    `json:"line"`
	Detail string `json:"detail"`
}

const (
	// loadAtOnce is how many lines are put in force together.
	loadAtOnce = 1 << 17
	// maxLoadLine bounds a line, in octets.
	maxLoadLine = 1024
	// maxLoadProblems is how many refused lines are told.
	maxLoadProblems = 100
	// loadStalled is for how long a load may send nothing, or take to be put in force.
	loadStalled = 30 * time.Second
)

// loader puts lines in force, many at once.
type loader struct {
	*handler
	by    mandate
	table *profile.Table
	at    time.Time

	reply   loadReply
	changes []bindings.Change
	lines   []int // of the changes
}

// loadBindings reads lines of JSON. What was read is in force, whatever comes after: a line
// that is refused keeps no other back, and a load that breaks off can be sent again.
func (h *handler) loadBindings(w http.ResponseWriter, r *http.Request, by mandate) {
	if media, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || media != "application/x-ndjson" {
		write(w, problem{Title: "Unsupported media type", Status: http.StatusUnsupportedMediaType, Detail: "Send application/x-ndjson: a JSON object a line."})
		return
	}
	l := &loader{handler: h, by: by, table: h.config.Clients.Table(), at: time.Now(), reply: loadReply{Problems: []lineProblem{}}}
	control := http.NewResponseController(w)
	err := l.read(r.Body, func() error {
		// What has no deadlines, as a test's recorder, does not need them.
		err := errors.Join(control.SetReadDeadline(time.Now().Add(loadStalled)), control.SetWriteDeadline(time.Now().Add(2*loadStalled)))
		if errors.Is(err, http.ErrNotSupported) {
			return nil
		}
		return err
	})
	switch {
	case errors.Is(err, errLoad):
		h.logger.Error("bindings were not put in force, or not on the disk", "error", err)
		write(w, problem{Title: "Internal error", Status: http.StatusInternalServerError, Detail: "Not all that was read is in force and on the disk. Send it again."})
	case err != nil:
		write(w, problem{Title: "Bad request", Status: http.StatusBadRequest, Detail: "The body could not be read to its end, or has a line of more than 1,024 octets. What stood before is in force."})
	default:
		respond(w, http.StatusOK, l.reply)
	}
}

// errLoad is a failure of ours.
var errLoad = errors.New("load")

func (l *loader) read(body io.Reader, extend func() error) error {
	lines := bufio.NewScanner(bufio.NewReaderSize(body, 64<<10))
	lines.Buffer(make([]byte, 0, maxLoadLine), maxLoadLine)
	if err := extend(); err != nil {
		return err
	}
	for number := 1; lines.Scan(); number++ {
		if line := bytes.TrimSpace(lines.Bytes()); len(line) > 0 {
			l.take(number, line)
		}
		if number%4096 == 0 {
			if err := extend(); err != nil {
				return err
			}
		}
		if len(l.changes) == loadAtOnce {
			if err := l.apply(); err != nil {
				return err
			}
		}
	}
	return errors.Join(l.apply(), lines.Err())
}

// take makes a change of a line, or notes what is wrong with it.
func (l *loader) take(number int, line []byte) {
	var wanted loadRequest
	decoder := json.NewDecoder(bytes.NewReader(line))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&wanted); err != nil {
		l.refused(number, "is not the JSON object that is asked for: "+jsonMistake(err))
		return
	}
	subject, err := parseSubject(wanted.Prefix)
	if err != nil {
		l.refused(number, "prefix "+err.Error())
		return
	}
	change := bindings.Change{Subject: subject, Remove: true}
	if !wanted.Remove {
		var why *refusal
		if change, why = l.judged(subject, &wanted.bindRequest, l.by, l.table, l.at); why != nil {
			l.refused(number, why.field+" "+why.text)
			return
		}
	}
	l.changes, l.lines = append(l.changes, change), append(l.lines, number)
}

func (l *loader) refused(number int, detail string) {
	l.reply.Refused++
	if len(l.reply.Problems) < maxLoadProblems {
		l.reply.Problems = append(l.reply.Problems, lineProblem{Line: number, Detail: detail})
	}
}

func (l *loader) apply() error {
	if len(l.changes) == 0 {
		return nil
	}
	wrong, err := l.config.Clients.Bindings.Apply(l.changes, time.Now())
	if err != nil {
		return errors.Join(errLoad, err)
	}
	for i := range l.changes {
		switch {
		case wrong[i] != nil:
			l.refused(l.lines[i], wrong[i].Error())
		case l.changes[i].Remove:
			l.reply.Removed++
		default:
			l.reply.Bound++
		}
	}
	l.changes, l.lines = l.changes[:0], l.lines[:0]
	return nil
}
