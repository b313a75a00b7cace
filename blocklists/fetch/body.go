package fetch

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"os"
	"strings"
	"time"

	"github.com/recourse-dns/recourse/blocklists/parse"
)

func defaultLimits() limits {
	return limits{whole: 10 * time.Minute, connect: 10 * time.Second, header: 30 * time.Second, stall: 30 * time.Second, rate: 1 << 10, body: parse.MaxBytes}
}

// copyBody writes a reply's octets, decoded from how they travelled.
func (l *limits) copyBody(ctx context.Context, end context.CancelCauseFunc, reply *http.Response, into *os.File) error {
	body := newPaced(reply.Body, l, end)
	defer body.stop()
	decoded, err := decodedBody(reply.Header.Get("Content-Encoding"), body)
	if err != nil {
		return err
	}
	peeked := bufio.NewReaderSize(decoded, sniffed)
	if err := refuseHTML(reply.Header.Get("Content-Type"), peeked); err != nil {
		return cutShort(err)
	}
	written := &writeErrors{to: into}
	bounded := &bounded{from: peeked, left: l.body, most: l.body}
	if _, err := io.Copy(written, bounded); written.err != nil {
		return fmt.Errorf("%w: %w", errNotKept, written.err)
	} else if err != nil {
		return cutShort(err)
	}
	return ctx.Err()
}

func cutShort(err error) error {
	if errors.Is(err, io.ErrUnexpectedEOF) {
		return errors.New("the list ended before its end")
	}
	return err
}

// decodedBody undoes gzip, which is all that was offered. What comes out is bounded by
// whoever reads it, so that a little cannot become more than a list may be.
func decodedBody(encoding string, body io.Reader) (io.Reader, error) {
	switch strings.ToLower(strings.TrimSpace(encoding)) {
	case "", "identity":
		return body, nil
	case "gzip", "x-gzip":
		decoded, err := gzip.NewReader(body)
		if err != nil {
			return nil, fmt.Errorf("is not the gzip that its header says: %w", err)
		}
		return decoded, nil
	}
	return nil, errors.New("is encoded in a way that was not offered")
}

// sniffed is how much of a list is looked at for whether it is a page.
const sniffed = 1024

// refuseHTML tells a page, of an error or a hotel's network, from a list.
func refuseHTML(contentType string, body *bufio.Reader) error {
	if media, _, err := mime.ParseMediaType(contentType); err == nil && (media == "text/html" || media == "application/xhtml+xml") {
		return errors.New("is a web page by its Content-Type: the address of the list itself is wanted")
	}
	start, err := body.Peek(sniffed)
	if err != nil && !errors.Is(err, io.EOF) {
		return err
	}
	start = bytes.ToLower(bytes.TrimLeft(bytes.TrimPrefix(start, []byte("\xef\xbb\xbf")), " \t\r\n"))
	for _, mark := range []string{"<!doctype html", "<html", "<head", "<body", "<script"} {
		if bytes.HasPrefix(start, []byte(mark)) {
			return errors.New("is a web page and no list: the address of the list itself is wanted")
		}
	}
	return nil
}

// bounded ends one octet after the limit.
type bounded struct {
	from       io.Reader
	left, most int64
}

func (b *bounded) Read(into []byte) (int, error) {
	n, err := b.from.Read(into)
	if b.left -= int64(n); b.left < 0 {
		return 0, fmt.Errorf("more than %d octets", b.most)
	}
	return n, err
}

// paced ends a request whose server sends nothing for too long, or too little in
// the long run.
type paced struct {
	from  io.Reader
	lim   *limits
	timer *time.Timer
	began time.Time
	total int64
}

func newPaced(from io.Reader, l *limits, end context.CancelCauseFunc) *paced {
	stalled := fmt.Errorf("the server sent nothing for %s", l.stall)
	return &paced{from: from, lim: l, began: time.Now(), timer: time.AfterFunc(l.stall, func() { end(stalled) })}
}

func (p *paced) stop() { p.timer.Stop() }

func (p *paced) Read(into []byte) (int, error) {
	p.timer.Reset(p.lim.stall)
	n, err := p.from.Read(into)
	p.total += int64(n)
	if took := time.Since(p.began); err == nil && took > p.lim.stall && p.total < p.lim.rate*int64(took/time.Second) {
		return n, fmt.Errorf("the server sends less than %d octets a second", p.lim.rate)
	}
	return n, err
}
