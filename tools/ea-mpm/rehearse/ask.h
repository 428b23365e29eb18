#ifndef EM_ASK_H
#define EM_ASK_H

/* What is asked inside, the same under both configurations. */

#include "rehearse/rehearse.h"
#include "service/http.h"

typedef enum {
    EM_ASK_STATIC,              /* a probe file in the document root */
    EM_ASK_PHP,                 /* a probe script there */
    EM_ASK_ROOT,                /* "/" */
    EM_ASK_DIR                  /* a probe file beside a .htaccess */
} em_ask_kind_t;

/* What an answer to a PHP probe is. */
typedef enum {
    EM_PHP_NONE,                /* neither run nor shown: 403, 404, 302 ... */
    EM_PHP_OK,                  /* its computed token came back */
    EM_PHP_SOURCE,              /* its source text came back */
    EM_PHP_FAILED,              /* 5xx or no answer */
    EM_PHP_NOT_PROBED           /* no php-fpm could be started for it */
} em_php_t;

typedef struct em_question_t {
    em_ask_kind_t kind;
    int vhost;                  /* index into em_questions_t.vhosts */
    const char *dir;            /* absolute: where the probe file goes */
    const char *file;           /* its name, or NULL (ROOT) */
    const char *path;           /* of the URL */
    const em_htaccess_t *htaccess;      /* of DIR: one of its directives */
} em_question_t;

typedef struct em_asked_vhost_t {
    const em_vhost_t *vhost;
    const em_addr_t *addr;
} em_asked_vhost_t;

typedef struct em_questions_t {
    const char *token;                  /* random, of this rehearsal */
    apr_array_header_t *vhosts;         /* em_asked_vhost_t * */
    apr_array_header_t *questions;      /* em_question_t * */
    int of;                             /* vhosts there are */
} em_questions_t;

/* Make the questions. PHP_EXTENSIONS (const char *, "php") is empty where no
 * configuration maps PHP. */
apr_status_t em_questions_make(em_questions_t **pquestions,
                               const em_facts_t *facts,
                               const apr_array_header_t *php_extensions,
                               const em_rehearse_how_t *how, apr_pool_t *p);
/* The bytes of a question's probe file. */
const char *em_question_content(const em_question_t *question,
                                const char *token, apr_pool_t *p);
/* What the answer to a PHP probe says. Pure. */
em_php_t em_php_judge(const char *token, int status, const char *body,
                      apr_size_t len);
const char *em_php_name(em_php_t php);

#endif /* EM_ASK_H */
