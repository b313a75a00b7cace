package load

import "net"

// socketBuffer is what the kernel may keep for us: a reply that finds no room is lost.
const socketBuffer = 4 << 20

// dialDatagrams opens a socket that hears the server alone.
func (r *run) dialDatagrams(i int) (carrier, error) {
	var from *net.UDPAddr
	if source := r.config.source(i); source.IsValid() {
		from = &net.UDPAddr{IP: source.AsSlice(), Zone: source.Zone()}
	}
	conn, err := net.DialUDP("udp", from, net.UDPAddrFromAddrPort(r.config.Server.Addr))
	if err != nil {
		return nil, err
	}
	_ = conn.SetReadBuffer(socketBuffer) // as much as the system grants
	opened, err := newDatagrams(conn)
	if err != nil {
		conn.Close()
		return nil, err
	}
	return opened, nil
}
