package sdk

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// The vectors that every SDK has; numbers are strings, since JSON's lose digits.
type vector struct {
	Scope, Seed, Purpose, Index, Hash string
	Stream                            uint32
	Draws                             []string
	Below                             []struct{ N, First uint32 }
}

func TestVectors(t *testing.T) {
	text, err := os.ReadFile("../vectors.json")
	if err != nil {
		t.Fatal(err)
	}
	var vectors []vector
	if err := json.Unmarshal(text, &vectors); err != nil {
		t.Fatal(err)
	}
	number := func(text string, base int) uint64 {
		value, err := strconv.ParseUint(text, base, 64)
		if err != nil {
			t.Fatal(err)
		}
		return value
	}
	for _, v := range vectors {
		settings := Settings{Seed: number(v.Seed, 10), StreamIndex: v.Stream, StreamCount: 1}
		key := settings.Key(v.Purpose)
		if v.Scope == "shared" {
			key = settings.SharedKey(v.Purpose)
		}
		index := number(v.Index, 10)
		if key.Hash(index) != number(v.Hash, 16) {
			t.Errorf("hash of %+v is %x", v, key.Hash(index))
		}
		rng := key.At(index)
		for _, draw := range v.Draws {
			if got := rng.Uint64(); got != number(draw, 16) {
				t.Errorf("a draw of %+v is %x", v, got)
			}
		}
		for _, below := range v.Below {
			rng := key.At(index)
			if got := rng.Below(below.N); got != below.First {
				t.Errorf("below %d of %+v is %d", below.N, v, got)
			}
		}
	}
	if len(vectors) < 5 {
		t.Errorf("%d vectors", len(vectors))
	}
	rng := SharedKey(1, "shuffle").At(0)
	if order := rand.New(&rng).Perm(5); len(order) != 5 {
		t.Error(order)
	}
}

func written(write func(w *Writer)) (string, error) {
	w := &Writer{json: true}
	w.begin()
	write(w)
	return string(w.bytes), w.err
}

func TestWriter(t *testing.T) {
	text, err := written(func(w *Writer) {
		w.Object()
		w.Field("a").Uint(math.MaxUint64)
		w.Field("b\n").Array()
		w.Int(math.MinInt64)
		w.Bool(true)
		w.Null()
		w.Array()
		w.End()
		w.Object()
		w.Field("x").String("café \"\\\n\x01")
		w.End()
		w.End()
		w.Field("f").Float(1e-9)
		w.Field("g").Float(1.5)
		w.Field("h").Fixed(-5, 2)
		w.Field("i").Fixed(math.MinInt64, 1)
		w.Field("j").Time(1709210096123456789)
		w.End()
	})
	want := `{"a":18446744073709551615,"b\n":[-9223372036854775808,true,null,[],{"x":"café \"\\\n\u0001"}],` +
		`"f":1e-9,"g":1.5,"h":-0.05,"i":-922337203685477580.8,"j":"2024-02-29T12:34:56.123456Z"}`
	if err != nil || text != want {
		t.Errorf("%s, %v", text, err)
	}
	if !json.Valid([]byte(text)) {
		t.Error("that is no JSON")
	}
	for _, value := range []float64{0, -0.0, 1, 1e20, 1e21, 1.5e-7, 0.1, math.MaxFloat64, 5e-324} {
		want, _ := json.Marshal(value)
		if got := string(appendFloat(nil, value)); got != string(want) {
			t.Errorf("%s, not %s", got, want)
		}
	}
}

func TestFieldsAreNamedRightHoweverManyThereAre(t *testing.T) {
	w := &Writer{json: true}
	for range 3 {
		w.begin()
		w.Object()
		want := map[string]int{}
		for i := range 300 {
			name := fmt.Sprintf("\"%d", i)
			want[name] = i
			w.Field(name).Int(int64(i))
			// Another text of the same length at another place, and a shorter one at the same.
			w.Field(name[1:] + "x").Null()
			w.Field(name[:1]).Null()
		}
		w.End()
		var got map[string]any
		if err := json.Unmarshal(w.bytes[w.start:], &got); err != nil {
			t.Fatal(err)
		}
		for name, i := range want {
			if got[name] != float64(i) {
				t.Errorf("%q is %v, not %d", name, got[name], i)
			}
		}
		if len(got) != 601 {
			t.Errorf("%d names", len(got))
		}
	}
}

func TestTime(t *testing.T) {
	for nanoseconds, want := range map[uint64]string{
		0:                         "1970-01-01T00:00:00.000000Z",
		1_767_225_651_000_000_000: "2026-01-01T00:00:51.000000Z",
		math.MaxUint64:            "2554-07-21T23:34:33.709551Z",
	} {
		if got := (Tick{Time: nanoseconds}).String(); got != want {
			t.Errorf("%s, not %s", got, want)
		}
	}
}

func TestWhatIsWrittenWrongIsSaidWithItsPlace(t *testing.T) {
	for want, write := range map[string]func(*Writer){
		"`speed` is NaN, for which JSON": func(w *Writer) { w.Object(); w.Field("speed").Float(math.NaN()) },
		"a value is +Inf, for which":     func(w *Writer) { w.Float(math.Inf(1)) },
		"`name` is not UTF-8: byte 0xe9": func(w *Writer) { w.Object(); w.Field("name").String("caf\xe9") },
		"End was called once more than":  func(w *Writer) { w.End() },
	} {
		if _, err := written(write); err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("%q gave %v", want, err)
		}
	}
}

type place struct {
	Latitude float64 `json:"lat" min:"-90" max:"90"`
	Name     *string `json:"name,omitempty"`
}

type settings struct {
	Rate   float64           `json:"rate" default:"0.5" min:"0" max:"1" doc:"How often."`
	Kind   string            `json:"kind" default:"a" enum:"a,b"`
	Depot  struct{ X int32 } `json:"depot"`
	Places []place           `json:"places" default:"[{\"lat\":1}]" max:"9"`
	Inner  inner             `json:"inner"`
	Price  Fixed             `json:"-"`
}

type inner struct {
	Deep uint16 `json:"deep" default:"7"`
}

func TestSchema(t *testing.T) {
	want := `{"$schema":"https://json-schema.org/draft/2020-12/schema","title":"settings","type":"object",` +
		`"properties":{"rate":{"description":"How often.","type":"number","format":"double","minimum":0,"maximum":1,"default":0.5},` +
		`"kind":{"type":"string","enum":["a","b"],"default":"a"},` +
		`"depot":{"type":"object","properties":{"X":{"type":"integer","format":"int32"}},"required":["X"],"additionalProperties":false},` +
		`"places":{"type":"array","items":{"type":"object","properties":{"lat":{"type":"number","format":"double","minimum":-90,"maximum":90},` +
		`"name":{"anyOf":[{"type":"string"},{"type":"null"}]}},"required":["lat"],"additionalProperties":false},"maxItems":9,"default":[{"lat":1}]},` +
		`"inner":{"type":"object","properties":{"deep":{"type":"integer","format":"uint16","minimum":0,"default":7}},"additionalProperties":false}},` +
		`"required":["depot"],"additionalProperties":false}`
	if got := ConfigSchema[settings](); got != want {
		t.Errorf("%s", got)
	}
}

func TestConfig(t *testing.T) {
	config, err := parseConfig[settings](`{"depot":{"X":-3},"kind":"b"}`)
	if err != nil || config.Rate != 0.5 || config.Kind != "b" || config.Depot.X != -3 || config.Inner.Deep != 7 ||
		len(config.Places) != 1 {
		t.Errorf("%+v, %v", config, err)
	}
	for text, want := range map[string]string{
		`{"rate":"fast"}`:       "`rate` is a string, where a float64 is needed",
		`{"depot":{"X":1.5}}`:   "`depot.X` is a number 1.5, where a int32 is needed",
		`{"speed":1}`:           `unknown field "speed"`,
		`{} {}`:                 "the configuration goes on after its end",
		`{"inner":{"deep":-1}}`: "`inner.deep` is a number -1",
	} {
		_, err := parseConfig[settings](text)
		var config invalid
		if !errors.As(err, &config) || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("%s gave %v", text, err)
		}
	}
}

// tested is a stream of which a test says what a record does.
type tested struct{ record func(Tick, *Out) error }

func (s tested) Record(tick Tick, out *Out) error { return s.record(tick, out) }

func opened(t *testing.T, inOrder bool, record func(Tick, *Out) error) *Opened {
	t.Helper()
	registered = nil
	Register(Generator[struct{}]{
		Name: "test", InOrder: inOrder,
		Channels: Channels[struct{}](Channel{"a", "{}"}, Channel{"b", "{}"}),
		Open:     func(struct{}, Settings, []byte) (Stream, error) { return tested{record}, nil },
	})
	stream, err := Open("{}", Settings{StreamCount: 1}, nil)
	if err != nil {
		t.Fatal(err)
	}
	return stream
}

func TestRecordsBeforeAnErrorComeFirstAndItComesAgain(t *testing.T) {
	for name, wrong := range map[string]func(*Out) error{
		"the road ends":                      func(*Out) error { return errors.New("the road ends") },
		"panic in record: no bridge (sdk_te": func(*Out) error { panic("no bridge") },
		"panic in record: runtime error: in": func(out *Out) error { return fmt.Errorf("%v", out.channels[out.channel+2]) },
		"channel 2, but the generator has 2": func(out *Out) error { out.Channel(2); return nil },
		`there is no channel "c"; there are`: func(out *Out) error { out.ChannelNamed("c"); return nil },
		"an upsert or delete without a key:": func(out *Out) error { out.Operation(Upsert); return nil },
		"`x.1.y` is NaN, for which JSON has": func(out *Out) error {
			return out.Marshal(map[string]any{"x": []any{1, map[string]float64{"y": math.NaN()}}})
		},
		"`s` is not UTF-8: convert it, or g": func(out *Out) error { return out.Marshal(map[string]string{"s": "\xff"}) },
		"the raw record has a line feed at ": func(out *Out) error { out.Text("1\n2"); return nil },
		"the record ends within 1 objects o": func(out *Out) error { out.JSON().Object(); return nil },
	} {
		stream := opened(t, true, func(tick Tick, out *Out) error {
			out.JSON().Uint(tick.Index)
			if tick.Index == 3 {
				return wrong(out)
			}
			return nil
		})
		batch, err := stream.Generate(0, make([]uint64, 10))
		if err != nil || batch.Len() != 3 || string(batch.Payload) != "012" {
			t.Fatalf("%s: %v, %v", name, batch, err)
		}
		for range 2 {
			if _, err := stream.Generate(3, make([]uint64, 7)); err == nil || !strings.HasPrefix(err.Error(), name) {
				t.Errorf("%q gave %v", name, err)
			}
		}
	}
}

func TestBatches(t *testing.T) {
	padding := strings.Repeat("x", 1000)
	stream := opened(t, true, func(tick Tick, out *Out) error {
		switch {
		case tick.Index == 2500:
			out.EndStream()
		case tick.Index%2 == 1:
			out.ChannelNamed("b")
			out.Key(strconv.FormatUint(tick.Index, 10))
			out.Operation(Delete)
			return out.Marshal(map[string]any{"<i>": padding, "\ufffd": `\ufffd`})
		}
		return nil
	})
	var sizes []int
	first := uint64(0)
	for {
		batch, err := stream.Generate(first, make([]uint64, 3000))
		if err != nil {
			t.Fatal(err)
		}
		if batch.Len() == 0 {
			break
		}
		sizes = append(sizes, batch.Len())
		if batch.Record(0) != "" || batch.Key(0) != "" || batch.Operation(1) != Delete || batch.Channel(1) != 1 ||
			batch.Key(1) != strconv.FormatUint(first+1, 10) || !strings.HasPrefix(batch.Record(1), `{"<i>":"xxx`) {
			t.Errorf("%q %q", batch.Record(1), batch.Key(1))
		}
		first += uint64(batch.Len())
		first -= first % 2
		if batch.Len()%2 == 1 {
			t.Fatalf("batches of %v", sizes)
		}
	}
	if first != 2500 || len(sizes) < 2 {
		t.Errorf("batches of %v", sizes)
	}
	_, err := stream.Generate(7, make([]uint64, 1))
	if err == nil || err.Error() != "asked for record 7, but this generator goes in order and is at 2500" {
		t.Error(err)
	}
}

type counted struct{ n int }

func (c *counted) Record(tick Tick, _ *Out) (any, error) {
	c.n++
	if tick.Index == 1 {
		return nil, nil
	}
	return struct {
		N     int   `json:"n"`
		Price Fixed `json:"price"`
	}{c.n, Fixed{1250, 2}}, nil
}

func (c *counted) Save() ([]byte, error) { return []byte{byte(c.n)}, nil }

func TestValues(t *testing.T) {
	registered = nil
	Register(Generator[struct{}]{
		Name:     "test",
		Channels: Channels[struct{}](Channel{"a", "{}"}),
		Open:     func(struct{}, Settings, []byte) (Stream, error) { return Values(&counted{}), nil },
	})
	stream, err := Open("{}", Settings{StreamCount: 1}, nil)
	if err != nil {
		t.Fatal(err)
	}
	batch, err := stream.Generate(0, make([]uint64, 3))
	if err != nil {
		t.Fatal(err)
	}
	records := []string{batch.Record(0), batch.Record(1), batch.Record(2)}
	if !slices.Equal(records, []string{`{"n":1,"price":12.50}`, "", `{"n":3,"price":12.50}`}) {
		t.Errorf("%q", records)
	}
	if state, err := stream.Save(); err != nil || len(state) != 1 || state[0] != 3 {
		t.Errorf("%v, %v", state, err)
	}
}
