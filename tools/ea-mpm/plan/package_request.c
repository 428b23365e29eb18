#include "plan/package_request.h"

#include <string.h>

#include <apr_strings.h>

/* ---- names ---- */

/* EasyApache's DEBs have the RPMs' names with every _ as -. */
static const char *spelled(const char *name, const em_manager_t *manager,
                           apr_pool_t *p)
{
    char *copy = apr_pstrdup(p, name);

    if (strcmp(em_manager_name(manager), "apt") == 0) {
        for (char *c = copy; *c; c++) {
            *c = *c == '_' ? '-' : *c;
        }
    }
    return copy;
}

/* The package of the MPM in the layout's list, or NULL. */
static const char *package_of_mpm(const em_facts_t *facts, const char *mpm,
                                  apr_pool_t *p)
{
    const char *list = facts->layout->mpm_packages;
    char *state, *pair = list ? apr_strtok(apr_pstrdup(p, list), " ", &state)
                              : NULL;
    apr_size_t len = strlen(mpm);

    for (; pair; pair = apr_strtok(NULL, " ", &state)) {
        if (strncmp(pair, mpm, len) == 0 && pair[len] == '=') {
            return pair + len + 1;
        }
    }
    return NULL;
}

const char *em_package_name(const em_draft_t *draft)
{
    const char *name = package_of_mpm(draft->facts, draft->want.mpm,
                                      draft->pool);

    return name ? name : draft->want.mpm;
}

/* "ea-apache24-mod_" and the name of a module. */
static const char *package_of_module(const em_facts_t *facts,
                                     const char *name, apr_pool_t *p)
{
    const char *mpm = package_of_mpm(facts, "prefork", p);
    const char *at = mpm ? strstr(mpm, "mod_") : NULL;

    return at ? apr_pstrcat(p, apr_pstrmemdup(p, mpm, (apr_size_t)(at - mpm)),
                            "mod_", name, NULL) : NULL;
}

static void push_new(apr_array_header_t *list, const char *name)
{
    for (int i = 0; i < list->nelts; i++) {
        if (strcmp(APR_ARRAY_IDX(list, i, const char *), name) == 0) {
            return;
        }
    }
    APR_ARRAY_PUSH(list, const char *) = name;
}

/* ---- what is wanted ---- */

/* The itk module: the one that was asked for, or is there, or is usual. */
static const char *itk_package(const em_draft_t *draft)
{
    const em_facts_t *facts = draft->facts;
    const char *id = draft->want.itk_id;
    const char *usual = package_of_mpm(facts, "itk", draft->pool);

    for (int i = 0; i < facts->installed->nelts; i++) {
        const em_installed_t *one = APR_ARRAY_IDX(facts->installed, i,
                                                  em_installed_t *);

        if (strcmp(one->mpm, "itk") == 0 && one->package
            && (!id || strcmp(one->id, id) == 0)) {
            return one->package;
        }
    }
    return id && strcmp(id, "mpm_itkish_module") == 0
               ? package_of_module(facts, "mpm_itkish", draft->pool) : usual;
}

/* Itk modules other than KEEP (NULL: all) go. */
static void no_itk(em_package_request_t *request, const em_draft_t *draft,
                   const char *keep)
{
    const em_facts_t *facts = draft->facts;

    for (int i = 0; i < facts->installed->nelts; i++) {
        const em_installed_t *one = APR_ARRAY_IDX(facts->installed, i,
                                                  em_installed_t *);

        if (strcmp(one->mpm, "itk") == 0 && one->package
            && !(keep && strcmp(one->package, keep) == 0)) {
            push_new(request->unwanted, one->package);
        }
    }
}

static int is_loaded(const em_facts_t *facts, const char *id)
{
    return em_facts_module(facts, id) != NULL;
}

/* php-fpm needs proxy modules; in EasyApache they are packages as well. */
static void want_proxy(em_package_request_t *request, em_draft_t *draft,
                       const em_manager_t *manager)
{
    static const char *const modules[] = {"proxy", "proxy_fcgi", NULL};

    for (int i = 0; modules[i]; i++) {
        const char *id = apr_pstrcat(draft->pool, modules[i], "_module",
                                     NULL);
        const char *name = package_of_module(draft->facts, modules[i],
                                             draft->pool);

        if (!is_loaded(draft->facts, id) && name) {
            push_new(request->wanted, spelled(name, manager, draft->pool));
            em_draft_tell(draft, id, id, "enabled",
                          "asked by --with php=fpm");
        }
    }
}

static void want_mpm(em_package_request_t *request, em_draft_t *draft,
                     const em_manager_t *manager)
{
    const em_facts_t *facts = draft->facts;
    const char *mpm = package_of_mpm(facts, draft->want.mpm, draft->pool);
    const char *itk = draft->want.itk ? itk_package(draft) : NULL;

    if (!mpm || (draft->want.itk && !itk)) {
        em_draft_impossible(draft, "layout-unsupported", "ea-mpm knows no "
                            "package of %s on this layout", draft->plan->to);
        return;
    }
    push_new(request->wanted, spelled(mpm, manager, draft->pool));
    if (itk) {
        itk = spelled(itk, manager, draft->pool);
        push_new(request->wanted, itk);
    }
    no_itk(request, draft, itk);
}

/* ---- what is not wanted ---- */

static int is_id(const char *id, const char *typed, apr_pool_t *p)
{
    const char *name = em_module_name(typed, p);

    return strncmp(name, "php", 3) == 0
               ? em_is_php_id(id)
               : strcmp(id, apr_pstrcat(p, name, "_module", NULL)) == 0;
}

/* ea-apache24: the server itself cannot go with a part of it. */
static int is_server(const em_draft_t *draft, const char *package)
{
    const char *any = package_of_module(draft->facts, "", draft->pool);
    apr_size_t len = any ? strlen(any) : 0;

    return len > 5 && strlen(package) == len - 5
           && strncmp(any, package, len - 5) == 0;
}

/* Packages of the loaded modules that TYPED stands for. 0: there are none. */
static int unwant_modules(em_package_request_t *request, em_draft_t *draft,
                          const char *typed, const char *because)
{
    const em_facts_t *facts = draft->facts;
    int n = 0;

    for (int i = 0; i < facts->modules->nelts; i++) {
        const em_module_t *m = APR_ARRAY_IDX(facts->modules, i,
                                             em_module_t *);

        if (!is_id(m->id, typed, draft->pool)) {
            continue;
        }
        n++;
        if (!m->package || is_server(draft, m->package)) {
            em_draft_impossible(draft, "module-static",
                                "%s has no package of its own (%s); %s "
                                "cannot take it away", m->id,
                                m->package ? m->package
                                           : m->so ? m->so : "compiled in",
                                because);
            continue;
        }
        push_new(request->unwanted, m->package);
        em_draft_tell(draft, m->id, m->id, "disabled",
                      apr_pstrcat(draft->pool, "asked by ", because, NULL));
    }
    return n;
}

static apr_status_t go_without(em_package_request_t *request,
                               em_draft_t *draft, const char *typed,
                               const em_package_db_t *db, em_result_t *res)
{
    const char *because = apr_pstrcat(draft->pool, "--without ", typed, NULL);
    const char *name = em_module_name(typed, draft->pool);
    const char *names[2] = {
        typed, package_of_module(draft->facts, name, draft->pool)
    };

    if (unwant_modules(request, draft, typed, because)
        || strncmp(name, "php", 3) == 0) {
        return APR_SUCCESS;
    }
    for (int i = 0; i < 2 && names[i]; i++) {
        const char *package = spelled(names[i], db->manager, draft->pool);

        if (is_server(draft, package)) {
            break;
        }
        if (apr_hash_get(db->installed, package, APR_HASH_KEY_STRING)) {
            push_new(request->unwanted, package);
            return APR_SUCCESS;
        }
    }
    em_result_hint(res, "ea-mpm show");
    return em_result_fail(res, APR_EINVAL, EM_EXIT_USAGE, "module-unknown",
                          "--without %s: no such module is loaded or "
                          "installed", typed);
}

apr_status_t em_package_request(em_package_request_t *request,
                                em_draft_t *draft, const em_package_db_t *db,
                                em_result_t *res)
{
    const apr_array_header_t *without = draft->plan->request.without;
    apr_status_t rv = APR_SUCCESS;

    request->wanted = apr_array_make(draft->pool, 4, sizeof(const char *));
    request->unwanted = apr_array_make(draft->pool, 4, sizeof(const char *));
    request->others = draft->want.packages;
    want_mpm(request, draft, db->manager);
    for (int i = 0; rv == APR_SUCCESS && i < without->nelts; i++) {
        rv = go_without(request, draft, APR_ARRAY_IDX(without, i,
                                                      const char *),
                        db, res);
    }
    if (rv == APR_SUCCESS && draft->want.php_fpm) {
        (void)unwant_modules(request, draft, "php", "--with php=fpm");
        want_proxy(request, draft, db->manager);
    }
    return rv;
}

/* ---- what needs no consent ---- */

int em_package_alike(const em_package_t *a, const em_package_t *b)
{
    for (int i = 0; i < a->provides->nelts; i++) {
        const char *name = APR_ARRAY_IDX(a->provides, i, em_cap_t).name;

        for (int j = 0; j < b->provides->nelts; j++) {
            if (strcmp(name, APR_ARRAY_IDX(b->provides, j, em_cap_t).name)
                == 0) {
                return 1;
            }
        }
    }
    return 0;
}

static int is_required_by(const em_package_t *package, const em_package_t *by)
{
    for (int i = 0; i < by->requires->nelts; i++) {
        const apr_array_header_t *any
            = APR_ARRAY_IDX(by->requires, i, apr_array_header_t *);

        for (int j = 0; j < any->nelts; j++) {
            if (strcmp(APR_ARRAY_IDX(any, j, em_cap_t).name, package->name)
                == 0) {
                return 1;
            }
        }
    }
    return 0;
}

em_package_t *em_package_listed(const apr_array_header_t *list,
                                const char *name)
{
    for (int i = 0; i < list->nelts; i++) {
        em_package_t *one = APR_ARRAY_IDX(list, i, em_package_t *);

        if (strcmp(one->name, name) == 0) {
            return one;
        }
    }
    return NULL;
}

void em_package_mark(em_transaction_t *txn,
                     const em_package_request_t *request)
{
    const char *name = APR_ARRAY_IDX(request->wanted, 0, const char *);
    const em_package_t *mpm = em_package_listed(txn->install, name);

    for (int i = 0; i < txn->install->nelts; i++) {
        em_package_t *one = APR_ARRAY_IDX(txn->install, i, em_package_t *);

        /* Another version of what is installed is another matter. */
        one->asked |= request->others
                      || (mpm && is_required_by(one, mpm)
                          && !em_package_listed(txn->remove, one->name));
    }
    for (int i = 0; i < txn->remove->nelts; i++) {
        em_package_t *one = APR_ARRAY_IDX(txn->remove, i, em_package_t *);
        const em_package_t *new = em_package_listed(txn->install, one->name);

        if (new) {
            one->asked |= new->asked;
            continue;
        }
        for (int k = 0; mpm && k < txn->install->nelts; k++) {
            const em_package_t *comes = APR_ARRAY_IDX(txn->install, k,
                                                      em_package_t *);

            one->asked |= (comes == mpm || is_required_by(comes, mpm))
                          && em_package_alike(one, comes);
        }
    }
}
