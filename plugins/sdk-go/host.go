package sdk

import "fmt"

// A Level is how much a message matters.
type Level uint8

const (
	// LevelDebug is for the generator's author.
	LevelDebug Level = iota
	// LevelInfo is worth knowing.
	LevelInfo
	// LevelWarn is probably not meant so.
	LevelWarn
	// LevelError is wrong.
	LevelError
)

// Log puts a message into the host's log. It is cut after 4 KiB, and beyond a rate that the host
// sets messages are dropped and counted: log what a person should know of, not each record.
func Log(level Level, format string, values ...any) {
	hostLog(level, fmt.Sprintf(format, values...))
}

// assetPiece is the most that the host gives at once.
const assetPiece = 1 << 20

// AssetSize is the length in bytes of read-only data that the emulation's spec names; false when
// it names no such asset.
func AssetSize(name string) (uint64, bool) { return hostAssetSize(name) }

// ReadAsset reads into piece from an offset of an asset, and gives how many bytes there were: fewer
// at its end, none past it or where there is no such asset.
func ReadAsset(name string, offset uint64, piece []byte) int {
	read := 0
	for read < len(piece) {
		want := min(len(piece)-read, assetPiece)
		n := copy(piece[read:], hostAssetRead(name, offset+uint64(read), uint32(want)))
		if n == 0 {
			break
		}
		read += n
	}
	return read
}

// Asset is the whole of an asset; false when the spec names no such.
func Asset(name string) ([]byte, bool) {
	size, ok := AssetSize(name)
	if !ok {
		return nil, false
	}
	bytes := make([]byte, size)
	return bytes[:ReadAsset(name, 0, bytes)], true
}
