package stream

// layer is what stands between messages and the network on an encrypted connection. It is
// used with the connection locked.
type layer interface {
	// open appends to dst what the octets of the network carry. The rest is incomplete.
	open(dst, raw []byte) (plain, rest []byte, err error)
	// seal appends to dst the octets that carry plain.
	seal(dst, plain []byte) ([]byte, error)
	// end appends the notice that nothing follows, and why if it is for an error.
	end(dst []byte, err error) []byte
}
