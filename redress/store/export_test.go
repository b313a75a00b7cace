package store

import "github.com/recourse-dns/recourse/redress"

// EachSpan is EachUpTo with another length of spans.
var EachSpan = eachSpan

// ReadContent reads what an event says as EachUpTo does.
func ReadContent(encoded []byte, content *redress.Content) error {
	return readContent(encoded, content, func(octets []byte) string { return string(octets) })
}

// Asked are the statements of a page of the queue, with their arguments.
func Asked(page *redress.Page) (queries []string, args [][]any) {
	for _, stands := range standings(page) {
		end, given := asked(page, stands)
		queries, args = append(queries, casesQuery+end), append(args, given)
	}
	return queries, args
}

// SpanQuery reads a span of the log but for some kinds.
var SpanQuery = spanQuery
