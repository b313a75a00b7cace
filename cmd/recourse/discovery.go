package main

import (
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"io"
	"net"
	"slices"
	"strings"

	"github.com/miekg/dns"

	"github.com/recourse-dns/recourse/resolver/local"
)

// DiscoveryOptions are the flags of discovery.
type DiscoveryOptions struct {
	Config string `required:"" placeholder:"FILE" help:"The configuration."`
}

// Help shows the command at work.
func (DiscoveryOptions) Help() string {
	return example("Prints the records by which clients find the encrypted doors (RFC 9462), what the resolver says of itself (RFC 9606), and the same doors as options of DHCP and of router advertisements (RFC 9463).",
		"recourse discovery --config /etc/recourse/recourse.yaml")
}

// Run is called by the command line.
func (o *DiscoveryOptions) Run(env *environment) error {
	config, err := env.config(ConfigFlag{Config: o.Config}, false)
	if err != nil {
		return err
	}
	names, err := config.certifiedNames()
	if err != nil {
		return err
	}
	return printDiscovery(env.stdout, config.discovery(names))
}

// certifiedNames are those that the certificates will be good for when serve runs.
func (c *Config) certifiedNames() ([]string, error) {
	settings, err := c.certificates(c.StateDir())
	if err != nil || len(settings.Pairs) == 0 {
		return settings.Names, err
	}
	var names []string
	for _, pair := range settings.Pairs {
		read, err := pair.Read()
		if err != nil {
			return nil, err
		}
		names = append(names, read.Leaf.DNSNames...)
	}
	return names, nil
}

func printDiscovery(to io.Writer, told local.Discovery) error {
	var text strings.Builder
	records := told.Records()
	switch {
	case len(told.Doors) == 0:
		text.WriteString("No encrypted door is configured: clients are told of none.\n")
	case len(records) == 0:
		text.WriteString("Clients are told of no door: there is no name that a certificate is good for; give listen.name.\n")
	default:
		text.WriteString("Clients that ask for encrypted doors are told (DDR, RFC 9462):\n")
	}
	for _, record := range records {
		fmt.Fprintf(&text, "  %s\n", strings.ReplaceAll(record.String(), "\t", " "))
	}
	fmt.Fprintf(&text, "\nThe resolver says of itself (RESINFO, RFC 9606):\n  %s\n", strings.Join(told.Information, " "))
	printOptions(&text, records)
	_, err := io.WriteString(to, text.String())
	return err
}

// printOptions writes the doors whose addresses are known as network options.
func printOptions(text *strings.Builder, records []*dns.SVCB) {
	var v4, v6, router strings.Builder
	for _, record := range records {
		one, err := designationOf(record)
		if err != nil {
			continue // the record was made here: it packs
		}
		if len(one.ipv4) > 0 {
			v4.WriteString(hex.EncodeToString(one.dhcpv4()))
		}
		if len(one.ipv6) > 0 {
			fmt.Fprintf(&v6, "  DHCPv6 option 144  %x\n", one.dhcpv6())
			fmt.Fprintf(&router, "  RA option 144      %x\n", one.advertisement())
		}
	}
	if v4.Len()+v6.Len() == 0 {
		if len(records) > 0 {
			text.WriteString("\nFor DHCP and router advertisements the doors need addresses of their own: listeners on all addresses tell none.\n")
		}
		return
	}
	text.WriteString("\nFor DHCP and router advertisements, in hexadecimal (DNR, RFC 9463); options of DHCP without code and length:\n")
	if v4.Len() > 0 {
		fmt.Fprintf(text, "  DHCPv4 option 162  %s\n", v4.String())
	}
	text.WriteString(v6.String() + router.String())
}

// designation is one door as networks advertise it.
type designation struct {
	priority   uint16
	name       []byte // in wire form
	ipv4, ipv6 []byte // addresses, one after the other
	parameters []byte // in wire form, without hints, whose place the addresses take
}

func designationOf(record *dns.SVCB) (designation, error) {
	one := designation{priority: record.Priority}
	bare := &dns.SVCB{Hdr: dns.RR_Header{Name: ".", Rrtype: dns.TypeSVCB, Class: dns.ClassINET}, Target: "."}
	for _, value := range record.Value {
		switch value := value.(type) {
		case *dns.SVCBIPv4Hint:
			one.ipv4 = joined(value.Hint, net.IP.To4)
		case *dns.SVCBIPv6Hint:
			one.ipv6 = joined(value.Hint, net.IP.To16)
		default:
			bare.Value = append(bare.Value, value)
		}
	}
	packed, room := make([]byte, dns.MaxMsgSize), make([]byte, 255)
	end, err := dns.PackRR(bare, packed, 0, nil, false)
	if err != nil {
		return designation{}, err
	}
	length, err := dns.PackDomainName(record.Target, room, 0, nil, false)
	const before = 1 + 10 + 2 + 1 // owner, fixed fields, priority, target
	one.name, one.parameters = room[:length], packed[before:end]
	return one, err
}

func joined(addrs []net.IP, form func(net.IP) net.IP) []byte {
	var octets []byte
	for _, addr := range addrs {
		octets = append(octets, form(addr)...)
	}
	return octets
}

// dhcpv4 is one instance of OPTION_V4_DNR (RFC 9463, section 5.1), with its length.
func (d designation) dhcpv4() []byte {
	body := binary.BigEndian.AppendUint16(nil, d.priority)
	body = append(append(body, byte(len(d.name))), d.name...)
	body = append(append(body, byte(len(d.ipv4))), d.ipv4...)
	body = append(body, d.parameters...)
	return slices.Concat(binary.BigEndian.AppendUint16(nil, uint16(len(body))), body)
}

// dhcpv6 is the data of OPTION_V6_DNR (RFC 9463, section 4.1).
func (d designation) dhcpv6() []byte {
	body := binary.BigEndian.AppendUint16(nil, d.priority)
	body = append(binary.BigEndian.AppendUint16(body, uint16(len(d.name))), d.name...)
	body = append(binary.BigEndian.AppendUint16(body, uint16(len(d.ipv6))), d.ipv6...)
	return append(body, d.parameters...)
}

// advertised is how long hosts keep a door that no router speaks of any more, in seconds:
// three times the longest usual interval.
const advertised = 1800

// advertisement is the whole option of Neighbour Discovery (RFC 9463, section 6.1).
func (d designation) advertisement() []byte {
	option := binary.BigEndian.AppendUint16([]byte{144, 0}, d.priority)
	option = binary.BigEndian.AppendUint32(option, advertised)
	option = append(binary.BigEndian.AppendUint16(option, uint16(len(d.name))), d.name...)
	option = append(binary.BigEndian.AppendUint16(option, uint16(len(d.ipv6))), d.ipv6...)
	option = append(binary.BigEndian.AppendUint16(option, uint16(len(d.parameters))), d.parameters...)
	for len(option)%8 != 0 {
		option = append(option, 0)
	}
	option[1] = byte(len(option) / 8)
	return option
}
