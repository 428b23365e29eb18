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

/* ---- marks ---- */

#define STATES "/var/lib/apt/extended_states"
#define MAX_STATES (64 * 1024 * 1024)

/* Whatever it does not name was asked for. What is for all architectures
 * stands there with the machine's own. */
apr_status_t em_apt_read_marks(apr_hash_t *packages, const em_view_t *view,
                               apr_pool_t *p)
{
    apr_hash_index_t *hi;
    em_stanza_t stanza;
    const char *at, *end;
    em_node_t *node;
    apr_status_t rv = em_view_read(&node, view, STATES, MAX_STATES, p);

    if (rv != APR_SUCCESS && !APR_STATUS_IS_ENOENT(rv)) {
        return rv;
    }
    for (hi = apr_hash_first(p, packages); hi; hi = apr_hash_next(hi)) {
        void *package;

        apr_hash_this(hi, NULL, NULL, &package);
        ((em_package_t *)package)->mark = EM_MARK_MANUAL;
    }
    at = rv == APR_SUCCESS ? node->data : "";
    end = at + (rv == APR_SUCCESS ? node->len : 0);
    while (em_stanza_next(&stanza, &at, end)) {
        const char *name = em_stanza_value(&stanza, "Package", p);
        const char *arch = em_stanza_value(&stanza, "Architecture", p);
        const char *set = em_stanza_value(&stanza, "Auto-Installed", p);
        em_package_t *package = name ? apr_hash_get(packages, name,
                                                    APR_HASH_KEY_STRING)
                                     : NULL;

        if (package && set && strcmp(set, "1") == 0
            && (!arch || strcmp(package->arch, "all") == 0
                || strcmp(package->arch, arch) == 0)) {
            package->mark = EM_MARK_AUTO;
        }
    }
    return APR_SUCCESS;
}

/* ---- what it would do ---- */

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
