package load

// moment is nanoseconds since the run began.
type moment int64

// flight is a query that is not answered yet.
type flight struct {
	sequence uint32
	question int32
	due      moment // when it was to be sent; from then on its answer is awaited
	open     bool
}

// flights is the queries under way on one connection, by sequence number. As these are
// given in order, the oldest is found without a search.
type flights struct {
	table        []flight // by the lowest bits of the sequence number
	significant  uint32   // the bits of a sequence number that a reply gives back
	next, oldest uint32
	count        int
}

// maxInFlight leaves half of the table free, so that one lost query does not stand in the
// way of those after it, and a late reply meets its own ID and no other.
const maxInFlight = 1 << 15

func newFlights(most int, significant uint32) flights {
	return flights{table: make([]flight, tableSize(most)), significant: significant}
}

// tableSize is a power of two with room for twice as many.
func tableSize(most int) int {
	size := 256
	for size < 2*most {
		size *= 2
	}
	return size
}

func (f *flights) at(sequence uint32) *flight {
	return &f.table[sequence&uint32(len(f.table)-1)]
}

// start takes the next sequence number whose place is free.
func (f *flights) start(question int32, due moment) uint32 {
	for f.at(f.next).open {
		f.next++
	}
	sequence := f.next
	*f.at(sequence) = flight{sequence: sequence, question: question, due: due, open: true}
	f.next++
	f.count++
	return sequence
}

// finish ends the one that a reply names; false where there is none, or no more.
func (f *flights) finish(sequence uint32) (flight, bool) {
	one := f.at(sequence)
	if !one.open || (one.sequence^sequence)&f.significant != 0 {
		return flight{}, false
	}
	one.open = false
	f.count--
	return *one, true
}

// expire ends those that were due before a time, and says how many these were.
func (f *flights) expire(before moment) int {
	expired := 0
	for ; f.oldest != f.next; f.oldest++ {
		one := f.at(f.oldest)
		if !one.open {
			continue
		}
		if one.due >= before {
			break
		}
		one.open = false
		f.count--
		expired++
	}
	return expired
}

// clear ends all, as a connection's end does.
func (f *flights) clear() int {
	ended := f.count
	for i := range f.table {
		f.table[i].open = false
	}
	f.count, f.oldest = 0, f.next
	return ended
}
