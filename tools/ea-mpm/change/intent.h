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
    const em_step_t *step;
    em_image_t before, after;
    const char *before_sha1, *after_sha1;   /* of files, else NULL */
} em_move_t;

typedef struct em_intent_t {
    em_txn_info_t info;
    apr_array_header_t *moves;  /* em_move_t *, in order */
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

#endif /* EM_INTENT_H */
