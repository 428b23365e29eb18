/* JSON of switch, rollback, recover, rehearse and history. */

#include "out/fmt.h"
#include "out/json_parts.h"

static em_json_t *phases(const em_rehearsal_t *r, apr_pool_t *p)
{
    em_json_t *a = em_json_array(p);
    int i;

    for (i = 0; r->phases && i < r->phases->nelts; ++i) {
        const em_rehearsed_phase_t *ph =
            APR_ARRAY_IDX(r->phases, i, em_rehearsed_phase_t *);
        em_json_t *o = em_json_object(p);

        em_json_set_str(o, "name", ph->name);
        em_json_set_int(o, "ms", ph->ms);
        em_json_add(a, em_json_set_str(o, "result", ph->result));
    }
    return a;
}

/* An HTTP status; null when the vhost was not asked, 0 without an answer. */
static void set_status(em_json_t *o, const char *key, int status)
{
    if (status < 0) {
        em_json_set_null(o, key);
    }
    else {
        em_json_set_int(o, key, status);
    }
}

static em_json_t *vhosts(const em_rehearsal_t *r, apr_pool_t *p)
{
    em_json_t *a = em_json_array(p);
    int i;

    for (i = 0; r->vhosts && i < r->vhosts->nelts; ++i) {
        const em_rehearsed_vhost_t *v =
            APR_ARRAY_IDX(r->vhosts, i, em_rehearsed_vhost_t *);
        em_json_t *o = em_json_object(p);

        em_json_set_str(o, "name", v->name);
        em_json_set_int(o, "port", v->port);
        em_json_set_bool(o, "tls", v->tls);
        set_status(o, "before", v->before);
        set_status(o, "after", v->after);
        em_json_add(a, em_json_set_str(o, "php", v->php));
    }
    return a;
}

em_json_t *em_json_rehearsal(const em_rehearsal_t *r, apr_pool_t *p)
{
    em_json_t *o = em_json_object(p);

    em_json_set_str(o, "target", r->target);
    em_json_set_str(o, "result", em_rehearsal_name(r->result));
    em_json_set_str(o, "why", r->why);
    em_json_set(o, "phases", phases(r, p));
    em_json_set(o, "vhosts", vhosts(r, p));
    em_json_set_int(o, "asked", r->asked);
    em_json_set_int(o, "of", r->of);
    em_json_set(o, "log", em_json_strings(r->log, p));
    return em_json_set(o, "findings", em_json_findings(r->findings, p));
}

void em_json_rehearse(em_out_t *out, const em_report_t *report,
                      const em_result_t *res)
{
    (void)res;
    if (report->rehearsal) {
        out->data = em_json_rehearsal(report->rehearsal, out->pool);
    }
}

/* The rehearsal of a switch: whole where one was held. */
static em_json_t *rehearsal_of(const em_switch_t *done, const char *target,
                               apr_pool_t *p)
{
    em_json_t *o;

    if (done && done->rehearsal) {
        return em_json_rehearsal(done->rehearsal, p);
    }
    o = em_json_object(p);
    em_json_set_str(o, "target", target);
    return em_json_set_str(o, "result", em_rehearsal_name(
        done ? done->rehearsal_result : EM_REHEARSAL_SKIPPED));
}

void em_json_switch(em_out_t *out, const em_report_t *report,
                    const em_result_t *res)
{
    const em_switch_t *done = report->done;
    const em_plan_t *plan = done && done->plan ? done->plan : report->plan;
    const char *from = done ? done->from : plan ? plan->from : NULL;
    const char *to = done ? done->to : plan ? plan->to : NULL;
    apr_pool_t *p = out->pool;
    em_json_t *o;

    (void)res;
    if (!done && !plan) {
        return;
    }
    o = em_json_object(p);
    em_json_set_str(o, "from", from);
    em_json_set_str(o, "to", to);
    em_json_set_bool(o, "changed", done ? done->changed : 0);
    em_json_set_bool(o, "dry_run", report->dry_run);
    em_json_set_str(o, "id", done ? done->id : NULL);
    em_json_set(o, "steps", em_json_steps(plan, p));
    em_json_set(o, "rehearsal", rehearsal_of(done, to, p));
    if (done && done->outage_ms >= 0) {
        em_json_set_int(o, "outage_ms", done->outage_ms);
    }
    else {
        em_json_set_null(o, "outage_ms");
    }
    em_json_set_str(o, "verified",
                    done && done->verified ? done->verified : "no");
    em_json_set_bool(o, "rolled_back", done ? done->rolled_back : 0);
    em_json_set_str(o, "restart_with", done ? done->by_hand : NULL);
    em_json_set(o, "findings", em_json_findings(
        report->check ? report->check->findings : NULL, p));
    out->data = o;
}

void em_json_history(em_out_t *out, const em_report_t *report,
                     const em_result_t *res)
{
    apr_pool_t *p = out->pool;
    em_json_t *a;
    int i;

    (void)res;
    if (!report->history) {
        return;
    }
    a = em_json_array(p);
    for (i = report->history->nelts - 1; i >= 0; --i) {
        const em_txn_info_t *t =
            APR_ARRAY_IDX(report->history, i, em_txn_info_t *);
        em_json_t *o = em_json_object(p);

        em_json_set_str(o, "id", t->id);
        em_json_set_str(o, "from", t->from);
        em_json_set_str(o, "to", t->to);
        em_json_set_str(o, "state", em_txn_state_name(t->state));
        em_json_set_str(o, "begun", em_fmt_time(t->begun, p));
        em_json_set_str(o, "ended", em_fmt_time(t->ended, p));
        em_json_set_str(o, "rolled_back_by", t->rolled_back_by);
        em_json_set_int(o, "packages_bytes", (long long)t->packages_size);
        em_json_set_str(o, "profile", t->profile);
        em_json_add(a, em_json_set_str(o, "rolls_back", t->rolls_back));
    }
    out->data = em_json_set(em_json_object(p), "switches", a);
}
