#include "rehearse/rehearse.h"

#include <string.h>

#include <apr_strings.h>

#include "base/signals.h"
#include "rehearse/candidate.h"
#include "rehearse/judge.h"
#include "rehearse/stage.h"

#define TIMEOUT apr_time_from_sec(120)

const char *em_rehearsal_name(em_rehearsal_result_t r)
{
    static const char *const names[] = {"passed", "failed", "inconclusive",
                                        "unavailable", "skipped"};

    return names[r];
}

static em_rehearsal_t *make(const em_facts_t *facts, const em_plan_t *plan,
                            apr_pool_t *p)
{
    em_rehearsal_t *r = apr_pcalloc(p, sizeof(*r));

    r->target = plan->to ? plan->to : facts->configured;
    r->target = r->target ? r->target : "the new configuration";
    r->phases = apr_array_make(p, 16,
                               sizeof(em_rehearsed_phase_t *));
    r->vhosts = apr_array_make(p, 16, sizeof(em_rehearsed_vhost_t *));
    r->log = apr_array_make(p, 8, sizeof(const char *));
    r->findings = apr_array_make(p, 8, sizeof(em_finding_t *));
    return r;
}

/* PHP extensions that either configuration maps: a mapping that goes away is
 * what publishes source text. */
static apr_array_header_t *extensions_of(const em_php_map_t *a,
                                         const em_php_map_t *b,
                                         apr_pool_t *p)
{
    apr_array_header_t *all = apr_array_copy(p, a->extensions);

    for (int i = 0; i < b->extensions->nelts; i++) {
        const char *word = APR_ARRAY_IDX(b->extensions, i, const char *);
        int known = 0;

        for (int j = 0; j < all->nelts; j++) {
            known |= strcmp(APR_ARRAY_IDX(all, j, const char *), word) == 0;
        }
        if (!known) {
            APR_ARRAY_PUSH(all, const char *) = word;
        }
    }
    return all;
}

/* What can be known without a stage. */
static void test_candidate(em_rehearsal_t *r, const em_facts_t *facts,
                           const em_conf_t *conf, const char *why,
                           apr_pool_t *p)
{
    const char *output = "";
    int ok = 1;
    em_finding_t *finding;

    r->result = EM_REHEARSAL_UNAVAILABLE;
    if (em_candidate_test(&ok, &output, facts, conf, apr_time_from_sec(60),
                          p) != APR_SUCCESS) {
        r->why = apr_pstrcat(p, why, " The new configuration could not be "
                             "tested either.", NULL);
        return;
    }
    r->why = apr_pstrcat(p, why, " Only httpd -t was asked about the new "
                         "configuration.", NULL);
    if (ok || (facts->httpd.tested && !facts->httpd.test_ok)) {
        return;
    }
    finding = apr_pcalloc(p, sizeof(*finding));
    finding->problem = "config-test-failed";
    finding->severity = EM_REFUSE;
    finding->message = apr_psprintf(p, "httpd -t refuses the configuration "
                                    "under %s: %s", r->target, output);
    finding->source = "httpd -t";
    finding->resolutions = apr_array_make(p, 1, sizeof(const char *));
    APR_ARRAY_PUSH(r->findings, em_finding_t *) = finding;
    r->result = EM_REHEARSAL_FAILED;
    r->why = finding->message;
}

static apr_status_t hold(em_stage_t **pstage, em_rehearsal_t *r,
                         em_stage_how_t *how, em_result_t *res,
                         apr_pool_t *p)
{
    apr_status_t rv;

    em_result_activity(res, "rehearsing (%s)", how->name);
    rv = em_stage_hold(pstage, how, r->phases, p);
    if (rv == APR_EINTR) {
        return em_result_fail(res, rv, EM_EXIT_FAILED, "interrupted",
                              "Interrupted by signal %d; nothing was "
                              "changed.", em_signals_caught());
    }
    if (rv != APR_SUCCESS) {
        return em_result_fail(res, rv, EM_EXIT_FAILED, "rehearsal-failed",
                              "The rehearsal could not be started: ");
    }
    return APR_SUCCESS;
}

static apr_status_t perform(em_rehearsal_t *r, const em_facts_t *facts,
                            const em_plan_t *plan,
                            const em_rehearse_how_t *how, em_result_t *res,
                            apr_pool_t *p)
{
    int empty = em_plan_is_empty(plan);
    em_stage_how_t stage = {.name = "current", .facts = facts,
                            .conf = facts->conf, .rehearse = how};
    em_stage_t *current, *target;
    const em_php_map_t *now, *then;
    const em_facts_t *under;
    em_conf_t *conf = NULL;
    em_questions_t *questions;
    apr_status_t rv;

    rv = em_plan_facts(&under, plan, facts, res, p);
    if (rv == APR_SUCCESS) {
        rv = em_plan_conf(&conf, plan, facts, res, p);
    }
    if (rv != APR_SUCCESS) {
        return rv;
    }
    now = em_php_map(facts->conf, p);
    then = em_php_map(conf, p);
    rv = em_questions_make(&questions, facts, extensions_of(now, then, p),
                           how, p);
    if (rv != APR_SUCCESS) {
        return em_result_fail(res, rv, EM_EXIT_FAILED, "rehearsal-failed",
                              "No random bytes can be had: ");
    }
    stage.timeout = how->timeout ? how->timeout : TIMEOUT;
    stage.questions = questions;
    stage.php = now;
    rv = hold(&current, r, &stage, res, p);
    target = current;
    if (rv == APR_SUCCESS && !empty && !current->unavailable) {
        stage.name = r->target;
        stage.plan = plan;
        stage.conf = conf;
        stage.facts = em_addr_facts_under(under, conf, p);
        stage.php = then;
        rv = hold(&target, r, &stage, res, p);
    }
    if (rv != APR_SUCCESS) {
        return rv;
    }
    if (target->unavailable) {
        test_candidate(r, under, conf, target->unavailable, p);
        return APR_SUCCESS;
    }
    em_judge(r, questions, current, target, p);
    return APR_SUCCESS;
}

apr_status_t em_rehearse(em_rehearsal_t **prehearsal, const em_facts_t *facts,
                         const em_plan_t *plan, const em_rehearse_how_t *how,
                         em_result_t *res, apr_pool_t *p)
{
    em_rehearsal_t *r = make(facts, plan, p);
    apr_status_t rv = APR_SUCCESS;

    em_signals_catch();
    if (strcmp(em_view_root(facts->view), "/") != 0) {
        r->result = EM_REHEARSAL_UNAVAILABLE;
        r->why = "The rehearsal needs the running system's own root; with "
                 "--root there is none.";
    }
    else {
        rv = perform(r, facts, plan, how, res, p);
    }
    em_signals_release();
    if (rv == APR_SUCCESS) {
        *prehearsal = r;
    }
    return rv;
}
