#define _GNU_SOURCE /* strtod_l */
#include "base/text.h"

#include <float.h>
#include <locale.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/utf8.h"

/* Drops a last character that is not whole. */
static size_t cut_whole(const char *text, size_t n) {
    size_t start = n;
    while (start > 0 && n - start < 3 && ((unsigned char)text[start - 1] & 0xc0) == 0x80) start--;
    if (start == 0 || (unsigned char)text[start - 1] < 0xc0) return n;
    return llmi_utf8_char(text + start - 1, n - start + 1) ? n : start - 1;
}

/* How the character at `bytes` is shown: copies 1..4 bytes to `piece`, and their number to *n_piece. Returns how many
 * bytes it has. */
static size_t show(char piece[4], size_t *n_piece, const char *bytes, size_t n) {
    static const char hex[] = "0123456789abcdef";
    unsigned char c = (unsigned char)bytes[0];
    size_t k = llmi_utf8_char(bytes, n);
    bool c1 = k == 2 && c == 0xc2 && (unsigned char)bytes[1] < 0xa0;
    if (k && !c1 && c >= 0x20 && c != 0x7f) {
        memcpy(piece, bytes, k);
        *n_piece = k;
        return k;
    }
    piece[0] = '\\', piece[1] = 'x', piece[2] = hex[c >> 4], piece[3] = hex[c & 15];
    *n_piece = 4;
    return 1;
}

const char *llmi_quote(char *out, size_t capacity, const char *bytes, size_t n) {
    size_t len = 0, fits = 0, i = 0; /* fits: where "..." would still fit after it */
    while (i < n) {
        char piece[4], c = bytes[i];
        size_t n_piece = 2, k = 1;
        if (c == '\n' || c == '"' || c == '\\')
            piece[0] = '\\', piece[1] = c == '\n' ? 'n' : c;
        else
            k = show(piece, &n_piece, bytes + i, n - i);
        if (len + 4 <= capacity) fits = len;
        if (len + n_piece + 1 > capacity) break;
        memcpy(out + len, piece, n_piece);
        len += n_piece;
        i += k;
    }
    if (i < n) {
        memcpy(out + fits, "...", 3);
        len = fits + 3;
    }
    out[len] = 0;
    return out;
}

void llmi_clean(char *text, size_t capacity) {
    size_t n = strlen(text);
    for (size_t i = 0; i < n;) {
        char piece[4];
        size_t n_piece = 1, k = 1;
        if (text[i] != '\n' && text[i] != '\t') k = show(piece, &n_piece, text + i, n - i);
        if (n_piece <= k) {
            i += k;
            continue;
        }
        if (i + n_piece >= capacity) {
            text[i] = 0;
            return;
        }
        size_t rest = n - i - k, room = capacity - 1 - i - n_piece;
        if (rest > room) rest = room;
        memmove(text + i + n_piece, text + i + k, rest);
        memcpy(text + i, piece, n_piece);
        i += n_piece;
        n = i + rest;
        text[n] = 0;
    }
    text[cut_whole(text, n)] = 0;
}

/* ---- formatting ---- */

/* printf writes the locale's decimal separator, which may be several bytes. */
static size_t fix_point(char *text, size_t n) {
    size_t len = 0;
    for (size_t i = 0; i < n; i++) {
        bool plain = strchr("0123456789+-eEinfaINFA ", text[i]) && text[i];
        if (plain)
            text[len++] = text[i];
        else if (len == 0 || text[len - 1] != '.')
            text[len++] = '.';
    }
    text[len] = 0;
    return len;
}

const char *llmi_number(char out[LLMI_NUMBER_BYTES], double value) {
    bool subnormal = value != 0 && value < DBL_MIN && value > -DBL_MIN; /* few digits are enough for some */
    for (int digits = subnormal ? 1 : 6; digits <= 17; digits++) {
        snprintf(out, LLMI_NUMBER_BYTES, "%.*g", digits, value);
        if (value != value || strtod(out, NULL) == value) break;
    }
    fix_point(out, strlen(out));
    return out;
}

const char *llmi_number_f32(char out[LLMI_NUMBER_BYTES], float value) {
    for (int digits = 6; digits <= 9; digits++) {
        snprintf(out, LLMI_NUMBER_BYTES, "%.*g", digits, (double)value);
        if (value != value || strtof(out, NULL) == value) break;
    }
    fix_point(out, strlen(out));
    return out;
}

double llmi_strtod(const char *text, char **end) {
    locale_t c_locale = newlocale(LC_ALL_MASK, "C", (locale_t)0);
    if (!c_locale) { /* not with glibc and musl, whose C locale is static */
        if (end) *end = (char *)(uintptr_t)text;
        return 0;
    }
    double value = strtod_l(text, end, c_locale);
    freelocale(c_locale);
    return value;
}

typedef struct sink {
    char *out;
    size_t capacity, len; /* len may pass capacity: the length of the whole text */
} sink;

static void put(sink *s, const char *bytes, size_t n) {
    if (s->len < s->capacity) {
        size_t room = s->capacity - s->len;
        memcpy(s->out + s->len, bytes, n < room ? n : room);
    }
    s->len += n;
}

/* One conversion as printf's format spells it, width and precision already as numbers. */
typedef struct conversion {
    char spec[24];
    int n_spec;
    int width, precision; /* precision -1: none */
    bool left;
    char length; /* 'H' for hh, 'q' for ll */
    char letter;
} conversion;

static const char *parse_number(int *out, const char *f, va_list *args) {
    if (*f == '*') {
        *out = va_arg(*args, int);
        return f + 1;
    }
    int n = 0;
    while (*f >= '0' && *f <= '9') n = n < 100000 ? n * 10 + (*f++ - '0') : (f++, n);
    *out = n;
    return f;
}

/* f is after the '%'. */
static const char *parse(conversion *c, const char *f, va_list *args) {
    *c = (conversion){.precision = -1, .spec = "%", .n_spec = 1};
    while (*f && strchr("-+ #0", *f)) {
        if (*f == '-') c->left = true;
        if (c->n_spec < 8) c->spec[c->n_spec++] = *f;
        f++;
    }
    f = parse_number(&c->width, f, args);
    if (c->width < 0) c->left = true, c->width = -c->width;
    if (*f == '.') f = parse_number(&c->precision, f + 1, args);
    if (c->precision < 0) c->precision = -1;
    if (*f && strchr("hlzjt", *f)) {
        c->length = *f++;
        if (*f == c->length) c->length = c->length == 'h' ? 'H' : 'q', f++;
    }
    c->letter = *f;
    return *f ? f + 1 : f;
}

static void put_padded(sink *s, const conversion *c, const char *bytes, size_t n) {
    size_t pad = c->width > 0 && (size_t)c->width > n ? (size_t)c->width - n : 0;
    if (c->left) put(s, bytes, n);
    for (size_t i = 0; i < pad; i++) put(s, " ", 1);
    if (!c->left) put(s, bytes, n);
}

static void put_string(sink *s, const conversion *c, const char *text) {
    if (!text) text = "(null)";
    put_padded(s, c, text, c->precision >= 0 ? strnlen(text, (size_t)c->precision) : strlen(text));
}

static intmax_t signed_arg(char length, va_list *args) {
    switch (length) {
    case 'H':
        return (signed char)va_arg(*args, int);
    case 'h':
        return (short)va_arg(*args, int);
    case 'l':
        return va_arg(*args, long);
    case 'q':
        return va_arg(*args, long long);
    case 'j':
        return va_arg(*args, intmax_t);
    case 'z':
    case 't':
        return va_arg(*args, ptrdiff_t);
    default:
        return va_arg(*args, int);
    }
}

static uintmax_t unsigned_arg(char length, va_list *args) {
    switch (length) {
    case 'H':
        return (unsigned char)va_arg(*args, unsigned);
    case 'h':
        return (unsigned short)va_arg(*args, unsigned);
    case 'l':
        return va_arg(*args, unsigned long);
    case 'q':
        return va_arg(*args, unsigned long long);
    case 'j':
        return va_arg(*args, uintmax_t);
    case 'z':
    case 't':
        return va_arg(*args, size_t);
    default:
        return va_arg(*args, unsigned);
    }
}

/* Completes the printf format of a number; widths and precisions beyond any sense are cut. */
static const char *number_spec(conversion *c, const char *length) {
    int width = c->width < 100 ? c->width : 100, precision = c->precision < 1000 ? c->precision : 1000;
    char *end = c->spec + c->n_spec, *limit = c->spec + sizeof c->spec;
    if (width > 0) end += snprintf(end, (size_t)(limit - end), "%d", width);
    if (precision >= 0) end += snprintf(end, (size_t)(limit - end), ".%d", precision);
    snprintf(end, (size_t)(limit - end), "%s%c", length, c->letter);
    return c->spec;
}

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
static void put_number(sink *s, conversion *c, va_list *args) {
    char text[1400]; /* the longest: %.1000f of the largest double */
    int n;
    if (strchr("di", c->letter)) {
        intmax_t v = signed_arg(c->length, args);
        n = snprintf(text, sizeof text, number_spec(c, "j"), v);
    } else if (strchr("uoxX", c->letter)) {
        uintmax_t v = unsigned_arg(c->length, args);
        n = snprintf(text, sizeof text, number_spec(c, "j"), v);
    } else {
        n = snprintf(text, sizeof text, number_spec(c, ""), va_arg(*args, double));
        if (n > 0) n = (int)fix_point(text, (size_t)n);
    }
    if (n > 0) put(s, text, (size_t)n);
}
#pragma GCC diagnostic pop

static void put_conversion(sink *s, conversion *c, va_list *args) {
    char text[32];
    switch (c->letter) {
    case '%':
        put(s, "%", 1);
        break;
    case 's':
        put_string(s, c, va_arg(*args, const char *));
        break;
    case 'c':
        text[0] = (char)va_arg(*args, int);
        put_padded(s, c, text, 1);
        break;
    case 'p': {
        int n = snprintf(text, sizeof text, "%p", va_arg(*args, void *));
        if (n > 0) put_padded(s, c, text, (size_t)n);
        break;
    }
    default:
        put_number(s, c, args);
    }
}

size_t llmi_vformat(char *out, size_t capacity, const char *format, va_list args) {
    sink s = {out, capacity - 1, 0};
    va_list rest;
    va_copy(rest, args);
    for (const char *f = format; *f;) {
        const char *percent = strchr(f, '%');
        size_t plain = percent ? (size_t)(percent - f) : strlen(f);
        put(&s, f, plain);
        f += plain;
        if (!percent) break;
        conversion c;
        f = parse(&c, f + 1, &rest);
        if (!c.letter || !strchr("diuoxXcspfFeEgG%", c.letter)) break;
        put_conversion(&s, &c, &rest);
    }
    va_end(rest);
    size_t n = s.len <= s.capacity ? s.len : cut_whole(out, s.capacity);
    out[n] = 0;
    return s.len;
}

size_t llmi_format(char *out, size_t capacity, const char *format, ...) {
    va_list args;
    va_start(args, format);
    size_t n = llmi_vformat(out, capacity, format, args);
    va_end(args);
    return n;
}
