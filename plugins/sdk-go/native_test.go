//go:build !wasip1

package sdk

import (
	"strings"
	"testing"
)

func TestAssets(t *testing.T) {
	SetAsset("words", []byte(strings.Repeat("word ", 300_000)))
	whole, ok := Asset("words")
	if !ok || len(whole) != 1_500_000 || string(whole[1_499_995:]) != "word " {
		t.Errorf("%d bytes, %v", len(whole), ok)
	}
	if _, ok := Asset("nothing"); ok {
		t.Error("an asset that isn't there")
	}
	piece := make([]byte, 10)
	if n := ReadAsset("words", 1_499_994, piece); n != 6 || string(piece[:n]) != " word " {
		t.Errorf("%q", piece[:n])
	}
}
