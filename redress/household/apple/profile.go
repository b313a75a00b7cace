package apple

import (
	"bytes"
	"crypto/sha256"
	"encoding/xml"
	"fmt"
	"net/netip"
)

// ContentType is what a browser must be told for the device to take a profile in.
const ContentType = "application/x-apple-aspen-config"

// Settings are what a device is to do.
type Settings struct {
	ID       string // by which the device is known here
	Title    string // what people call the profile
	Operator string // who runs the resolver
	Notice   string // what the profile does, in a sentence
	// URL is of DNS over HTTPS; where it is "", Name is of DNS over TLS.
	URL, Name string
	// Addresses are the resolver's, where they are known; else the device looks its name up.
	Addresses []netip.Addr
}

// Profile is the file.
func Profile(settings Settings) []byte {
	host := settings.URL + settings.Name
	dns := dict{{"DNSProtocol", "HTTPS"}, {"ServerURL", settings.URL}}
	if settings.URL == "" {
		dns = dict{{"DNSProtocol", "TLS"}, {"ServerName", settings.Name}}
	}
	if len(settings.Addresses) > 0 {
		var addresses []any
		for _, addr := range settings.Addresses {
			addresses = append(addresses, addr.String())
		}
		dns = append(dns, pair{"ServerAddresses", addresses})
	}
	payload := dict{
		{"DNSSettings", dns}, {"PayloadDescription", settings.Notice}, {"PayloadDisplayName", settings.Title},
		{"PayloadIdentifier", "recourse.dns." + settings.ID + ".settings"}, {"PayloadType", "com.apple.dnsSettings.managed"},
		{"PayloadUUID", uuid("settings", settings.ID, host)}, {"PayloadVersion", 1},
	}
	whole := dict{
		{"PayloadContent", []any{payload}}, {"PayloadDescription", settings.Notice}, {"PayloadDisplayName", settings.Title},
		{"PayloadIdentifier", "recourse.dns." + settings.ID}, {"PayloadOrganization", settings.Operator}, {"PayloadRemovalDisallowed", false},
		{"PayloadType", "Configuration"}, {"PayloadUUID", uuid("profile", settings.ID, host)}, {"PayloadVersion", 1},
	}
	var out bytes.Buffer
	out.WriteString(xml.Header + `<!DOCTYPE plist PUBLIC "-//Apple//DTD PLIST 1.0//EN" "http://www.apple.com/DTDs/PropertyList-1.0.dtd">` + "\n" + `<plist version="1.0">` + "\n")
	write(&out, whole, "")
	out.WriteString("</plist>\n")
	return out.Bytes()
}

// dict is a dictionary in the order in which it is written.
type dict []pair

type pair struct {
	key   string
	value any
}

func write(out *bytes.Buffer, value any, indent string) {
	switch value := value.(type) {
	case dict:
		out.WriteString(indent + "<dict>\n")
		for _, one := range value {
			out.WriteString(indent + "\t<key>" + one.key + "</key>\n")
			write(out, one.value, indent+"\t")
		}
		out.WriteString(indent + "</dict>\n")
	case []any:
		out.WriteString(indent + "<array>\n")
		for _, one := range value {
			write(out, one, indent+"\t")
		}
		out.WriteString(indent + "</array>\n")
	case string:
		out.WriteString(indent + "<string>")
		_ = xml.EscapeText(out, []byte(value)) // a buffer does not fail
		out.WriteString("</string>\n")
	case int:
		fmt.Fprintf(out, "%s<integer>%d</integer>\n", indent, value)
	case bool:
		fmt.Fprintf(out, "%s<%t/>\n", indent, value)
	}
}

// uuid is made of names (RFC 9562, section 5.8: version 8, of our own making).
func uuid(parts ...string) string {
	hash := sha256.New()
	for _, part := range parts {
		fmt.Fprintf(hash, "%d:%s", len(part), part)
	}
	made := hash.Sum(nil)[:16]
	made[6], made[8] = made[6]&0x0f|0x80, made[8]&0x3f|0x80
	return fmt.Sprintf("%X-%X-%X-%X-%X", made[:4], made[4:6], made[6:8], made[8:10], made[10:])
}
