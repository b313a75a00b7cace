package api

import (
	"net/http"
	"strconv"
)

// after gives the place in a list that a request asks for with after, the first where it says none. Where read does
// not know it the request is answered. What it reads is what the same list said as next.
func after[T any](w http.ResponseWriter, r *http.Request, read func(text string) (T, bool)) (T, bool) {
	var first T
	text := r.URL.Query().Get("after")
	if text == "" {
		return first, true
	}
	place, is := read(text)
	if !is {
		wrongParameter(w, "after", "is not what an answer of this call had as next")
	}
	return place, is
}

func wrongParameter(w http.ResponseWriter, field, detail string) {
	write(w, problem{Type: typeBase + "invalid", Title: "A parameter is not right", Status: http.StatusBadRequest, Errors: []fieldProblem{{Field: field, Detail: detail}}})
}

// readNumber reads a place that is the number of the last row before it.
func readNumber(text string) (int64, bool) {
	number, err := strconv.ParseInt(text, 10, 64)
	return number, err == nil && number >= 0
}

// number is such a place as it travels; empty behind the last page.
func number(next int64) string {
	if next == 0 {
		return ""
	}
	return strconv.FormatInt(next, 10)
}
