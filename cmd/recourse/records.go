package main

import (
	"errors"
	"fmt"
	"io"

	"github.com/miekg/dns"
)

// Bounds of a zone file that the configuration names.
const (
	maxRecordsFile = 1 << 20
	maxRecords     = 10_000
)

// RootHints reads the file of resolver.root_hints: NS records of the root and the
// addresses of their servers. Nil where none is named: the built-in ones hold.
func (c *Config) RootHints() ([]dns.RR, error) {
	if c.Resolver.RootHints == "" {
		return nil, nil
	}
	records, err := readRecords(c.File(c.Resolver.RootHints))
	if err != nil {
		return nil, err
	}
	servers, addresses := 0, 0
	for _, record := range records {
		switch record := record.(type) {
		case *dns.NS:
			if record.Hdr.Name == "." {
				servers++
			}
		case *dns.A, *dns.AAAA:
			addresses++
		}
	}
	if len(records) == 0 && len(c.Resolver.plainZones()) > 0 {
		return []dns.RR{}, nil // an island: only the zones of the configuration are resolved
	}
	if servers == 0 || addresses == 0 {
		return nil, errors.New("holds no NS record of the root, or no address of its servers")
	}
	return records, nil
}

// TrustAnchors reads the file of resolver.trust_anchors. Named says that one was
// named, or none: without it the built-in anchors hold.
func (c *Config) TrustAnchors() (records []dns.RR, named bool, err error) {
	switch c.Resolver.TrustAnchors {
	case "":
		return nil, false, nil
	case noAnchors:
		return nil, true, nil
	}
	records, err = readRecords(c.File(c.Resolver.TrustAnchors))
	if err != nil {
		return nil, true, err
	}
	for _, record := range records {
		switch record.(type) {
		case *dns.DS, *dns.DNSKEY:
		default:
			return nil, true, fmt.Errorf("holds a record of type %s; an anchor is DS or DNSKEY", dns.Type(record.Header().Rrtype))
		}
	}
	if len(records) == 0 {
		return nil, true, errors.New("holds no anchor; for none at all write trust_anchors: none")
	}
	return records, true, nil
}

// readRecords reads a zone file. It follows no $INCLUDE.
func readRecords(path string) ([]dns.RR, error) {
	file, err := openFile(path)
	if err != nil {
		return nil, err
	}
	defer func() { _ = file.Close() }() // read only: nothing is lost
	about, err := file.Stat()
	switch {
	case err != nil:
		return nil, err
	case about.Size() > maxRecordsFile:
		return nil, fmt.Errorf("is larger than %d MiB", maxRecordsFile>>20)
	}
	parser := dns.NewZoneParser(io.LimitReader(file, maxRecordsFile), ".", "")
	parser.SetDefaultTTL(86400)
	var records []dns.RR
	for record, more := parser.Next(); more; record, more = parser.Next() {
		if records = append(records, record); len(records) > maxRecords {
			return nil, fmt.Errorf("holds more than %d records", maxRecords)
		}
	}
	if err := parser.Err(); err != nil {
		return nil, fmt.Errorf("is no zone file: %w", err)
	}
	return records, nil
}
