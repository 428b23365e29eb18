#include "package/manager.h"

#include <apr_strings.h>

/* What is noted of packages before they change, and made of it again.
 *
 * Marks are what a package manager has its packages for. A transaction names
 * all of its packages, so that to the manager every one of them was asked
 * for; here they get the marks that they should have. A wrong mark harms
 * nobody today, but an autoremove takes too much or too little one day. */

/* Copies of LIST's packages by name, marked as they are now. */
static apr_status_t read_now(apr_hash_t **pnow, const em_manager_t *manager,
                             const apr_array_header_t *list,
                             const em_view_t *view, apr_pool_t *p)
{
    *pnow = apr_hash_make(p);
    for (int i = 0; i < list->nelts; i++) {
        em_package_t *copy = apr_pmemdup(
            p, APR_ARRAY_IDX(list, i, em_package_t *), sizeof(*copy));

        copy->mark = EM_MARK_UNKNOWN;
        apr_hash_set(*pnow, copy->name, APR_HASH_KEY_STRING, copy);
    }
    return manager->read_marks(*pnow, view, p);
}

static void note_remains(const em_manager_t *manager,
                         const apr_array_header_t *list,
                         const em_view_t *view, apr_pool_t *p)
{
    for (int i = 0; list && i < list->nelts; i++) {
        em_package_t *one = APR_ARRAY_IDX(list, i, em_package_t *);

        if (one->left && manager->read_remains) {
            one->remains = manager->read_remains(one, view, p);
        }
    }
}

int em_transaction_note(em_transaction_t *txn, const em_view_t *view,
                        apr_pool_t *p)
{
    const em_manager_t *manager = em_manager_named(txn->manager);
    apr_hash_t *now;

    if (manager) {
        note_remains(manager, txn->install, view, p);
        note_remains(manager, txn->purge, view, p);
    }
    if (!manager || !manager->read_marks
        || (txn->remove->nelts
            && read_now(&now, manager, txn->remove, view, p)
                   != APR_SUCCESS)) {
        return 0;
    }
    for (int i = 0; i < txn->remove->nelts; i++) {
        em_package_t *one = APR_ARRAY_IDX(txn->remove, i, em_package_t *);
        const em_package_t *is = apr_hash_get(now, one->name,
                                              APR_HASH_KEY_STRING);

        one->mark = is->mark;
    }
    return 1;
}

/* Those of LIST that shall be marked so and are not. */
static apr_array_header_t *wrong(const apr_array_header_t *list,
                                 apr_hash_t *now, em_mark_t mark,
                                 apr_pool_t *p)
{
    apr_array_header_t *found = apr_array_make(p, 4, sizeof(em_package_t *));

    for (int i = 0; i < list->nelts; i++) {
        em_package_t *one = APR_ARRAY_IDX(list, i, em_package_t *);
        const em_package_t *is = now ? apr_hash_get(now, one->name,
                                                    APR_HASH_KEY_STRING)
                                     : NULL;

        if (one->mark == mark && !(is && is->mark == mark)) {
            APR_ARRAY_PUSH(found, em_package_t *) = one;
        }
    }
    return found;
}

static const char *names_of(const apr_array_header_t *list, apr_pool_t *p)
{
    const char *names = "";

    for (int i = 0; i < list->nelts; i++) {
        names = apr_pstrcat(p, names, " ",
                            APR_ARRAY_IDX(list, i, em_package_t *)->name,
                            NULL);
    }
    return names;
}

void em_marks_set(const em_manager_t *manager, const apr_array_header_t *list,
                  const em_view_t *view, em_log_t *log, apr_pool_t *p)
{
    apr_hash_t *now;

    if (!manager->set_mark || list->nelts == 0) {
        return;
    }
    if (read_now(&now, manager, list, view, p) != APR_SUCCESS) {
        now = NULL;             /* then all of them */
    }
    for (em_mark_t mark = EM_MARK_MANUAL; mark <= EM_MARK_AUTO; mark++) {
        apr_array_header_t *some = wrong(list, now, mark, p);
        const char *words = "";

        if (some->nelts
            && manager->set_mark(some, mark, view, log,
                                 &words, p) != APR_SUCCESS) {
            em_log(log, EM_LOG_WARN, "%s did not take the mark of%s as %s: "
                   "%s. Next: %s%s", manager->name, names_of(some, p),
                   mark == EM_MARK_AUTO ? "there for others" : "asked for",
                   words, manager->mark_by[mark], names_of(some, p));
        }
    }
}
