package main

import (
	"slices"
	"strings"
	"testing"

	"wellhead.dev/sdk"
)

// On this machine, with no WebAssembly: go test. What the host relies on besides, `wellhead plugin
// test` tries.

func records(t *testing.T, first, count uint64, state []byte) (records []string, alerts int, saved []byte) {
	t.Helper()
	stream, err := sdk.Open("{}", sdk.Settings{StreamCount: 1}, state)
	if err != nil {
		t.Fatal(err)
	}
	times := make([]uint64, count)
	for i := range times {
		times[i] = 1_767_225_600_000_000_000 + (first+uint64(i))*1_000_000_000
	}
	for len(times) > 0 {
		batch, err := stream.Generate(first, times)
		if err != nil {
			t.Fatal(err)
		}
		for i := range batch.Len() {
			records = append(records, batch.Record(i))
			if batch.Channel(i) == alert {
				alerts++
			}
		}
		first, times = first+uint64(batch.Len()), times[batch.Len():]
	}
	if saved, err = stream.Save(); err != nil {
		t.Fatal(err)
	}
	return records, alerts, saved
}

func TestASavedStateGoesOnAsIfNothingHadBeen(t *testing.T) {
	whole, _, _ := records(t, 0, 300, nil)
	begin, _, state := records(t, 0, 123, nil)
	end, _, _ := records(t, 123, 177, state)
	if !slices.Equal(whole, append(begin, end...)) {
		t.Error("the records after a saved state are others")
	}
	_, err := sdk.Open("{}", sdk.Settings{StreamCount: 1}, state[1:])
	if err == nil || !strings.HasPrefix(err.Error(), "the saved state has") {
		t.Errorf("a state that was cut off gave %v", err)
	}
}

func TestVehiclesTakeTurnsAndSomeGoTooFast(t *testing.T) {
	records, alerts, _ := records(t, 0, 20_000, nil)
	begin := `{"vehicle":"vehicle-1","at":"2026-01-01T00:00:51.000000Z",`
	if !strings.HasPrefix(records[51], begin) {
		t.Errorf("record 51 is %s", records[51])
	}
	if alerts < 100 || alerts > 5_000 {
		t.Errorf("%d alerts", alerts)
	}
}
