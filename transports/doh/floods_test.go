package doh

import (
	"testing"

	"golang.org/x/net/http2"
)

func TestFloodsEndTheConnection(t *testing.T) {
	d := open(t, 1000)
	defer close(d.world.Release)
	for name, test := range map[string]struct {
		once func(r *raw)
		each func(r *raw, id uint32) error
	}{
		"pings":    {each: func(r *raw, _ uint32) error { return r.frames.WritePing(false, [8]byte{}) }},
		"settings": {each: func(r *raw, _ uint32) error { return r.frames.WriteSettings() }},
		"windows":  {each: func(r *raw, _ uint32) error { return r.frames.WriteWindowUpdate(0, 1) }},
		"priorities": {each: func(r *raw, id uint32) error {
			return r.frames.WritePriority(id, http2.PriorityParam{StreamDep: id + 2})
		}},
		"what nobody knows": {each: func(r *raw, _ uint32) error { return r.frames.WriteRawFrame(0xbe, 0, 0, []byte("x")) }},
		"empty parts":       {once: func(r *raw) { r.post(1, -1) }, each: func(r *raw, _ uint32) error { return r.frames.WriteData(1, false, nil) }},
		"empty continuations": {
			once: func(r *raw) { r.do(r.frames.WriteHeaders(http2.HeadersFrameParam{StreamID: 1})) },
			each: func(r *raw, _ uint32) error { return r.frames.WriteContinuation(1, false, nil) },
		},
		"continuations": {
			once: func(r *raw) { r.do(r.frames.WriteHeaders(http2.HeadersFrameParam{StreamID: 1})) },
			each: func(r *raw, _ uint32) error { return r.frames.WriteContinuation(1, false, make([]byte, 1000)) },
		},
		"resets": {each: func(r *raw, id uint32) error {
			r.block.Reset()
			return errorsOf(r.frames.WriteHeaders(headersOf(t, id)), r.frames.WriteRSTStream(id, http2.ErrCodeCancel))
		}},
		"resets of what is worked for": {each: func(r *raw, id uint32) error {
			return errorsOf(r.frames.WriteHeaders(headersOf(t, id)), r.frames.WriteData(id, true, question(t, "slow", 1)), r.frames.WriteRSTStream(id, http2.ErrCodeCancel))
		}},
		"faults that we must reset for": {each: func(r *raw, id uint32) error {
			return errorsOf(r.frames.WriteHeaders(headersOf(t, id)), r.frames.WriteWindowUpdate(id, 0))
		}},
		"parts for what has ended": {
			once: func(r *raw) { r.ask(1, "www") },
			each: func(r *raw, _ uint32) error { return r.frames.WriteData(1, true, []byte("x")) },
		},
	} {
		t.Run(name, func(t *testing.T) {
			r, other := d.greeted(t), d.greeted(t)
			if test.once != nil {
				test.once(r)
			}
			done := make(chan int)
			go func() {
				sent := 0
				for id := uint32(101); sent < 100_000 && test.each(r, id) == nil; id += 2 {
					sent++
				}
				done <- sent
			}()
			if said := r.until(1 << 30); !said.away || said.code != http2.ErrCodeEnhanceYourCalm {
				t.Errorf("the connection was left so: %+v", said)
			}
			r.conn.Close()
			<-done
			other.ask(1, "www")
			if said := other.until(1); said.status != "200" {
				t.Errorf("the other client: %+v", said)
			}
		})
	}
	if open := len(d.world.Entered); open > 12*maxStreams {
		t.Errorf("%d queries were worked for", open)
	}
}

func errorsOf(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

// headersOf opens a POST without a table, so that any connection understands it.
func headersOf(t testing.TB, id uint32) http2.HeadersFrameParam {
	block := []byte{0x83, 0x87}
	block = appendString(append(block, 0x04), Path)
	block = appendField(block, indexContentType, MediaType)
	return http2.HeadersFrameParam{StreamID: id, BlockFragment: block, EndHeaders: true}
}
