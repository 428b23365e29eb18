#include "package/deb.h"

#include <string.h>

#include <apr_strings.h>

/* The word at AT up to one of STOP, or NULL; *PAT goes behind it. */
static char *word(const char **pat, const char *stop, apr_pool_t *p)
{
    apr_size_t len = strcspn(*pat, stop);
    char *text = apr_pstrmemdup(p, *pat, len);

    *pat += len;
    return len ? text : NULL;
}

static void add(apr_array_header_t *list, const char *name,
                const char *version, const char *arch, apr_pool_t *p)
{
    const char *colon = strchr(name, ':');

    if (colon) {
        name = apr_pstrmemdup(p, name, (apr_size_t)(colon - name));
    }
    if (strncmp(version, "0:", 2) == 0) {
        version += 2;
    }
    if (!em_package_in(list, name)) {
        APR_ARRAY_PUSH(list, em_package_t *) = em_package_make(name, version,
                                                               arch, p);
    }
}

/* "Inst NAME [OLD] (NEW ORIGIN [ARCH])" or "Remv NAME [OLD]", also "Purg",
 * that without a version where only configuration files are left. */
static void take_line(em_transaction_t *txn, const char *line, apr_pool_t *p)
{
    int comes = strncmp(line, "Inst ", 5) == 0;
    const char *at = line + 5, *bracket;
    const char *name, *old = NULL, *new = NULL, *arch = "";

    if (!comes && strncmp(line, "Remv ", 5) != 0
        && strncmp(line, "Purg ", 5) != 0) {
        return;
    }
    name = word(&at, " ", p);
    if (name && strncmp(at, " [", 2) == 0) {
        at += 2;
        old = word(&at, "] ", p);
        at += *at == ']';
    }
    if (comes && strncmp(at, " (", 2) == 0) {
        at += 2;
        new = word(&at, " )", p);
        bracket = strrchr(apr_pstrmemdup(p, at, strcspn(at, ")")), '[');
        if (bracket) {
            bracket++;
            arch = word(&bracket, "]", p);
        }
    }
    if (name && new) {
        add(txn->install, name, new, arch ? arch : "", p);
    }
    if (name && (old || !comes)) {
        add(txn->remove, name, old ? old : "", "", p);
    }
}

em_transaction_t *em_apt_simulation(const char *text, apr_pool_t *p)
{
    em_transaction_t *txn = apr_pcalloc(p, sizeof(*txn));
    char *state, *line = apr_strtok(apr_pstrdup(p, text), "\n", &state);

    txn->manager = "apt";
    txn->install = apr_array_make(p, 8, sizeof(em_package_t *));
    txn->remove = apr_array_make(p, 8, sizeof(em_package_t *));
    for (; line; line = apr_strtok(NULL, "\n", &state)) {
        take_line(txn, line, p);
    }
    return txn;
}
