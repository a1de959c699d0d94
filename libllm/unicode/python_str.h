/* Characters as Python's str knows them: classes and changes of case (Unicode). */
#ifndef LLMI_UNICODE_PYTHON_STR_H
#define LLMI_UNICODE_PYTHON_STR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

bool llmi_is_space(uint32_t c);   /* str.isspace */
bool llmi_is_newline(uint32_t c); /* ends a line for str.splitlines */
bool llmi_is_letter(uint32_t c);
bool llmi_is_decimal(uint32_t c);
bool llmi_is_digit(uint32_t c);
bool llmi_is_numeric(uint32_t c);
bool llmi_is_alnum(uint32_t c);
bool llmi_is_lower(uint32_t c);
bool llmi_is_upper(uint32_t c);
bool llmi_is_titlecase(uint32_t c);
bool llmi_is_cased(uint32_t c);
bool llmi_is_case_ignorable(uint32_t c);
bool llmi_is_printable(uint32_t c);
/* The value of a decimal digit of any script; -1: not one. */
int llmi_decimal_value(uint32_t c);

typedef enum llmi_case { LLMI_CASE_UPPER, LLMI_CASE_LOWER, LLMI_CASE_TITLE, LLMI_CASE_FOLD } llmi_case;

/* UTF-8 of c in another case, up to LLMI_CASE_BYTES; returns the bytes. The final sigma is the caller's. */
enum { LLMI_CASE_BYTES = 16 };
size_t llmi_change_case(char out[LLMI_CASE_BYTES], uint32_t c, llmi_case to);

#endif
