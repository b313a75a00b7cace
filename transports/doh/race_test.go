//go:build race

package doh

// dropped is what is allocated anew under the race detector, which empties pools at random.
const dropped = 2
