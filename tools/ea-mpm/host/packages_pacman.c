#include "host/packages.h"

#include <string.h>

#include <apr_strings.h>

/* pacman's local database: a directory NAME-VERSION-RELEASE per package with
 * the text files "desc" and "files". Read directly, so that it is read below
 * --root as well. */

#define LOCAL "/var/lib/pacman/local"
#define MAX_LIST (64 * 1024 * 1024)

/* The text behind the line "%NAME%" of an entry, up to the next empty line;
 * *PLEN its length. NULL: there is none. */
static const char *part(const char *text, const char *name, apr_size_t *plen)
{
    apr_size_t len = strlen(name);
    const char *s = text, *end;

    while (strncmp(s, name, len) != 0 || s[len] != '\n') {
        s = strchr(s, '\n');
        if (!s) {
            return NULL;
        }
        s++;
    }
    s += len + 1;
    end = *s == '\n' ? s : strstr(s, "\n\n");
    *plen = end ? (apr_size_t)(end - s) : strlen(s);
    return s;
}

const char *em_pacman_field(const char *desc, const char *name, apr_pool_t *p)
{
    apr_size_t len;
    const char *s = part(desc, name, &len), *nl;

    if (!s || !len) {
        return NULL;
    }
    nl = memchr(s, '\n', len);
    return apr_pstrmemdup(p, s, nl ? (apr_size_t)(nl - s) : len);
}

int em_pacman_lists(const char *files, const char *file)
{
    apr_size_t left, want = strlen(file);
    const char *s = part(files, "%FILES%", &left);

    while (s && left >= want) {
        const char *nl = memchr(s, '\n', left);
        apr_size_t len = nl ? (apr_size_t)(nl - s) : left;

        if (len == want && memcmp(s, file, len) == 0) {
            return 1;
        }
        if (!nl) {
            break;
        }
        left -= len + 1;
        s = nl + 1;
    }
    return 0;
}

static const char *text_of(const em_view_t *view, const char *entry,
                           const char *name, apr_pool_t *p)
{
    em_node_t *node;

    return em_view_read(&node, view, apr_pstrcat(p, LOCAL "/", entry, "/",
                                                 name, NULL), MAX_LIST, p)
           == APR_SUCCESS ? node->data : NULL;
}

/* Is the wish's file, by either of its names, in the list? */
static int lists_wish(const char *files, const em_package_wish_t *wish,
                      const em_view_t *view, apr_pool_t *p)
{
    const char *real = wish->file;

    (void)em_view_real(&real, view, wish->file, p);
    return em_pacman_lists(files, wish->file + 1)
           || em_pacman_lists(files, real + 1);
}

/* Answer what ENTRY owns; how many wishes are open still. */
static int search_entry(apr_array_header_t *list, const em_view_t *view,
                        const char *entry, apr_pool_t *scratch,
                        apr_pool_t *p)
{
    const char *files = text_of(view, entry, "files", scratch), *desc = NULL;
    int open = 0;

    for (int i = 0; i < list->nelts; i++) {
        em_package_wish_t *wish = APR_ARRAY_IDX(list, i, em_package_wish_t *);

        if (wish->package) {
            continue;
        }
        open++;
        if (!files || !lists_wish(files, wish, view, scratch)) {
            continue;
        }
        desc = desc ? desc : text_of(view, entry, "desc", scratch);
        wish->package = desc ? em_pacman_field(desc, "%NAME%", p) : NULL;
        wish->version = desc ? em_pacman_field(desc, "%VERSION%", p) : NULL;
        open -= wish->package != NULL;
    }
    return open;
}

/* Arch's package of httpd is "apache": first where most answers are. */
static int is_likely(const char *entry)
{
    return strncmp(entry, "apache-", 7) == 0
           || strncmp(entry, "php-apache-", 11) == 0;
}

void em_packages_pacman(const em_view_t *view, apr_array_header_t *list,
                        apr_pool_t *p)
{
    apr_array_header_t *entries;
    apr_pool_t *scratch;
    int open = 1;

    if (em_view_list(&entries, view, LOCAL, p) != APR_SUCCESS) {
        return;
    }
    apr_pool_create(&scratch, p);
    for (int round = 0; round < 2; round++) {
        for (int i = 0; open && i < entries->nelts; i++) {
            const char *entry = APR_ARRAY_IDX(entries, i, const char *);

            if (is_likely(entry) == (round == 0)) {
                open = search_entry(list, view, entry, scratch, p);
                apr_pool_clear(scratch);
            }
        }
    }
    apr_pool_destroy(scratch);
}
