#include "itk_log.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

static itk_log_fn_t *sink;

void itk_log_to(itk_log_fn_t *fn)
{
    sink = fn;
}

void itk_log(itk_log_level_t level, int status, const char *fmt, ...)
{
    char text[512];
    va_list ap;

    if (!sink) {
        return;
    }
    va_start(ap, fmt);
    (void)vsnprintf(text, sizeof(text), fmt, ap);
    va_end(ap);
    sink(level, status, text);
}
