package sdk

import (
	"errors"
	"runtime"
	"runtime/debug"
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

// accounted is what had been read, and how many cycles there had been, when that was looked at last.
var accounted struct {
	reads  reads
	cycles uint64
}

func init() {
	lendLines(unsafe.Pointer(&lines), uint32(len(lines)))
	lendReads(unsafe.Pointer(&frozen))
	// Many instances run side by side: what they keep for the collector should be small.
	debug.SetGCPercent(50)
}

// heap is what the collector lets the heap become, and what is alive in it.
var heap = []metrics.Sample{{Name: "/gc/heap/goal:bytes"}, {Name: "/gc/heap/live:bytes"}}

// claimed keeps the compiler from leaving out what is claimed.
var claimed []byte

// claimMemory takes at once what the heap would grow to in time, so that an instance that lets
// little garbage fall doesn't look as if it kept it.
func claimMemory() {
	runtime.GC()
	metrics.Read(heap)
	if goal, live := heap[0].Value.Uint64(), heap[1].Value.Uint64(); goal > live {
		claimed = make([]byte, goal-live)
		claimed = nil
	}
}

func collected() uint64 {
	metrics.Read(cycles)
	return cycles[0].Value.Uint64()
}

// account looks at the counters, and gives what of the clock's reads was the collector's.
func (r *reads) account() (byCollector uint32) {
	done := collected()
	byCollector = uint32(done - accounted.cycles)
	accounted.reads, accounted.cycles = *r, done
	return byCollector
}

// seen is what has been read until now, for since.
func (r *reads) seen() reads {
	if *r != accounted.reads {
		r.account()
	}
	return *r
}

// since says whether somebody other than the collector has read a clock or randomness.
func (r *reads) since(before reads) error {
	if *r == before {
		return nil
	}
	byCollector := r.account()
	switch {
	case r[1] != before[1]:
		return errors.New("random bytes of the system (crypto/rand) were read, which are frozen inside a component: " +
			"take them from settings.Key(…).At(tick.Index)")
	case r[0]-before[0] > byCollector:
		return errors.New("the clock (time.Now) was read, which stands still inside a component: use tick.Time")
	}
	return nil
}
