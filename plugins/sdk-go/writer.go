package sdk

import (
	"encoding/hex"
	"fmt"
	"math"
	"strconv"
	"unicode/utf8"
	"unsafe"
)

// A Writer appends JSON to a record, piece by piece; commas are its own affair:
//
//	w := out.JSON()
//	w.Object()
//	w.Field("id").Uint(7)
//	w.Field("place").Object()
//	w.Field("latitude").Fixed(4885661, 5)
//	w.End()
//	w.End()
//
// It is several times as fast as a value that is marshalled.
type Writer struct {
	bytes []byte
	start int
	// open is what objects and arrays are closed with, from the outside in.
	open []byte
	err  error
	// json says whether the record is JSON, for what is appended raw.
	json  bool
	names names
	clock timeText
}

// begin goes on to another record.
func (w *Writer) begin() {
	w.start = len(w.bytes)
	w.open = w.open[:0]
}

// fail keeps the first error: what follows from it would hide it.
func (w *Writer) fail(format string, values ...any) {
	if w.err == nil {
		w.err = fmt.Errorf(format, values...)
	}
}

// comma separates a value from the one before it, where there is one.
func (w *Writer) comma() {
	if len(w.bytes) == w.start {
		return
	}
	switch w.bytes[len(w.bytes)-1] {
	case '{', '[', ':':
	default:
		w.bytes = append(w.bytes, ',')
	}
}

// Object begins an object, which ends with End.
func (w *Writer) Object() { w.nest('{', '}') }

// Array begins an array, which ends with End.
func (w *Writer) Array() { w.nest('[', ']') }

func (w *Writer) nest(begin, end byte) {
	w.comma()
	w.bytes = append(w.bytes, begin)
	w.open = append(w.open, end)
}

// End ends the object or array that was begun last.
func (w *Writer) End() {
	if len(w.open) == 0 {
		w.fail("End was called once more than Object and Array")
		return
	}
	last := len(w.open) - 1
	w.bytes = append(w.bytes, w.open[last])
	w.open = w.open[:last]
}

// Field names the value that comes next.
func (w *Writer) Field(name string) *Writer {
	written := w.names.find(name)
	if written == nil {
		written = w.newName(name)
	}
	// They begin with a comma, which the first of an object hasn't.
	if n := len(w.bytes); n > 0 && w.bytes[n-1] == '{' {
		written = written[1:]
	}
	w.bytes = append(w.bytes, written...)
	return w
}

// newName keeps a name as it is written.
func (w *Writer) newName(name string) []byte {
	other := Writer{bytes: []byte{','}}
	other.quoted(name)
	if other.err != nil {
		w.fail("the name %q of a field is not UTF-8", name)
	}
	return w.names.keep(name, append(other.bytes, ':'))
}

// names are those of fields as they are written, found by where the text lies: programs name their
// fields by the same constants for each record. What is kept can't be collected, so that nothing
// else comes to lie there.
type names [64]struct {
	name    string
	written []byte
}

// tries is how many places a name may have, one after another.
const tries = 8

func (n *names) place(name string) int {
	at := uintptr(unsafe.Pointer(unsafe.StringData(name)))
	return int((at ^ at>>6 ^ uintptr(len(name))*7) % uintptr(len(n)))
}

func (n *names) find(name string) []byte {
	for i := range tries {
		kept := &n[(n.place(name)+i)%len(n)]
		if unsafe.StringData(kept.name) == unsafe.StringData(name) && len(kept.name) == len(name) {
			return kept.written
		}
	}
	return nil
}

// keep puts a name into the first of its places that is free, or else instead of another.
func (n *names) keep(name string, written []byte) []byte {
	first := n.place(name)
	free := first
	for i := range tries {
		if at := (first + i) % len(n); n[at].written == nil {
			free = at
			break
		}
	}
	n[free].name, n[free].written = name, written
	return written
}

// String appends text. What isn't UTF-8 is an error.
func (w *Writer) String(text string) {
	w.comma()
	w.quoted(text)
}

// Uint appends a whole number.
func (w *Writer) Uint(value uint64) {
	w.comma()
	w.bytes = strconv.AppendUint(w.bytes, value, 10)
}

// Int appends a whole number.
func (w *Writer) Int(value int64) {
	w.comma()
	w.bytes = strconv.AppendInt(w.bytes, value, 10)
}

// Float appends the shortest digits that read back as the same number. NaN and infinity, for which
// JSON has nothing, are errors.
func (w *Writer) Float(value float64) {
	if math.IsNaN(value) || math.IsInf(value, 0) {
		w.fail("%s is %v, for which JSON has no number: write Null, or return an error", w.where(), value)
		return
	}
	w.comma()
	w.bytes = appendFloat(w.bytes, value)
}

// Fixed appends a number in units of 10⁻ᵈ, always with d decimals, 1 to 18: Fixed(-5, 2) is -0.05.
func (w *Writer) Fixed(value int64, decimals int) {
	w.comma()
	w.bytes = appendFixed(w.bytes, value, decimals)
}

// Bool appends true or false.
func (w *Writer) Bool(value bool) {
	w.comma()
	w.bytes = strconv.AppendBool(w.bytes, value)
}

// Null appends null.
func (w *Writer) Null() {
	w.comma()
	w.bytes = append(w.bytes, "null"...)
}

// Time appends event time as RFC 3339 in UTC with microseconds.
func (w *Writer) Time(nanoseconds uint64) {
	w.comma()
	w.bytes = append(w.bytes, '"')
	w.bytes = w.clock.append(w.bytes, nanoseconds)
	w.bytes = append(w.bytes, '"')
}

// where names the field that is being written.
func (w *Writer) where() string {
	text := w.bytes[w.start:]
	if n := len(text); n > 3 && text[n-1] == ':' && text[n-2] == '"' {
		begin := n - 2
		for begin > 0 && text[begin-1] != '"' {
			begin--
		}
		return "`" + string(text[begin:n-2]) + "`"
	}
	return "a value"
}

// quoted appends a JSON string, escaped where it needs to be.
func (w *Writer) quoted(text string) {
	before := w.bytes
	w.bytes = append(w.bytes, '"')
	from, i := 0, 0
	for i < len(text) && plain[text[i]] {
		i++
	}
	for i < len(text) {
		b := text[i]
		if b >= utf8.RuneSelf {
			_, n := utf8.DecodeRuneInString(text[i:])
			if n == 1 {
				w.bytes = before
				w.fail("%s is not UTF-8: byte 0x%02x at offset %d of a text of %d bytes; convert it, "+
					"or write it as hexadecimal digits", w.where(), b, i, len(text))
				return
			}
			i += n
			continue
		}
		if b < 0x20 || b == '"' || b == '\\' {
			w.bytes = append(w.bytes, text[from:i]...)
			w.bytes = appendEscaped(w.bytes, b)
			from = i + 1
		}
		i++
	}
	w.bytes = append(w.bytes, text[from:]...)
	w.bytes = append(w.bytes, '"')
}

// plain bytes stand in a JSON string as they are: ASCII but quotes, backslashes, controls.
var plain = func() (plain [256]bool) {
	for b := byte(0x20); b < utf8.RuneSelf; b++ {
		plain[b] = b != '"' && b != '\\'
	}
	return plain
}()

func appendEscaped(to []byte, b byte) []byte {
	switch b {
	case '"', '\\':
		return append(to, '\\', b)
	case '\n':
		return append(to, `\n`...)
	case '\r':
		return append(to, `\r`...)
	case '\t':
		return append(to, `\t`...)
	case '\b':
		return append(to, `\b`...)
	case '\f':
		return append(to, `\f`...)
	}
	return hex.AppendEncode(append(to, `\u00`...), []byte{b})
}

// appendFloat writes a number as encoding/json does.
func appendFloat(to []byte, value float64) []byte {
	format := byte('f')
	if abs := math.Abs(value); abs != 0 && (abs < 1e-6 || abs >= 1e21) {
		format = 'e'
	}
	to = strconv.AppendFloat(to, value, format, -1, 64)
	// e-09 is written e-9.
	if n := len(to); format == 'e' && n >= 4 && to[n-4] == 'e' && to[n-2] == '0' {
		to[n-2] = to[n-1]
		to = to[:n-1]
	}
	return to
}

func appendFixed(to []byte, value int64, decimals int) []byte {
	magnitude := uint64(value)
	if value < 0 {
		to = append(to, '-')
		magnitude = -magnitude
	}
	unit := units[decimals]
	to = strconv.AppendUint(to, magnitude/unit, 10)
	return appendDigits(append(to, '.'), magnitude%unit, decimals)
}

// units are the powers of ten that a number with so many decimals counts in.
var units = [19]uint64{
	1, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18,
}

// Fixed is a number in units of 10⁻ᵈ that is marshalled with all of its d decimals, 1 to 18:
// Fixed{-5, 2} is -0.05.
type Fixed struct {
	Value    int64
	Decimals int
}

// MarshalJSON writes the number.
func (f Fixed) MarshalJSON() ([]byte, error) {
	if f.Decimals < 1 || f.Decimals > 18 {
		return nil, fmt.Errorf("sdk.Fixed with %d decimals: it has 1 to 18", f.Decimals)
	}
	return appendFixed(nil, f.Value, f.Decimals), nil
}
