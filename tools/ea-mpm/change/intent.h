#ifndef EM_INTENT_H
#define EM_INTENT_H

/* What a journal says: the change as a whole, in memory and as JSON. Pure:
 * no file is touched here. The bytes of files are kept beside the JSON
 * (before/N, after/N); it holds their length and digest. */

#include "base/json.h"
#include "change/change.h"
#include "change/image.h"

/* One path going from one image to another. */
typedef struct em_move_t {
    int n;                      /* its number: names of images and asides */
    int over;                   /* its path is one that the packages change:
                                 * `before` is as they leave it, and undoing
                                 * them brings back what was there */
    const em_step_t *step;
    em_image_t before, after;
    const char *before_sha1, *after_sha1;   /* of files, else NULL */
} em_move_t;

/* A path that a package transaction may change: how it was, and how the
 * transaction is expected to leave it. Its `move` goes from the one to the
 * other, but only its way back is ever made. */
typedef struct em_kept_t {
    em_move_t move;             /* n from EM_KEPT_FIRST on */
    int config;                 /* the bytes from before are kept: a
                                 * configuration file, or what a package
                                 * manager may put beside one */
    int expected;               /* `after` is known */
} em_kept_t;
#define EM_KEPT_FIRST 100000

/* A package in the journal. */
typedef struct em_stored_t {
    const char *name;           /* of the file in packages/ */
    const char *path;           /* where it is now, outside; no JSON */
    apr_off_t size;
    const char *sha1;
} em_stored_t;

/* The package transaction of a change. */
typedef struct em_part_t {
    em_step_t *step;            /* the packages' files are the journal's */
    apr_array_header_t *stored; /* em_stored_t *: of what comes, then of what
                                 * goes */
    apr_array_header_t *kept;   /* em_kept_t *, by path */
} em_part_t;

typedef struct em_intent_t {
    em_txn_info_t info;
    apr_array_header_t *moves;  /* em_move_t *, in order */
    em_part_t *packages;        /* NULL: none */
    apr_array_header_t *made;   /* const char *: directories that the change
                                 * makes, outermost first */
    apr_array_header_t *unmade; /* const char *: directories that it removes
                                 * at its end if they are empty, innermost
                                 * first */
} em_intent_t;

const char *em_intent_text(const em_intent_t *intent, apr_pool_t *p);
/* Read it back. Everything is checked: paths, numbers, ids. On failure
 * *PERROR says what is wrong. Images have no bytes yet, files' `data` is
 * NULL and `len` says how many there must be. */
apr_status_t em_intent_parse(em_intent_t **pintent, const char **perror,
                             const char *text, apr_size_t len,
                             apr_pool_t *p);

/* An id names a directory: digits, "T" and "-", not too long. */
int em_id_is_plain(const char *id);
/* The kept path PATH, or NULL. PART may be NULL. */
const em_kept_t *em_kept_at(const em_part_t *part, const char *path);

/* ---- parts of the JSON ---- */

const char *em_bytes_escape(const char *data, apr_size_t len, apr_pool_t *p);
const char *em_path_from(const char *text, apr_pool_t *p);
em_json_t *em_image_json(const em_image_t *image, const char *sha1,
                         apr_pool_t *p);
int em_image_from(em_image_t *image, const char **psha1, const em_json_t *o,
                  apr_pool_t *p);
int em_is_sha1(const char *s);
em_json_t *em_part_json(const em_part_t *part, apr_pool_t *p);
/* NULL: it makes no sense. */
em_part_t *em_part_from(em_step_t *step, const em_json_t *o, apr_pool_t *p);

#endif /* EM_INTENT_H */
