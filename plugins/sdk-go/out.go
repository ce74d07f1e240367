package sdk

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"unicode/utf8"
)

// An Operation is what a record does to its key, for sinks that keep a row or a value by key.
type Operation uint8

const (
	// Append adds the record to what there is.
	Append Operation = iota
	// Upsert replaces what its key had.
	Upsert
	// Delete removes its key; the record is the last image.
	Delete
)

// An Out is where a stream writes the record of one tick. One record is written by JSON, Marshal,
// or Bytes; none where nothing happens at the tick.
type Out struct {
	record    Writer
	key       []byte
	keyStart  int
	channel   int
	operation Operation
	ended     bool
	channels  []Channel
	encoded   bytes.Buffer
	encoder   *json.Encoder
}

func newOut(channels []Channel, contentType string) *Out {
	out := &Out{channels: channels}
	out.record.json = contentType == "application/json"
	out.encoder = json.NewEncoder(&out.encoded)
	out.encoder.SetEscapeHTML(false)
	return out
}

// begin goes on to another tick.
func (o *Out) begin() {
	o.record.begin()
	o.keyStart = len(o.key)
	o.channel = 0
	o.operation = Append
}

// JSON is a writer at the beginning of the record.
func (o *Out) JSON() *Writer { return &o.record }

// Marshal writes a value as encoding/json does, without escapes for HTML. The error is the
// record's as well, whether or not it is returned.
func (o *Out) Marshal(value any) error {
	o.encoded.Reset()
	err := o.encoder.Encode(value)
	text := bytes.TrimSuffix(o.encoded.Bytes(), []byte("\n"))
	if err == nil && replaced(text) {
		err = errors.New("a text in it is not UTF-8")
	}
	if err != nil {
		if place := badValue(value); place != "" {
			err = errors.New(place)
		}
		o.record.fail("%w", err)
		return err
	}
	o.record.bytes = append(o.record.bytes, text...)
	return nil
}

// replaced says whether encoding/json has put \ufffd where a text wasn't UTF-8.
func replaced(text []byte) bool {
	mark := []byte(`\ufffd`)
	for {
		i := bytes.Index(text, mark)
		if i < 0 {
			return false
		}
		slashes := 0
		for slashes < i && text[i-1-slashes] == '\\' {
			slashes++
		}
		if slashes%2 == 0 {
			return true
		}
		text = text[i+len(mark):]
	}
}

// Bytes writes bytes as they are: a record that is not JSON, or that was JSON before. In a
// generator of JSON a line feed among them, or what isn't UTF-8, is an error.
func (o *Out) Bytes(record []byte) {
	if o.record.json {
		if i := bytes.IndexByte(record, '\n'); i >= 0 {
			o.record.fail("the raw record has a line feed at offset %d, and a record of JSON is one line: "+
				"use Marshal or JSON, or set another ContentType", i)
			return
		}
		if !utf8.Valid(record) {
			o.record.fail("the raw record is not UTF-8")
			return
		}
	}
	o.record.bytes = append(o.record.bytes, record...)
}

// Text writes text as it is; see Bytes.
func (o *Out) Text(record string) { o.Bytes([]byte(record)) }

// Key sets the record's key.
func (o *Out) Key(key string) { o.key = append(o.key[:o.keyStart], key...) }

// KeyBytes sets the record's key.
func (o *Out) KeyBytes(key []byte) { o.key = append(o.key[:o.keyStart], key...) }

// Channel sets the record's channel, by its index among the generator's channels; 0 unless set.
func (o *Out) Channel(index int) { o.channel = index }

// ChannelNamed sets the record's channel by its name.
func (o *Out) ChannelNamed(name string) {
	for i, channel := range o.channels {
		if channel.Name == name {
			o.channel = i
			return
		}
	}
	names := make([]string, len(o.channels))
	for i, channel := range o.channels {
		names[i] = channel.Name
	}
	o.record.fail("there is no channel %q; there are %q", name, names)
}

// Operation sets what the record does to its key; Append unless set. The others need a key.
func (o *Out) Operation(operation Operation) { o.operation = operation }

// EndStream ends the stream before this tick: it has no more records.
func (o *Out) EndStream() { o.ended = true }

// problem is what is wrong with the record that was written, if anything.
func (o *Out) problem() error {
	switch {
	case o.record.err != nil:
		return o.record.err
	case len(o.record.open) > 0:
		return fmt.Errorf("the record ends within %d objects or arrays: each needs an End", len(o.record.open))
	case o.channel < 0 || o.channel >= len(o.channels):
		return fmt.Errorf("channel %d, but the generator has %d: they count from 0", o.channel, len(o.channels))
	case o.operation > Delete:
		return fmt.Errorf("operation %d: use sdk.Append, sdk.Upsert or sdk.Delete", o.operation)
	case o.operation != Append && len(o.key) == o.keyStart:
		return errors.New("an upsert or delete without a key: call Key")
	}
	return nil
}

// A ValueStream gives its records instead of writing them; nil where nothing happens at a tick.
type ValueStream interface {
	Record(tick Tick, out *Out) (any, error)
}

// Values makes a stream of one that gives values, which are marshalled by encoding/json.
func Values(stream ValueStream) Stream {
	if saver, ok := stream.(Saver); ok {
		return struct {
			values
			Saver
		}{values{stream}, saver}
	}
	return values{stream}
}

type values struct{ stream ValueStream }

func (v values) Record(tick Tick, out *Out) error {
	value, err := v.stream.Record(tick, out)
	if err != nil || value == nil {
		return err
	}
	return out.Marshal(value)
}
