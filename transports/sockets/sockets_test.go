package sockets_test

import (
	"bufio"
	"fmt"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"go.uber.org/goleak"
	"golang.org/x/sys/unix"

	"github.com/recourse-dns/recourse/transports/sockets"
)

func TestMain(m *testing.M) {
	if os.Getenv("RECOURSE_TEST_SUCCESSOR") != "" {
		if err := succeed(); err != nil {
			fmt.Println("failed:", err)
			os.Exit(1)
		}
		return
	}
	goleak.VerifyTestMain(m)
}

var anywhere = netip.MustParseAddrPort("127.0.0.1:0")

func share(descriptor int) error {
	return unix.SetsockoptInt(descriptor, unix.SOL_SOCKET, unix.SO_REUSEPORT, 1)
}

// succeed is the program that comes after: it answers what arrived before it ran.
func succeed() error {
	set, err := sockets.Inherited(sockets.Config{})
	if err != nil {
		return err
	}
	stream, err := set.ListenTCP(anywhere)
	if err != nil {
		return err
	}
	packets, err := set.ListenUDP(anywhere, 1, share)
	if err != nil {
		return err
	}
	rest, err := set.Rest()
	fmt.Println("sockets", len(packets), "rest", rest, err, "environment", os.Getenv(sockets.Variable) == "")
	conn, err := stream.Accept()
	if err != nil {
		return err
	}
	defer conn.Close()
	line, err := bufio.NewReader(conn).ReadString('\n')
	fmt.Print("stream ", line)
	if err != nil {
		return err
	}
	for range packets { // the kernel gave the datagram to one of them
		buffer := make([]byte, 100)
		for _, socket := range packets {
			if err := socket.SetReadDeadline(time.Now().Add(time.Second)); err != nil {
				return err
			}
			if n, _, err := socket.ReadFromUDPAddrPort(buffer); err == nil {
				fmt.Println("datagram", string(buffer[:n]))
				return nil
			}
		}
	}
	return fmt.Errorf("no datagram came")
}

// open takes a listener and two sockets of UDP, each at the free port it was given.
func open(t *testing.T, set *sockets.Set) (*net.TCPListener, []*net.UDPConn) {
	t.Helper()
	stream, err := set.ListenTCP(anywhere)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { stream.Close() })
	packets, err := set.ListenUDP(anywhere, 2, share)
	if err != nil {
		t.Fatal(err)
	}
	for _, socket := range packets {
		t.Cleanup(func() { socket.Close() })
	}
	if len(packets) != 2 || packets[0].LocalAddr().String() != packets[1].LocalAddr().String() {
		t.Fatalf("sockets of UDP: %v", packets)
	}
	return stream, packets
}

func dial(t *testing.T, address net.Addr, text string) {
	t.Helper()
	conn, err := net.Dial(address.Network(), address.String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	if _, err := conn.Write([]byte(text)); err != nil {
		t.Fatal(err)
	}
}

func TestWhatArrivesBetweenTwoProcessesIsAnswered(t *testing.T) {
	set := new(sockets.Set)
	stream, packets := open(t, set)
	held, err := set.HandOver()
	if err != nil {
		t.Fatal(err)
	}
	defer held.Close()
	for _, socket := range packets {
		socket.Close()
	}
	stream.Close()

	dial(t, stream.Addr(), "from between\n")
	dial(t, packets[0].LocalAddr(), "between")
	variable, err := held.Environ()
	if err != nil {
		t.Fatal(err)
	}
	next := exec.Command(os.Args[0])
	next.Env = append(os.Environ(), "RECOURSE_TEST_SUCCESSOR=1", variable)
	// As execve would, it gets each descriptor at the number that it had.
	next.ExtraFiles = asTheyWere(t, variable)
	out, err := next.CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	for _, want := range []string{"sockets 2 rest [] <nil> environment true\n", "stream from between\n", "datagram between\n"} {
		if !strings.Contains(string(out), want) {
			t.Errorf("%q is missing in:\n%s", want, out)
		}
	}
}

// asTheyWere gives the descriptors that the variable names, each at its place.
func asTheyWere(t *testing.T, variable string) []*os.File {
	t.Helper()
	var files []*os.File
	for one := range strings.SplitSeq(strings.TrimPrefix(variable, sockets.Variable+"="), ",") {
		var number int
		if _, err := fmt.Sscan(one[strings.LastIndexByte(one, '|')+1:], &number); err != nil {
			t.Fatal(err)
		}
		for len(files) <= number-3 {
			files = append(files, nil)
		}
		again, err := syscall.Dup(number)
		if err != nil {
			t.Fatal(err)
		}
		files[number-3] = os.NewFile(uintptr(again), one)
		t.Cleanup(func() { files[number-3].Close() })
	}
	return files
}

func TestNothingIsHandedOverToANewSet(t *testing.T) {
	var none *sockets.Set
	stream, packets := open(t, none)
	if _, err := none.ListenTCP(netip.MustParseAddrPort(stream.Addr().String())); err == nil {
		t.Error("a port that is taken was taken again")
	}
	if rest, err := none.Rest(); len(rest) != 0 || err != nil {
		t.Errorf("rest: %v, %v", rest, err)
	}
	if len(packets) == 0 {
		t.Error("no socket")
	}
}

func TestWhatIsNoSocketIsRefused(t *testing.T) {
	for _, text := range []string{"udp|127.0.0.1:53", "udp|127.0.0.1:53|2", "udp|127.0.0.1:53|x", "udp|nowhere|7", "raw|127.0.0.1:53|7", "udp|127.0.0.1:53|65530", ","} {
		t.Setenv(sockets.Variable, text)
		if _, err := sockets.Inherited(sockets.Config{}); err == nil || !strings.Contains(err.Error(), sockets.Variable) {
			t.Errorf("%q: %v", text, err)
		}
		if os.Getenv(sockets.Variable) != "" {
			t.Errorf("%q stays in the environment", text)
		}
	}
}

func TestWhatNobodyAskedForIsTold(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	file, err := listener.(*net.TCPListener).File()
	if err != nil {
		t.Fatal(err)
	}
	again, err := syscall.Dup(int(file.Fd())) // the set closes its own
	if err = joined(err, file.Close()); err != nil {
		t.Fatal(err)
	}
	t.Setenv(sockets.Variable, fmt.Sprintf("tcp|%s|%d", listener.Addr(), again))
	set, err := sockets.Inherited(sockets.Config{})
	if err != nil {
		t.Fatal(err)
	}
	if rest, err := set.Rest(); err != nil || len(rest) != 1 || rest[0] != "tcp "+listener.Addr().String() {
		t.Errorf("rest: %v, %v", rest, err)
	}
}

func joined(one, other error) error {
	if one != nil {
		return one
	}
	return other
}
