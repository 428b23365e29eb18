#include "check/judge.h"

#include <string.h>
#include <strings.h>

#include <apr_fnmatch.h>
#include <apr_strings.h>

/* A package transaction takes along what cannot stay and brings what is
 * needed. None of that is done without being asked for, except for the MPMs
 * and their CGI modules; what uses a package is said, so that a person can
 * decide. */

#define NAMES 5                 /* how many a message names */

typedef struct names_t {
    const char *list[NAMES];
    int n, more;
} names_t;

static void add_name(names_t *names, const char *name)
{
    for (int i = 0; i < names->n; i++) {
        if (strcmp(names->list[i], name) == 0) {
            return;
        }
    }
    if (names->n < NAMES) {
        names->list[names->n++] = name;
    }
    else {
        names->more++;
    }
}

static const char *names_text(const names_t *names, apr_pool_t *p)
{
    const char *text = "";

    for (int i = 0; i < names->n; i++) {
        text = apr_pstrcat(p, text, i ? ", " : "", names->list[i], NULL);
    }
    return names->more ? apr_psprintf(p, "%s and others", text) : text;
}

/* ---- what uses a module ---- */

typedef struct uses_t {
    int directives;
    names_t vhosts, users;
    const em_directive_t *first;
} uses_t;

static int lists(const apr_array_header_t *list, const char *word)
{
    for (int i = 0; i < list->nelts; i++) {
        if (apr_fnmatch(APR_ARRAY_IDX(list, i, const char *), word,
                        APR_FNM_CASE_BLIND) == APR_SUCCESS) {
            return 1;
        }
    }
    return 0;
}

/* SetHandler, AddHandler and the like with a handler of the rule. */
static int hands_over(const em_rule_t *rule, const em_directive_t *d,
                      apr_pool_t *p)
{
    const char *word = strcasecmp(d->name, "SetHandler") == 0
                       || strcasecmp(d->name, "AddHandler") == 0
                       || strcasecmp(d->name, "AddType") == 0
                           ? em_conf_word(d->args, 0, p) : NULL;

    return word && lists(rule->handlers, word);
}

static int is_use(const em_judge_t *j, const char *id,
                  const em_directive_t *d)
{
    for (int i = 0; i < j->rules->nelts; i++) {
        const em_rule_t *rule = APR_ARRAY_IDX(j->rules, i, em_rule_t *);

        if (apr_fnmatch(rule->id, id, 0) == APR_SUCCESS
            && (lists(rule->directives, d->name)
                || hands_over(rule, d, j->pool))) {
            return 1;
        }
    }
    return 0;
}

static const char *vhost_of(const em_judge_t *j, const em_directive_t *d)
{
    const em_conf_section_t *s = d->section;

    while (s && strcasecmp(s->name, "VirtualHost") != 0) {
        s = s->parent;
    }
    for (int i = 0; s && i < j->facts->vhosts->nelts; i++) {
        const em_vhost_t *vhost = APR_ARRAY_IDX(j->facts->vhosts, i,
                                                em_vhost_t *);

        if (vhost->section == s) {
            return vhost->name ? vhost->name
                   : apr_psprintf(j->pool, "%s:%d", vhost->file, vhost->line);
        }
    }
    return NULL;
}

static void find_uses(uses_t *uses, const em_judge_t *j, const char *id)
{
    const apr_array_header_t *all = j->before->directives;

    memset(uses, 0, sizeof(*uses));
    for (int i = 0; i < all->nelts; i++) {
        const em_directive_t *d = APR_ARRAY_IDX(all, i, em_directive_t *);
        const char *vhost;

        if (!d->active || !is_use(j, id, d)) {
            continue;
        }
        uses->first = uses->directives++ ? uses->first : d;
        vhost = vhost_of(j, d);
        if (vhost) {
            add_name(&uses->vhosts, vhost);
        }
        if (strcasecmp(d->name, "AssignUserID") == 0
            || strcasecmp(d->name, "RUidGid") == 0) {
            add_name(&uses->users, em_conf_word(d->args, 0, j->pool));
        }
    }
}

static const char *uses_text(const em_judge_t *j, const char *id)
{
    apr_pool_t *p = j->pool;
    const char *text;
    uses_t uses;

    find_uses(&uses, j, id);
    if (!uses.directives) {
        return "nothing in the configuration names it";
    }
    text = apr_psprintf(p, "%d directive%s of the configuration use%s it "
                        "(%s at %s:%d%s", uses.directives,
                        uses.directives == 1 ? "" : "s",
                        uses.directives == 1 ? "s" : "", uses.first->name,
                        uses.first->file->path, uses.first->line,
                        uses.directives == 1 ? ")" : " is the first)");
    if (uses.vhosts.n) {
        text = apr_pstrcat(p, text, ", of ", names_text(&uses.vhosts, p),
                           NULL);
    }
    if (uses.users.n) {
        text = apr_pstrcat(p, text, ", for the users ",
                           names_text(&uses.users, p), NULL);
    }
    return text;
}

/* ---- findings ---- */

static const em_module_t *module_of(const em_judge_t *j, const char *package)
{
    for (int i = 0; i < j->facts->modules->nelts; i++) {
        const em_module_t *m = APR_ARRAY_IDX(j->facts->modules, i,
                                             em_module_t *);

        if (m->package && strcmp(m->package, package) == 0) {
            return m;
        }
    }
    return NULL;
}

static void need_removal(em_judge_t *j, const em_package_t *package)
{
    const em_module_t *m = module_of(j, package->name);
    const char *mod = strstr(package->name, "mod_");
    em_finding_t *f = em_judge_add(
        j, "packages-need-consent", EM_REFUSE,
        "%s-%s would be removed: %s; %s", package->name, package->version,
        package->why, m ? uses_text(j, m->id) : "no module of it is loaded");

    f->source = "the package database";
    if (m) {
        f->module = m->id;
        f->file = m->file;
        f->line = m->line;
    }
    if (m && strncmp(m->id, "php", 3) == 0) {
        em_judge_resolve(f, "--with php=fpm");
        em_judge_resolve(f, "--without php");
        return;
    }
    em_judge_resolve(f, apr_pstrcat(j->pool, "--without ",
                                    mod ? mod : package->name, NULL));
}

static int has_name(const apr_array_header_t *list, const char *name)
{
    for (int i = 0; i < list->nelts; i++) {
        if (strcmp(APR_ARRAY_IDX(list, i, em_package_t *)->name, name) == 0) {
            return 1;
        }
    }
    return 0;
}

static void judge_transaction(em_judge_t *j, const em_transaction_t *txn)
{
    const char *brought = "";

    for (int i = 0; i < txn->remove->nelts; i++) {
        const em_package_t *one = APR_ARRAY_IDX(txn->remove, i,
                                                em_package_t *);

        if (!one->asked && !has_name(txn->install, one->name)) {
            need_removal(j, one);
        }
    }
    for (int i = 0; i < txn->install->nelts; i++) {
        const em_package_t *one = APR_ARRAY_IDX(txn->install, i,
                                                em_package_t *);

        if (!one->asked) {
            brought = apr_pstrcat(j->pool, brought, *brought ? ", " : "",
                                  one->name, "-", one->version,
                                  has_name(txn->remove, one->name)
                                      ? " (another version)" : "", " (",
                                  one->why, ")", NULL);
        }
    }
    if (*brought) {
        em_finding_t *f = em_judge_add(
            j, "packages-need-consent", EM_REFUSE,
            "More would be installed than the MPM: %s", brought);

        f->source = "the package database";
        em_judge_resolve(f, "--with packages");
    }
}

void em_judge_consent(em_judge_t *j)
{
    for (int i = 0; i < j->plan->steps->nelts; i++) {
        const em_step_t *step = APR_ARRAY_IDX(j->plan->steps, i,
                                              em_step_t *);

        if (step->kind == EM_STEP_PACKAGES && !j->plan->rolls_back) {
            judge_transaction(j, step->packages);
        }
    }
}
