#include "plan/program_package.h"

#include <string.h>

#include <apr_strings.h>

#include "plan/package_request.h"

/* Only packages of the wanted name may come, in whatever version fits those
 * that are installed: to choose another MPM is no reason to get another
 * version of the server. */

static const em_manager_t *manager_of(const em_draft_t *draft)
{
    const em_view_t *view = draft->facts->view;
    const em_manager_t *manager = strcmp(em_view_root(view), "/") == 0
                                      ? em_manager_find(view, draft->pool)
                                      : NULL;

    return manager && strcmp(em_manager_name(manager), "apt") != 0
           ? manager : NULL;
}

/* Links that a script of the package may make, or point at the new program:
 * these lead to the one that an empty variable means. */
static apr_status_t watch_links(em_draft_t *draft, em_result_t *res)
{
    const char *const links[] = {
        draft->facts->layout->binary, "/etc/alternatives/httpd", NULL
    };

    for (int i = 0; links[i]; i++) {
        em_effect_t *effect = apr_pcalloc(draft->pool, sizeof(*effect));
        em_node_t *now;
        apr_status_t rv = em_view_lstat(&now, draft->facts->view, links[i],
                                        draft->pool);

        if (rv != APR_SUCCESS) {
            return em_result_fail(res, rv, EM_EXIT_FAILED, "plan-failed",
                                  "cannot look at %s: ", links[i]);
        }
        if (now->kind == EM_NODE_LINK
            || (i == 0 && now->kind == EM_NODE_ABSENT)) {
            effect->path = links[i];
            effect->after = *now;
            effect->config = effect->script = 1;
            APR_ARRAY_PUSH(draft->packages->effects, em_effect_t *) = effect;
        }
    }
    return APR_SUCCESS;
}

/* No repository has it, or in no version that fits. */
static void refuse(em_draft_t *draft, const em_manager_t *manager,
                   const char *name, int known)
{
    const char *why = draft->plan->impossible_why;

    draft->plan->impossible = NULL;
    if (known) {
        em_draft_impossible(draft, "packages-conflict", "%s. Bring the "
                            "server up to date first: %s apache2", why,
                            em_manager_upgrade(manager));
        return;
    }
    em_draft_impossible(draft, "mpm-not-installed", "No httpd program of %s "
                        "is installed, and no repository of %s has %s. Add "
                        "one that has it (zypper addrepo URL NAME; on SUSE "
                        "Linux Enterprise: SUSEConnect --list-extensions "
                        "names the Server Applications Module and what adds "
                        "it), then try again", draft->want.mpm,
                        em_manager_name(manager), name);
}

apr_status_t em_program_package(em_draft_t *draft, em_result_t *res)
{
    const em_manager_t *manager = manager_of(draft);
    const char *name = em_package_name(draft);
    em_package_request_t request = {
        .wanted = apr_array_make(draft->pool, 1, sizeof(const char *))
    };
    em_transaction_t *txn = NULL;
    em_package_db_t *db = NULL;
    apr_status_t rv;

    if (!manager) {
        return APR_SUCCESS;
    }
    APR_ARRAY_PUSH(request.wanted, const char *) = name;
    if (draft->plan->request.brief) {
        draft->plan->unasked = 1;
        return APR_SUCCESS;
    }
    rv = em_package_read(&db, draft, manager, name, res);
    if (rv != APR_SUCCESS || draft->plan->impossible) {
        return rv;
    }
    rv = em_package_solve(&txn, draft, db, &request, res);
    if (rv == APR_SUCCESS && draft->plan->impossible) {
        refuse(draft, manager, name,
               apr_hash_get(db->available, name, APR_HASH_KEY_STRING)
               != NULL);
        return rv;
    }
    if (rv == APR_SUCCESS) {
        em_package_settle(txn, draft, db, &request);
    }
    if (rv == APR_SUCCESS && !draft->plan->impossible) {
        rv = em_package_put(draft, txn, res);
    }
    return rv == APR_SUCCESS && draft->packages ? watch_links(draft, res)
                                                : rv;
}
