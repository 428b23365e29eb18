#include "check/judge.h"

#include <string.h>

#include <apr_strings.h>

/* What is wrong already, for information, and what the walk of the future
 * configuration complains of. */

static void told_before(em_judge_t *j)
{
    const em_facts_t *facts = j->facts;
    em_finding_t *f;

    if (facts->pending) {
        f = em_judge_add(j, "mpm-pending", EM_INFO,
                         "The server runs %s, but its configuration says %s: "
                         "the next reload would end it",
                         facts->running.mpm ? facts->running.mpm
                         : "another MPM",
                         facts->configured ? facts->configured : "none");
        em_judge_resolve(f, "Switch to either of the two; both ways end with "
                         "a full restart");
    }
    if (!facts->configured && facts->configured_all
        && facts->configured_all->nelts > 1) {
        const em_mpm_line_t *line
            = APR_ARRAY_IDX(facts->configured_all, 1, em_mpm_line_t *);

        f = em_judge_add(j, "mpm-two-loaded", EM_INFO, "More than one MPM is "
                         "loaded (AH00534); the switch leaves one");
        f->file = line->file->path;
        f->line = line->line;
    }
    else if (facts->httpd.missing) {
        (void)em_judge_add(j, "mpm-binary-missing", EM_INFO, "%s in %s names "
                           "%s, which is not there, so that no start works; "
                           "the switch names one that is",
                           facts->layout->mpm_variable,
                           facts->layout->sysconfig, facts->httpd.missing);
    }
    else if (!facts->configured && !facts->httpd.static_mpm) {
        (void)em_judge_add(j, "mpm-none-loaded", EM_INFO, "No MPM is loaded "
                           "(AH00534); the switch enables one");
    }
}

static void missing_files(em_judge_t *j)
{
    for (int i = 0; i < j->facts->modules->nelts; i++) {
        const em_module_t *m = APR_ARRAY_IDX(j->facts->modules, i,
                                             em_module_t *);
        int stays = em_judge_has(j, m->id);
        em_finding_t *f;

        if (!m->missing && !m->mismatch) {
            continue;
        }
        if (m->missing && stays && em_view_exists(j->then, m->so, j->pool)) {
            continue;           /* a package brings it */
        }
        f = em_judge_add(j, m->missing ? "module-file-missing"
                         : "module-mismatch",
                         stays ? EM_REFUSE : EM_INFO,
                         m->missing ? "%s is not there%s"
                         : "%s does not hold the module that this line names%s",
                         m->so, stays ? "; httpd does not start with this "
                         "line, under any MPM" : "; the switch takes the "
                         "line out");
        f->module = m->id;
        f->file = m->file;
        f->line = m->line;
        if (stays) {
            em_judge_resolve(f, "Install the package that brings the file, "
                             "or take the line out");
        }
    }
}

static int has_note(const em_conf_t *conf, const em_conf_note_t *note)
{
    for (int i = 0; i < conf->notes->nelts; i++) {
        const em_conf_note_t *n = APR_ARRAY_IDX(conf->notes, i,
                                                em_conf_note_t *);

        if (strcmp(n->problem, note->problem) == 0
            && strcmp(n->message, note->message) == 0) {
            return 1;
        }
    }
    return 0;
}

/* What httpd refuses to read stops every start. Of what stands there already
 * httpd itself is the judge: a complaint that it does not share is none, and
 * one that nobody could ask it about (another system's tree, files that are
 * made at the start) is a warning. */
static void notes(em_judge_t *j)
{
    const em_httpd_t *httpd = &j->facts->httpd;

    for (int i = 0; i < j->after->notes->nelts; i++) {
        const em_conf_note_t *n = APR_ARRAY_IDX(j->after->notes, i,
                                                em_conf_note_t *);
        int old = has_note(j->before, n), shared;
        em_finding_t *f;

        if (!n->fatal && strcmp(n->problem, "section-unclosed") != 0) {
            /* What was not read may hold anything. */
            f = em_judge_add(j, n->problem, EM_WARN, "%s; what is in there "
                             "could not be checked", n->message);
            f->file = n->file;
            f->line = n->line;
            continue;
        }
        if (!n->fatal || (old && httpd->tested && httpd->test_ok)) {
            continue;
        }
        shared = httpd->tested && httpd->test_output
                 && strstr(httpd->test_output, n->file);
        f = em_judge_add(j, "config-broken",
                         old && !shared ? EM_WARN : EM_REFUSE, "%s%s",
                         n->message, old ? "; it is so now" : "");
        f->file = n->file;
        f->line = n->line;
        em_judge_resolve(f, "Correct it, then look with: httpd -t");
    }
}

/* event of httpd 2.2 was its makers' experiment: it held no TLS connection
 * in keep-alive, and modules that assume one thread a connection failed. */
static void experimental(em_judge_t *j)
{
    const int *v = j->facts->httpd.v;
    em_finding_t *f;

    if (v[0] == 2 && v[1] < 4 && strcmp(j->plan->to, "event") == 0
        && !em_plan_is_empty(j->plan)) {
        f = em_judge_add(j, "mpm-experimental", EM_WARN, "event is an "
                         "experiment in httpd %s: it became a supported MPM "
                         "with 2.4", j->facts->httpd.version);
        f->source = "httpd 2.2 documentation: Apache MPM event, status "
                    "Experimental";
        em_judge_resolve(f, "worker has threads as well, and is none: ea-mpm "
                         "switch worker");
    }
}

void em_judge_faults(em_judge_t *j)
{
    experimental(j);
    told_before(j);
    missing_files(j);
    notes(j);
}
