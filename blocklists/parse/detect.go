package parse

import (
	"bytes"
	"net/netip"
	"strings"
)

// maxVotes is how many lines tell the format.
const maxVotes = 200

// Detect tells the format of a list from its beginning; "" where it cannot. A table
// is told only by who knows its columns, and so never here.
func Detect(head []byte) string {
	start := bytes.TrimSpace(head)
	switch {
	case len(start) == 0:
		return ""
	case start[0] == '<':
		if bytes.Contains(start, []byte("<Rejestr")) {
			return "xml"
		}
		return ""
	case start[0] == '{', start[0] == '[':
		if format := detectJSON(start); format != "" {
			return format
		}
	}
	return mostVoted(head)
}

// detectJSON tells one value from one value a line, and both from the heading of an ad blocker's list.
func detectJSON(start []byte) string {
	first, rest, _ := bytes.Cut(start, []byte("\n"))
	first = bytes.TrimSpace(first)
	switch {
	case start[0] == '[' && (len(first) == 1 || bytes.IndexByte([]byte(`{"] `), first[1]) >= 0 || len(rest) > 0 && bytes.HasPrefix(bytes.TrimSpace(rest), []byte("{"))):
		return "json"
	case start[0] == '[':
		return ""
	case bytes.HasSuffix(first, []byte("}")) && (bytes.Contains(first, []byte(`"name"`)) || bytes.Contains(first, []byte(`"prefix"`))):
		return "jsonl"
	}
	return "json"
}

// mostVoted asks each line what it is. More than half must agree; bare names among
// wildcards are of the wildcards' format.
func mostVoted(head []byte) string {
	votes, total := make(map[string]int), 0
	for line := range bytes.SplitSeq(head, []byte("\n")) {
		if total == maxVotes {
			break
		}
		if format := lineFormat(string(line)); format != "" {
			votes[format]++
			total++
		}
	}
	if votes["wildcard"] > 0 {
		votes["wildcard"] += votes["domains"]
		votes["domains"] = 0
	}
	for format, count := range votes {
		if format != unknownFormat && 2*count > total {
			return format
		}
	}
	return ""
}

const unknownFormat = "?"

// lineFormat says of which format a line is; "" for what all formats have.
func lineFormat(line string) string {
	text := strings.TrimSpace(line)
	fields := strings.Fields(text)
	switch {
	case text == "" || text == "#" || strings.HasPrefix(text, "# ") || strings.HasPrefix(text, "##=") || text[0] == ';':
		return ""
	case text[0] == '!' || strings.HasPrefix(text, "[Adblock") || strings.HasPrefix(text, "||") || strings.HasPrefix(text, "@@") ||
		strings.Contains(text, "##") || strings.Contains(text, "#@#"):
		return "adblock"
	case text[0] == '#':
		return ""
	case strings.HasPrefix(text, "address=/") || strings.HasPrefix(text, "server=/") || strings.HasPrefix(text, "local=/"):
		return "dnsmasq"
	case text == "server:" || strings.HasPrefix(text, "local-zone:") || strings.HasPrefix(text, "local-data:"):
		return "unbound"
	case isZoneLine(line, fields):
		return "rpz"
	case isAddressText(fields[0]):
		if len(fields) == 1 {
			return "" // those of proxies are in lists of all kinds
		}
		return "hosts"
	case strings.HasPrefix(text, "*."):
		return "wildcard"
	}
	if _, reason := clean(fields[0]); reason == "" && (len(fields) == 1 || strings.HasPrefix(fields[1], "#")) {
		return "domains"
	}
	return unknownFormat
}

// isZoneLine knows the lines of policy zones, which are not those of all zones.
func isZoneLine(line string, fields []string) bool {
	if strings.HasPrefix(line, "$TTL") || strings.HasPrefix(line, "$ORIGIN") {
		return true
	}
	for i, field := range fields[:min(len(fields), 4)] {
		switch strings.ToUpper(field) {
		case "CNAME", "SOA":
			return len(fields) > i+1 && (i > 0 || isBlank(line[0]))
		case "NS":
			return isBlank(line[0]) || fields[0] == "@"
		}
	}
	return false
}

func isAddressText(text string) bool {
	_, err := netip.ParseAddr(text)
	return err == nil
}

// looksLikeMarkup says whether a text begins as pages and XML do.
func looksLikeMarkup(text []byte) bool { return bytes.HasPrefix(bytes.TrimSpace(text), []byte("<")) }
