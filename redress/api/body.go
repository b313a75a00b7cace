package api

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"mime"
	"net/http"
	"strconv"
	"strings"
)

// maxBody is the most octets of a request's body that are read.
const maxBody = 64 << 10

// decode reads one JSON document of known fields; where it cannot, it has answered.
// An empty body leaves into as it is where that is permitted.
func decode(w http.ResponseWriter, r *http.Request, into any, mayBeEmpty bool) bool {
	return decodeWithin(w, r, into, mayBeEmpty, maxBody)
}

// decodeWithin is decode for bodies of another size.
func decodeWithin(w http.ResponseWriter, r *http.Request, into any, mayBeEmpty bool, most int64) bool {
	if kind := r.Header.Get("Content-Type"); kind != "" {
		if media, _, err := mime.ParseMediaType(kind); err != nil || media != "application/json" {
			write(w, problem{Title: "Unsupported media type", Status: http.StatusUnsupportedMediaType, Detail: "Send application/json."})
			return false
		}
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, most))
	if err != nil {
		if _, tooLarge := errors.AsType[*http.MaxBytesError](err); tooLarge {
			write(w, problem{Title: "Content too large", Status: http.StatusRequestEntityTooLarge, Detail: "A body of this call has at most " + strconv.FormatInt(most, 10) + " octets."})
			return false
		}
		write(w, problem{Title: "Bad request", Status: http.StatusBadRequest, Detail: "The body could not be read to its end."})
		return false
	}
	if mayBeEmpty && len(bytes.TrimSpace(body)) == 0 {
		return true
	}
	decoder := json.NewDecoder(bytes.NewReader(body))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(into); err != nil {
		write(w, problem{Title: "Bad request", Status: http.StatusBadRequest, Detail: "The body is not the JSON document that is asked for: " + jsonMistake(err) + "."})
		return false
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		write(w, problem{Title: "Bad request", Status: http.StatusBadRequest, Detail: "The body holds more than one JSON document."})
		return false
	}
	return true
}

// jsonMistake says where the document is wrong, in the decoder's words; those quote
// field names, never values.
func jsonMistake(err error) string {
	if wrong, ok := errors.AsType[*json.UnmarshalTypeError](err); ok {
		return "the field " + wrong.Field + " must be a " + wrong.Type.String()
	}
	text := strings.TrimPrefix(err.Error(), "json: ")
	return text[:min(len(text), 200)]
}
