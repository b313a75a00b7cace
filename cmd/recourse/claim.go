package main

import (
	"context"
	"fmt"
	"net/url"
	"strings"

	"github.com/boombuler/barcode/qr"
)

// printClaim tells how the first account is made: an address with the code, and the same as a picture.
func printClaim(reply shownClaim) string {
	var text strings.Builder
	fmt.Fprintf(&text, "There is no account yet. The first is made with the code\n\n    %s\n\nuntil %s, once, at\n", reply.Code, reply.Ends.Local().Format("15:04"))
	for _, address := range reply.Addresses {
		fmt.Fprintf(&text, "    %s/claim\n", address)
	}
	if len(reply.Addresses) == 0 {
		text.WriteString("    (the server's pages, when it runs)\n")
		return text.String()
	}
	drawn, err := drawQR(reply.Addresses[0] + "/claim?code=" + url.QueryEscape(reply.Code))
	if err != nil {
		return text.String() // the code above says as much
	}
	return text.String() + "or with a telephone in the same network:\n\n" + drawn
}

// drawQR draws a code for a terminal, two modules a character, with the quiet zone that readers want. The colours are
// set, since a code that is light on dark is not read by all.
func drawQR(content string) (string, error) {
	code, err := qr.Encode(content, qr.L, qr.Auto)
	if err != nil {
		return "", err
	}
	const quiet = 2
	size := code.Bounds().Dx()
	dark := func(x, y int) bool {
		if x < 0 || y < 0 || x >= size || y >= size {
			return false
		}
		r, _, _, _ := code.At(x, y).RGBA()
		return r == 0
	}
	var text strings.Builder
	for y := -quiet; y < size+quiet; y += 2 {
		text.WriteString("    \x1b[30;107m")
		for x := -quiet; x < size+quiet; x++ {
			switch upper, lower := dark(x, y), dark(x, y+1); {
			case upper && lower:
				text.WriteRune('█')
			case upper:
				text.WriteRune('▀')
			case lower:
				text.WriteRune('▄')
			default:
				text.WriteByte(' ')
			}
		}
		text.WriteString("\x1b[0m\n")
	}
	return text.String(), nil
}

// welcomeClaim prints the code for the first account, while there is none and there are pages to use it on.
func (n *node) welcomeClaim(ctx context.Context, text *strings.Builder) error {
	if len(n.web)+len(n.webTLS) == 0 || n.people == nil {
		return nil
	}
	empty, err := n.people.office.Empty(ctx)
	if err != nil || !empty {
		return n.later(err) // recourse accounts claim prints it then
	}
	link, err := n.people.office.Claim(ctx)
	if err != nil {
		return n.later(err)
	}
	text.WriteString("\n" + printClaim(shownClaim{Code: link.Token, Ends: link.Ends, Addresses: n.claimAddresses()}))
	return nil
}
