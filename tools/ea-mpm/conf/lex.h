#ifndef EM_LEX_H
#define EM_LEX_H

/* The bytes of a configuration file as logical lines, by httpd's rules
 * (server/util.c ap_cfg_getline): continuations joined, outer blanks gone,
 * comments and empty lines dropped. Nothing here depends on the state of a
 * walk, so that a file is lexed once for all walks. */

#include <apr_pools.h>
#include <apr_errno.h>

/* Lines that change how the rest is read. */
typedef enum {
    EM_KW_NONE,
    EM_KW_INCLUDE, EM_KW_INCLUDEOPTIONAL, EM_KW_LOADMODULE, EM_KW_DEFINE,
    EM_KW_UNDEFINE, EM_KW_SERVERROOT, EM_KW_USE, EM_KW_UNDEFMACRO,
    EM_KW_IFMODULE, EM_KW_IFDEFINE, EM_KW_IFVERSION, EM_KW_IFFILE,
    EM_KW_IFDIRECTIVE, EM_KW_IFSECTION, EM_KW_MACRO,
    EM_KW_FOREIGN               /* holds another language: <Perl>, <Lua... */
} em_keyword_t;

typedef enum {
    EM_LEX_PLAIN, EM_LEX_OPEN, EM_LEX_CLOSE,
    EM_LEX_VARS,                /* has a "$": args is the whole text; split
                                 * again after the variables are replaced */
    EM_LEX_MPM                  /* a commented LoadModule of an MPM */
} em_lex_kind_t;

typedef struct em_lex_line_t {
    const char *name;           /* of a section without "<" and ">" */
    const char *args;           /* of a section without the last ">" */
    unsigned begin, end;        /* offsets into the file */
    int line, last_line;
    unsigned char kind;         /* em_lex_kind_t */
    unsigned char keyword;      /* em_keyword_t */
    unsigned char odd;          /* a section tag without its ">", or with
                                 * something behind it */
    /* What the last walk made of the line, for the next one: the same again
     * where nothing around it has changed. */
    const void *made;           /* em_directive_t or em_conf_section_t */
    struct em_lex_line_t *resolved; /* of EM_LEX_VARS: split */
    const char *text;           /* ... and what it was split from */
} em_lex_line_t;

typedef struct em_lex_t {
    const char *src;            /* the file's bytes, untouched */
    apr_size_t len;
    em_lex_line_t *lines;
    int count;
    int last_line;              /* number of the file's last line */
    int too_long;               /* number of a line that httpd refuses for
                                 * its length, 0: none */
    int too_many;               /* more than EM_LEX_LINES; the rest is not
                                 * read */
} em_lex_t;

#define EM_LEX_LINE_MAX (16 * 1024 * 1024)  /* httpd's VARBUF_MAX_LEN */
#define EM_LEX_LINES 4000000                /* lines of one file we keep */

/* Lex LEN bytes; DATA must live as long as the result. FIRST is the number
 * of the first line. */
em_lex_t *em_lex(const char *data, apr_size_t len, int first, apr_pool_t *p);

/* Split one logical line, which is changed in place. 0: it is empty. */
int em_lex_split(em_lex_line_t *line, char *text, apr_pool_t *p);

#endif /* EM_LEX_H */
