package main

import (
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/miekg/dns"
	"github.com/rogpeppe/go-internal/testscript"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"recourse": main})
}

// TestScripts runs the program from outside, as the archives in testdata/script
// say. $FIXTURES holds the configurations of testdata/config, $DNS is the address
// of a server that answers in the ways that query has to tell apart, $SILENT one
// that never does.
func TestScripts(t *testing.T) {
	fixtures, err := filepath.Abs(filepath.Join("testdata", "config"))
	if err != nil {
		t.Fatal(err)
	}
	server, silent := startAnswers(t), startSilence(t)
	testscript.Run(t, testscript.Params{
		Dir: filepath.Join("testdata", "script"),
		Setup: func(env *testscript.Env) error {
			env.Setenv("DNS", server)
			env.Setenv("SILENT", silent)
			env.Setenv("FIXTURES", fixtures)
			return nil
		},
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
		Cmds:                map[string]func(script *testscript.TestScript, negated bool, args []string){"status": status},
	})
}

// status runs the program and wants its exit status: status N recourse ARGS...
func status(script *testscript.TestScript, negated bool, args []string) {
	if negated || len(args) < 2 {
		script.Fatalf("usage: status N program args...")
	}
	err := script.Exec(args[1], args[2:]...)
	got := "0"
	var exit interface{ ExitCode() int }
	switch {
	case errors.As(err, &exit):
		got = string(rune('0' + exit.ExitCode()))
	case err != nil:
		script.Fatalf("%s: %s", args[1], err)
	}
	if got != args[0] {
		script.Fatalf("exit status %s, not %s", got, args[0])
	}
}

// startAnswers serves UDP and TCP on one port of loopback until the test ends.
func startAnswers(t *testing.T) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	packets, err := net.ListenPacket("udp", listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	for _, server := range []*dns.Server{
		{Listener: listener, Handler: dns.HandlerFunc(answerOverTCP)},
		{PacketConn: packets, Handler: dns.HandlerFunc(answerOverUDP)},
	} {
		started, ended := make(chan struct{}), make(chan error, 1)
		server.NotifyStartedFunc = func() { close(started) }
		go func() { ended <- server.ActivateAndServe() }()
		<-started
		t.Cleanup(func() {
			if err := errors.Join(server.Shutdown(), <-ended); err != nil {
				t.Error(err)
			}
		})
	}
	return listener.Addr().String()
}

func answerOverTCP(writer dns.ResponseWriter, query *dns.Msg) { answer(writer, query, false) }
func answerOverUDP(writer dns.ResponseWriter, query *dns.Msg) { answer(writer, query, true) }

// answer replies as the first label of the question's name says.
func answer(writer dns.ResponseWriter, query *dns.Msg, udp bool) {
	reply := new(dns.Msg)
	reply.SetReply(query)
	reply.RecursionAvailable = true
	opt := &dns.OPT{Hdr: dns.RR_Header{Name: ".", Rrtype: dns.TypeOPT}}
	opt.SetUDPSize(1232)
	name, add := query.Question[0].Name, func(text string) {
		record, err := dns.NewRR(query.Question[0].Name + " 60 IN " + text)
		if err != nil {
			panic(err)
		}
		reply.Answer = append(reply.Answer, record)
	}
	switch label, _, _ := strings.Cut(name, "."); strings.ToLower(label) {
	case "good":
		add("A 192.0.2.1")
	case "asked": // repeats the flags and the type of the query
		add("TXT \"rd=" + yesNo(query.RecursionDesired) + " do=" + yesNo(query.IsEdns0().Do()) + " ad=" + yesNo(query.AuthenticatedData) + "\"")
	case "large":
		reply.Truncated = udp
		if !udp {
			add("A 192.0.2.2")
		}
	case "censored":
		reply.Rcode = dns.RcodeNameError
		opt.Option = append(opt.Option, &dns.EDNS0_EDE{InfoCode: 16, ExtraText: "blocked: http://127.0.0.1:8080/r/7K4Q-92QF-M3TX"})
	case "structured":
		reply.Rcode = dns.RcodeNameError
		opt.Option = append(opt.Option, &dns.EDNS0_EDE{InfoCode: 15, ExtraText: structuredAnswer(query.IsEdns0().Option)})
	case "nodata":
		opt.Option = append(opt.Option, &dns.EDNS0_EDE{InfoCode: 17})
	case "hostile":
		opt.Option = append(opt.Option, &dns.EDNS0_EDE{InfoCode: 65000, ExtraText: "\x1b[2Jred\n<b>"})
	case "other":
		reply.Question[0].Name = "another.example."
	case "bogus":
		reply.Rcode = dns.RcodeServerFailure
		opt.Option = append(opt.Option, &dns.EDNS0_EDE{InfoCode: 7})
	default:
		reply.Rcode = dns.RcodeNameError
	}
	reply.Extra = append(reply.Extra, opt)
	_ = writer.WriteMsg(reply) // a client that has left is not this server's concern
}

// structuredAnswer is plain but for who asks, and says by which sign it was asked.
func structuredAnswer(options []dns.EDNS0) string {
	for _, option := range options {
		switch option := option.(type) {
		case *dns.EDNS0_LOCAL:
			if len(option.Data) == 0 {
				return fmt.Sprintf(`{"c":["mailto:a@b.example","https://c.example"],"j":"option %d\u001b[2J","s":2,"o":"Net","l":"en","fdbs":[{"db":"lumen","id":"1"}],"x":1}`, option.Code)
			}
		case *dns.EDNS0_EDE:
			return fmt.Sprintf(`{"j":"code %d, %d octets","s":200,"l":"en"}`, option.InfoCode, len(option.ExtraText))
		}
	}
	return "plain"
}

func yesNo(yes bool) string {
	if yes {
		return "yes"
	}
	return "no"
}

// startSilence takes packets and never answers.
func startSilence(t *testing.T) string {
	t.Helper()
	packets, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := packets.Close(); err != nil && !errors.Is(err, os.ErrClosed) {
			t.Error(err)
		}
	})
	return packets.LocalAddr().String()
}
