package main

import (
	"encoding"
	"errors"
	"fmt"
	"math"
	"net/netip"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Size is a number of octets, written with its unit, as 32MiB.
type Size int64

// Percent is a share of a hundred, written with its sign, as 20%.
type Percent float64

// scalarReader gives the function that reads a word into a value of this type;
// false where the type is not for words.
func scalarReader(into reflect.Value, tags field) (func(text string) (reflect.Value, error), bool) {
	switch into.Interface().(type) {
	case time.Duration:
		return readAs(parseDuration), true
	case time.Time:
		return readAs(parseTime), true
	case Size:
		return readAs(parseSize), true
	case Percent:
		return readAs(parsePercent), true
	case netip.Prefix:
		return readAs(parsePrefix), true
	case netip.Addr:
		return readAs(parseAddr), true
	case netip.AddrPort:
		return readAs(parseAddrPort), true
	}
	if reflect.PointerTo(into.Type()).Implements(unmarshalerType) {
		return func(text string) (reflect.Value, error) { return unmarshal(text, into.Type()) }, true
	}
	return basicReader(into.Type(), tags)
}

func readAs[T any](parse func(text string) (T, error)) func(text string) (reflect.Value, error) {
	return func(text string) (reflect.Value, error) {
		value, err := parse(text)
		return reflect.ValueOf(value), err
	}
}

func unmarshal(text string, into reflect.Type) (reflect.Value, error) {
	target := reflect.New(into)
	err := target.Interface().(encoding.TextUnmarshaler).UnmarshalText([]byte(text))
	return target.Elem(), err
}

// basicReader reads into Go's own types, and into types made of them.
func basicReader(into reflect.Type, tags field) (func(text string) (reflect.Value, error), bool) {
	read := func(text string) (any, error) { return nil, nil }
	switch into.Kind() {
	case reflect.String:
		read = func(text string) (any, error) { return text, checkWord(text, tags.oneOf) }
	case reflect.Bool:
		read = func(text string) (any, error) { return parseBool(text) }
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		read = func(text string) (any, error) { return parseInt(text, into.Bits()) }
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		read = func(text string) (any, error) { return parseUint(text, into.Bits()) }
	case reflect.Float64:
		read = func(text string) (any, error) { return parseNumber(text) }
	default:
		return nil, false
	}
	return func(text string) (reflect.Value, error) {
		value, err := read(text)
		return reflect.ValueOf(value).Convert(into), err
	}, true
}

func checkWord(text string, oneOf []string) error {
	if oneOf == nil || slices.Contains(oneOf, text) {
		return nil
	}
	if meant := nearest(text, oneOf); meant != "" {
		return fmt.Errorf("%s is not one of %s; did you mean %q?", quote(text), strings.Join(oneOf, ", "), meant)
	}
	return fmt.Errorf("%s is not one of %s", quote(text), strings.Join(oneOf, ", "))
}

func parseBool(text string) (bool, error) {
	switch text {
	case "true":
		return true, nil
	case "false":
		return false, nil
	}
	return false, fmt.Errorf("%s is neither true nor false", quote(text))
}

func parseInt(text string, bits int) (int64, error) {
	value, err := strconv.ParseInt(text, 10, bits)
	return value, numberError(text, err, "whole number")
}

func parseUint(text string, bits int) (uint64, error) {
	value, err := strconv.ParseUint(text, 10, bits)
	if errors.Is(err, strconv.ErrRange) {
		return 0, fmt.Errorf("%s is above %d", quote(text), uint64(math.MaxUint64)>>(64-bits))
	}
	return value, numberError(text, err, "whole number from 0 up")
}

func parseNumber(text string) (float64, error) {
	value, err := strconv.ParseFloat(text, 64)
	if err == nil && (math.IsNaN(value) || math.IsInf(value, 0)) {
		err = strconv.ErrRange
	}
	return value, numberError(text, err, "number")
}

func numberError(text string, err error, wanted string) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, strconv.ErrRange):
		return fmt.Errorf("%s is out of range", quote(text))
	}
	return fmt.Errorf("%s is not a %s", quote(text), wanted)
}

var (
	durationForm = regexp.MustCompile(`^([0-9]+(\.[0-9]{1,9})?(ns|us|µs|ms|s|m|h|d|w))+$`)
	durationPart = regexp.MustCompile(`([0-9.]+)(ns|us|µs|ms|s|m|h|d|w)`)
	sizeForm     = regexp.MustCompile(`^([0-9]{1,18})(\.[0-9]{1,3})? ?(B|kB|KiB|MB|MiB|GB|GiB|TB|TiB)$`)
)

// parseDuration reads what [time.ParseDuration] does, without a sign, and days and weeks.
func parseDuration(text string) (time.Duration, error) {
	if text == "0" {
		return 0, nil
	}
	if len(text) > 64 || !durationForm.MatchString(text) {
		return 0, fmt.Errorf("%s is not a duration: a number with its unit, as 1800ms, 30s, 5m, 1h30m, 30d or 2w", quote(text))
	}
	units := map[string]time.Duration{"ns": 1, "us": time.Microsecond, "µs": time.Microsecond, "ms": time.Millisecond,
		"s": time.Second, "m": time.Minute, "h": time.Hour, "d": 24 * time.Hour, "w": 7 * 24 * time.Hour}
	sum := 0.0
	for _, part := range durationPart.FindAllStringSubmatch(text, -1) {
		number, err := strconv.ParseFloat(part[1], 64)
		if err != nil {
			return 0, fmt.Errorf("%s is not a duration", quote(text))
		}
		sum += number * float64(units[part[2]])
	}
	if sum >= math.MaxInt64 {
		return 0, fmt.Errorf("%s is longer than 292 years", quote(text))
	}
	return time.Duration(math.Round(sum)), nil
}

// parseTime reads a date, which is its midnight in UTC, or a time of RFC 3339.
func parseTime(text string) (time.Time, error) {
	if at, err := time.Parse(time.DateOnly, text); err == nil {
		return at, nil
	}
	at, err := time.Parse(time.RFC3339, text)
	if err != nil {
		return time.Time{}, fmt.Errorf("%s is not a date as 2026-11-01 or a time as 2026-11-01T18:30:00Z", quote(text))
	}
	return at.UTC(), nil
}

func parseSize(text string) (Size, error) {
	parts := sizeForm.FindStringSubmatch(text)
	if parts == nil {
		return 0, fmt.Errorf("%s is not a size: a number with its unit, as 32MiB or 2GiB", quote(text))
	}
	units := map[string]float64{"B": 1, "kB": 1e3, "KiB": 1 << 10, "MB": 1e6, "MiB": 1 << 20, "GB": 1e9, "GiB": 1 << 30, "TB": 1e12, "TiB": 1 << 40}
	number, err := strconv.ParseFloat(parts[1]+parts[2], 64)
	if octets := number * units[parts[3]]; err == nil && octets < math.MaxInt64 {
		return Size(octets), nil
	}
	return 0, fmt.Errorf("%s is out of range", quote(text))
}

func parsePercent(text string) (Percent, error) {
	digits, found := strings.CutSuffix(text, "%")
	value, err := parseNumber(digits)
	if !found || err != nil || value < 0 {
		return 0, fmt.Errorf("%s is not a share: a number with its sign, as 20%%", quote(text))
	}
	return Percent(value), nil
}

func parseAddr(text string) (netip.Addr, error) {
	addr, err := netip.ParseAddr(text)
	if err != nil || addr.Zone() != "" {
		return netip.Addr{}, fmt.Errorf("%s is not an address, as 192.0.2.1 or 2001:db8::1", quote(text))
	}
	return addr.Unmap(), nil
}

func parseAddrPort(text string) (netip.AddrPort, error) {
	addr, err := netip.ParseAddrPort(text)
	if err == nil {
		return addr, nil
	}
	if alone, err := netip.ParseAddr(strings.Trim(text, "[]")); err == nil {
		return netip.AddrPort{}, fmt.Errorf("%s has no port: write %s", quote(text), netip.AddrPortFrom(alone, 53))
	}
	return netip.AddrPort{}, fmt.Errorf("%s is not an address with a port, as 127.0.0.1:5300 or [::1]:5300", quote(text))
}

func parsePrefix(text string) (netip.Prefix, error) {
	prefix, err := netip.ParsePrefix(text)
	if err != nil {
		if addr, err := netip.ParseAddr(text); err == nil && addr.Zone() == "" {
			return netip.Prefix{}, fmt.Errorf("%s has no length: write %s/%d", quote(text), addr, addr.BitLen())
		}
		return netip.Prefix{}, fmt.Errorf("%s is not a network, as 192.0.2.0/24 or 2001:db8::/32", quote(text))
	}
	if prefix.Addr().Is4In6() {
		return netip.Prefix{}, fmt.Errorf("%s is IPv4 in the clothes of IPv6: write the IPv4 network", quote(text))
	}
	if prefix != prefix.Masked() {
		return netip.Prefix{}, fmt.Errorf("%s has bits beyond its length: write %s", quote(text), prefix.Masked())
	}
	return prefix, nil
}
