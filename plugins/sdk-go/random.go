package sdk

const (
	gamma = 0x9E3779B97F4A7C15
	// shared stands for the stream where all streams share.
	shared = 1 << 32
)

// A Key is randomness for one purpose: draws for any index, in any order, addressed by seed,
// stream, index and purpose. The algorithm, and the test vectors that every SDK has, are those of
// the Rust SDK's rng.rs.
type Key uint64

// StreamKey is for what one stream alone sees.
func StreamKey(seed uint64, stream uint32, purpose string) Key {
	return newKey(seed, uint64(stream), purpose)
}

// SharedKey is for what all streams, and all generators under the same seed, see alike.
func SharedKey(seed uint64, purpose string) Key { return newKey(seed, shared, purpose) }

func newKey(seed, stream uint64, purpose string) Key {
	hash := uint64(0xCBF29CE484222325)
	for i := range len(purpose) {
		hash = (hash ^ uint64(purpose[i])) * 0x100000001B3
	}
	return Key(mix(mix(mix(seed+gamma)+stream) ^ hash))
}

// At gives the draws of index i.
func (k Key) At(i uint64) Rng { return Rng{k.Hash(i)} }

// Hash is one number for index i: as good as a draw, at half its cost, and not among those draws.
func (k Key) Hash(i uint64) uint64 { return mix(uint64(k) ^ i*gamma) }

// An Rng gives the draws of one index, one after another. It is a Source of math/rand/v2, so
// rand.New(&rng) has distributions and permutations, and fakers take it for theirs.
type Rng struct{ state uint64 }

// Uint64 is the next 64 random bits.
func (r *Rng) Uint64() uint64 {
	r.state += gamma
	return mix(r.state)
}

// Below is a number in 0..n from one draw; 0 when n is 0.
func (r *Rng) Below(n uint32) uint32 { return uint32((r.Uint64() >> 32) * uint64(n) >> 32) }

// Chance says whether something happens whose probability is share of 2³².
func (r *Rng) Chance(share uint32) bool { return uint32(r.Uint64()>>32) < share }

// mix is SplitMix64's finaliser.
func mix(z uint64) uint64 {
	z = (z ^ z>>30) * 0xBF58476D1CE4E5B9
	z = (z ^ z>>27) * 0x94D049BB133111EB
	return z ^ z>>31
}
