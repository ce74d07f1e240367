/* Decimal text of a double and back, exactly, without a C library.
 *
 * Nearly all numbers that people write have at most 15 digits and take the short way: one
 * division, which is rounded correctly by itself. The others go by whole numbers of any size. */

#define WH_WORDS 80 /* 2,560 bits: the longest operand has 64 + 400 * log2(10), shifted by 64 */

typedef struct wh_big {
    uint32_t words[WH_WORDS]; /* the least significant first */
    int count;
} wh_big;

static void wh_big_set(wh_big *big, uint64_t value)
{
    memset(big, 0, sizeof *big);
    big->words[0] = (uint32_t)value;
    big->words[1] = (uint32_t)(value >> 32);
    big->count = big->words[1] ? 2 : big->words[0] ? 1 : 0;
}

static void wh_big_times(wh_big *big, uint32_t factor)
{
    uint64_t carry = 0;
    for (int i = 0; i < big->count; i++) {
        carry += (uint64_t)big->words[i] * factor;
        big->words[i] = (uint32_t)carry;
        carry >>= 32;
    }
    if (carry && big->count < WH_WORDS)
        big->words[big->count++] = (uint32_t)carry;
}

static void wh_big_times_power_of_10(wh_big *big, int power)
{
    for (; power >= 9; power -= 9)
        wh_big_times(big, 1000000000);
    for (; power > 0; power--)
        wh_big_times(big, 10);
}

static void wh_big_shift(wh_big *big, int bits)
{
    int words = bits / 32;
    for (int i = WH_WORDS - 1; i >= 0; i--)
        big->words[i] = i >= words ? big->words[i - words] : 0;
    big->count = big->count ? big->count + words : 0;
    wh_big_times(big, UINT32_C(1) << bits % 32);
}

static int wh_big_bits(const wh_big *big)
{
    return big->count ? 32 * big->count - __builtin_clz(big->words[big->count - 1]) : 0;
}

static int wh_big_compare(const wh_big *a, const wh_big *b)
{
    if (a->count != b->count)
        return a->count < b->count ? -1 : 1;
    for (int i = a->count - 1; i >= 0; i--)
        if (a->words[i] != b->words[i])
            return a->words[i] < b->words[i] ? -1 : 1;
    return 0;
}

/* a -= b, where a >= b. */
static void wh_big_minus(wh_big *a, const wh_big *b)
{
    int64_t borrow = 0;
    for (int i = 0; i < a->count; i++) {
        borrow += (int64_t)a->words[i] - b->words[i];
        a->words[i] = (uint32_t)borrow;
        borrow >>= 32;
    }
    while (a->count && !a->words[a->count - 1])
        a->count--;
}

/* m * 2^exponent, where m is below 2^53 and what comes out is no smaller than the smallest. */
static double wh_scaled(uint64_t mantissa, int exponent)
{
    uint64_t bits = mantissa;
    if (mantissa >> 52)
        bits = (mantissa & ((UINT64_C(1) << 52) - 1)) | (uint64_t)(exponent + 1075) << 52;
    double value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

/* quotient (64 bits, the highest set) * 2^exponent, and whether something is left: rounded to
 * nearest, to even where it lies between. */
static double wh_rounded(uint64_t quotient, int exponent, bool rest)
{
    int drop = exponent + 11 < -1074 ? -1074 - exponent : 11;
    if (drop > 64)
        return 0;
    uint64_t kept = drop == 64 ? 0 : quotient >> drop;
    uint64_t half = UINT64_C(1) << (drop - 1), low = quotient & (half - 1);
    if (quotient & half && (low || rest || kept & 1))
        kept++;
    exponent += drop;
    if (kept >> 53) {
        kept >>= 1;
        exponent++;
    }
    return exponent > 971 ? __builtin_inf() : wh_scaled(kept, exponent);
}

/* digits * 10^power, to the nearest double. */
static double wh_decimal(uint64_t digits, int power)
{
    static const double powers[] = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,
                                    1e8,  1e9,  1e10, 1e11, 1e12, 1e13, 1e14, 1e15,
                                    1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};
    if (!digits || power < -400)
        return 0;
    if (power > 400)
        return __builtin_inf();
    if (!(digits >> 53) && power >= -22 && power <= 22)
        return power < 0 ? (double)digits / powers[-power] : (double)digits * powers[power];
    wh_big top, bottom;
    wh_big_set(&top, digits);
    wh_big_set(&bottom, 1);
    wh_big_times_power_of_10(power < 0 ? &bottom : &top, power < 0 ? -power : power);
    int shift = 64 - (wh_big_bits(&top) - wh_big_bits(&bottom));
    wh_big_shift(shift < 0 ? &bottom : &top, shift < 0 ? -shift : shift);
    /* The quotient has 64 or 65 bits. */
    wh_big_shift(&bottom, 64);
    uint64_t quotient = 0;
    int exponent = -shift;
    bool over = false;
    for (int i = 0; i < 65; i++) {
        bool bit = wh_big_compare(&top, &bottom) >= 0;
        if (bit)
            wh_big_minus(&top, &bottom);
        over |= i == 0 && bit;
        if (over && i == 64) {
            exponent++;
            return wh_rounded(quotient, exponent, bit || top.count);
        }
        quotient = quotient << 1 | bit;
        wh_big_times(&top, 2);
    }
    return wh_rounded(quotient, exponent, top.count != 0);
}

/* The first 19 digits of a finite number above 0 and the power of ten of the last; `rest` says
 * whether more follow. */
static uint64_t wh_digits_of(double value, int *power, bool *rest)
{
    uint64_t bits;
    memcpy(&bits, &value, sizeof bits);
    int exponent = (int)(bits >> 52);
    uint64_t mantissa = bits & ((UINT64_C(1) << 52) - 1);
    mantissa |= exponent ? UINT64_C(1) << 52 : 0;
    exponent = (exponent ? exponent : 1) - 1075;
    wh_big top, bottom;
    wh_big_set(&top, mantissa);
    wh_big_set(&bottom, 1);
    wh_big_shift(exponent < 0 ? &bottom : &top, exponent < 0 ? -exponent : exponent);
    /* Powers of ten until the quotient has one digit: the estimate is never too large. */
    int ten = (int)((wh_big_bits(&top) - wh_big_bits(&bottom) - 1) * 1233 / 4096);
    wh_big_times_power_of_10(ten > 0 ? &bottom : &top, ten > 0 ? ten : -ten);
    for (; wh_big_compare(&top, &bottom) < 0; ten--)
        wh_big_times(&top, 10);
    for (;; ten++) {
        wh_big tenfold = bottom;
        wh_big_times(&tenfold, 10);
        if (wh_big_compare(&top, &tenfold) < 0)
            break;
        bottom = tenfold;
    }
    uint64_t digits = 0;
    for (int i = 0; i < 19; i++) {
        unsigned digit = 0;
        for (; wh_big_compare(&top, &bottom) >= 0; digit++)
            wh_big_minus(&top, &bottom);
        digits = digits * 10 + digit;
        wh_big_times(&top, 10);
    }
    *power = ten - 18;
    *rest = top.count != 0;
    return digits;
}

/* The fewest digits that read back as `value`, above 0. */
static uint64_t wh_shortest(double value, int *power)
{
    double scale = 1;
    for (int decimals = 0; decimals <= 22 && value >= 1e-7; decimals++, scale *= 10) {
        double scaled = value * scale;
        if (scaled > 1e15)
            break;
        uint64_t digits = (uint64_t)(scaled + 0.5);
        if ((double)digits / scale == value) {
            *power = -decimals;
            return digits;
        }
    }
    bool rest;
    int at;
    uint64_t all = wh_digits_of(value, &at, &rest);
    for (uint64_t unit = UINT64_C(1000000000000000000); unit >= 10; unit /= 10) {
        uint64_t below = all / unit, left = all % unit;
        uint64_t half = unit / 2;
        bool up = left > half || (left == half && (rest || below & 1));
        int zeros = 0;
        for (uint64_t u = unit; u > 1; u /= 10)
            zeros++;
        for (unsigned i = 0; i < 2; i++) {
            uint64_t digits = below + (up != (i == 1));
            if (wh_decimal(digits, at + zeros) == value) {
                *power = at + zeros;
                return digits;
            }
        }
    }
    *power = at;
    return all;
}

uint8_t *wh_put_double(wh_buffer *buffer, uint8_t *at, double value)
{
    wh_writer w = {at, buffer->data + buffer->capacity, buffer};
    if (value - value != 0) {
        wh_fail("%s is %s, for which JSON has no number: write wh_null, or wh_fail",
                wh_where(buffer, at), value != value ? "NaN" : "infinite");
        return at;
    }
    if (__builtin_signbit(value))
        wh_byte(&w, '-');
    int power = 0;
    uint64_t digits = value == 0 ? 0 : wh_shortest(value < 0 ? -value : value, &power);
    while (digits && digits % 10 == 0) {
        digits /= 10;
        power++;
    }
    uint8_t text[20];
    int count = 0;
    for (uint64_t rest = digits; rest || !count; rest /= 10)
        text[19 - count++] = (uint8_t)('0' + rest % 10);
    const uint8_t *from = text + 20 - count;
    int point = count + power; /* digits before the point */
    if (digits && (point > 16 || point <= -5)) {
        wh_copy(&w, from, 1);
        if (count > 1) {
            wh_byte(&w, '.');
            wh_copy(&w, from + 1, (size_t)count - 1);
        }
        wh_byte(&w, 'e');
        wh_i64(&w, point - 1);
        return w.at;
    }
    if (point <= 0) {
        wh_literal(&w, "0.");
        for (int i = point; i < 0; i++)
            wh_byte(&w, '0');
        wh_copy(&w, from, (size_t)count);
        return w.at;
    }
    for (int i = 0; i < point; i++)
        wh_byte(&w, i < count ? (char)from[i] : '0');
    wh_byte(&w, '.');
    wh_copy(&w, count > point ? from + point : (const uint8_t *)"0", count > point ? (size_t)(count - point) : 1);
    return w.at;
}
