#include "plan/draft.h"

#include <string.h>

#include <apr_strings.h>

#include "host/shellvars.h"

/* SUSE names modules in one variable, APACHE_MODULES="actions alias php8":
 * words go and come. */

#define VARIABLE "APACHE_MODULES"

typedef struct words_t {
    em_draft_t *draft;
    apr_array_header_t *words;  /* const char *, NULL: taken out */
    int changed;
} words_t;

static const char *id_of(const words_t *w, const char *name)
{
    return apr_pstrcat(w->draft->pool, name, "_module", NULL);
}

/* "php8" and "mod_php8" both are PHP; other names are equal or not. */
static int is_named(const words_t *w, const char *word, const char *name)
{
    const char *bare = em_module_name(word, w->draft->pool);

    if (strncmp(name, "php", 3) == 0 || strncmp(bare, "php", 3) == 0) {
        return strncmp(name, bare, 3) == 0;
    }
    return strcmp(bare, name) == 0;
}

/* The id of the module that WORD loads now. */
static const char *loaded_id(const words_t *w, const char *name)
{
    if (strncmp(name, "php", 3) == 0) {
        for (const char *const *id = em_php_ids; *id; id++) {
            if (apr_hash_get(w->draft->facts->conf->modules, *id,
                             APR_HASH_KEY_STRING)) {
                return *id;
            }
        }
    }
    return id_of(w, name);
}

/* Returns how many words went. */
static int drop(words_t *w, const char *name)
{
    int gone = 0;

    for (int i = 0; i < w->words->nelts; i++) {
        const char **word = &APR_ARRAY_IDX(w->words, i, const char *);

        if (*word && is_named(w, *word, name)) {
            *word = NULL;
            w->changed = 1;
            gone++;
        }
    }
    return gone;
}

static void add(words_t *w, const char *name)
{
    for (int i = 0; i < w->words->nelts; i++) {
        const char *word = APR_ARRAY_IDX(w->words, i, const char *);

        if (word && is_named(w, word, name)) {
            return;
        }
    }
    APR_ARRAY_PUSH(w->words, const char *) = name;
    w->changed = 1;
}

static apr_status_t go_without(words_t *w, const char *typed,
                               em_result_t *res)
{
    apr_pool_t *p = w->draft->pool;
    const char *name = em_module_name(typed, p);
    const char *id = loaded_id(w, name);

    if (em_is_compiled_in(w->draft, typed)) {
        em_draft_impossible(w->draft, "module-static", "mod_%s is compiled "
                            "into this httpd; --without cannot take it away",
                            name);
    }
    else if (drop(w, name) > 0) {
        em_draft_tell(w->draft, id, id, "disabled",
                      apr_pstrcat(p, "asked by --without ", typed, NULL));
    }
    else if (strncmp(name, "php", 3) != 0) {
        em_result_hint(res, "ea-mpm show");
        return em_result_fail(res, APR_EINVAL, EM_EXIT_USAGE,
                              "module-unknown", "--without %s: no such "
                              "module is in " VARIABLE " of %s", typed,
                              w->draft->facts->layout->sysconfig);
    }
    return APR_SUCCESS;
}

static void go_php_fpm(words_t *w)
{
    static const char because[] = "asked by --with php=fpm";
    static const char *const needed[] = {"proxy", "proxy_fcgi", NULL};
    const char *id = loaded_id(w, "php");

    if (drop(w, "php") > 0) {
        em_draft_tell(w->draft, id, id, "disabled", because);
    }
    for (int i = 0; needed[i]; i++) {
        id = id_of(w, needed[i]);
        if (!apr_hash_get(w->draft->facts->conf->modules, id,
                          APR_HASH_KEY_STRING)) {
            em_draft_tell(w->draft, id, id, "enabled", because);
            add(w, needed[i]);
        }
    }
}

/* The itk modules as the target wants them: none, or the one. */
static void set_itk(words_t *w)
{
    const em_installed_t *itk = w->draft->want.itk
        ? em_need_installed(w->draft, "itk") : NULL;
    const char *wanted = itk ? em_module_name(itk->id, w->draft->pool) : "";

    if (strcmp(wanted, "mpm_itk") != 0) {
        drop(w, "mpm_itk");
    }
    if (strcmp(wanted, "mpm_itkish") != 0) {
        drop(w, "mpm_itkish");
    }
    if (*wanted) {
        add(w, wanted);
    }
}

static const char *value_in(const em_text_t *text, apr_pool_t *p)
{
    em_shellvars_t sh = {apr_table_make(p, 16), NULL, 0};
    const char *value;

    em_shellvars_parse(&sh, text->data, p);
    value = apr_table_get(sh.vars, VARIABLE);
    return value ? value : "";
}

static const char *joined(const words_t *w)
{
    const char *value = "";

    for (int i = 0; i < w->words->nelts; i++) {
        const char *word = APR_ARRAY_IDX(w->words, i, const char *);

        if (word) {
            value = apr_pstrcat(w->draft->pool, value, *value ? " " : "",
                                word, NULL);
        }
    }
    return value;
}

apr_status_t em_word_modules(em_text_t *text, em_draft_t *draft,
                             em_result_t *res)
{
    const em_request_t *request = &draft->plan->request;
    words_t w = {.draft = draft};
    apr_status_t rv = APR_SUCCESS;

    w.words = em_shellvars_split(value_in(text, draft->pool), draft->pool);
    set_itk(&w);
    for (int i = 0; rv == APR_SUCCESS && i < request->without->nelts; i++) {
        rv = go_without(&w, APR_ARRAY_IDX(request->without, i, const char *),
                        res);
    }
    if (rv == APR_SUCCESS && draft->want.php_fpm) {
        go_php_fpm(&w);
    }
    if (rv != APR_SUCCESS || !w.changed) {
        return rv;
    }
    rv = em_edit_setvar(text, *text, VARIABLE, joined(&w), draft->pool);
    if (rv == APR_SUCCESS
        && strcmp(value_in(text, draft->pool), joined(&w)) != 0) {
        em_draft_impossible(draft, "mpm-not-reached", "%s puts " VARIABLE
                            " together in several places, so no edit of "
                            "ea-mpm makes it say \"%s\"; set it by hand",
                            draft->facts->layout->sysconfig, joined(&w));
    }
    return rv;
}
