#include "itk_head.h"

#include <string.h>

static int is_space(char ch)
{
    return ch == ' ' || (ch >= '\t' && ch <= '\r');
}

/* Fewer than three words: there is no version. */
static int lacks_version(const char *line, size_t len)
{
    size_t i = 0;
    int words;

    for (words = 0; words < 3; ++words) {
        while (i < len && is_space(line[i])) {
            ++i;
        }
        if (i == len) {
            return 1;
        }
        while (i < len && !is_space(line[i])) {
            ++i;
        }
    }
    return 0;
}

int itk_head_scan(itk_head_t *h, const char *data, size_t len)
{
    while (h->seen < len) {
        const char *line = data + h->line;
        const char *lf = memchr(data + h->seen, '\n', len - h->seen);
        size_t n;

        if (lf == NULL) {
            h->seen = len;
            return 0;
        }
        n = (size_t)(lf - line);
        if (n > 0 && line[n - 1] == '\r') {
            --n;
        }
        h->seen = h->line = (size_t)(lf - data) + 1;
        if (n == 0) {
            if (h->in_headers) {
                return 1;
            }
        }
        else if (!h->in_headers) {
            h->in_headers = 1;
            if (lacks_version(line, n)) {
                return 1;
            }
        }
    }
    return 0;
}
