/* The text of a second. */
#include "writer.h"

struct wh_clock wh_clock = {UINT64_MAX, "0000-00-00T00:00:00."};

void wh_clock_set(uint64_t second)
{
    /* Days since 1 March of year 0 in the Gregorian calendar, which repeats after 400 years. */
    uint64_t days = second / 86400 + 719468;
    uint32_t era = (uint32_t)(days / 146097), of_era = (uint32_t)(days % 146097);
    uint32_t year = (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365;
    uint32_t of_year = of_era - (365 * year + year / 4 - year / 100);
    uint32_t month = (5 * of_year + 2) / 153; /* from March */
    uint32_t day = of_year - (153 * month + 2) / 5 + 1;
    uint32_t of_day = (uint32_t)(second % 86400);
    month = month < 10 ? month + 3 : month - 9;
    wh_digits_at(wh_clock.text, year + era * 400 + (month <= 2), 4);
    wh_digits_at(wh_clock.text + 5, month, 2);
    wh_digits_at(wh_clock.text + 8, day, 2);
    wh_digits_at(wh_clock.text + 11, of_day / 3600, 2);
    wh_digits_at(wh_clock.text + 14, of_day / 60 % 60, 2);
    wh_digits_at(wh_clock.text + 17, of_day % 60, 2);
    wh_clock.second = second;
}
