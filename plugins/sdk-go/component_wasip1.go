package sdk

import (
	"errors"
	"fmt"
	"unsafe"
)

// The component: the contract's exports by the canonical ABI, by hand. Names, layouts and orders
// of arguments follow from wit/generator.wit. What the host is given stays until the next call,
// since it has copied it by then.

// list is a list or text as the host has it.
type list struct{ data, length uint32 }

func (l list) bytes() []byte {
	return unsafe.Slice((*byte)(unsafe.Add(nil, l.data)), l.length)
}

func listOf[T any](items []T) list {
	return list{address(unsafe.SliceData(items)), uint32(len(items))}
}

func listOfText(text string) list { return list{address(unsafe.StringData(text)), uint32(len(text))} }

func address[T any](pointer *T) uint32 { return uint32(uintptr(unsafe.Pointer(pointer))) }

// received is where the host puts what it hands over, from the beginning again for each call.
var received struct {
	words []uint64
	used  int
	// before keeps what was too small alive for the rest of the call.
	before [][]uint64
}

//go:wasmexport cabi_realloc
func cabiRealloc(old unsafe.Pointer, oldLength, align, length uint32) unsafe.Pointer {
	r := &received
	words := int(length+7) / 8
	if len(r.words)-r.used < words {
		r.before = append(r.before, r.words)
		r.words, r.used = make([]uint64, max(2*len(r.words), words, 1024)), 0
	}
	to := unsafe.Pointer(&r.words[r.used:][:max(words, 1)][0])
	r.used += words
	if oldLength > 0 {
		copy(unsafe.Slice((*byte)(to), length), unsafe.Slice((*byte)(old), oldLength))
	}
	return to
}

// taken ends a call: what it was handed is not needed any more.
func taken() {
	received.used = 0
	received.before = received.before[:0]
}

type errorResult struct {
	kind uint8 // 0 invalid-config, 1 failed
	why  list
}

// kept keeps alive what only the host knows of.
var kept struct {
	why      string
	state    []byte
	texts    []string
	channels []list
}

func errorOf(err error) errorResult {
	var config invalid
	result := errorResult{kind: 1}
	if errors.As(err, &config) {
		result.kind = 0
	}
	kept.why = err.Error()
	result.why = listOfText(kept.why)
	return result
}

// pairsOf is a list of pairs of texts.
func pairsOf(texts []string) list {
	kept.texts = texts
	kept.channels = make([]list, len(texts))
	for i, text := range texts {
		kept.channels[i] = listOfText(text)
	}
	return list{listOf(kept.channels).data, uint32(len(texts) / 2)}
}

var description struct {
	name, version, summary, configSchema, contentType list
	randomAccess                                      bool
	labels                                            list
}

var describedSchema string

//go:wasmexport wellhead:generator/generator@1.0.0#describe
func exportDescribe() unsafe.Pointer {
	if registered == nil {
		panic("there is no generator: call sdk.Register in an init function")
	}
	describedSchema = registered.configSchema()
	description.name = listOfText(registered.name)
	description.version = listOfText(registered.version)
	description.summary = listOfText(registered.summary)
	description.configSchema = listOfText(describedSchema)
	description.contentType = listOfText(registered.contentType)
	description.randomAccess = !registered.inOrder
	var labels []string
	for _, label := range registered.labels {
		labels = append(labels, label[0], label[1])
	}
	description.labels = pairsOf(labels)
	return unsafe.Pointer(&description)
}

// Results begin with 0, or with 1 where an error follows. An area serves for both.

var channelsResult struct {
	failed   uint8
	channels list
}

var failure struct {
	failed uint8
	err    errorResult
}

//go:wasmexport wellhead:generator/generator@1.0.0#channels
func exportChannels(text, length uint32) unsafe.Pointer {
	config := string(list{text, length}.bytes())
	taken()
	channels, err := channelsOf(config)
	if err != nil {
		failure.failed, failure.err = 1, errorOf(err)
		return unsafe.Pointer(&failure)
	}
	var texts []string
	for _, channel := range channels {
		texts = append(texts, channel.Name, channel.Schema)
	}
	channelsResult.channels = pairsOf(texts)
	return unsafe.Pointer(&channelsResult)
}

func channelsOf(config string) (channels []Channel, err error) {
	if registered == nil {
		return nil, errors.New("there is no generator: call sdk.Register in an init function")
	}
	defer recovered("channels", &err)
	return registered.channels(config)
}

// streams are those that the host has, by their number less 1.
var streams []*Opened

//go:wasmimport [export]wellhead:generator/generator@1.0.0 [resource-new]stream
func importNewStream(number uint32) uint32

var openResult struct {
	failed uint8
	handle uint32
}

//go:wasmexport wellhead:generator/generator@1.0.0#[static]stream.open
func exportOpen(text, length uint32, seed uint64, index, count, hasState, state, stateLength uint32) unsafe.Pointer {
	config := string(list{text, length}.bytes())
	var saved []byte
	if hasState != 0 {
		saved = append([]byte{}, list{state, stateLength}.bytes()...)
	}
	taken()
	opened, err := Open(config, Settings{seed, index, count}, saved)
	if err != nil {
		failure.failed, failure.err = 1, errorOf(err)
		return unsafe.Pointer(&failure)
	}
	streams = append(streams, opened)
	openResult.handle = importNewStream(uint32(len(streams)))
	return unsafe.Pointer(&openResult)
}

var batchResult struct {
	failed                                             uint8
	payload, ends, keys, keyEnds, channels, operations list
}

//go:wasmexport wellhead:generator/generator@1.0.0#[method]stream.generate
func exportGenerate(number uint32, first uint64, times, count uint32) unsafe.Pointer {
	instants := unsafe.Slice((*uint64)(unsafe.Add(nil, times)), count)
	batch, err := streams[number-1].Generate(first, instants)
	taken()
	if err != nil {
		failure.failed, failure.err = 1, errorOf(err)
		// It is too late to say that the configuration is wrong.
		failure.err.kind = 1
		return unsafe.Pointer(&failure)
	}
	batchResult.payload = listOf(batch.Payload)
	batchResult.ends = listOf(batch.Ends)
	batchResult.keys = listOf(batch.KeyBytes)
	batchResult.keyEnds = listOf(batch.KeyEnds)
	batchResult.channels = listOf(batch.Channels)
	batchResult.operations = listOf(batch.Operations)
	return unsafe.Pointer(&batchResult)
}

var saveResult struct {
	some  uint8
	state list
}

//go:wasmexport wellhead:generator/generator@1.0.0#[method]stream.save
func exportSave(number uint32) unsafe.Pointer {
	state, err := streams[number-1].Save()
	if err != nil {
		Log(LevelError, "the state can't be saved: %v", fmt.Sprint(err))
		state = nil
	}
	kept.state = state
	saveResult.some = 0
	if state != nil {
		saveResult.some = 1
	}
	saveResult.state = listOf(state)
	return unsafe.Pointer(&saveResult)
}

//go:wasmexport wellhead:generator/generator@1.0.0#[dtor]stream
func exportDrop(number uint32) { streams[number-1] = nil }
