package doh

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/netip"
	"strconv"
	"sync"

	"github.com/recourse-dns/recourse/resolver"
	"github.com/recourse-dns/recourse/transports"
)

// handler serves what comes by way of net/http: HTTP/1.1 here.
type handler struct {
	service *transports.Service
	door    resolver.Door
	altSvc  string // of the header Alt-Svc; "" for none
	rooms   sync.Pool
}

// room is what one request uses and the next uses again.
type room struct {
	query         resolver.Query
	packet, reply []byte
	control       []byte
}

func newHandler(service *transports.Service, door resolver.Door, altSvc string) *handler {
	return &handler{service: service, door: door, altSvc: altSvc, rooms: sync.Pool{New: func() any { return &room{query: resolver.Query{Worker: service.Worker()}} }}}
}

func (h *handler) ServeHTTP(writer http.ResponseWriter, incoming *http.Request) {
	room := h.rooms.Get().(*room)
	defer h.rooms.Put(room)
	if h.altSvc != "" {
		writer.Header().Set("Alt-Svc", h.altSvc)
	}
	var verdict status
	client := h.client(incoming)
	if room.packet, client.Path, verdict = read(writer, incoming, room.packet[:0]); verdict != statusOK {
		refuse(writer, verdict)
		return
	}
	room.reply, verdict = answer(incoming.Context(), h.service, client, &room.query, room.packet, room.reply[:0])
	if verdict != statusOK {
		refuse(writer, verdict)
		return
	}
	room.control = appendCacheControl(room.control[:0], room.reply)
	header := writer.Header()
	header.Set("Content-Type", MediaType)
	header.Set("Content-Length", strconv.Itoa(len(room.reply)))
	header.Set("Cache-Control", string(room.control))
	_, _ = writer.Write(room.reply) // nobody is left to tell
}

func (h *handler) client(incoming *http.Request) resolver.Client {
	client := resolver.Client{Door: h.door}
	if remote, err := netip.ParseAddrPort(incoming.RemoteAddr); err == nil {
		client.Addr, client.Port = remote.Addr().Unmap(), remote.Port()
	}
	serverName := ""
	if incoming.TLS != nil {
		serverName = incoming.TLS.ServerName
	}
	client.Name = clientName(incoming.Host, serverName)
	return client
}

// read appends the message of a request to dst, and gives the name in its path.
func read(writer http.ResponseWriter, incoming *http.Request, dst []byte) (message []byte, path string, verdict status) {
	asked := request{
		method: incoming.Method, path: incoming.URL.EscapedPath(), query: incoming.URL.RawQuery,
		contentType: incoming.Header.Get("Content-Type"), length: incoming.ContentLength,
	}
	if verdict = asked.judge(); verdict != statusOK {
		return dst, "", verdict
	}
	if asked.method == http.MethodGet {
		message, verdict = asked.appendMessage(dst)
	} else {
		message, verdict = readBody(writer, incoming, dst)
	}
	return message, asked.clientPath(), verdict
}

func readBody(writer http.ResponseWriter, incoming *http.Request, dst []byte) ([]byte, status) {
	body := http.MaxBytesReader(writer, incoming.Body, maxMessage)
	for {
		if len(dst) == cap(dst) {
			dst = append(dst, make([]byte, 512)...)[:len(dst)]
		}
		size, err := body.Read(dst[len(dst):cap(dst)])
		dst = dst[:len(dst)+size]
		var tooLarge *http.MaxBytesError
		switch {
		case errors.Is(err, io.EOF):
			return dst, statusOK
		case errors.As(err, &tooLarge):
			return dst, statusTooLarge
		case err != nil:
			return dst, statusMalformed
		}
	}
}

// answer runs the chain on the message, and once more where it has to wait. The query is
// the caller's, to use again. What it appends to dst is the reply.
func answer(ctx context.Context, service *transports.Service, client resolver.Client, query *resolver.Query, packet, dst []byte) ([]byte, status) {
	if !isQuery(packet) {
		return dst, statusMalformed
	}
	start := len(dst)
	query.Client, query.Inline = client, true
	dst, err := service.Answer(ctx, query, packet, dst, maxMessage)
	if err != nil {
		if !service.Admit(client) {
			return dst, statusUnavailable
		}
		defer service.Leave(client)
		if dst, err = service.Answer(ctx, &resolver.Query{Client: client, Worker: query.Worker}, packet, dst, maxMessage); err != nil {
			return dst, statusUnavailable
		}
	}
	if len(dst) == start {
		return dst, statusDropped
	}
	return dst, statusOK
}

// refuse answers in HTTP alone.
func refuse(writer http.ResponseWriter, verdict status) {
	header := writer.Header()
	header.Set("Content-Type", "text/plain; charset=utf-8")
	header.Set("Content-Length", strconv.Itoa(len(verdict.text())))
	header.Set("Cache-Control", "no-store")
	switch verdict {
	case statusMethod:
		header.Set("Allow", allowed)
	case statusUnavailable:
		header.Set("Retry-After", retryAfter)
	}
	writer.WriteHeader(verdict.code())
	_, _ = io.WriteString(writer, verdict.text()) // nobody is left to tell
}
