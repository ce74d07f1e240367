//go:build !wasip1

package sdk

import (
	"fmt"
	"os"
)

var levels = [...]string{"debug", "info", "warn", "error"}

func hostLog(level Level, message string) {
	fmt.Fprintf(os.Stderr, "%s: %s\n", levels[level&3], message)
}

var testAssets = map[string][]byte{}

// SetAsset lays out an asset for a test.
func SetAsset(name string, bytes []byte) { testAssets[name] = bytes }

func hostAssetSize(name string) (uint64, bool) {
	bytes, ok := testAssets[name]
	return uint64(len(bytes)), ok
}

func hostAssetRead(name string, offset uint64, length uint32) []byte {
	bytes := testAssets[name]
	from := min(offset, uint64(len(bytes)))
	return bytes[from:min(from+uint64(length), uint64(len(bytes)))]
}

// frozen is about clocks and randomness that stand still, which is so in a component alone.
var frozen noReads

type noReads struct{}

func (noReads) seen() noReads       { return noReads{} }
func (noReads) since(noReads) error { return nil }

// claimMemory is for a component, whose memory only grows.
func claimMemory() {}
