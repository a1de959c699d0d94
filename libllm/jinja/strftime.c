/* strftime in English, of a local time without a zone. */
#include "jinja/value.h"

typedef struct date {
    int64_t year;
    int month, day, hour, minute, second, weekday, yearday; /* month, day from 1; weekday 0 is Sunday */
} date;

/* Howard Hinnant's civil-from-days (https://howardhinnant.github.io/date_algorithms.html). */
static date date_of(int64_t seconds) {
    int64_t days = seconds / 86400, rest = seconds % 86400;
    if (rest < 0) rest += 86400, days--;
    date d = {.hour = (int)(rest / 3600), .minute = (int)(rest / 60 % 60), .second = (int)(rest % 60)};
    d.weekday = (int)(((days + 4) % 7 + 7) % 7);
    int64_t z = days + 719468, era = (z >= 0 ? z : z - 146096) / 146097, doe = z - era * 146097;
    int64_t yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365, doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
    int64_t mp = (5 * doy + 2) / 153;
    d.day = (int)(doy - (153 * mp + 2) / 5 + 1);
    d.month = (int)(mp < 10 ? mp + 3 : mp - 9);
    d.year = yoe + era * 400 + (d.month <= 2);
    bool leap = (d.year % 4 == 0 && d.year % 100 != 0) || d.year % 400 == 0;
    static const int before[] = {0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334};
    d.yearday = before[d.month - 1] + d.day + (leap && d.month > 2);
    return d;
}

static const char *const DAYS[] = {"Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"};
static const char *const MONTHS[] = {"January", "February", "March",     "April",   "May",      "June",
                                     "July",    "August",   "September", "October", "November", "December"};

static void put_time(llmi_builder *b, const date *d, char c, bool unpadded) {
    int hour12 = d->hour % 12 ? d->hour % 12 : 12;
    const char *two = unpadded ? "%d" : "%02d";
    switch (c) {
    case 'Y':
        llmi_builder_printf(b, "%lld", (long long)d->year);
        return;
    case 'y':
        llmi_builder_printf(b, two, (int)(d->year % 100));
        return;
    case 'm':
        llmi_builder_printf(b, two, d->month);
        return;
    case 'd':
        llmi_builder_printf(b, two, d->day);
        return;
    case 'e':
        llmi_builder_printf(b, "%2d", d->day);
        return;
    case 'H':
        llmi_builder_printf(b, two, d->hour);
        return;
    case 'I':
        llmi_builder_printf(b, two, hour12);
        return;
    case 'M':
        llmi_builder_printf(b, two, d->minute);
        return;
    case 'S':
        llmi_builder_printf(b, two, d->second);
        return;
    case 'j':
        llmi_builder_printf(b, unpadded ? "%d" : "%03d", d->yearday);
        return;
    case 'p':
        llmi_builder_puts(b, d->hour < 12 ? "AM" : "PM");
        return;
    case 'A':
        llmi_builder_puts(b, DAYS[d->weekday]);
        return;
    case 'a':
        llmi_builder_put(b, DAYS[d->weekday], 3);
        return;
    case 'B':
        llmi_builder_puts(b, MONTHS[d->month - 1]);
        return;
    case 'b':
    case 'h':
        llmi_builder_put(b, MONTHS[d->month - 1], 3);
        return;
    case 'w':
        llmi_builder_printf(b, "%d", d->weekday);
        return;
    case 'u':
        llmi_builder_printf(b, "%d", d->weekday ? d->weekday : 7);
        return;
    case 'n':
        llmi_builder_puts(b, "\n");
        return;
    case 't':
        llmi_builder_puts(b, "\t");
        return;
    case '%':
        llmi_builder_puts(b, "%");
        return;
    case 'Z':
    case 'z':
        return; /* local time without a zone */
    default:
        llmi_jinja_run_fail(b->r, LLM_E_UNSUPPORTED, "strftime: no conversion %%%c", c >= ' ' && c < 127 ? c : '?');
        return;
    }
}

/* Conversions that are shorthand for several others. */
static const struct {
    char c;
    const char *means;
} COMPOSED[] = {{'F', "%Y-%m-%d"}, {'T', "%H:%M:%S"}, {'R', "%H:%M"},       {'D', "%m/%d/%y"},
                {'x', "%m/%d/%y"}, {'X', "%H:%M:%S"}, {'r', "%I:%M:%S %p"}, {'c', "%a %b %e %H:%M:%S %Y"}};

static void put_format(llmi_builder *b, const date *d, const char *p, size_t n, bool inner) {
    for (size_t i = 0; i < n && llmi_jinja_run_spend(b->r, 1); i++) {
        if (p[i] != '%' || i + 1 == n) {
            llmi_builder_put(b, p + i, 1);
            continue;
        }
        bool unpadded = p[++i] == '-' && i + 1 < n;
        if (unpadded) i++;
        const char *means = NULL;
        for (size_t k = 0; !inner && k < sizeof COMPOSED / sizeof COMPOSED[0]; k++)
            if (COMPOSED[k].c == p[i]) means = COMPOSED[k].means;
        if (means)
            put_format(b, d, means, strlen(means), true);
        else
            put_time(b, d, p[i], unpadded);
    }
}

const llmi_jinja_str *llmi_jinja_strftime(llmi_jinja_run *r, const llmi_jinja_str *format, int64_t when) {
    date d = date_of(when);
    llmi_builder b;
    llmi_builder_init(&b, r);
    put_format(&b, &d, format->p, format->n, false);
    return llmi_builder_finish(&b);
}
