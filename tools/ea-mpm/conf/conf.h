#ifndef EM_CONF_H
#define EM_CONF_H

/* The configuration as httpd would read it, read by ourselves: every
 * directive of every file, in httpd's order, with its file and line, the
 * sections around it and whether the conditions around it hold.
 *
 * httpd itself is asked too where it can answer, but a configuration that
 * httpd refuses (no MPM, two MPMs, a missing .so, a syntax error elsewhere)
 * must get a full and right answer, and so must one that does not exist yet:
 * the view may carry a plan's changes, and the walk then tells what the
 * server would see after them. Pure: reads only through the view. */

#include <apr_hash.h>
#include <apr_tables.h>
#include "base/result.h"
#include "base/view.h"

typedef struct em_conf_file_t {
    const char *path;           /* absolute inside the view's root, as httpd
                                 * would name it in a message */
    const struct em_conf_file_t *from;  /* who includes it, NULL: main file */
    int from_line;
    const char *error;          /* why it could not be read, or NULL */
} em_conf_file_t;

/* A section. Conditions (IfModule, IfDefine, IfVersion, IfFile,
 * IfDirective, IfSection) are sections as well, with `condition` set. */
typedef struct em_conf_section_t {
    const char *name;           /* "VirtualHost", "IfModule", ... as written */
    const char *args;           /* "*:80", "!mpm_prefork_module" */
    const em_conf_file_t *file;
    int line;
    const struct em_conf_section_t *parent;
    int active;                 /* the conditions around it hold */
    int condition;              /* 1: one of the If... family */
    int holds;                  /* of a condition: 1 yes, 0 no (or one
                                 * around it fails, so nobody asked) */
} em_conf_section_t;

typedef struct em_directive_t {
    const char *name;           /* as written */
    const char *args;           /* rest of the line: continuations joined,
                                 * ${VAR} replaced, outer blanks gone */
    const em_conf_file_t *file;
    int line;                   /* first physical line, from 1 */
    int last_line;
    const em_conf_section_t *section;   /* innermost, NULL at top level */
    int active;                 /* 1: httpd would execute it */
} em_directive_t;

/* An MPM LoadModule line, active or not, commented or not. */
typedef enum {
    EM_LINE_ACTIVE,
    EM_LINE_COMMENTED,
    EM_LINE_CONDITION       /* written, but a condition around it fails */
} em_line_state_t;

typedef struct em_mpm_line_t {
    const char *mpm;            /* "event" of mpm_event_module */
    const char *id;             /* "mpm_event_module" */
    const char *so;             /* the file name as written */
    const em_conf_file_t *file;
    int line;
    em_line_state_t state;
    const em_conf_section_t *section;   /* around it, NULL at top level */
} em_mpm_line_t;

/* A complaint of the walk itself: a file that cannot be read, an Include
 * that matches nothing, a section that is not closed, recursion. */
typedef struct em_conf_note_t {
    const char *problem;        /* "include-missing", "section-unclosed" ... */
    const char *file;
    int line;
    const char *message;
    int fatal;                  /* httpd would refuse it as well */
} em_conf_note_t;

typedef struct em_conf_t {
    apr_array_header_t *files;      /* em_conf_file_t *, order of reading;
                                     * a file included twice stands twice */
    apr_array_header_t *directives; /* em_directive_t *, order of reading,
                                     * inactive ones too; what macros
                                     * became stands at their Use, with the
                                     * lines of their definition */
    apr_array_header_t *sections;   /* em_conf_section_t *, order of
                                     * reading, inactive ones too */
    apr_array_header_t *mpm_lines;  /* em_mpm_line_t *; of a file that is
                                     * included twice, twice */
    apr_array_header_t *notes;      /* em_conf_note_t * */
    apr_array_header_t *open_dirs;  /* const char *: directories of which
                                     * every file is read, dot files too; one
                                     * may stand there several times */
    apr_hash_t *modules;            /* id -> em_directive_t * of the active
                                     * LoadModule that loads it */
    apr_hash_t *defines;            /* name -> value after the walk */
    apr_hash_t *env_asked;          /* names of ${VAR} that only the
                                     * environment could know */
} em_conf_t;

/* What the walk needs to know of the server. */
typedef struct em_conf_how_t {
    const em_view_t *view;
    const char *server_root;        /* before any ServerRoot directive */
    const char *config_file;        /* absolute */
    int version[3];                 /* for IfVersion: 2, 4, 57 */
    const char *const *env;         /* K=V, for ${VAR}; NULL-terminated */
    const char *const *defines;     /* -D names, NULL-terminated or NULL */
    const char *const *before;      /* -C lines, NULL-terminated or NULL */
    const char *const *after;       /* -c lines */
    const char *const *static_modules;  /* "core.c", "mod_so.c", ... (-l) */
    /* The source name ("mod_ssl.c") of a module file, for IfModule with file
     * names; NULL or returning NULL: "mod_" id-without-"_module" ".c" and
     * the known exceptions (prefork.c ..., mod_php7.c). */
    const char *(*source_name)(void *baton, const char *id, const char *so);
    void *baton;
    void *cache;                    /* of lexed files, from em_conf_cache(),
                                     * shared by several walks; or NULL */
} em_conf_how_t;

/* A cache for several walks over (nearly) the same tree at one moment: a
 * file is read from disk and lexed once. What the walks return lives as long
 * as the cache's pool and theirs. */
void *em_conf_cache(apr_pool_t *p);

/* Walk the configuration. Broken configurations give notes, not errors; the
 * status fails only where the main file cannot be read at all. */
apr_status_t em_conf_read(em_conf_t **pconf, const em_conf_how_t *how,
                          em_result_t *res, apr_pool_t *p);

/* The I-th word of ARGS with httpd's quoting rules, or NULL. */
const char *em_conf_word(const char *args, int i, apr_pool_t *p);
/* ARGS behind its first N words. */
const char *em_conf_rest(const char *args, int n);
/* The next active directive NAME (any case) at or after *PI; advances *PI
 * behind it. NULL at the end. */
const em_directive_t *em_conf_next(const em_conf_t *conf, const char *name,
                                   int *pi);
/* The innermost enclosing section NAME ("VirtualHost") of a directive. */
const em_conf_section_t *em_conf_within(const em_directive_t *d,
                                        const char *name);
/* Is the directive inside a condition that names one of the MPMs, so that it
 * is read under that MPM only? */
int em_conf_guarded(const em_directive_t *d);

#endif /* EM_CONF_H */
