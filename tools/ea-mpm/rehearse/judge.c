#include "rehearse/judge.h"

#include <string.h>

#include <apr_strings.h>

#include "service/errlog.h"

#define FINDINGS_MAX 50         /* one fault can hit a thousand vhosts */
#define SOURCE "seen in the rehearsal"

typedef struct judge_t {
    em_rehearsal_t *r;
    const em_questions_t *questions;
    const em_stage_t *current, *target;
    apr_pool_t *pool;
    int refusals, more;
} judge_t;

static em_finding_t *find(judge_t *j, em_severity_t severity,
                          const char *problem, const char *message)
{
    em_finding_t *finding = apr_pcalloc(j->pool, sizeof(*finding));

    finding->problem = problem;
    finding->severity = severity;
    finding->message = message;
    finding->source = SOURCE;
    finding->resolutions = apr_array_make(j->pool, 1, sizeof(const char *));
    j->refusals += severity == EM_REFUSE;
    if (j->r->findings->nelts < FINDINGS_MAX) {
        APR_ARRAY_PUSH(j->r->findings, em_finding_t *) = finding;
    }
    else {
        j->more++;
    }
    return finding;
}

/* Lines that say nothing about a fault: the missing ServerName (AH00558),
 * what apachectl adds, our own heading. */
static int is_noise(const char *line, apr_size_t len)
{
    static const char *const noise[] = {"AH00558", "Syntax OK", "Error log:",
                                        "Action '", "The Apache error log"};

    for (size_t i = 0; i < sizeof(noise) / sizeof(*noise); i++) {
        if (memmem(line, len, noise[i], strlen(noise[i]))) {
            return 1;
        }
    }
    return len == 0;
}

/* The line that tells most: the first fatal one, else the first that is no
 * noise, else the first. */
static const char *telling_line(const char *text, apr_pool_t *p)
{
    const char *best = NULL, *line = text;
    apr_size_t best_len = 0;

    while (*line) {
        apr_size_t len = strcspn(line, "\n");

        if (em_errlog_judge(line, len) == EM_LOGLINE_FATAL) {
            return apr_pstrmemdup(p, line, len);
        }
        if (!best && !is_noise(line, len)) {
            best = line;
            best_len = len;
        }
        line += len + (line[len] == '\n');
    }
    return best ? apr_pstrmemdup(p, best, best_len)
                : apr_pstrmemdup(p, text, strcspn(text, "\n"));
}

static const char *phase_says(em_phase_t phase)
{
    static const char *const says[] = {
        "the stage could not be prepared",
        "the plan could not be applied",
        "httpd -t refuses the configuration",
        "the server does not start",
        "the server does not come up",
        "the server did not answer in time", ""
    };

    return says[phase];
}

static const char *phase_problem(const em_stage_t *stage)
{
    if (stage->timed_out) {
        return "start-timeout";
    }
    return stage->fault == EM_PHASE_CONFIGTEST ? "config-test-failed"
           : stage->fault == EM_PHASE_APPLY ? "plan-not-applicable"
           : stage->fault == EM_PHASE_PREPARE ? "rehearsal-failed"
           : "start-failed";
}

static const char *describe(const em_stage_t *stage, const char *detail,
                            apr_pool_t *p)
{
    return apr_psprintf(p, "%s%s: %s", phase_says(stage->fault),
                        stage->timed_out ? " (timeout)" : "", detail);
}

static const char *describe_all(const em_stage_t *stage, apr_pool_t *p)
{
    return describe(stage, stage->fault_detail ? stage->fault_detail : "", p);
}

static const char *describe_short(const em_stage_t *stage, apr_pool_t *p)
{
    return describe(stage, telling_line(stage->fault_detail
                                        ? stage->fault_detail : "", p), p);
}

/* -- vhosts -------------------------------------------------------------- */

static const char *where(const judge_t *j, const em_question_t *q)
{
    const em_asked_vhost_t *asked = APR_ARRAY_IDX(j->questions->vhosts,
                                                  q->vhost,
                                                  em_asked_vhost_t *);

    return apr_psprintf(j->pool, "%s (%s%s)", asked->vhost->name
                        ? asked->vhost->name : "the main server",
                        asked->addr->text, asked->vhost->tls ? ", TLS" : "");
}

static em_finding_t *find_at(judge_t *j, const em_question_t *q,
                             em_severity_t severity, const char *problem,
                             const char *message)
{
    const em_vhost_t *vhost = APR_ARRAY_IDX(j->questions->vhosts, q->vhost,
                                            em_asked_vhost_t *)->vhost;
    em_finding_t *finding = find(j, severity, problem, message);

    finding->file = q->htaccess ? q->htaccess->file : vhost->file;
    finding->line = q->htaccess ? q->htaccess->line : vhost->line;
    return finding;
}

static void judge_php(judge_t *j, const em_question_t *q,
                      const em_answer_t *before, const em_answer_t *after)
{
    if (after->php == EM_PHP_SOURCE && before->php != EM_PHP_SOURCE) {
        (void)find_at(j, q, EM_REFUSE, "php-source-leak",
                      apr_psprintf(j->pool, "%s would answer with the source "
                                   "text of PHP files: nothing runs them "
                                   "under %s.", where(j, q), j->r->target));
    }
    else if (after->php == EM_PHP_SOURCE) {
        (void)find_at(j, q, EM_WARN, "php-source-leak",
                      apr_psprintf(j->pool, "%s answers with the source text "
                                   "of PHP files, now as well.",
                                   where(j, q)));
    }
    else if (before->php == EM_PHP_OK && after->php != EM_PHP_OK
             && after->php != EM_PHP_NOT_PROBED) {
        (void)find_at(j, q, EM_REFUSE, "php-breaks",
                      apr_psprintf(j->pool, "%s runs PHP now, but would not "
                                   "under %s (%s, HTTP status %d).",
                                   where(j, q), j->r->target,
                                   em_php_name(after->php), after->status));
    }
}

/* Answered well and would not any more. */
static void judge_status(judge_t *j, const em_question_t *q,
                         const em_answer_t *before,
                         const em_answer_t *after)
{
    if (before->status < 200 || before->status >= 400
        || after->status == -1
        || (after->status >= 200 && after->status < 400)) {
        return;
    }
    (void)find_at(j, q, EM_REFUSE, q->kind == EM_ASK_DIR ? "htaccess-breaks"
                  : "vhost-breaks",
                  apr_psprintf(j->pool, "%s answers %s with %d now and would "
                               "answer %s under %s.", where(j, q), q->path,
                               before->status, after->status
                               ? apr_itoa(j->pool, after->status)
                               : apr_psprintf(j->pool, "nothing (%s)",
                                              after->why ? after->why : ""),
                               j->r->target));
}

/* The worse of two for the report's one word a vhost. */
static em_php_t worse(em_php_t a, em_php_t b)
{
    static const int badness[] = {[EM_PHP_NONE] = 0, [EM_PHP_OK] = 1,
                                  [EM_PHP_NOT_PROBED] = 2,
                                  [EM_PHP_FAILED] = 3, [EM_PHP_SOURCE] = 4};

    return badness[a] > badness[b] ? a : b;
}

static void list_vhosts(judge_t *j)
{
    const apr_array_header_t *vhosts = j->questions->vhosts;

    for (int i = 0; i < vhosts->nelts; i++) {
        const em_vhost_t *vhost = APR_ARRAY_IDX(vhosts, i,
                                                em_asked_vhost_t *)->vhost;
        em_rehearsed_vhost_t *row = apr_pcalloc(j->pool, sizeof(*row));

        row->name = vhost->name;
        row->port = APR_ARRAY_IDX(vhosts, i, em_asked_vhost_t *)->addr->port;
        row->tls = vhost->tls;
        row->before = row->after = -1;
        row->php = em_php_name(EM_PHP_NONE);
        APR_ARRAY_PUSH(j->r->vhosts, em_rehearsed_vhost_t *) = row;
    }
}

/* Questions stand in the order of their vhosts, those of --deep behind. */
static void fill_rows(judge_t *j)
{
    const apr_array_header_t *all = j->questions->questions;
    em_php_t *php = apr_pcalloc(j->pool, (apr_size_t)(j->r->vhosts->nelts
                                                      + 1) * sizeof(*php));

    for (int i = 0; i < all->nelts; i++) {
        const em_question_t *q = APR_ARRAY_IDX(all, i, em_question_t *);
        em_rehearsed_vhost_t *row = APR_ARRAY_IDX(j->r->vhosts, q->vhost,
                                                  em_rehearsed_vhost_t *);

        if (q->kind == EM_ASK_STATIC
            || (q->kind == EM_ASK_ROOT && row->before == -1)) {
            row->before = j->current->answers[i].status;
            row->after = j->target->answers[i].status;
        }
        if (q->kind == EM_ASK_PHP) {
            php[q->vhost] = worse(php[q->vhost],
                                  j->target->answers[i].php);
            row->php = em_php_name(php[q->vhost]);
        }
    }
    for (int i = 0; i < j->r->vhosts->nelts; i++) {
        const em_rehearsed_vhost_t *row = APR_ARRAY_IDX(j->r->vhosts, i,
                                                    em_rehearsed_vhost_t *);

        j->r->asked += row->before != -1 || row->after != -1;
    }
}

static void judge_answers(judge_t *j)
{
    const apr_array_header_t *all = j->questions->questions;

    for (int i = 0; i < all->nelts; i++) {
        const em_question_t *q = APR_ARRAY_IDX(all, i, em_question_t *);
        const em_answer_t *before = &j->current->answers[i];
        const em_answer_t *after = &j->target->answers[i];

        if (q->kind == EM_ASK_PHP) {
            judge_php(j, q, before, after);
        }
        else {
            judge_status(j, q, before, after);
        }
    }
}

/* -- the log ------------------------------------------------------------- */

static void quote(judge_t *j, const apr_array_header_t *lines)
{
    for (int i = 0; i < lines->nelts; i++) {
        APR_ARRAY_PUSH(j->r->log, const char *) = APR_ARRAY_IDX(lines, i,
                                                        const char *);
    }
}

static void judge_log(judge_t *j)
{
    const em_stage_t *now = j->current, *then = j->target;

    quote(j, then->fatal);
    quote(j, then->crashes);
    quote(j, then->warnings);
    if (then == now) {
        return;
    }
    if (then->crashes->nelts > 0 && now->crashes->nelts == 0) {
        (void)find(j, EM_REFUSE, "children-crash",
                   apr_psprintf(j->pool, "The server's processes crash under "
                                "%s: %s", j->r->target,
                                APR_ARRAY_IDX(then->crashes, 0,
                                              const char *)));
    }
    if (then->fatal->nelts > 0 && now->fatal->nelts == 0) {
        (void)find(j, EM_REFUSE, "log-fatal",
                   apr_psprintf(j->pool, "The error log tells of a fault "
                                "under %s: %s", j->r->target,
                                APR_ARRAY_IDX(then->fatal, 0,
                                              const char *)));
    }
    if (then->warnings->nelts > 0 && now->warnings->nelts == 0) {
        (void)find(j, EM_WARN, "http2-inactive",
                   apr_psprintf(j->pool, "HTTP/2 does not work under %s: %s",
                                j->r->target,
                                APR_ARRAY_IDX(then->warnings, 0,
                                              const char *)));
    }
}

/* -- the verdict --------------------------------------------------------- */

static void conclude(judge_t *j, em_rehearsal_result_t result,
                     const char *why)
{
    j->r->result = result;
    j->r->why = why;
}

/* The target's performance broke off. */
static void judge_fault(judge_t *j)
{
    const em_stage_t *now = j->current, *then = j->target;
    const char *says = describe_all(then, j->pool);

    if (then != now && now->fault <= then->fault) {
        conclude(j, EM_REHEARSAL_INCONCLUSIVE,
                 apr_psprintf(j->pool, "The rehearsal says nothing about %s: "
                              "with the configuration as it is now, %s",
                              j->r->target, describe_short(now, j->pool)));
        return;
    }
    (void)find(j, EM_REFUSE, phase_problem(then),
               then == now ? apr_psprintf(j->pool, "As it is configured now, "
                                          "%s", says)
               : apr_psprintf(j->pool, "Under %s %s", j->r->target, says));
    conclude(j, EM_REHEARSAL_FAILED,
             apr_psprintf(j->pool, "%s %s", then == now
                          ? "As it is configured now," :
                          apr_psprintf(j->pool, "Under %s", j->r->target),
                          describe_short(then, j->pool)));
}

static const char *passed_says(judge_t *j)
{
    if (j->current->fault != EM_PHASE_NONE) {
        return apr_psprintf(j->pool, "The server starts and answers under "
                            "%s; as it is configured now, %s", j->r->target,
                            describe_short(j->current, j->pool));
    }
    return j->target == j->current
           ? "The server starts and answers as it is configured now."
           : apr_psprintf(j->pool, "The server starts under %s and answers "
                          "as it does now.", j->r->target);
}

void em_judge(em_rehearsal_t *r, const em_questions_t *questions,
              const em_stage_t *current, const em_stage_t *target,
              apr_pool_t *p)
{
    judge_t j = {r, questions, current, target, p, 0, 0};

    r->of = questions->of;
    list_vhosts(&j);
    fill_rows(&j);
    judge_log(&j);
    if (target->fault != EM_PHASE_NONE) {
        judge_fault(&j);
        return;
    }
    judge_answers(&j);
    if (j.refusals == 0) {
        conclude(&j, EM_REHEARSAL_PASSED, passed_says(&j));
        return;
    }
    /* The worst first: what is wrong is told by the first finding. */
    for (int i = 0; i < r->findings->nelts; i++) {
        em_finding_t **all = (em_finding_t **)r->findings->elts;

        if (all[i]->severity == EM_REFUSE) {
            em_finding_t *first = all[i];

            memmove(all + 1, all, (size_t)i * sizeof(*all));
            all[0] = first;
            conclude(&j, EM_REHEARSAL_FAILED, j.refusals > 1
                     ? apr_psprintf(p, "%s (and %d more)", first->message,
                                    j.refusals - 1) : first->message);
            break;
        }
    }
}
