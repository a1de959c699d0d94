/* Characters as Python's str knows them: classes and changes of case (Unicode). */
#ifndef LLMI_UNICODE_PYTHON_STR_H
#define LLMI_UNICODE_PYTHON_STR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

bool llmi_python_is_space(uint32_t c);   /* str.isspace */
bool llmi_python_is_newline(uint32_t c); /* ends a line for str.splitlines */
bool llmi_python_is_letter(uint32_t c);
bool llmi_python_is_decimal(uint32_t c);
bool llmi_python_is_digit(uint32_t c);
bool llmi_python_is_numeric(uint32_t c);
bool llmi_python_is_alnum(uint32_t c);
bool llmi_python_is_lower(uint32_t c);
bool llmi_python_is_upper(uint32_t c);
bool llmi_python_is_titlecase(uint32_t c);
bool llmi_python_is_cased(uint32_t c);
bool llmi_python_is_case_ignorable(uint32_t c);
bool llmi_python_is_printable(uint32_t c);
/* The value of a decimal digit of any script; -1: not one. */
int llmi_python_decimal_value(uint32_t c);

typedef enum llmi_python_case {
    LLMI_PYTHON_CASE_UPPER,
    LLMI_PYTHON_CASE_LOWER,
    LLMI_PYTHON_CASE_TITLE,
    LLMI_PYTHON_CASE_FOLD
} llmi_python_case;

/* UTF-8 of c in another case, up to LLMI_PYTHON_CASE_BYTES; returns the bytes. The final sigma is the caller's. */
enum { LLMI_PYTHON_CASE_BYTES = 16 };
size_t llmi_python_change_case(char out[LLMI_PYTHON_CASE_BYTES], uint32_t c, llmi_python_case to);

#endif
