/* The functions of filters.def, which are spread over files by what they work on. */
#ifndef LLMI_JINJA_FILTERS_H
#define LLMI_JINJA_FILTERS_H

#include "jinja/value.h"

#define FILTER(name, function, params)                                                                                 \
    llmi_jinja_value llmi_filter_##function(llmi_jinja_run *r, const llmi_jinja_args *args);
#include "jinja/filters.def"
#undef FILTER

/* The value as text, numbers and all; HTML stays HTML. */
llmi_jinja_value llmi_filter_text(llmi_jinja_run *r, llmi_jinja_value v);

#endif
