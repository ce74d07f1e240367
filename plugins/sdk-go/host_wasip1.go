package sdk

import (
	"errors"
	"runtime/metrics"
	"unsafe"
)

//go:wasmimport wellhead:generator/log@1.0.0 log
func importLog(level uint32, text unsafe.Pointer, length uint32)

//go:wasmimport wellhead:generator/assets@1.0.0 size
func importAssetSize(name unsafe.Pointer, length uint32, result unsafe.Pointer)

//go:wasmimport wellhead:generator/assets@1.0.0 read
func importAssetRead(name unsafe.Pointer, nameLength uint32, offset uint64, length uint32, result unsafe.Pointer)

// The two that wellhead's own preview 1 has more than others.

//go:wasmimport wasi_snapshot_preview1 wellhead_lines
func lendLines(buffer unsafe.Pointer, length uint32)

//go:wasmimport wasi_snapshot_preview1 wellhead_reads
func lendReads(counters unsafe.Pointer)

func hostLog(level Level, message string) {
	importLog(uint32(level), unsafe.Pointer(unsafe.StringData(message)), uint32(len(message)))
}

func hostAssetSize(name string) (uint64, bool) {
	var result struct {
		some  uint8
		value uint64
	}
	importAssetSize(unsafe.Pointer(unsafe.StringData(name)), uint32(len(name)), unsafe.Pointer(&result))
	return result.value, result.some != 0
}

// hostAssetRead gives bytes that stay until the next call of the host.
func hostAssetRead(name string, offset uint64, length uint32) []byte {
	var result list
	importAssetRead(unsafe.Pointer(unsafe.StringData(name)), uint32(len(name)), offset, length, unsafe.Pointer(&result))
	return result.bytes()
}

// lines is where what the runtime writes is put together, and frozen where reads are counted: both
// by the adapter, which has no memory of its own.
var (
	lines  [4096]byte
	frozen reads
)

// reads counts how often the wall clock was read, and how often random bytes were.
type reads [2]uint32

// The collector reads the wall clock once at the end of each cycle.
var cycles = []metrics.Sample{{Name: "/gc/cycles/total:gc-cycles"}}

// cyclesCounted is the number of cycles for which a read has been accounted.
var cyclesCounted uint64

func init() {
	lendLines(unsafe.Pointer(&lines), uint32(len(lines)))
	cyclesCounted = collected()
	lendReads(unsafe.Pointer(&frozen))
}

func collected() uint64 {
	metrics.Read(cycles)
	return cycles[0].Value.Uint64()
}

func (r *reads) seen() [2]uint32 { return *r }

// since says whether somebody other than the collector has read a clock or randomness.
func (r *reads) since(before [2]uint32) error {
	// Reading the metrics may collect, which makes both larger: the reads are taken after it.
	done := collected()
	now := *r
	byCollector := uint32(done - cyclesCounted)
	cyclesCounted = done
	if now[1] != before[1] {
		return errors.New("random bytes of the system (crypto/rand) were read, which are frozen inside a component: " +
			"take them from settings.Key(…).At(tick.Index)")
	}
	if now[0]-before[0] > byCollector {
		return errors.New("the clock (time.Now) was read, which stands still inside a component: use tick.Time")
	}
	return nil
}
