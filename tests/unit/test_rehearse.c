/* What the rehearsal asks for, and what it makes of the answers. */

#include <fcntl.h>
#include <unistd.h>

#include "rehearse/candidate.h"
#include "rehearse/judge.h"
#include "rehearse/php.h"
#include "unit.h"

/* -- a configuration read from text -------------------------------------- */

static em_conf_t *conf_of(const char *text)
{
    char dir[] = "/tmp/ea-mpm-unit-XXXXXX";
    em_conf_how_t how = {.version = {2, 4, 57}};
    em_result_t *res = em_result_make(pool);
    const char *path;
    em_conf_t *conf;
    em_view_t *view;
    int fd;

    assert_non_null(mkdtemp(dir));
    path = apr_pstrcat(pool, dir, "/httpd.conf", NULL);
    fd = open(path, O_CREAT | O_WRONLY, 0600);
    assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
    close(fd);
    assert_int_equal(em_view_open(&view, "/", pool), APR_SUCCESS);
    how.view = view;
    how.server_root = apr_pstrdup(pool, dir);
    how.config_file = path;
    assert_int_equal(em_conf_read(&conf, &how, res, pool), APR_SUCCESS);
    unlink(path);
    rmdir(dir);
    return conf;
}

static void php_mappings_are_found(void **state)
{
    em_php_map_t *map = em_php_map(conf_of(
        "AddHandler application/x-httpd-php .php .phtml\n"
        "AddType text/html .shtml\n"
        "<FilesMatch \"\\.ph(p|tml)$\">\n"
        "SetHandler \"proxy:unix:/run/php/a.sock|fcgi://localhost\"\n"
        "</FilesMatch>\n"
        "ProxyPassMatch ^/(.*\\.php)$ fcgi://127.0.0.1:9000/var/www/$1\n"
        "<IfDefine NEVER>\nSetHandler proxy:fcgi://127.0.0.1:1\n</IfDefine>\n"
        ), pool);

    (void)state;
    assert_int_equal(map->extensions->nelts, 2);
    assert_string_equal(APR_ARRAY_IDX(map->extensions, 0, const char *),
                        "php");
    assert_string_equal(APR_ARRAY_IDX(map->extensions, 1, const char *),
                        "phtml");
    assert_int_equal(map->backends->nelts, 2);
    assert_string_equal(APR_ARRAY_IDX(map->backends, 0, const char *),
                        "/run/php/a.sock");
    assert_string_equal(APR_ARRAY_IDX(map->backends, 1, const char *),
                        "127.0.0.1:9000");
}

static void a_server_without_php_is_not_asked_for_it(void **state)
{
    em_php_map_t *map = em_php_map(conf_of("AddType text/html .html\n"
                                           "SetHandler server-status\n"),
                                   pool);

    (void)state;
    assert_int_equal(map->extensions->nelts, 0);
    assert_int_equal(map->backends->nelts, 0);
}

static void pools_of_php_fpm_are_found(void **state)
{
    char dir[] = "/tmp/ea-mpm-unit-XXXXXX";
    const char *main_, *pool_, *text;
    apr_array_header_t *listens;
    int fd;

    (void)state;
    assert_non_null(mkdtemp(dir));
    main_ = apr_pstrcat(pool, dir, "/fpm.conf", NULL);
    pool_ = apr_pstrcat(pool, dir, "/a.pool", NULL);
    text = apr_psprintf(pool, "; listen = /no\n[global]\npid = /x\n"
                        "include=%s/*.pool\n", dir);
    fd = open(main_, O_CREAT | O_WRONLY, 0600);
    assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
    close(fd);
    text = "[www]\nlisten = /run/$pool.sock\nlisten.owner = me\n[b]\n"
           "listen=9001\n[c]\nlisten = \"*:9002\"\n";
    fd = open(pool_, O_CREAT | O_WRONLY, 0600);
    assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
    close(fd);
    listens = em_fpm_listens(main_, pool);
    unlink(main_);
    unlink(pool_);
    rmdir(dir);
    assert_int_equal(listens->nelts, 3);
    assert_string_equal(APR_ARRAY_IDX(listens, 0, const char *),
                        "/run/www.sock");
    assert_string_equal(APR_ARRAY_IDX(listens, 1, const char *),
                        "127.0.0.1:9001");
    assert_string_equal(APR_ARRAY_IDX(listens, 2, const char *),
                        "127.0.0.1:9002");
}

/* -- the candidate ------------------------------------------------------- */

static void the_candidate_is_one_file_with_its_sections(void **state)
{
    apr_array_header_t *origins;
    em_conf_t *conf = conf_of("Listen 80\n<VirtualHost *:80>\n"
                              "<IfVersion >= 2.4>\nServerName a\n"
                              "</IfVersion>\n<Directory /x>\nOptions None\n"
                              "</Directory>\n</VirtualHost>\n"
                              "<IfDefine NO>\nBogus on\n</IfDefine>\n"
                              "<VirtualHost *:80>\nServerName b\n"
                              "</VirtualHost>\n");

    (void)state;
    assert_string_equal(em_candidate_text(conf, &origins, pool),
                        "Listen 80\n<VirtualHost *:80>\nServerName a\n"
                        "<Directory /x>\nOptions None\n</Directory>\n"
                        "</VirtualHost>\n<VirtualHost *:80>\nServerName b\n"
                        "</VirtualHost>\n");
    assert_int_equal(origins->nelts, 10);
    assert_int_equal(APR_ARRAY_IDX(origins, 2,
                                   const em_directive_t *)->line, 4);
    assert_null(APR_ARRAY_IDX(origins, 1, const em_directive_t *));
}

/* -- answers ------------------------------------------------------------- */

static void php_answers_are_told_apart(void **state)
{
    em_question_t q = {.kind = EM_ASK_PHP};
    const char *source = em_question_content(&q, "abc123", pool);
    const char *ok = "x\r\nea-mpm-abc123-computed\r\n";

    (void)state;
    assert_int_equal(em_php_judge("abc123", 200, source, strlen(source)),
                     EM_PHP_SOURCE);
    assert_int_equal(em_php_judge("abc123", 200, ok, strlen(ok)), EM_PHP_OK);
    assert_int_equal(em_php_judge("abc123", 404, "gone", 4), EM_PHP_NONE);
    assert_int_equal(em_php_judge("abc123", 503, "", 0), EM_PHP_FAILED);
    assert_int_equal(em_php_judge("abc123", 0, NULL, 0), EM_PHP_FAILED);
    /* Another rehearsal's file is nobody's proof. */
    assert_int_equal(em_php_judge("fff", 200, ok, strlen(ok)), EM_PHP_NONE);
}

static em_vhost_t vhost = {.name = "a.test", .port = 80, .file = "/a.conf",
                           .line = 7};
static em_addr_t addr = {.port = 80, .text = "127.0.0.1:80"};
static em_asked_vhost_t asked = {&vhost, &addr};
static em_question_t static_q = {.kind = EM_ASK_STATIC, .path = "/x.txt"};
static em_question_t php_q = {.kind = EM_ASK_PHP, .path = "/x.php"};

static em_questions_t *questions_of_one_vhost(void)
{
    em_questions_t *q = apr_pcalloc(pool, sizeof(*q));

    q->token = "t";
    q->of = 1;
    q->vhosts = apr_array_make(pool, 1, sizeof(em_asked_vhost_t *));
    q->questions = apr_array_make(pool, 2, sizeof(em_question_t *));
    APR_ARRAY_PUSH(q->vhosts, em_asked_vhost_t *) = &asked;
    APR_ARRAY_PUSH(q->questions, em_question_t *) = &static_q;
    APR_ARRAY_PUSH(q->questions, em_question_t *) = &php_q;
    return q;
}

static em_stage_t *stage_of(em_phase_t fault, int status, em_php_t php)
{
    em_stage_t *s = apr_pcalloc(pool, sizeof(*s));

    s->fault = fault;
    s->fault_detail = "because";
    s->answers = apr_pcalloc(pool, 2 * sizeof(*s->answers));
    s->answers[0].status = status;
    s->answers[1].status = php == EM_PHP_FAILED ? 500 : 200;
    s->answers[1].php = php;
    s->fatal = apr_array_make(pool, 1, sizeof(const char *));
    s->crashes = apr_array_make(pool, 1, sizeof(const char *));
    s->warnings = apr_array_make(pool, 1, sizeof(const char *));
    s->notes = apr_array_make(pool, 1, sizeof(const char *));
    return s;
}

static em_rehearsal_t *judged(const em_stage_t *now, const em_stage_t *then)
{
    em_rehearsal_t *r = apr_pcalloc(pool, sizeof(*r));

    r->target = "event";
    r->vhosts = apr_array_make(pool, 1, sizeof(em_rehearsed_vhost_t *));
    r->log = apr_array_make(pool, 1, sizeof(const char *));
    r->findings = apr_array_make(pool, 1, sizeof(em_finding_t *));
    em_judge(r, questions_of_one_vhost(), now, then, pool);
    return r;
}

static const em_finding_t *first(const em_rehearsal_t *r)
{
    assert_true(r->findings->nelts > 0);
    return APR_ARRAY_IDX(r->findings, 0, em_finding_t *);
}

static void the_same_answers_pass(void **state)
{
    em_rehearsal_t *r = judged(stage_of(EM_PHASE_NONE, 200, EM_PHP_OK),
                               stage_of(EM_PHASE_NONE, 304, EM_PHP_OK));
    em_rehearsed_vhost_t *row = APR_ARRAY_IDX(r->vhosts, 0,
                                              em_rehearsed_vhost_t *);

    (void)state;
    assert_int_equal(r->result, EM_REHEARSAL_PASSED);
    assert_int_equal(r->findings->nelts, 0);
    assert_int_equal(row->before, 200);
    assert_int_equal(row->after, 304);
    assert_string_equal(row->php, "ok");
    assert_int_equal(r->asked, 1);
}

static void source_text_is_refused_whatever_was_before(void **state)
{
    em_rehearsal_t *r = judged(stage_of(EM_PHASE_NONE, 200, EM_PHP_OK),
                               stage_of(EM_PHASE_NONE, 200, EM_PHP_SOURCE));

    (void)state;
    assert_int_equal(r->result, EM_REHEARSAL_FAILED);
    assert_string_equal(first(r)->problem, "php-source-leak");
    assert_string_equal(first(r)->file, "/a.conf");
    assert_int_equal(first(r)->line, 7);
    r = judged(stage_of(EM_PHASE_START, -1, EM_PHP_NONE),
               stage_of(EM_PHASE_NONE, 200, EM_PHP_SOURCE));
    assert_int_equal(r->result, EM_REHEARSAL_FAILED);
}

static void a_leak_that_is_there_already_only_warns(void **state)
{
    em_rehearsal_t *r = judged(stage_of(EM_PHASE_NONE, 200, EM_PHP_SOURCE),
                               stage_of(EM_PHASE_NONE, 200, EM_PHP_SOURCE));

    (void)state;
    assert_int_equal(r->result, EM_REHEARSAL_PASSED);
    assert_int_equal(first(r)->severity, EM_WARN);
}

static void what_answered_and_stops_is_refused(void **state)
{
    em_rehearsal_t *r = judged(stage_of(EM_PHASE_NONE, 200, EM_PHP_OK),
                               stage_of(EM_PHASE_NONE, 500, EM_PHP_FAILED));

    (void)state;
    assert_int_equal(r->result, EM_REHEARSAL_FAILED);
    assert_int_equal(r->findings->nelts, 2);
    assert_string_equal(first(r)->problem, "vhost-breaks");
    r = judged(stage_of(EM_PHASE_NONE, 503, EM_PHP_FAILED),
               stage_of(EM_PHASE_NONE, 500, EM_PHP_FAILED));
    assert_int_equal(r->result, EM_REHEARSAL_PASSED);
    r = judged(stage_of(EM_PHASE_NONE, 200, EM_PHP_OK),
               stage_of(EM_PHASE_NONE, 200, EM_PHP_NOT_PROBED));
    assert_int_equal(r->result, EM_REHEARSAL_PASSED);
}

static void a_fault_that_is_there_already_is_inconclusive(void **state)
{
    em_rehearsal_t *r = judged(stage_of(EM_PHASE_START, -1, EM_PHP_NONE),
                               stage_of(EM_PHASE_START, -1, EM_PHP_NONE));

    (void)state;
    assert_int_equal(r->result, EM_REHEARSAL_INCONCLUSIVE);
    assert_non_null(strstr(r->why, "because"));
    /* It comes later than the current configuration's: not its fault. */
    r = judged(stage_of(EM_PHASE_START, -1, EM_PHP_NONE),
               stage_of(EM_PHASE_LISTEN, -1, EM_PHP_NONE));
    assert_int_equal(r->result, EM_REHEARSAL_INCONCLUSIVE);
}

static void an_earlier_fault_is_the_switch_s_own(void **state)
{
    em_rehearsal_t *r = judged(stage_of(EM_PHASE_START, -1, EM_PHP_NONE),
                               stage_of(EM_PHASE_CONFIGTEST, -1,
                                        EM_PHP_NONE));

    (void)state;
    assert_int_equal(r->result, EM_REHEARSAL_FAILED);
    assert_string_equal(first(r)->problem, "config-test-failed");
    r = judged(stage_of(EM_PHASE_NONE, 200, EM_PHP_OK),
               stage_of(EM_PHASE_START, -1, EM_PHP_NONE));
    assert_int_equal(r->result, EM_REHEARSAL_FAILED);
    assert_string_equal(first(r)->problem, "start-failed");
}

static void a_target_that_heals_passes(void **state)
{
    em_rehearsal_t *r = judged(stage_of(EM_PHASE_CONFIGTEST, -1,
                                        EM_PHP_NONE),
                               stage_of(EM_PHASE_NONE, 200, EM_PHP_OK));

    (void)state;
    assert_int_equal(r->result, EM_REHEARSAL_PASSED);
}

static void crashes_and_lost_http2_are_told(void **state)
{
    em_stage_t *now = stage_of(EM_PHASE_NONE, 200, EM_PHP_OK);
    em_stage_t *then = stage_of(EM_PHASE_NONE, 200, EM_PHP_OK);
    em_rehearsal_t *r;

    (void)state;
    APR_ARRAY_PUSH(then->warnings, const char *) = "AH10034";
    r = judged(now, then);
    assert_int_equal(r->result, EM_REHEARSAL_PASSED);
    assert_string_equal(first(r)->problem, "http2-inactive");
    APR_ARRAY_PUSH(then->crashes, const char *) = "AH00052 crash";
    r = judged(now, then);
    assert_int_equal(r->result, EM_REHEARSAL_FAILED);
    assert_string_equal(first(r)->problem, "children-crash");
    assert_int_equal(r->log->nelts, 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(php_mappings_are_found),
        cmocka_unit_test(a_server_without_php_is_not_asked_for_it),
        cmocka_unit_test(pools_of_php_fpm_are_found),
        cmocka_unit_test(the_candidate_is_one_file_with_its_sections),
        cmocka_unit_test(php_answers_are_told_apart),
        cmocka_unit_test(the_same_answers_pass),
        cmocka_unit_test(source_text_is_refused_whatever_was_before),
        cmocka_unit_test(a_leak_that_is_there_already_only_warns),
        cmocka_unit_test(what_answered_and_stops_is_refused),
        cmocka_unit_test(a_fault_that_is_there_already_is_inconclusive),
        cmocka_unit_test(an_earlier_fault_is_the_switch_s_own),
        cmocka_unit_test(a_target_that_heals_passes),
        cmocka_unit_test(crashes_and_lost_http2_are_told)
    };

    return cmocka_run_group_tests(tests, pool_up, pool_down);
}
