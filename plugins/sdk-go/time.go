package sdk

// timeText keeps the text of the second that was asked for last.
type timeText struct {
	text [20]byte
	// next is one more than that second, so that nothing is kept to begin with.
	next uint64
}

// append adds the 27 characters of an instant, in RFC 3339 and UTC with microseconds.
func (c *timeText) append(to []byte, nanoseconds uint64) []byte {
	second := nanoseconds / 1_000_000_000
	if second+1 != c.next {
		c.set(second)
	}
	to = append(to, c.text[:]...)
	to = appendDigits(to, nanoseconds%1_000_000_000/1000, 6)
	return append(to, 'Z')
}

func (c *timeText) set(second uint64) {
	// Days since 1 March of year 0 in the Gregorian calendar, which repeats after 400 years.
	days, ofDay := second/86_400+719_468, second%86_400
	era, ofEra := days/146_097, days%146_097
	year := (ofEra - ofEra/1460 + ofEra/36_524 - ofEra/146_096) / 365
	ofYear := ofEra - (365*year + year/4 - year/100)
	month := (5*ofYear + 2) / 153 // from March
	day := ofYear - (153*month+2)/5 + 1
	if month < 10 {
		month += 3
	} else {
		month -= 9
	}
	year += era * 400
	if month <= 2 {
		year++
	}
	text := appendDigits(c.text[:0], year, 4)
	text = appendDigits(append(text, '-'), month, 2)
	text = appendDigits(append(text, '-'), day, 2)
	text = appendDigits(append(text, 'T'), ofDay/3600, 2)
	text = appendDigits(append(text, ':'), ofDay/60%60, 2)
	text = appendDigits(append(text, ':'), ofDay%60, 2)
	_ = append(text, '.')
	c.next = second + 1
}

// pairs are the two digits of each number below 100.
const pairs = "0001020304050607080910111213141516171819202122232425262728293031323334353637383940414243444546474849" +
	"5051525354555657585960616263646566676869707172737475767778798081828384858687888990919293949596979899"

// appendDigits adds exactly n digits.
func appendDigits(to []byte, value uint64, n int) []byte {
	at := len(to)
	to = append(to, "00000000000000000000"[:n]...)
	digits := to[at:]
	for n >= 2 {
		n -= 2
		pair := value % 100 * 2
		value /= 100
		digits[n], digits[n+1] = pairs[pair], pairs[pair+1]
	}
	if n > 0 {
		digits[0] = byte('0' + value%10)
	}
	return to
}
