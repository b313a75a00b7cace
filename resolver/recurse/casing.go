package recurse

import (
	"github.com/recourse-dns/recourse/resolver/chance"
	"github.com/recourse-dns/recourse/resolver/wire"
)

// mixedCase gives every letter of a name a case at random, one bit more each for
// a forger to guess (draft-vixie-dnsext-dns0x20).
func mixedCase(name wire.Name, random *chance.Source) []byte {
	mixed := []byte(name)
	coins := make([]byte, len(mixed))
	random.Fill(coins)
	for i := 0; i < len(mixed) && mixed[i] != 0; {
		end := i + 1 + int(mixed[i])
		for i++; i < end; i++ {
			if c := mixed[i]; 'a' <= c && c <= 'z' && coins[i]&1 == 1 {
				mixed[i] = c - ('a' - 'A')
			}
		}
	}
	return mixed
}
