/* Option structures as the calls that take them read them. */
#ifndef LLMI_API_OPTIONS_H
#define LLMI_API_OPTIONS_H

#include "base/option_table.h"

/* Reads the caller's structure of a group over its defaults (base/options.h), checks the range of each member that the
 * table knows, and draws a random seed. src NULL: the defaults. */
llm_status llmi_options_get(void *dst, const char *group, const void *src);

#endif
