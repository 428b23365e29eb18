#include "plan/draft.h"

#include <string.h>

#include <apr_strings.h>

/* Taking modules away: line by line, until a walk has none left. */

#define ROUNDS 32               /* each takes a line away */

/* httpd said, or the file's symbols did, that this line names a module which
 * its file does not have. */
static int is_mismatch(const em_draft_t *draft, const char *id,
                       const em_directive_t *line)
{
    const apr_array_header_t *list = draft->facts->modules;
    int original = em_draft_original(draft, line->file->path, line->line);

    for (int i = 0; list && i < list->nelts; i++) {
        const em_module_t *module
            = APR_ARRAY_IDX(list, i, const em_module_t *);

        if (module->mismatch && strcmp(module->id, id) == 0 && module->file
            && module->line == original
            && strcmp(module->file, line->file->path) == 0) {
            return 1;
        }
    }
    return 0;
}

/* A line for the right MPM that httpd would choke on. */
static int is_broken(const em_draft_t *draft, const char *id,
                     const em_directive_t *line)
{
    const char *so = em_conf_word(line->args, 1, draft->pool);

    return !so
           || !em_view_exists(draft->facts->view,
                              em_so_path(draft->facts, so, draft->pool),
                              draft->pool)
           || is_mismatch(draft, id, line);
}

int em_wrong_mpm(const em_draft_t *draft, const char *id,
                 const em_directive_t *line, const void *baton)
{
    const char *mpm = em_mpm_of(id, draft->pool);
    const em_want_t *want = &draft->want;

    (void)baton;
    if (!mpm) {
        return 0;
    }
    if (em_is_itk(mpm)) {
        return !want->itk || (want->itk_id && strcmp(id, want->itk_id) != 0)
               || is_broken(draft, id, line);
    }
    return want->built_in || strcmp(mpm, want->mpm) != 0
           || is_broken(draft, id, line);
}

int em_wrong_id(const em_draft_t *draft, const char *id,
                const em_directive_t *line, const void *baton)
{
    (void)draft;
    (void)line;
    for (const char *const *ids = baton; *ids; ids++) {
        if (strcmp(*ids, id) == 0) {
            return 1;
        }
    }
    return 0;
}

static const char *disable_why(const char *id, apr_pool_t *p)
{
    apr_size_t len = strlen(id);

    return apr_pstrcat(p, "disable ",
                       len > 7 && strcmp(id + len - 7, "_module") == 0
                           ? apr_pstrmemdup(p, id, len - 7) : id, NULL);
}

apr_status_t em_settle(em_conf_t **pconf, em_draft_t *draft,
                       em_wrong_fn *wrong, const void *baton,
                       em_result_t *res)
{
    for (int round = 0; round < ROUNDS; round++) {
        int before = draft->edits->nelts, i = 0;
        const em_directive_t *d;
        em_conf_t *conf;
        apr_status_t rv = em_draft_conf(&conf, draft, res);

        if (rv != APR_SUCCESS) {
            return rv;
        }
        while ((d = em_conf_next(conf, "LoadModule", &i)) != NULL) {
            const char *id = em_conf_word(d->args, 0, draft->pool);
            const char *file = d->file->path;
            int line = em_draft_original(draft, file, d->line);

            if (!id || line < 1 || !wrong(draft, id, d, baton)) {
                continue;
            }
            rv = em_draft_edit(draft, EM_EDIT_COMMENT, file, line, NULL,
                               disable_why(id, draft->pool));
            if (rv != APR_SUCCESS) {
                return em_result_fail(res, rv, EM_EXIT_FAILED, "plan-failed",
                                      "cannot find %s: ", file);
            }
        }
        if (draft->edits->nelts == before) {
            *pconf = conf;
            return APR_SUCCESS;
        }
    }
    return em_result_fail(res, APR_EGENERAL, EM_EXIT_FAILED, "plan-failed",
                          "the configuration loads modules in more ways "
                          "than can be followed");
}

int em_conf_reaches(const em_conf_t *conf, const em_want_t *want)
{
    int found = want->built_in, itk = 0;

    for (int i = 0; i < conf->mpm_lines->nelts; i++) {
        const em_mpm_line_t *line
            = APR_ARRAY_IDX(conf->mpm_lines, i, em_mpm_line_t *);

        if (line->state != EM_LINE_ACTIVE) {
            continue;
        }
        if (em_is_itk(line->mpm)) {
            itk = 1;
        }
        else if (strcmp(line->mpm, want->mpm) == 0 && !want->built_in) {
            found = 1;
        }
        else {
            return 0;
        }
    }
    return found && itk == want->itk;
}
