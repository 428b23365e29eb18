#include "package/listing.h"

#include <string.h>

#include <apr_strings.h>

#include "package/manager.h"

/* The line at AT as a string; *PNEXT is the one after it, NULL at the end. */
static char *line_at(const char *at, const char **pnext, apr_pool_t *p)
{
    apr_size_t len = strcspn(at, "\n");

    *pnext = at[len] ? at + len + 1 : NULL;
    if (len && at[len - 1] == '\r') {
        len--;
    }
    return apr_pstrmemdup(p, at, len);
}

const char *em_listing_version(const char *epoch, const char *rest,
                               apr_pool_t *p)
{
    return !*epoch || strcmp(epoch, "0") == 0 || *epoch == '('
               ? rest : apr_pstrcat(p, epoch, ":", rest, NULL);
}

/* ---- packages ---- */

static em_package_t *package_of(char *line, apr_pool_t *p)
{
    char *state, *name = apr_strtok(line, "\t", &state);
    char *version = name ? apr_strtok(NULL, "\t", &state) : NULL;
    char *arch = version ? apr_strtok(NULL, "\t", &state) : NULL;
    char *colon = version ? strchr(version, ':') : NULL;

    if (!arch) {
        return NULL;
    }
    if (colon) {
        *colon = '\0';
        return em_package_make(name, em_listing_version(version, colon + 1,
                                                        p), arch, p);
    }
    return em_package_make(name, version, arch, p);
}

static void take_cap(em_package_t *package, char kind, const char *text,
                     apr_pool_t *p)
{
    em_cap_t cap;

    if (!em_cap_parse(&cap, text, strlen(text), p)) {
        return;
    }
    if (kind == 'p') {
        APR_ARRAY_PUSH(package->provides, em_cap_t) = cap;
    }
    else if (kind == 'c') {
        APR_ARRAY_PUSH(package->conflicts, em_cap_t) = cap;
    }
    else if (kind == 'r') {
        apr_array_header_t *any = apr_array_make(p, 1, sizeof(em_cap_t));

        APR_ARRAY_PUSH(any, em_cap_t) = cap;
        APR_ARRAY_PUSH(package->requires, apr_array_header_t *) = any;
    }
}

apr_array_header_t *em_listing_packages(const char *text, int installed,
                                        apr_pool_t *p)
{
    apr_array_header_t *list = apr_array_make(p, 256, sizeof(em_package_t *));
    em_package_t *package = NULL;
    char kind = '\0';

    while (text) {
        char *line = line_at(text, &text, p);

        if (strncmp(line, "P\t", 2) == 0) {
            package = package_of(line + 2, p);
            kind = '\0';
            if (package) {
                package->installed = installed;
                APR_ARRAY_PUSH(list, em_package_t *) = package;
            }
            continue;
        }
        if (*line && line[1] == '\t') {
            kind = *line;
            line += 2;
        }
        if (package && kind) {
            take_cap(package, kind, line, p);
        }
    }
    return list;
}

/* ---- the table ---- */

typedef enum {
    ROWS_NONE, ROWS_INSTALL, ROWS_REMOVE
} rows_t;

/* "Installing:", "Removing dependent packages:" ... A title of any other kind
 * (Skipping, Reinstalling) ends the rows before it. */
static rows_t rows_under(const char *title)
{
    if (strncmp(title, "Install", 7) == 0 || strncmp(title, "Upgrad", 6) == 0
        || strncmp(title, "Updat", 5) == 0
        || strncmp(title, "Downgrad", 8) == 0
        || strncmp(title, "Reinstall", 9) == 0) {
        return ROWS_INSTALL;
    }
    return strncmp(title, "Remov", 5) == 0 || strncmp(title, "Eras", 4) == 0
               ? ROWS_REMOVE : ROWS_NONE;
}

/* A row goes on in further lines where a name is long. */
typedef struct row_t {
    char *words[3];             /* name, arch, version */
    int n;
} row_t;

static void add_words(row_t *row, char *line)
{
    char *state, *word = apr_strtok(line, " \t", &state);

    for (; word && row->n < 3; word = apr_strtok(NULL, " \t", &state)) {
        row->words[row->n++] = word;
    }
}

static void end_row(row_t *row, rows_t rows, em_transaction_t *txn,
                    apr_pool_t *p)
{
    if (row->n == 3 && rows != ROWS_NONE) {
        const char *version = row->words[2];

        if (strncmp(version, "0:", 2) == 0) {
            version += 2;
        }
        APR_ARRAY_PUSH(rows == ROWS_INSTALL ? txn->install : txn->remove,
                       em_package_t *)
            = em_package_make(row->words[0], version, row->words[1], p);
    }
    row->n = 0;
}

em_transaction_t *em_listing_table(const char *text, apr_pool_t *p)
{
    em_transaction_t *txn = apr_pcalloc(p, sizeof(*txn));
    rows_t rows = ROWS_NONE;
    row_t row = {.n = 0};
    int found = 0;

    txn->install = apr_array_make(p, 8, sizeof(em_package_t *));
    txn->remove = apr_array_make(p, 8, sizeof(em_package_t *));
    while (text) {
        char *line = line_at(text, &text, p);

        if (strncmp(line, "Transaction Summary", 19) == 0) {
            found = 1;
            break;
        }
        if (*line != ' ') {
            end_row(&row, rows, txn, p);
            rows = rows_under(line);
        }
        else if (rows != ROWS_NONE) {
            if (line[1] != ' ') {
                end_row(&row, rows, txn, p);
                add_words(&row, line);
            }
            else if (row.n && row.n < 3) {
                add_words(&row, line);
            }
        }
    }
    end_row(&row, rows, txn, p);
    return found ? txn : NULL;
}
