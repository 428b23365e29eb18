#ifndef EM_LAYOUT_H
#define EM_LAYOUT_H

/* A layout: how a distribution arranges httpd, and by which mechanism its MPM
 * is changed. Recognised by what is there, never by the name of the
 * distribution. Adding a layout is adding a row of data. */

#include <apr_tables.h>
#include "base/view.h"

typedef enum {
    EM_MECH_LOADMODULE,         /* LoadModule lines */
    EM_MECH_LINKS,              /* Debian: mods-enabled links and markers */
    EM_MECH_PACKAGES,           /* EasyApache 4: a package transaction */
    EM_MECH_BINARY,             /* SUSE, RHEL 6: another binary */
    EM_MECH_REBUILD             /* static MPM */
} em_mechanism_id_t;

typedef struct em_layout_t {
    const char *id;             /* "debian", "el", "ea4", "suse", "source" */
    const char *title;          /* "Debian and Ubuntu" */
    em_mechanism_id_t mechanism;
    const char *binary;         /* absolute paths; NULL = derived */
    const char *server_root;
    const char *config_file;
    const char *modules_dir;
    const char *ctl;
    const char *control;        /* the layout's own command, used before CTL
                                 * where it is there: "FILE|words to
                                 * start|words to stop"; the words to stop
                                 * are empty where a signal does as well */
    const char *units;          /* blank-separated unit names, likeliest
                                 * first */
    const char *mpm_file;       /* where an MPM LoadModule line belongs when
                                 * none is there to uncomment */
    const char *sysconfig;      /* file with OPTIONS, defines, HTTPD= ... */
    const char *mpm_variable;   /* of sysconfig, names the MPM's program:
                                 * "APACHE_MPM", "HTTPD"; or NULL */
    const char *mpm_packages;   /* "itk=httpd-itk ...": packages that bring an
                                 * MPM (RPM spelling), or NULL */
    const char *container;      /* non-NULL: an image without init; says
                                 * which */
} em_layout_t;

/* A layout and how it is recognised. */
typedef struct em_layout_row_t {
    em_layout_t layout;
    /* Blank-separated conditions that must all hold: "/path" is there,
     * "!/path" is not, "/path~TEXT" is a file that contains TEXT. */
    const char *evidence;
} em_layout_row_t;

/* The rows, most particular first; NULL behind the last. */
const em_layout_row_t *em_layout_row(int i);

/* What the caller prescribes; NULL = whatever is found. */
typedef struct em_layout_how_t {
    const char *httpd;          /* absolute, inside the root */
    const char *conf;           /* absolute */
    const char *instance;
} em_layout_how_t;

/* The layout of the tree that VIEW shows, with the paths of the instance and
 * of the files that the layout itself keeps (EasyApache's paths.conf) put
 * in, and a sentence about the evidence. Where nothing is recognised the
 * layout is "source", whose paths are derived from the binary. A --conf that
 * names an instance's file becomes HOW->instance. */
const em_layout_t *em_layout_find(const char **pevidence,
                                  const em_view_t *view,
                                  em_layout_how_t *how, apr_pool_t *p);

/* What starts the server where no init system does: CONTROL's file when it
 * can be run, else CTL when it is there, else NULL. */
const char *em_layout_ctl(const em_layout_t *layout, const em_view_t *view,
                          apr_pool_t *p);
/* The command line of CTL (from em_layout_ctl) to start, or to stop, as words
 * (NULL-terminated). NULL: it is not to be called. */
const char *const *em_layout_command(const em_layout_t *layout,
                                     const char *ctl, int start,
                                     apr_pool_t *p);

const char *em_mechanism_name(em_mechanism_id_t id);

#endif /* EM_LAYOUT_H */
