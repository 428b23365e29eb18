#include "plan/plan.h"

#include <string.h>

#include <apr_strings.h>

#include "plan/draft.h"

static const em_mechanism_t *const mechanisms[] = {
    [EM_MECH_LOADMODULE] = &em_mech_loadmodule,
    [EM_MECH_LINKS] = &em_mech_links,
    [EM_MECH_PACKAGES] = &em_mech_packages,
    [EM_MECH_BINARY] = &em_mech_binary,
    [EM_MECH_REBUILD] = &em_mech_rebuild,
};

/* ---- the request ---- */

static apr_array_header_t *list_or_none(const apr_array_header_t *list,
                                        apr_pool_t *p)
{
    return list ? apr_array_copy(p, list)
                : apr_array_make(p, 1, sizeof(const char *));
}

static apr_status_t take_with(em_want_t *want, const em_facts_t *facts,
                              const char *with, em_result_t *res)
{
    if (strcmp(with, "packages") == 0
        && facts->layout->mechanism == EM_MECH_PACKAGES) {
        want->packages = 1;
        return APR_SUCCESS;
    }
    if (strcmp(with, "php=fpm") == 0) {
        want->php_fpm = 1;
        return APR_SUCCESS;
    }
    if (want->itk && strcmp(with, "itk=itkish") == 0) {
        want->itk_id = "mpm_itkish_module";
        return APR_SUCCESS;
    }
    if (want->itk && strcmp(with, "itk=mpm-itk") == 0) {
        want->itk_id = "mpm_itk_module";
        return APR_SUCCESS;
    }
    return em_result_fail(res, APR_EINVAL, EM_EXIT_USAGE, "with-unknown",
                          "there is no --with %s%s. What there is: php=fpm; "
                          "to itk also itk=itkish and itk=mpm-itk; on "
                          "EasyApache packages", with,
                          strncmp(with, "itk=", 4) == 0 && !want->itk
                              ? " for this target" : "");
}

static apr_status_t take_request(em_draft_t *draft, em_result_t *res)
{
    const em_request_t *request = &draft->plan->request;
    em_want_t *want = &draft->want;

    want->itk = strcmp(request->target, "itk") == 0;
    want->mpm = want->itk ? "prefork" : request->target;
    want->built_in = draft->facts->httpd.static_mpm
                     && draft->facts->layout->mpm_file
                     && strcmp(draft->facts->httpd.static_mpm, want->mpm)
                        == 0;
    for (int i = 0; i < request->with->nelts; i++) {
        apr_status_t rv
            = take_with(want, draft->facts,
                        APR_ARRAY_IDX(request->with, i, const char *), res);

        if (rv != APR_SUCCESS) {
            return rv;
        }
    }
    for (int i = 0; i < request->without->nelts; i++) {
        const char *typed = APR_ARRAY_IDX(request->without, i, const char *);

        if (strncmp(em_module_name(typed, draft->pool), "mpm_", 4) == 0) {
            return em_result_fail(res, APR_EINVAL, EM_EXIT_USAGE,
                                  "without-mpm",
                                  "--without %s: the target says which MPM "
                                  "there will be", typed);
        }
    }
    return APR_SUCCESS;
}

/* ---- the plan ---- */

static em_plan_t *empty_plan(const em_facts_t *facts,
                             const em_request_t *request, apr_pool_t *p)
{
    em_plan_t *plan = apr_pcalloc(p, sizeof(*plan));

    plan->from = facts->configured;
    plan->to = request->target;
    plan->request.target = request->target;
    plan->request.brief = request->brief;
    plan->request.fetched = request->fetched;
    plan->request.with = list_or_none(request->with, p);
    plan->request.without = list_or_none(request->without, p);
    plan->steps = apr_array_make(p, 8, sizeof(em_step_t *));
    plan->consequences = apr_array_make(p, 4, sizeof(em_consequence_t *));
    plan->restart_units = apr_array_make(p, 1, sizeof(const char *));
    return plan;
}

/* A plan that leads somewhere else than it says must not leave this room. */
static apr_status_t check_arrival(em_draft_t *draft, em_result_t *res)
{
    em_conf_t *conf;
    apr_status_t rv = em_draft_conf(&conf, draft, res);

    if (rv != APR_SUCCESS) {
        return rv;
    }
    if (!em_conf_reaches(conf, &draft->want)) {
        em_draft_impossible(draft, "mpm-not-reached",
                            "No change that ea-mpm knows makes this "
                            "configuration load %s and nothing else; look "
                            "at its LoadModule lines: ea-mpm show",
                            draft->want.mpm);
        return APR_SUCCESS;
    }
    em_fpm_inherits(draft, conf);
    em_tell_followers(draft, conf);
    return APR_SUCCESS;
}

static int is_by_lines(em_mechanism_id_t id)
{
    return id == EM_MECH_LOADMODULE || id == EM_MECH_LINKS;
}

const char *em_step_shares(const em_step_t *step, const em_other_t *other)
{
    if (step->kind == EM_STEP_PATH) {
        return em_other_reads(other, step->path) ? step->path : NULL;
    }
    for (int i = 0; step->effects && i < step->effects->nelts; i++) {
        const em_effect_t *effect = APR_ARRAY_IDX(step->effects, i,
                                                  em_effect_t *);

        if (!effect->script && em_other_reads(other, effect->path)) {
            return effect->path;
        }
    }
    return NULL;
}

/* Other servers that read a file which the plan changes have to follow. */
static void take_others(em_plan_t *plan, const em_facts_t *facts)
{
    for (int i = 0; facts->others && i < facts->others->nelts; i++) {
        const em_other_t *other = APR_ARRAY_IDX(facts->others, i,
                                                em_other_t *);

        for (int k = 0; other->unit && k < plan->steps->nelts; k++) {
            const em_step_t *step = APR_ARRAY_IDX(plan->steps, k,
                                                  em_step_t *);

            if (em_step_shares(step, other)) {
                APR_ARRAY_PUSH(plan->restart_units, const char *)
                    = other->unit;
                break;
            }
        }
    }
}

apr_status_t em_plan_make(em_plan_t **pplan, const em_facts_t *facts,
                          const em_request_t *request, em_result_t *res,
                          apr_pool_t *p)
{
    em_plan_t *plan = empty_plan(facts, request, p);
    em_draft_t *draft = em_draft_make(plan, facts, p);
    em_mechanism_id_t id = facts->httpd.static_mpm ? EM_MECH_REBUILD
                                                   : facts->layout->mechanism;
    apr_status_t rv;

    em_result_activity(res, "making the plan to %s", request->target);
    if (facts->layout->mechanism == EM_MECH_BINARY
        || facts->layout->mechanism == EM_MECH_PACKAGES) {
        id = facts->layout->mechanism;
    }
    rv = take_request(draft, res);
    if (rv == APR_SUCCESS && id == EM_MECH_REBUILD && draft->want.built_in) {
        id = EM_MECH_LOADMODULE;    /* all but the MPM itself is lines */
    }
    if (rv == APR_SUCCESS) {
        rv = mechanisms[id]->make(draft, res);
    }
    if (rv == APR_SUCCESS && !plan->impossible
        && (is_by_lines(id)
            || (id == EM_MECH_PACKAGES && draft->packages))) {
        rv = check_arrival(draft, res);
    }
    if (rv == APR_SUCCESS && !plan->impossible) {
        rv = em_draft_finish(draft, res);
    }
    if (rv == APR_SUCCESS) {
        take_others(plan, facts);
        *pplan = plan;
    }
    return rv;
}

void em_step_put(em_view_t *view, const em_step_t *step)
{
    if (step->kind == EM_STEP_PATH) {
        em_view_put(view, step->path, &step->after);
    }
    for (int i = 0; step->effects && i < step->effects->nelts; i++) {
        const em_effect_t *effect = APR_ARRAY_IDX(step->effects, i,
                                                  em_effect_t *);

        em_view_put(view, effect->path, &effect->after);
    }
}

int em_plan_is_empty(const em_plan_t *plan)
{
    return !plan->steps || plan->steps->nelts == 0;
}

em_view_t *em_plan_view(const em_plan_t *plan, const em_facts_t *facts,
                        apr_pool_t *p)
{
    em_view_t *view = em_view_over(facts->view, p);

    for (int i = 0; i < plan->steps->nelts; i++) {
        em_step_put(view, APR_ARRAY_IDX(plan->steps, i, em_step_t *));
    }
    return view;
}

apr_status_t em_plan_facts(const em_facts_t **punder, const em_plan_t *plan,
                           const em_facts_t *facts, em_result_t *res,
                           apr_pool_t *p)
{
    em_facts_t *under;
    apr_status_t rv;

    if (plan->under) {
        *punder = plan->under;
        return APR_SUCCESS;
    }
    rv = em_facts_under(&under, facts, em_plan_view(plan, facts, p), res, p);
    if (rv == APR_SUCCESS) {
        *punder = under;
    }
    return rv;
}

apr_status_t em_plan_conf(em_conf_t **pconf, const em_plan_t *plan,
                          const em_facts_t *facts, em_result_t *res,
                          apr_pool_t *p)
{
    const em_facts_t *under;
    apr_status_t rv;

    if (plan->after) {
        *pconf = (em_conf_t *)plan->after;
        return APR_SUCCESS;
    }
    rv = em_plan_facts(&under, plan, facts, res, p);
    return rv == APR_SUCCESS
           ? em_conf_read(pconf, &under->conf_how, res, p) : rv;
}
