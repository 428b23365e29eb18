#ifndef EM_WALK_H
#define EM_WALK_H

/* The state of one walk, shared by the files of this room only. */

#include "conf/conf.h"
#include "conf/lex.h"
#include "conf/vars.h"

#define EM_WALK_INCLUDE_DEPTH 128       /* httpd's AP_MAX_INCLUDE_DEPTH */
#define EM_WALK_FILE_MAX (64u * 1024 * 1024)
#define EM_WALK_FILES 100000            /* files and macro uses of a walk */
#define EM_WALK_DIRECTIVES 4000000
#define EM_WALK_EXPANDED (256u * 1024 * 1024)

/* A lexed file or macro use in the cache. */
typedef struct em_lexed_t {
    em_lex_t *lex;
    em_conf_file_t *file;       /* as the last walk came to it */
    struct em_lexed_t *next;    /* other bytes under the same name */
} em_lexed_t;

/* What em_conf_cache() makes. Besides lexed files it owns the directives,
 * sections and files of the walks: where nothing around a line has changed,
 * the next walk takes the same objects again. */
typedef struct em_conf_cache_t {
    apr_pool_t *pool;
    em_view_memo_t *memo;
    apr_hash_t *lexed;          /* path, or macro use -> em_lexed_t * */
    em_directive_t *slab;       /* unused rest of a block of directives */
    int slab_left;
} em_conf_cache_t;

typedef struct em_walk_open_t {
    const em_conf_section_t *section;
    int active_outside;
} em_walk_open_t;

typedef struct em_walk_t {
    const em_conf_how_t *how;
    em_conf_t *conf;
    apr_pool_t *pool;           /* of the result */
    em_vars_t *vars;
    const char *server_root;
    apr_hash_t *sources;        /* names that <IfModule> knows -> "" */
    apr_hash_t *macros;         /* lower case name -> em_macro_t * */
    apr_hash_t *known;          /* directives, made when first asked */
    em_conf_cache_t *cache;
    apr_pool_t *scratch;        /* cleared with every line */
    apr_array_header_t *open;   /* em_walk_open_t: sections now open */
    int base;                   /* of these, how many are other files' */
    const em_conf_section_t *section;   /* innermost */
    int active;                 /* all conditions around hold */
    int depth;                  /* of Include */
    int reads;                  /* files and macro uses so far */
    apr_size_t expanded;        /* text that macros and variables became */
    int stop;                   /* httpd would have given up (recursion) or
                                 * we do (too much): read nothing more */
} em_walk_t;

/* Note a complaint at FILE:LINE. */
void em_walk_note(em_walk_t *w, const char *problem, const char *file,
                  int line, int fatal, const char *fmt, ...)
    __attribute__((format(printf, 6, 7)));

/* Run the lines of a lexed text in the present state. */
void em_walk_lines(em_walk_t *w, em_lex_t *lex, const em_conf_file_t *file);
/* Run a file: sections may not reach over its end. */
void em_walk_file(em_walk_t *w, em_lex_t *lex, const em_conf_file_t *file);

/* The file record of KNOWN, included from FROM at LINE. */
em_conf_file_t *em_walk_file_from(em_walk_t *w, em_lexed_t *known,
                                  const char *path,
                                  const em_conf_file_t *from, int line);

/* Include: read all that NAME matches. FROM is NULL for the main file. */
apr_status_t em_walk_include(em_walk_t *w, const char *name, int optional,
                             const em_conf_file_t *from, int line);

/* Does the condition hold now? *PWHY is set where httpd refuses it. */
int em_walk_holds(em_walk_t *w, em_keyword_t keyword, const char *args,
                  const char **pwhy);
/* A module is loaded from now on. */
void em_walk_loaded(em_walk_t *w, const char *id, const char *so);

/* <Macro> at line I: keep its body. Returns the index of its end line. */
int em_macro_define(em_walk_t *w, const em_lex_t *lex, int i,
                    const em_conf_file_t *file, const char *args);
void em_macro_undefine(em_walk_t *w, const char *args);
void em_macro_use(em_walk_t *w, const char *args, const em_conf_file_t *file,
                  int line);

#endif /* EM_WALK_H */
