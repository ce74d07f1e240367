package sdk

import (
	"errors"
	"fmt"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"strings"
)

// full is the payload from which on a batch ends early: more would cost memory and gain nothing.
const full = 1 << 20

// A Batch is records side by side, as they cross to the host. It belongs to its stream until the
// next one.
type Batch struct {
	Payload    []byte
	Ends       []uint32
	KeyBytes   []byte
	KeyEnds    []uint32
	Channels   []byte
	Operations []byte
}

// Len is how many records there are.
func (b *Batch) Len() int { return len(b.Ends) }

// Record is one of them.
func (b *Batch) Record(i int) string { return string(slice(b.Payload, b.Ends, i)) }

// Key is one record's key; empty where it has none.
func (b *Batch) Key(i int) string {
	if len(b.KeyEnds) == 0 {
		return ""
	}
	return string(slice(b.KeyBytes, b.KeyEnds, i))
}

// Channel is one record's channel, by its index.
func (b *Batch) Channel(i int) int {
	if len(b.Channels) == 0 {
		return 0
	}
	return int(b.Channels[i])
}

// Operation is what one record does to its key.
func (b *Batch) Operation(i int) Operation {
	if len(b.Operations) == 0 {
		return Append
	}
	return Operation(b.Operations[i])
}

func slice(bytes []byte, ends []uint32, i int) []byte {
	begin := uint32(0)
	if i > 0 {
		begin = ends[i-1]
	}
	return bytes[begin:ends[i]]
}

// An Opened is a stream of this program's generator as the host has it; in tests, natively.
type Opened struct {
	stream  Stream
	out     *Out
	batch   Batch
	inOrder bool
	// next is the record that comes next, once that is known.
	next      uint64
	nextKnown bool
	failed    error
	failedAt  uint64
}

// Open opens a stream of the registered generator. The configuration is an object of JSON, where
// what it leaves out has its default.
func Open(config string, settings Settings, state []byte) (opened *Opened, err error) {
	if registered == nil {
		return nil, errors.New("there is no generator: call sdk.Register in an init function")
	}
	defer recovered("open", &err)
	channels, err := registered.channels(config)
	if err != nil {
		return nil, err
	}
	if len(channels) == 0 {
		return nil, InvalidConfig("this configuration gives no channel")
	}
	reads := frozen.seen()
	stream, err := registered.open(config, settings, state)
	if err == nil {
		err = frozen.since(reads)
	}
	if err != nil {
		return nil, err
	}
	if stream == nil {
		return nil, errors.New("`Open` gave neither a stream nor an error")
	}
	claimMemory()
	inOrder := registered.inOrder
	return &Opened{
		stream: stream, out: newOut(channels, registered.contentType),
		inOrder: inOrder, nextKnown: inOrder && state == nil,
	}, nil
}

// Generate gives records first, first + 1, …, one for each of times (nanoseconds since the Unix
// epoch): fewer where the batch is full, a record fails, or the stream ends. It fails where first
// itself does.
func (s *Opened) Generate(first uint64, times []uint64) (*Batch, error) {
	if s.failed != nil && s.failedAt == first {
		return nil, s.failed
	}
	if s.nextKnown && s.next != first {
		return nil, fmt.Errorf("asked for record %d, but this generator goes in order and is at %d", first, s.next)
	}
	s.reset(len(times))
	s.fill(first, times)
	made := s.batch.Len()
	if s.inOrder {
		s.next, s.nextKnown = first+uint64(made), true
	}
	if made == 0 && s.failed != nil && s.failedAt == first {
		return nil, s.failed
	}
	s.trim()
	return &s.batch, nil
}

// Save gives the state after the last record; nil where there is none.
func (s *Opened) Save() (state []byte, err error) {
	saver, ok := s.stream.(Saver)
	if !ok {
		return nil, nil
	}
	defer recovered("save", &err)
	return saver.Save()
}

func (s *Opened) reset(n int) {
	b := &s.batch
	b.Ends, b.KeyEnds = b.Ends[:0], b.KeyEnds[:0]
	b.Channels, b.Operations = b.Channels[:0], b.Operations[:0]
	if cap(b.Ends) < n {
		b.Ends, b.KeyEnds = make([]uint32, 0, n), make([]uint32, 0, n)
		b.Channels, b.Operations = make([]byte, 0, n), make([]byte, 0, n)
	}
	s.out.record.bytes = s.out.record.bytes[:0]
	s.out.record.err = nil
	s.out.key = s.out.key[:0]
	s.out.ended = false
}

// fill makes records until one fails, the stream ends, or the batch is full.
func (s *Opened) fill(first uint64, times []uint64) {
	index := first
	var err error
	defer func() {
		if err != nil {
			s.failed, s.failedAt = err, index
		}
	}()
	// One for the whole batch, since it costs: what was made before a panic is complete.
	defer recovered("record", &err)
	out, b := s.out, &s.batch
	reads := frozen.seen()
	for _, time := range times {
		out.begin()
		err = s.stream.Record(Tick{Index: index, Time: time}, out)
		if err == nil {
			err = out.problem()
		}
		if err == nil {
			err = frozen.since(reads)
			reads = frozen.seen()
		}
		if err != nil || out.ended {
			return
		}
		b.Ends = append(b.Ends, uint32(len(out.record.bytes)))
		b.KeyEnds = append(b.KeyEnds, uint32(len(out.key)))
		b.Channels = append(b.Channels, byte(out.channel))
		b.Operations = append(b.Operations, byte(out.operation))
		index++
		if len(out.record.bytes) >= full {
			return
		}
	}
}

// trim cuts to whole records, and leaves out columns that say nothing.
func (s *Opened) trim() {
	b := &s.batch
	payload, keys := uint32(0), uint32(0)
	if n := len(b.Ends); n > 0 {
		payload, keys = b.Ends[n-1], b.KeyEnds[n-1]
	}
	b.Payload, b.KeyBytes = s.out.record.bytes[:payload], s.out.key[:keys]
	if keys == 0 {
		b.KeyEnds = b.KeyEnds[:0]
	}
	b.Channels = unlessZero(b.Channels)
	b.Operations = unlessZero(b.Operations)
}

func unlessZero(column []byte) []byte {
	for _, value := range column {
		if value != 0 {
			return column
		}
	}
	return column[:0]
}

// recovered turns a panic into an error with its place, and logs where it came from.
func recovered(during string, err *error) {
	cause := recover()
	if cause == nil {
		return
	}
	*err = fmt.Errorf("panic in %s: %v%s", during, cause, panicPlace())
	Log(LevelError, "%v\n%s", *err, debug.Stack())
}

// panicPlace is the innermost place of a panic outside of Go's own packages and this one.
func panicPlace() string {
	var counters [64]uintptr
	frames := runtime.CallersFrames(counters[:runtime.Callers(3, counters[:])])
	for {
		frame, more := frames.Next()
		own := strings.HasPrefix(frame.Function, "runtime.") ||
			strings.HasPrefix(frame.Function, "wellhead.dev/sdk.") && !strings.HasSuffix(frame.File, "_test.go")
		if !own && frame.File != "" {
			return fmt.Sprintf(" (%s:%d)", filepath.Base(frame.File), frame.Line)
		}
		if !more {
			return ""
		}
	}
}
