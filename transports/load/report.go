package load

import "time"

// rcodes is how many codes the header can tell apart.
const rcodes = 16

// Report is what came of a run.
type Report struct {
	Sent      uint64 // queries
	Answered  uint64 // of them, by a reply to the question that was asked
	Lost      uint64 // not answered in time, or gone with their connection
	Wrong     uint64 // replies that are no response, or to another question
	Failed    uint64 // refused below DNS: an HTTP status, a stream that was reset
	Stray     uint64 // replies that nobody waited for: too late, or twice
	Truncated uint64 // answers with TC

	Rcodes        [rcodes]uint64 // answers by the code of their header
	Connections   uint64         // opened, those again among them
	BytesSent     uint64         // of DNS messages, without what carries them
	BytesReceived uint64

	Elapsed time.Duration // from the first query to the last reply
	Latency Histogram
}

// Rate is answers a second.
func (r *Report) Rate() float64 {
	if r.Elapsed <= 0 {
		return 0
	}
	return float64(r.Answered) / r.Elapsed.Seconds()
}

// tally counts an answer.
func (r *Report) tally(packet []byte, after moment) {
	const truncated = 0x02
	r.Answered++
	r.BytesReceived += uint64(len(packet))
	r.Rcodes[packet[3]&0x0f]++
	if packet[2]&truncated != 0 {
		r.Truncated++
	}
	r.Latency.Record(time.Duration(after))
}

func (r *Report) add(other *Report) {
	r.Sent += other.Sent
	r.Answered += other.Answered
	r.Lost += other.Lost
	r.Wrong += other.Wrong
	r.Failed += other.Failed
	r.Stray += other.Stray
	r.Truncated += other.Truncated
	for i, count := range other.Rcodes {
		r.Rcodes[i] += count
	}
	r.Connections += other.Connections
	r.BytesSent += other.BytesSent
	r.BytesReceived += other.BytesReceived
	r.Elapsed = max(r.Elapsed, other.Elapsed)
	r.Latency.Add(&other.Latency)
}
