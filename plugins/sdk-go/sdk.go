// Package sdk is what a wellhead generator in Go is written with.
//
// A generator is registered in an init function, beside an empty main:
//
//	func init() {
//		sdk.Register(sdk.Generator[Config]{
//			Name:     "coins",
//			Version:  "0.1.0",
//			Summary:  "Coins that are tossed.",
//			Channels: sdk.Channels(sdk.ChannelOf[Toss]("toss")),
//			Open: func(config Config, settings sdk.Settings, state []byte) (sdk.Stream, error) {
//				return &coins{key: settings.Key("tosses")}, nil
//			},
//		})
//	}
//
// Record i of a stream may depend on the configuration, the settings, i, its event time, and,
// where InOrder is set, on the records before it; on nothing else. Inside a component time.Now,
// math/rand and crypto/rand are frozen: use Tick.Time and the randomness of a [Key].
package sdk

import "fmt"

// A Generator is a data source: one kind of stream of records, made from a seed.
//
// C is a struct. Its JSON Schema is made from its fields and their tags, see [ConfigSchema], and
// its defaults are filled in before Open.
type Generator[C any] struct {
	// Name is what users type: [a-z][a-z0-9-]*, at most 64 characters.
	Name string
	// Version is a semantic version.
	Version string
	// Summary is one sentence for a listing, at most 500 bytes.
	Summary string
	// ContentType is the media type of every record; application/json when it is empty.
	ContentType string
	// InOrder says that a record needs those before it. Otherwise any may be asked for, in any
	// order. With it, let streams be a [Saver], if their state can be kept.
	InOrder bool
	// Labels are free-form, for people and tools.
	Labels [][2]string
	// Channels gives the channels of a configuration, 1 to 256, the same for every stream.
	Channels func(config C) ([]Channel, error)
	// Open gives a stream at its first record, or where state was saved (nil: at its first). It
	// is the place for what costs.
	Open func(config C, settings Settings, state []byte) (Stream, error)
}

// A Stream makes records, one for each tick.
type Stream interface {
	// Record writes the record of one tick into out, or nothing where nothing happens at it. An
	// error ends the stream there; what came before it is delivered. A panic is an error too.
	Record(tick Tick, out *Out) error
}

// A Saver is a stream whose state can be saved.
type Saver interface {
	// Save gives the state after the last record, at most 1 MiB.
	Save() ([]byte, error)
}

// A Tick is the instant of one record.
type Tick struct {
	// Index is the record's index in its stream, from 0.
	Index uint64
	// Time is the event time in nanoseconds since the Unix epoch.
	Time uint64
}

// Milliseconds is the event time in milliseconds.
func (t Tick) Milliseconds() uint64 { return t.Time / 1_000_000 }

// String is the event time as RFC 3339 in UTC with microseconds.
func (t Tick) String() string {
	var clock timeText
	return string(clock.append(make([]byte, 0, 27), t.Time))
}

// Settings are what a stream is opened with.
type Settings struct {
	// Seed is the emulation's, the same for every emulation of a scenario.
	Seed uint64
	// StreamIndex says which stream this one is, from 0, and StreamCount of how many.
	StreamIndex, StreamCount uint32
}

// Key is randomness for what this stream alone sees: its records.
func (s Settings) Key(purpose string) Key { return StreamKey(s.Seed, s.StreamIndex, purpose) }

// SharedKey is randomness for what all streams and all generators of a scenario share: entities.
func (s Settings) SharedKey(purpose string) Key { return SharedKey(s.Seed, purpose) }

// ShareOf is how many of total entities belong to this stream: those whose number leaves the
// remainder StreamIndex when divided by StreamCount.
func (s Settings) ShareOf(total uint64) uint64 {
	count := uint64(s.StreamCount)
	return (total + count - 1 - uint64(s.StreamIndex)) / count
}

// A Channel is one kind of record: a name ([a-z][a-z0-9_]*) and a JSON Schema as text.
type Channel struct {
	Name, Schema string
}

// ChannelOf is a channel whose records look like T; see [SchemaOf].
func ChannelOf[T any](name string) Channel {
	return Channel{Name: name, Schema: SchemaOf[T]()}
}

// Channels is for generators whose channels don't depend on the configuration.
func Channels[C any](channels ...Channel) func(C) ([]Channel, error) {
	return func(C) ([]Channel, error) { return channels, nil }
}

// invalid is the error of a configuration that makes no sense.
type invalid struct{ why string }

func (e invalid) Error() string { return e.why }

// InvalidConfig is the error for a configuration that is valid against its schema and still makes
// no sense. It says why, for the person who wrote it. Every other error means that the generator
// can't go on.
func InvalidConfig(format string, values ...any) error {
	return invalid{fmt.Sprintf(format, values...)}
}

// registered is the generator of this program, with its configuration's type hidden.
var registered *definition

type definition struct {
	name, version, summary, contentType string
	inOrder                             bool
	labels                              [][2]string
	configSchema                        func() string
	channels                            func(config string) ([]Channel, error)
	open                                func(config string, settings Settings, state []byte) (Stream, error)
}

// Register makes a generator the one of this program. Call it once, in an init function.
func Register[C any](generator Generator[C]) {
	if registered != nil {
		panic("sdk.Register was called twice: a component has one generator")
	}
	if generator.Channels == nil || generator.Open == nil {
		panic("sdk.Register needs both Channels and Open")
	}
	registered = &definition{
		name:         generator.Name,
		version:      generator.Version,
		summary:      generator.Summary,
		contentType:  generator.ContentType,
		inOrder:      generator.InOrder,
		labels:       generator.Labels,
		configSchema: ConfigSchema[C],
		channels: func(text string) ([]Channel, error) {
			config, err := parseConfig[C](text)
			if err != nil {
				return nil, err
			}
			return generator.Channels(config)
		},
		open: func(text string, settings Settings, state []byte) (Stream, error) {
			config, err := parseConfig[C](text)
			if err != nil {
				return nil, err
			}
			return generator.Open(config, settings, state)
		},
	}
	if registered.contentType == "" {
		registered.contentType = "application/json"
	}
}
