#include "rehearse/ask.h"

#include <string.h>

#include <apr_general.h>
#include <apr_hash.h>
#include <apr_strings.h>

/* More vhosts than this are sampled evenly, and the report says so. */
#define VHOSTS_MAX 2000
#define DIRS_MAX 500

const char *em_php_name(em_php_t php)
{
    static const char *const names[] = {"none", "ok", "source", "failed",
                                        "not-probed"};

    return names[php];
}

static const char *random_token(apr_pool_t *p)
{
    unsigned char bytes[10];
    char *text = apr_palloc(p, sizeof(bytes) * 2 + 1);

    if (apr_generate_random_bytes(bytes, sizeof(bytes)) != APR_SUCCESS) {
        return NULL;
    }
    for (size_t i = 0; i < sizeof(bytes); i++) {
        apr_snprintf(text + 2 * i, 3, "%02x", bytes[i]);
    }
    return text;
}

static const char *reversed(const char *s, apr_pool_t *p)
{
    size_t n = strlen(s);
    char *r = apr_palloc(p, n + 1);

    for (size_t i = 0; i < n; i++) {
        r[i] = s[n - 1 - i];
    }
    r[n] = '\0';
    return r;
}

/* The script's output is not in its source: it has to be computed. */
const char *em_question_content(const em_question_t *question,
                                const char *token, apr_pool_t *p)
{
    if (question->kind != EM_ASK_PHP) {
        return apr_psprintf(p, "ea-mpm static %s\n", token);
    }
    return apr_psprintf(p, "<?php /* ea-mpm-source-%s */ "
                        "echo 'ea-mpm-' . strrev('%s') . '-computed';\n",
                        token, reversed(token, p));
}

static int holds(const char *body, apr_size_t len, const char *what)
{
    return body && memmem(body, len, what, strlen(what)) != NULL;
}

em_php_t em_php_judge(const char *token, int status, const char *body,
                      apr_size_t len)
{
    char source[80], computed[80];

    apr_snprintf(source, sizeof(source), "ea-mpm-source-%s", token);
    apr_snprintf(computed, sizeof(computed), "ea-mpm-%s-computed", token);
    if (holds(body, len, source)) {
        return EM_PHP_SOURCE;
    }
    if (holds(body, len, computed)) {
        return EM_PHP_OK;
    }
    return status == 0 || status >= 500 ? EM_PHP_FAILED : EM_PHP_NONE;
}

static em_question_t *add(em_questions_t *questions, em_ask_kind_t kind,
                          int vhost, const char *dir, const char *url_dir,
                          const char *file, apr_pool_t *p)
{
    em_question_t *question = apr_pcalloc(p, sizeof(*question));

    question->kind = kind;
    question->vhost = vhost;
    question->dir = dir;
    question->file = file;
    question->path = apr_pstrcat(p, url_dir, file ? file : "", NULL);
    APR_ARRAY_PUSH(questions->questions, em_question_t *) = question;
    return question;
}

/* "/" without running anybody's application: a static index and no other. */
static int has_static_index(const em_facts_t *facts, const char *docroot,
                            apr_pool_t *p)
{
    static const char *const programs[] = {"index.php", "index.cgi",
                                           "index.pl", "index.phtml",
                                           "index.shtml"};
    apr_array_header_t *names;
    int found = 0;

    if (em_view_list(&names, facts->view, docroot, p) != APR_SUCCESS) {
        return 0;
    }
    for (int i = 0; i < names->nelts; i++) {
        const char *name = APR_ARRAY_IDX(names, i, const char *);

        found |= strcmp(name, "index.html") == 0
                 || strcmp(name, "index.htm") == 0;
        for (size_t j = 0; j < sizeof(programs) / sizeof(*programs); j++) {
            if (strcmp(name, programs[j]) == 0
                || strcmp(name, ".htaccess") == 0) {
                return 0;
            }
        }
    }
    return found;
}

static void ask_vhost(em_questions_t *questions, const em_facts_t *facts,
                      int index, const apr_array_header_t *extensions,
                      const em_rehearse_how_t *how, apr_pool_t *p)
{
    const em_asked_vhost_t *asked = APR_ARRAY_IDX(questions->vhosts, index,
                                                  em_asked_vhost_t *);
    const char *docroot = asked->vhost->document_root;
    const char *base = apr_pstrcat(p, "ea-mpm-", questions->token, ".",
                                   NULL);

    if (docroot) {
        (void)add(questions, EM_ASK_STATIC, index, docroot, "/",
                  apr_pstrcat(p, base, "txt", NULL), p);
        for (int i = 0; i < extensions->nelts; i++) {
            (void)add(questions, EM_ASK_PHP, index, docroot, "/",
                      apr_pstrcat(p, base, APR_ARRAY_IDX(extensions, i,
                                                         const char *),
                                  NULL), p);
        }
    }
    if (how->ask_root
        || (docroot && has_static_index(facts, docroot, p))) {
        (void)add(questions, EM_ASK_ROOT, index, docroot, "/", NULL, p);
    }
}

/* A vhost of the main server counts only where no other takes its port. */
static int is_reachable(const em_facts_t *facts, const em_vhost_t *vhost)
{
    if (vhost->section) {
        return 1;
    }
    for (int i = 0; i < facts->listens->nelts; i++) {
        const em_listen_t *listen = APR_ARRAY_IDX(facts->listens, i,
                                                  em_listen_t *);
        int taken = 0;

        for (int j = 0; j < facts->vhosts->nelts && !taken; j++) {
            const em_vhost_t *other = APR_ARRAY_IDX(facts->vhosts, j,
                                                    em_vhost_t *);

            taken = other->section && (other->port == 0
                                       || other->port == listen->port);
        }
        if (!taken) {
            return 1;
        }
    }
    return 0;
}

static void pick_vhosts(em_questions_t *questions, const em_facts_t *facts,
                        apr_pool_t *p)
{
    int n = facts->vhosts ? facts->vhosts->nelts : 0;
    int step = n > VHOSTS_MAX ? (n + VHOSTS_MAX - 1) / VHOSTS_MAX : 1;

    for (int i = 0; i < n; i++) {
        const em_vhost_t *vhost = APR_ARRAY_IDX(facts->vhosts, i,
                                                em_vhost_t *);
        apr_array_header_t *addrs;
        em_asked_vhost_t *asked;

        if (!is_reachable(facts, vhost)) {
            continue;
        }
        questions->of++;
        if (i % step != 0) {
            continue;
        }
        addrs = em_addr_vhost(facts, vhost, p);
        if (addrs->nelts == 0) {
            continue;
        }
        asked = apr_pcalloc(p, sizeof(*asked));
        asked->vhost = vhost;
        asked->addr = APR_ARRAY_IDX(addrs, 0, em_addr_t *);
        APR_ARRAY_PUSH(questions->vhosts, em_asked_vhost_t *) = asked;
    }
}

/* One question for every directory with a .htaccess that says something, at
 * the vhost whose document root holds it most closely. */
static void ask_dirs(em_questions_t *questions, const em_facts_t *facts,
                     apr_pool_t *p)
{
    apr_hash_t *seen = apr_hash_make(p);

    for (int i = 0; facts->htaccess && i < facts->htaccess->nelts
         && apr_hash_count(seen) < DIRS_MAX; i++) {
        const em_htaccess_t *ht = APR_ARRAY_IDX(facts->htaccess, i,
                                                em_htaccess_t *);
        const char *slash = strrchr(ht->file, '/');
        const char *dir = slash ? apr_pstrmemdup(p, ht->file,
                                                 (apr_size_t)(slash
                                                              - ht->file))
                                : "/";
        size_t best = 0;
        int vhost = -1;

        if (apr_hash_get(seen, dir, APR_HASH_KEY_STRING)) {
            continue;
        }
        apr_hash_set(seen, dir, APR_HASH_KEY_STRING, ht);
        for (int j = 0; j < questions->vhosts->nelts; j++) {
            const em_asked_vhost_t *asked =
                APR_ARRAY_IDX(questions->vhosts, j, em_asked_vhost_t *);
            const char *docroot = asked->vhost->document_root;
            size_t n = docroot ? strlen(docroot) : 0;

            if (n > best && strncmp(dir, docroot, n) == 0
                && (dir[n] == '/' || dir[n] == '\0')) {
                best = n;
                vhost = j;
            }
        }
        if (vhost >= 0) {
            add(questions, EM_ASK_DIR, vhost, dir,
                apr_pstrcat(p, dir + best, "/", NULL),
                apr_pstrcat(p, "ea-mpm-", questions->token, ".txt", NULL),
                p)->htaccess = ht;
        }
    }
}

apr_status_t em_questions_make(em_questions_t **pquestions,
                               const em_facts_t *facts,
                               const apr_array_header_t *php_extensions,
                               const em_rehearse_how_t *how, apr_pool_t *p)
{
    em_questions_t *questions = apr_pcalloc(p, sizeof(*questions));

    questions->token = random_token(p);
    if (!questions->token) {
        return APR_EGENERAL;
    }
    questions->vhosts = apr_array_make(p, 16, sizeof(em_asked_vhost_t *));
    questions->questions = apr_array_make(p, 32, sizeof(em_question_t *));
    pick_vhosts(questions, facts, p);
    for (int i = 0; i < questions->vhosts->nelts; i++) {
        ask_vhost(questions, facts, i, php_extensions, how, p);
    }
    if (how->deep) {
        ask_dirs(questions, facts, p);
    }
    *pquestions = questions;
    return APR_SUCCESS;
}
