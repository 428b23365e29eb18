#include "package/deb.h"

#include <string.h>

#include <apr_strings.h>

/* The tar archives that a .deb consists of: v7, ustar, and GNU's long names,
 * as dpkg itself reads them. */

#define BLOCK 512

enum { NAME = 0, MODE = 100, UID = 108, GID = 116, SIZE = 124, TYPE = 156,
       TARGET = 157, MAGIC = 257, USER = 265, GROUP = 297, PREFIX = 345 };

/* Octal digits, blanks around them; 0 where it is anything else. */
static int number(unsigned long *pn, const char *at, apr_size_t len)
{
    const char *end = at + len;
    unsigned long n = 0;

    while (at < end && *at == ' ') {
        at++;
    }
    for (; at < end && *at >= '0' && *at <= '7'; at++) {
        if (n > (~0UL >> 4)) {
            return 0;
        }
        n = n * 8 + (unsigned long)(*at - '0');
    }
    *pn = n;
    return at == end || *at == '\0' || *at == ' ';
}

static char *field(const char *at, apr_size_t max, apr_pool_t *p)
{
    const char *end = memchr(at, '\0', max);

    return apr_pstrmemdup(p, at, end ? (apr_size_t)(end - at) : max);
}

static int is_empty(const char *block)
{
    for (int i = 0; i < BLOCK; i++) {
        if (block[i]) {
            return 0;
        }
    }
    return 1;
}

/* "./usr/lib/" -> "/usr/lib"; "./" -> "/" */
static const char *absolute(char *name, apr_pool_t *p)
{
    apr_size_t len = strlen(name);

    while (len && name[len - 1] == '/') {
        name[--len] = '\0';
    }
    if (name[0] == '.' && (name[1] == '/' || name[1] == '\0')) {
        name++;
    }
    while (*name == '/') {
        name++;
    }
    return apr_pstrcat(p, "/", name, NULL);
}

static int read_header(em_tar_t *entry, unsigned long *psize,
                       const char *block, apr_pool_t *p)
{
    char *name = field(block + NAME, 100, p);

    memset(entry, 0, sizeof(*entry));
    if (memcmp(block + MAGIC, "ustar\0", 6) == 0 && block[PREFIX]) {
        name = apr_pstrcat(p, field(block + PREFIX, 155, p), "/", name, NULL);
    }
    entry->name = absolute(name, p);
    entry->target = field(block + TARGET, 100, p);
    entry->user = entry->group = "";
    if (memcmp(block + MAGIC, "ustar", 5) == 0) {
        entry->user = field(block + USER, 32, p);
        entry->group = field(block + GROUP, 32, p);
    }
    entry->type = block[TYPE] == '\0' || block[TYPE] == '7' ? '0'
                                                            : block[TYPE];
    return number(&entry->mode, block + MODE, 8)
           && number(&entry->uid, block + UID, 8)
           && number(&entry->gid, block + GID, 8)
           && number(psize, block + SIZE, 12);
}

int em_tar_next(em_tar_t *entry, const char **pat, const char *end,
                apr_pool_t *p)
{
    char *long_name = NULL, *long_target = NULL;

    for (;;) {
        const char *block = *pat, *data;
        unsigned long size, whole;

        if (block == end) {
            return long_name || long_target ? -1 : 0;
        }
        if (end - block < BLOCK) {
            return -1;
        }
        if (is_empty(block)) {
            return 0;
        }
        if (!read_header(entry, &size, block, p)) {
            return -1;
        }
        data = block + BLOCK;
        if (entry->type > '0' && entry->type <= '6') {
            size = 0;
        }
        if (size > (unsigned long)(end - data)) {
            return -1;
        }
        whole = (size + BLOCK - 1) / BLOCK * BLOCK;
        *pat = whole > (unsigned long)(end - data) ? end : data + whole;
        if (entry->type == 'L') {
            long_name = field(data, size, p);
            continue;
        }
        if (entry->type == 'K') {
            long_target = field(data, size, p);
            continue;
        }
        entry->name = long_name ? absolute(long_name, p) : entry->name;
        entry->target = long_target ? long_target : entry->target;
        entry->data = data;
        entry->len = size;
        return 1;
    }
}
