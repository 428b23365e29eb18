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
    const char *units;          /* blank-separated unit names, likeliest
                                 * first */
    const char *mpm_file;       /* where an MPM LoadModule line belongs when
                                 * none is there to uncomment */
    const char *sysconfig;      /* file with OPTIONS, defines, HTTPD= ... */
    const char *container;      /* non-NULL: an image without init; says
                                 * which */
} em_layout_t;

const char *em_mechanism_name(em_mechanism_id_t id);

#endif /* EM_LAYOUT_H */
