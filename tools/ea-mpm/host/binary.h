#ifndef EM_BINARY_H
#define EM_BINARY_H

/* The httpd program that a variable of a sysconfig file chooses, where each
 * MPM is a program of its own: APACHE_MPM on SUSE (a name), HTTPD on RHEL 5
 * and 6 (a path). Pure: reads only through the view. */

#include "base/view.h"
#include "host/layout.h"

typedef struct em_binary_t {
    const char *file;           /* the program, absolute; NULL: none there */
    const char *value;          /* of the variable; NULL: not set */
    const char *missing;        /* the program that it names and that is not
                                 * there, so that no start works; or NULL */
    const char *by;             /* how FILE was found, a sentence, where the
                                 * variable is empty or not set; or NULL */
} em_binary_t;

/* What LAYOUT (which has an mpm_variable) starts in the tree of VIEW. With
 * a missing program FILE is another one that is there, to read things by. */
void em_binary_choose(em_binary_t *choice, const em_view_t *view,
                      const em_layout_t *layout, apr_pool_t *p);
/* What the variable has to say for the program FILE of MPM. */
const char *em_binary_value(const em_layout_t *layout, const char *mpm,
                            const char *file);

#endif /* EM_BINARY_H */
