// Package main is vehicle-telemetry: where the vehicles of a fleet are, and when one goes too fast.
//
// A record is a function of the configuration, the seed, its index, its event time, and the state: what
// the records before it left. No clock, no other randomness: so that a run can be repeated to the byte.
package main

import (
	"encoding/binary"
	"fmt"

	"wellhead.dev/sdk"
)

func init() {
	sdk.Register(sdk.Generator[Config]{
		Name:    "vehicle-telemetry",
		Version: "0.1.0",
		Summary: "Where the vehicles of a fleet are, and when one goes too fast.",
		// A record needs those before it. Where yours don't, leave this and Save out: a resume is at once then.
		InOrder: true,
		Channels: sdk.Channels[Config](
			sdk.ChannelOf[Position]("position"),
			sdk.ChannelOf[Alert]("alert"),
		),
		Open: open,
	})
}

// main is never called: a component is asked for records.
func main() {}

// Config is what users can set. The tags are what they read in the generator's schema.
type Config struct {
	Vehicles uint32 `json:"vehicles" default:"50" min:"1" max:"10000" doc:"How many vehicles there are, at least one for each stream. They take turns."`
	Limit    uint32 `json:"limit" default:"120" min:"1" max:"200" doc:"The speed in km/h from which on a vehicle may be reported."`
}

// Position is a vehicle that says where it is. The record's schema is made of this; Record writes the bytes.
type Position struct {
	Vehicle   string  `json:"vehicle" doc:"Which vehicle, which is also the key."`
	At        string  `json:"at" format:"date-time" doc:"When, in UTC with microseconds."`
	Latitude  float64 `json:"latitude"`
	Longitude float64 `json:"longitude"`
	Speed     float64 `json:"speed" min:"0" max:"160" doc:"Kilometres an hour."`
	Odometer  float64 `json:"odometer" doc:"Kilometres that it has gone."`
}

// Alert is a vehicle that goes too fast.
type Alert struct {
	Vehicle string  `json:"vehicle"`
	At      string  `json:"at" format:"date-time"`
	Alert   string  `json:"alert" doc:"Always speeding."`
	Speed   float64 `json:"speed"`
	Limit   uint32  `json:"limit"`
}

// Channels by their index.
const (
	position = iota
	alert
)

const (
	// fastest is in tenths of a kilometre an hour.
	fastest = 1600
	// step is the millimetres of a ten-millionth of a degree along a meridian.
	step = 11
	// Where all begin, in ten-millionths of a degree.
	depotLatitude  = 488_566_000
	depotLongitude = 23_522_000
)

// directions are north, north-east, and so on round, in parts of 1,024: latitude and longitude.
var directions = [8][2]int64{
	{1024, 0}, {724, 724}, {0, 1024}, {-724, 724}, {-1024, 0}, {-724, -724}, {0, -1024}, {724, -724},
}

// vehicle is what is known of one after its last record.
type vehicle struct {
	// At is the event time of that record in milliseconds; 0 before the first.
	At uint64
	// Speed is in tenths of a kilometre an hour.
	Speed, Direction uint32
	// Away is how far it is from the depot, in ten-millionths of a degree.
	Away [2]int64
	// Odometer is in millimetres.
	Odometer uint64
}

// telemetry is one stream of the generator.
type telemetry struct {
	vehicles []vehicle
	// names are the vehicles' names: each stream has its own.
	names []string
	limit uint32
	moves sdk.Key
}

func open(config Config, settings sdk.Settings, state []byte) (sdk.Stream, error) {
	own := settings.ShareOf(uint64(config.Vehicles))
	if own == 0 {
		return nil, sdk.InvalidConfig("`vehicles` is %d and there are %d streams: each needs a vehicle of its own",
			config.Vehicles, settings.StreamCount)
	}
	t := &telemetry{
		vehicles: make([]vehicle, own),
		names:    make([]string, own),
		limit:    config.Limit * 10,
		moves:    settings.Key("moves"),
	}
	for place := range t.names {
		t.names[place] = fmt.Sprintf("vehicle-%d", settings.StreamIndex+uint32(place)*settings.StreamCount)
	}
	if state != nil {
		if size := binary.Size(t.vehicles); len(state) != size {
			return nil, fmt.Errorf("the saved state has %d bytes, and that of %d vehicles has %d", len(state), own, size)
		}
		if _, err := binary.Decode(state, binary.LittleEndian, t.vehicles); err != nil {
			return nil, err
		}
	}
	return t, nil
}

// Record is one vehicle's next position, or that it goes too fast.
func (t *telemetry) Record(tick sdk.Tick, out *sdk.Out) error {
	place := tick.Index % uint64(len(t.vehicles))
	v, name := &t.vehicles[place], t.names[place]
	random := t.moves.At(tick.Index)
	v.goTo(tick.Milliseconds(), random.Uint64())

	record := out.JSON()
	record.Object()
	record.Field("vehicle").String(name)
	record.Field("at").Time(tick.Time)
	if v.Speed >= t.limit && random.Below(4) == 0 {
		record.Field("alert").String("speeding")
		record.Field("speed").Fixed(int64(v.Speed), 1)
		record.Field("limit").Uint(uint64(t.limit / 10))
		out.Channel(alert)
	} else {
		record.Field("latitude").Fixed(depotLatitude+v.Away[0], 7)
		record.Field("longitude").Fixed(depotLongitude+v.Away[1], 7)
		record.Field("speed").Fixed(int64(v.Speed), 1)
		record.Field("odometer").Fixed(int64(v.Odometer/1000), 3)
		out.Channel(position)
	}
	record.End()
	out.Key(name)
	return nil
}

// Save is what open is given where a run goes on.
func (t *telemetry) Save() ([]byte, error) {
	return binary.Append(nil, binary.LittleEndian, t.vehicles)
}

// goTo drives on until now, in milliseconds; then speed and direction change a little.
func (v *vehicle) goTo(now, random uint64) {
	// An hour at most, in which a vehicle goes no further than 160 km.
	var passed uint64
	if v.At != 0 && now > v.At {
		passed = min(now-v.At, 3_600_000)
	}
	v.At = now
	// A tenth of a kilometre an hour is 1/36 of a millimetre in a millisecond.
	gone := uint64(v.Speed) * passed / 36
	v.Odometer += gone
	for i, part := range directions[v.Direction&7] {
		// Within a degree of the depot; whoever is further away begins there again.
		moved := v.Away[i] + int64(gone)*part/(1024*step)
		if moved > 10_000_000 || moved < -10_000_000 {
			moved = 0
		}
		v.Away[i] = moved
	}
	faster := v.Speed + uint32(random&255)
	v.Speed = min(max(faster, 120)-120, fastest)
	if random>>8&15 == 0 {
		v.Direction = uint32(random>>12) & 7
	}
}
