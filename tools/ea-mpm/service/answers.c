#include "service/answers.h"

#include <stdlib.h>

#include <apr_strings.h>

/* So many vhosts are asked; of more, an even sample. */
#define SAMPLE 50

/* HEAD /: what any visitor does, without a body, on a live server. */
static void add_ask(em_answers_t *answers, const em_facts_t *facts,
                    const em_vhost_t *vhost, apr_pool_t *p)
{
    apr_array_header_t *addrs = em_addr_vhost(facts, vhost, p);
    em_ask_t *ask;

    if (addrs->nelts == 0) {
        return;
    }
    ask = apr_pcalloc(p, sizeof(*ask));
    ask->addr = APR_ARRAY_IDX(addrs, 0, em_addr_t *);
    ask->tls = vhost->tls;
    ask->host = vhost->name;
    ask->method = "HEAD";
    ask->path = "/";
    ask->baton = (void *)vhost;
    APR_ARRAY_PUSH(answers->asks, em_ask_t *) = ask;
}

apr_status_t em_answers_take(em_answers_t **panswers, const em_facts_t *facts,
                             apr_interval_time_t timeout, apr_pool_t *p)
{
    em_answers_t *answers = apr_pcalloc(p, sizeof(*answers));
    em_http_how_t how = {.each = timeout / 2, .total = timeout};
    int n = facts->vhosts ? facts->vhosts->nelts : 0;
    int step = n > SAMPLE ? (n + SAMPLE - 1) / SAMPLE : 1;

    answers->of = n;
    answers->asks = apr_array_make(p, SAMPLE, sizeof(em_ask_t *));
    for (int i = 0; i < n; i += step) {
        add_ask(answers, facts, APR_ARRAY_IDX(facts->vhosts, i,
                                              em_vhost_t *), p);
    }
    em_http_ask(answers->asks, &how, p);
    *panswers = answers;
    return APR_SUCCESS;
}

/* The answer of the same vhost; NULL: it was not asked, as the change takes
 * its port away. */
static const em_ask_t *same_of(const em_answers_t *answers,
                               const em_ask_t *ask)
{
    for (int i = 0; i < answers->asks->nelts; i++) {
        const em_ask_t *other = APR_ARRAY_IDX(answers->asks, i, em_ask_t *);

        if (other->baton == ask->baton) {
            return other;
        }
    }
    return NULL;
}

/* Another kind of status is a fault, and so is a page that was kept from
 * visitors and is not any more. Under a vhost's own user more can be read. */
static int is_fault(int was, int now, int own_users)
{
    if (was / 100 == now / 100) {
        return 0;
    }
    if (was >= 400 && now >= 200 && now < 400) {
        return was == 401 || (was == 403 && !own_users);
    }
    return 1;
}

const char *em_answers_differ(const em_answers_t *before,
                              const em_answers_t *after, int own_users,
                              apr_pool_t *p)
{
    for (int i = 0; i < before->asks->nelts; i++) {
        const em_ask_t *was = APR_ARRAY_IDX(before->asks, i, em_ask_t *);
        const em_ask_t *now = same_of(after, was);

        if (!now || was->status == 0
            || !is_fault(was->status, now->status, own_users)) {
            continue;
        }
        return apr_psprintf(p, "%s (%s) answered %d before and %s now.",
                            was->host ? was->host : "The main server",
                            was->addr->text, was->status, now->status
                            ? apr_itoa(p, now->status)
                            : apr_psprintf(p, "nothing (%s)", now->why));
    }
    return NULL;
}
