/* Any text, any line: an edit that is done changes nothing but its line, and
 * reverting it gives the same bytes. The first byte chooses the line. */

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <apr_general.h>
#include <apr_strings.h>

#include "conf/edit.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int same(em_text_t a, em_text_t b)
{
    return a.len == b.len && memcmp(a.data, b.data, a.len) == 0;
}

/* Without the LEN bytes that were put in at the first difference. */
static int only_added(em_text_t in, em_text_t out, apr_size_t len)
{
    apr_size_t at = 0;

    if (out.len != in.len + len) {
        return 0;
    }
    while (at < in.len && in.data[at] == out.data[at]) {
        at++;
    }
    /* What was put in may begin with the bytes that follow it. */
    for (apr_size_t back = 0; back <= at && back <= len; back++) {
        if (memcmp(in.data + at - back, out.data + at - back + len,
                   in.len - at + back) == 0) {
            return 1;
        }
    }
    return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    em_text_t in, out, back;
    apr_pool_t *p;
    int line;

    if (size == 0) {
        return 0;
    }
    apr_initialize();
    apr_pool_create(&p, NULL);
    line = data[0];
    in.len = size - 1;
    in.data = apr_pstrmemdup(p, (const char *)data + 1, in.len);
    if (em_edit_comment(&out, in, line, p) == APR_SUCCESS
        && (!only_added(in, out, 1)
            || em_edit_uncomment(&back, out, line, p) != APR_SUCCESS
            || !same(in, back))) {
        abort();
    }
    if (em_edit_uncomment(&out, in, line, p) == APR_SUCCESS
        && (out.len >= in.len || !only_added(out, in, in.len - out.len))) {
        abort();
    }
    if (em_edit_insert(&out, in, line, "LoadModule x y", p) == APR_SUCCESS
        && !only_added(in, out, out.len - in.len)) {
        abort();
    }
    if (em_edit_setvar(&out, in, "HTTPD", "a b", p) == APR_SUCCESS) {
        if (em_edit_setvar(&back, out, "HTTPD", "c", p) != APR_SUCCESS
            || em_edit_setvar(&back, back, "HTTPD", "a b", p) != APR_SUCCESS
            || !same(out, back)) {
            abort();
        }
    }
    apr_pool_destroy(p);
    return 0;
}
