#include "host/packages.h"

#include <string.h>

#include <apr_strings.h>

/* apk's database of what is installed: one text file, a paragraph per
 * package. "P:" its name, "V:" its version, "F:" a directory without the
 * first slash, "R:" a file in the last directory. */

#define MAX_DATABASE (256 * 1024 * 1024)

static const char *const places[] = {
    "/lib/apk/db/installed",
    "/usr/lib/apk/db/installed",    /* with a merged /usr */
    NULL
};

typedef struct line_t {
    const char *text;           /* behind "X:" */
    apr_size_t len;
} line_t;

/* "DIR/NAME" without first slash: is it FILE? */
static int is_file(const line_t *dir, const line_t *name, const char *file)
{
    apr_size_t len = strlen(file), slash = dir->len ? dir->len + 1 : 0;

    return len == slash + name->len
           && memcmp(file, dir->text, dir->len) == 0
           && (!slash || file[dir->len] == '/')
           && memcmp(file + slash, name->text, name->len) == 0;
}

int em_apk_owner(const char **pname, const char **pversion, const char *text,
                 const char *file, apr_pool_t *p)
{
    line_t package = {"", 0}, version = {"", 0}, dir = {"", 0};

    for (const char *s = text, *end; *s; s = *end ? end + 1 : end) {
        line_t line = {s + 2, 0};

        end = s + strcspn(s, "\n");
        if (end == s) {         /* the next paragraph */
            package.len = version.len = dir.len = 0;
            continue;
        }
        if (end - s < 2 || s[1] != ':') {
            continue;
        }
        line.len = (apr_size_t)(end - s) - 2;
        if (*s == 'P') {
            package = line;
        }
        else if (*s == 'V') {
            version = line;
        }
        else if (*s == 'F') {
            dir = line;
        }
        else if (*s == 'R' && package.len && is_file(&dir, &line, file)) {
            *pname = apr_pstrmemdup(p, package.text, package.len);
            *pversion = version.len ? apr_pstrmemdup(p, version.text,
                                                     version.len) : NULL;
            return 1;
        }
    }
    return 0;
}

void em_packages_apk(const em_view_t *view, apr_array_header_t *list,
                     apr_pool_t *p)
{
    em_node_t *node = NULL;
    apr_pool_t *scratch;

    apr_pool_create(&scratch, p);
    for (int i = 0; places[i] && !node; i++) {
        if (em_view_read(&node, view, places[i], MAX_DATABASE, scratch)
            != APR_SUCCESS) {
            node = NULL;
        }
    }
    for (int i = 0; node && i < list->nelts; i++) {
        em_package_wish_t *wish = APR_ARRAY_IDX(list, i, em_package_wish_t *);
        const char *real = wish->file;

        if (wish->package) {
            continue;
        }
        (void)em_view_real(&real, view, wish->file, scratch);
        if (!em_apk_owner(&wish->package, &wish->version, node->data,
                          wish->file + 1, p)) {
            (void)em_apk_owner(&wish->package, &wish->version, node->data,
                               real + 1, p);
        }
    }
    apr_pool_destroy(scratch);
}
