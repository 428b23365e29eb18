#include <apr_strings.h>

#include "package/dnf.h"
#include "package/manager.h"
#include "package/rpm_db.h"

/* What to type where a manager is not driven. Indented lines are commands. */

static const char *names(const apr_array_header_t *list, apr_pool_t *p)
{
    const char *text = "";

    for (int i = 0; i < list->nelts; i++) {
        const em_package_t *one = APR_ARRAY_IDX(list, i, em_package_t *);

        text = apr_pstrcat(p, text, " ", em_rpm_full(one, p), NULL);
    }
    return text;
}

/* Those of GOES that do not come in another version. */
static apr_array_header_t *gone(const apr_array_header_t *goes,
                                const apr_array_header_t *comes,
                                apr_pool_t *p)
{
    apr_array_header_t *list = apr_array_make(p, 8, sizeof(em_package_t *));

    for (int i = 0; i < goes->nelts; i++) {
        em_package_t *one = APR_ARRAY_IDX(goes, i, em_package_t *);

        if (!em_package_in(comes, one->name)) {
            APR_ARRAY_PUSH(list, em_package_t *) = one;
        }
    }
    return list;
}

/* yum 3 takes a whole transaction in its shell only; dnf 5 has none, but
 * lets what is installed give way. Neither has -y: they show and ask. */
static const char *command(const apr_array_header_t *comes,
                           const apr_array_header_t *goes, int shell,
                           const char *to, apr_pool_t *p)
{
    const char *file = apr_pstrcat(p, "/root/ea-mpm-to-", to, NULL);

    if (!shell) {
        return apr_pstrcat(p, "\n  dnf install --allowerasing",
                           names(comes, p), NULL);
    }
    return apr_pstrcat(p, "\n  printf '%s\\n' 'install", names(comes, p),
                       "' 'remove", names(gone(goes, comes, p), p),
                       "' run >", file, "\n  yum shell ", file, NULL);
}

/* What goes although neither the MPM nor the request says so. */
static const char *also(const em_transaction_t *txn, apr_pool_t *p)
{
    apr_array_header_t *list = apr_array_make(p, 4, sizeof(em_package_t *));

    for (int i = 0; i < txn->remove->nelts; i++) {
        em_package_t *one = APR_ARRAY_IDX(txn->remove, i, em_package_t *);

        if (!one->asked) {
            APR_ARRAY_PUSH(list, em_package_t *) = one;
        }
    }
    return list->nelts == 0 ? ""
           : apr_pstrcat(p, " It also removes", names(list, p), ": look "
                         "first that nothing uses that.", NULL);
}

const char *em_transaction_by_hand(const em_transaction_t *txn,
                                   const char *foreign, const char *from,
                                   const char *to, apr_pool_t *p)
{
    int shell = em_foreign_is_yum(foreign);
    const char *dir = apr_pstrcat(p, "/root/ea-mpm-", from, NULL);

    return apr_pstrcat(
        p, "packages are changed by ", foreign, " here, and ea-mpm drives "
        "dnf 4 and apt only. By hand it is one transaction, which ",
        shell ? "yum" : "dnf", " shows before it asks; ea-mpm then rehearses "
        "and restarts the server.", also(txn, p),
        "\n  ", shell ? "yumdownloader --destdir=" : "dnf download --destdir=",
        dir, names(txn->remove, p),
        command(txn->install, txn->remove, shell, to, p),
        "\n  ea-mpm switch ", to,
        "\nand back:",
        command(txn->remove, txn->install, shell, from, p),
        "\n  ea-mpm switch ", from,
        "\n", dir, " has the packages of before, should their repository "
        "lose them", NULL);
}
