/* Everything that reads what rpm, dnf, zypper and rpm2cpio print, over any text.
 * Besides memory: a capability that was read reads the same again from its
 * own text, a table has no package without a name, and the order of versions
 * is one. */

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <apr_general.h>
#include <apr_strings.h>

#include "package/listing.h"
#include "package/manager.h"
#include "package/rpm_db.h"
#include "package/zypp.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_cap(const char *text, apr_pool_t *p)
{
    em_cap_t one, again;
    const char *said;

    if (!em_cap_parse(&one, text, strlen(text), p)) {
        return;
    }
    said = em_cap_text(&one, p);
    if (!em_cap_parse(&again, said, strlen(said), p)
        || strcmp(one.name, again.name) != 0 || one.rel != again.rel) {
        abort();
    }
    if (one.rel == EM_REL_EQ
        && !em_cap_satisfies(&one, &again, &em_manager_dnf)) {
        abort();
    }
}

static void check_order(const char *a, const char *b)
{
    int ab = em_rpm_compare(a, b), ba = em_rpm_compare(b, a);

    if ((ab > 0) - (ab < 0) != (ba < 0) - (ba > 0)
        || em_rpm_compare(a, a) != 0) {
        abort();
    }
}

static void check_archive(const char *data, size_t size, apr_pool_t *p)
{
    const char *at = data, *end = data + size;
    em_newc_t entry;

    while (em_newc_next(&entry, &at, end, p) > 0) {
        if (entry.data < data || entry.len > (size_t)(end - entry.data)) {
            abort();
        }
    }
}

static void check_zypper(const char *text, apr_pool_t *p)
{
    const em_transaction_t *txn = em_zypp_summary(text, p);
    const apr_array_header_t *files = em_zypp_files(text, p);

    if (txn && (!files || !txn->install)) {
        abort();
    }
    em_zypp_versions(apr_hash_make(p), text, p);
    (void)em_zypp_words(text, p);
}

static void check_table(const char *text, apr_pool_t *p)
{
    const em_transaction_t *txn = em_listing_table(text, p);

    for (int i = 0; txn && i < txn->install->nelts; i++) {
        if (!*APR_ARRAY_IDX(txn->install, i, em_package_t *)->name) {
            abort();
        }
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static apr_pool_t *root;
    const char *text, *second;
    apr_pool_t *p;

    if (!root) {
        apr_initialize();
        apr_pool_create(&root, NULL);
    }
    apr_pool_create(&p, root);
    text = apr_pstrmemdup(p, (const char *)data, size);
    (void)em_listing_packages(text, 1, p);
    check_table(text, p);
    check_zypper(text, p);
    check_cap(text, p);
    second = strchr(text, '\n');
    if (second) {
        check_order(apr_pstrmemdup(p, text, (apr_size_t)(second - text)),
                    second + 1);
    }
    check_archive((const char *)data, size, p);
    apr_pool_destroy(p);
    return 0;
}
