#include "plan/draft.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <apr_strings.h>

#define MAX_CONF (64 * 1024 * 1024)

em_draft_t *em_draft_make(em_plan_t *plan, const em_facts_t *facts,
                          apr_pool_t *p)
{
    em_draft_t *draft = apr_pcalloc(p, sizeof(*draft));

    draft->pool = p;
    draft->facts = facts;
    draft->plan = plan;
    draft->view = em_view_over(facts->view, p);
    draft->conf_how = facts->conf_how;
    draft->steps = apr_array_make(p, 16, sizeof(em_step_t *));
    draft->edits = apr_array_make(p, 8, sizeof(em_edit_t *));
    draft->told = apr_hash_make(p);
    return draft;
}

/* ---- nodes ---- */

static em_step_t *step_of(const em_draft_t *draft, const char *path)
{
    for (int i = 0; i < draft->steps->nelts; i++) {
        em_step_t *step = APR_ARRAY_IDX(draft->steps, i, em_step_t *);

        if (strcmp(step->path, path) == 0) {
            return step;
        }
    }
    return NULL;
}

/* What stands there now, a file with its bytes. */
static apr_status_t look(em_node_t *pnode, const em_view_t *view,
                         const char *path, apr_pool_t *p)
{
    em_node_t *node;
    apr_status_t rv = em_view_lstat(&node, view, path, p);

    if (rv == APR_SUCCESS && node->kind == EM_NODE_FILE) {
        rv = em_view_read(&node, view, path, MAX_CONF, p);
    }
    if (rv == APR_SUCCESS) {
        *pnode = *node;
    }
    return rv;
}

apr_status_t em_draft_put(em_draft_t *draft, const char *path,
                          const em_node_t *node, const char *why)
{
    em_step_t *step = step_of(draft, path);

    if (!step) {
        apr_status_t rv;

        step = apr_pcalloc(draft->pool, sizeof(*step));
        step->kind = EM_STEP_PATH;
        step->path = apr_pstrdup(draft->pool, path);
        rv = look(&step->before, draft->facts->view, path, draft->pool);
        if (rv != APR_SUCCESS) {
            return rv;
        }
        APR_ARRAY_PUSH(draft->steps, em_step_t *) = step;
    }
    step->after = *node;
    step->why = why;
    em_view_put(draft->view, path, &step->after);
    draft->conf = NULL;
    return APR_SUCCESS;
}

void em_draft_packages(em_draft_t *draft, em_transaction_t *txn,
                       apr_array_header_t *effects, const char *why)
{
    em_step_t *step = apr_pcalloc(draft->pool, sizeof(*step));

    step->kind = EM_STEP_PACKAGES;
    step->why = why;
    step->packages = txn;
    step->effects = effects;
    draft->packages = step;
    em_step_put(draft->view, step);
    draft->conf = NULL;
}

/* ---- edits ---- */

static apr_status_t add_edit(em_draft_t *draft, const em_edit_t *new)
{
    for (int i = 0; i < draft->edits->nelts; i++) {
        const em_edit_t *edit = APR_ARRAY_IDX(draft->edits, i, em_edit_t *);

        if (edit->line == new->line && edit->op == new->op
            && strcmp(edit->path, new->path) == 0
            && (!new->text || strcmp(edit->text, new->text) == 0)) {
            return APR_SUCCESS;
        }
    }
    draft->conf = NULL;
    APR_ARRAY_PUSH(draft->edits, em_edit_t *)
        = apr_pmemdup(draft->pool, new, sizeof(*new));
    return APR_SUCCESS;
}

apr_status_t em_draft_edit(em_draft_t *draft, em_edit_op_t op,
                           const char *file, int line, const char *text,
                           const char *why)
{
    em_edit_t edit = {.line = line, .op = op, .text = text, .why = why};
    apr_status_t rv = em_view_real(&edit.path, draft->facts->view, file,
                                   draft->pool);

    return rv == APR_SUCCESS ? add_edit(draft, &edit) : rv;
}

void em_draft_drop(em_draft_t *draft, int n)
{
    draft->edits->nelts = n;
    draft->conf = NULL;
}

static int inserts(const em_draft_t *draft)
{
    for (int i = 0; i < draft->edits->nelts; i++) {
        if (APR_ARRAY_IDX(draft->edits, i, em_edit_t *)->op
            == EM_EDIT_INSERT) {
            return 1;
        }
    }
    return 0;
}

int em_draft_original(const em_draft_t *draft, const char *file, int line)
{
    const char *path;
    int inserted = 0;

    if (!inserts(draft)) {
        return line;
    }
    if (em_view_real(&path, draft->facts->view, file, draft->pool)
        != APR_SUCCESS) {
        return line;
    }
    /* The line is original number N if N plus the insertions before N is
     * what we look for; none such, and it is an insertion itself. */
    for (int n = line; n >= 1; n--) {
        inserted = 0;
        for (int i = 0; i < draft->edits->nelts; i++) {
            const em_edit_t *edit
                = APR_ARRAY_IDX(draft->edits, i, em_edit_t *);

            inserted += edit->op == EM_EDIT_INSERT && edit->line <= n
                        && strcmp(edit->path, path) == 0;
        }
        if (n + inserted == line) {
            return n;
        }
        if (n + inserted < line) {
            return 0;
        }
    }
    return 0;
}

/* From the end of the file to its beginning, so that numbers stay right; at
 * one line the insertions come last, and the last one first: each goes before
 * the line that is there then. */
static int by_place(const void *a, const void *b)
{
    const em_edit_t *x = *(em_edit_t *const *)a;
    const em_edit_t *y = *(em_edit_t *const *)b;
    int c = strcmp(x->path, y->path);

    if (c != 0) {
        return c;
    }
    if (x->line != y->line) {
        return x->line > y->line ? -1 : 1;
    }
    return x->op == EM_EDIT_INSERT || y->op != EM_EDIT_INSERT
               ? x->op == EM_EDIT_INSERT : -1;
}

static void sort_edits(apr_array_header_t *edits)
{
    /* Insertion sort: stable, and there are a handful. */
    em_edit_t **e = (em_edit_t **)edits->elts;

    for (int i = 1; i < edits->nelts; i++) {
        for (int j = i; j > 0 && by_place(&e[j - 1], &e[j]) > 0; j--) {
            em_edit_t *swap = e[j];

            e[j] = e[j - 1];
            e[j - 1] = swap;
        }
    }
}

static apr_status_t edit_one(em_text_t *text, const em_edit_t *edit,
                             apr_pool_t *p)
{
    switch (edit->op) {
    case EM_EDIT_COMMENT:
        return em_edit_comment(text, *text, edit->line, p);
    case EM_EDIT_UNCOMMENT:
        return em_edit_uncomment(text, *text, edit->line, p);
    case EM_EDIT_INSERT:
        break;
    }
    return em_edit_insert(text, *text, edit->line, edit->text, p);
}

static const char *join_why(const char *a, const char *b, apr_pool_t *p)
{
    return !a ? b : strstr(a, b) ? a : apr_pstrcat(p, b, ", ", a, NULL);
}

/* Put the edited files over VIEW; with STEPS also as steps. */
static apr_status_t put_edits(em_draft_t *draft, em_view_t *view,
                              int as_steps)
{
    apr_array_header_t *edits = apr_array_copy(draft->pool, draft->edits);
    apr_status_t rv = APR_SUCCESS;
    int i = 0;

    sort_edits(edits);
    while (rv == APR_SUCCESS && i < edits->nelts) {
        const char *path = APR_ARRAY_IDX(edits, i, em_edit_t *)->path;
        const char *why = NULL;
        em_node_t *node;
        em_text_t text;

        rv = em_view_read(&node, draft->facts->view, path, MAX_CONF,
                          draft->pool);
        if (rv != APR_SUCCESS) {
            break;
        }
        text.data = node->data;
        text.len = node->len;
        for (; rv == APR_SUCCESS && i < edits->nelts; i++) {
            const em_edit_t *edit = APR_ARRAY_IDX(edits, i, em_edit_t *);

            if (strcmp(edit->path, path) != 0) {
                break;
            }
            rv = edit_one(&text, edit, draft->pool);
            why = join_why(why, edit->why, draft->pool);
        }
        node->data = text.data;
        node->len = text.len;
        if (rv == APR_SUCCESS && as_steps) {
            rv = em_draft_put(draft, path, node, why);
        }
        else if (rv == APR_SUCCESS) {
            em_view_put(view, path, node);
        }
    }
    return rv;
}

apr_status_t em_draft_conf(em_conf_t **pconf, em_draft_t *draft,
                           em_result_t *res)
{
    em_conf_how_t how = draft->conf_how;
    em_view_t *view;
    apr_status_t rv;

    if (draft->conf) {
        *pconf = draft->conf;
        return APR_SUCCESS;
    }
    view = em_view_over(draft->view, draft->pool);
    rv = put_edits(draft, view, 0);
    if (rv != APR_SUCCESS) {
        return em_result_fail(res, rv, EM_EXIT_FAILED, "plan-failed",
                              "cannot edit the configuration in memory: ");
    }
    how.view = view;
    rv = em_conf_read(pconf, &how, res, draft->pool);
    if (rv == APR_SUCCESS) {
        draft->conf = *pconf;
    }
    return rv;
}

apr_status_t em_draft_finish(em_draft_t *draft, em_result_t *res)
{
    const em_conf_t *conf = draft->conf;
    apr_status_t rv = put_edits(draft, NULL, 1);

    if (rv != APR_SUCCESS) {
        return em_result_fail(res, rv, EM_EXIT_FAILED, "plan-failed",
                              "cannot edit the configuration in memory: ");
    }
    draft->plan->after = conf;  /* the same bytes, as steps now */
    if (draft->packages) {
        APR_ARRAY_PUSH(draft->plan->steps, em_step_t *) = draft->packages;
    }
    for (int i = 0; i < draft->steps->nelts; i++) {
        em_step_t *step = APR_ARRAY_IDX(draft->steps, i, em_step_t *);

        if (!em_node_same(&step->before, &step->after)) {
            APR_ARRAY_PUSH(draft->plan->steps, em_step_t *) = step;
        }
    }
    return APR_SUCCESS;
}

/* ---- words ---- */

void em_draft_impossible(em_draft_t *draft, const char *problem,
                         const char *fmt, ...)
{
    va_list ap;

    if (draft->plan->impossible) {
        return;
    }
    draft->plan->impossible = problem;
    va_start(ap, fmt);
    draft->plan->impossible_why = apr_pvsprintf(draft->pool, fmt, ap);
    va_end(ap);
}

void em_draft_tell(em_draft_t *draft, const char *module, const char *id,
                   const char *what, const char *because)
{
    em_consequence_t *c = apr_pcalloc(draft->pool, sizeof(*c));

    c->module = module;
    c->what = what;
    c->because = because;
    APR_ARRAY_PUSH(draft->plan->consequences, em_consequence_t *) = c;
    if (id) {
        apr_hash_set(draft->told, id, APR_HASH_KEY_STRING, id);
    }
}

const char *em_install_command(const em_facts_t *facts,
                               const em_package_names_t *names,
                               apr_pool_t *p)
{
    const struct {
        const char *program, *command, *name;
    } managers[] = {
        {"/usr/bin/apt-get", "apt-get install", names->apt},
        {"/usr/bin/dnf", "dnf install", names->dnf},
        {"/usr/bin/yum", "yum install", names->dnf},
        {"/usr/bin/zypper", "zypper install", names->zypper},
        {"/usr/bin/pacman", "pacman -S", names->pacman},
        {"/sbin/apk", "apk add", names->apk},
    };

    for (size_t i = 0; i < sizeof(managers) / sizeof(*managers); i++) {
        if (managers[i].name
            && em_view_exists(facts->view, managers[i].program, p)) {
            return apr_pstrcat(p, managers[i].command, " ", managers[i].name,
                               NULL);
        }
    }
    return NULL;
}
