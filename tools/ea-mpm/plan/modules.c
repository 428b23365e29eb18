#include "plan/draft.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <apr_lib.h>
#include <apr_strings.h>

#define ROUNDS 32               /* of settling; each takes a line away */

int em_is_itk(const char *mpm)
{
    return strcmp(mpm, "itk") == 0 || strcmp(mpm, "itkish") == 0;
}

int em_is_mpm(const char *mpm)
{
    return !em_is_itk(mpm);
}

const char *em_mpm_of(const char *id, apr_pool_t *p)
{
    apr_size_t len = strlen(id);

    if (len <= 11 || strncmp(id, "mpm_", 4) != 0
        || strcmp(id + len - 7, "_module") != 0) {
        return NULL;
    }
    return apr_pstrmemdup(p, id + 4, len - 11);
}

const char *em_module_name(const char *typed, apr_pool_t *p)
{
    static const char *const backs[] = {".so", ".load", ".c", "_module"};
    char *s = apr_pstrdup(p, strncmp(typed, "mod_", 4) == 0 ? typed + 4
                                                            : typed);

    for (size_t i = 0; i < sizeof(backs) / sizeof(*backs); i++) {
        apr_size_t len = strlen(s), back = strlen(backs[i]);

        if (len > back && strcmp(s + len - back, backs[i]) == 0) {
            s[len - back] = '\0';
        }
    }
    return s;
}

/* ---- files ---- */

const char *em_so_path(const em_facts_t *facts, const char *so,
                       apr_pool_t *p)
{
    return *so == '/' ? so
                      : apr_pstrcat(p, facts->httpd.server_root, "/", so,
                                    NULL);
}

const char *em_so_text(const em_draft_t *draft, const char *file,
                       const char *like)
{
    const char *base = strrchr(file, '/'), *slash, *text;
    const char *real, *wanted;

    base = base ? base + 1 : file;
    if (!like) {
        like = "modules/";
    }
    slash = strrchr(like, '/');
    text = slash ? apr_pstrcat(draft->pool,
                               apr_pstrmemdup(draft->pool, like,
                                              (apr_size_t)(slash + 1 - like)),
                               base, NULL)
                 : file;
    if (em_view_real(&real, draft->facts->view,
                     em_so_path(draft->facts, text, draft->pool),
                     draft->pool) == APR_SUCCESS
        && em_view_real(&wanted, draft->facts->view, file, draft->pool)
           == APR_SUCCESS
        && strcmp(real, wanted) == 0) {
        return text;
    }
    return file;
}

/* ---- installed ---- */

static const em_package_names_t itk_packages = {
    .apt = "libapache2-mpm-itk", .dnf = "httpd-itk", .apk = NULL,
};
static const em_package_names_t mpm_packages = {
    .apt = "apache2-bin", .dnf = "httpd", .pacman = "apache",
    .apk = "apache2",
};

static const em_installed_t *find_installed(const em_draft_t *draft,
                                            const char *mpm)
{
    const apr_array_header_t *list = draft->facts->installed;
    const em_installed_t *found = NULL;

    for (int i = 0; list && i < list->nelts; i++) {
        const em_installed_t *one
            = APR_ARRAY_IDX(list, i, const em_installed_t *);

        if (strcmp(mpm, "itk") == 0 ? !em_is_itk(one->mpm)
                                    : strcmp(one->mpm, mpm) != 0) {
            continue;
        }
        if (draft->want.itk_id && strcmp(mpm, "itk") == 0
            && strcmp(one->id, draft->want.itk_id) != 0) {
            continue;
        }
        /* itkish before the other where both are there. */
        if (!found || strcmp(one->id, "mpm_itkish_module") == 0) {
            found = one;
        }
    }
    return found;
}

const em_installed_t *em_need_installed(em_draft_t *draft, const char *mpm)
{
    const em_installed_t *one = find_installed(draft, mpm);
    int itk = strcmp(mpm, "itk") == 0;
    const char *command;

    if (one) {
        return one;
    }
    command = em_install_command(draft->facts,
                                 itk ? &itk_packages : &mpm_packages,
                                 draft->pool);
    em_draft_impossible(
        draft, "mpm-not-installed",
        "%s in %s. %s%s%s",
        itk ? "Neither mod_mpm_itkish nor mpm_itk is"
            : apr_psprintf(draft->pool, "mod_mpm_%s.so is not", mpm),
        draft->facts->modules_dir ? draft->facts->modules_dir
                                  : "the module directory",
        itk ? "Install mod_mpm_itkish" : "Install it",
        command ? itk ? ", or the older module with: " : ": " : "",
        command ? command
                : itk ? "" : ", or build httpd with "
                             "--enable-mpms-shared=all");
    return NULL;
}

/* ---- taking modules away ---- */

/* httpd said, or the file's symbols did, that this line names a module which
 * its file does not have. */
static int is_mismatch(const em_draft_t *draft, const char *id,
                       const em_directive_t *line)
{
    const apr_array_header_t *list = draft->facts->modules;
    int original = em_draft_original(draft, line->file->path, line->line);

    for (int i = 0; list && i < list->nelts; i++) {
        const em_module_t *module
            = APR_ARRAY_IDX(list, i, const em_module_t *);

        if (module->mismatch && strcmp(module->id, id) == 0 && module->file
            && module->line == original
            && strcmp(module->file, line->file->path) == 0) {
            return 1;
        }
    }
    return 0;
}

/* A line for the right MPM that httpd would choke on. */
static int is_broken(const em_draft_t *draft, const char *id,
                     const em_directive_t *line)
{
    const char *so = em_conf_word(line->args, 1, draft->pool);

    return !so
           || !em_view_exists(draft->facts->view,
                              em_so_path(draft->facts, so, draft->pool),
                              draft->pool)
           || is_mismatch(draft, id, line);
}

int em_wrong_mpm(const em_draft_t *draft, const char *id,
                 const em_directive_t *line, const void *baton)
{
    const char *mpm = em_mpm_of(id, draft->pool);
    const em_want_t *want = &draft->want;

    (void)baton;
    if (!mpm) {
        return 0;
    }
    if (em_is_itk(mpm)) {
        return !want->itk || (want->itk_id && strcmp(id, want->itk_id) != 0)
               || is_broken(draft, id, line);
    }
    return strcmp(mpm, want->mpm) != 0 || is_broken(draft, id, line);
}

int em_wrong_id(const em_draft_t *draft, const char *id,
                const em_directive_t *line, const void *baton)
{
    (void)draft;
    (void)line;
    for (const char *const *ids = baton; *ids; ids++) {
        if (strcmp(*ids, id) == 0) {
            return 1;
        }
    }
    return 0;
}

static const char *disable_why(const char *id, apr_pool_t *p)
{
    apr_size_t len = strlen(id);

    return apr_pstrcat(p, "disable ",
                       len > 7 && strcmp(id + len - 7, "_module") == 0
                           ? apr_pstrmemdup(p, id, len - 7) : id, NULL);
}

apr_status_t em_settle(em_conf_t **pconf, em_draft_t *draft,
                       em_wrong_fn *wrong, const void *baton,
                       em_result_t *res)
{
    for (int round = 0; round < ROUNDS; round++) {
        int before = draft->edits->nelts, i = 0;
        const em_directive_t *d;
        em_conf_t *conf;
        apr_status_t rv = em_draft_conf(&conf, draft, res);

        if (rv != APR_SUCCESS) {
            return rv;
        }
        while ((d = em_conf_next(conf, "LoadModule", &i)) != NULL) {
            const char *id = em_conf_word(d->args, 0, draft->pool);
            const char *file = d->file->path;
            int line = em_draft_original(draft, file, d->line);

            if (!id || line < 1 || !wrong(draft, id, d, baton)) {
                continue;
            }
            rv = em_draft_edit(draft, EM_EDIT_COMMENT, file, line, NULL,
                               disable_why(id, draft->pool));
            if (rv != APR_SUCCESS) {
                return em_result_fail(res, rv, EM_EXIT_FAILED, "plan-failed",
                                      "cannot find %s: ", file);
            }
        }
        if (draft->edits->nelts == before) {
            *pconf = conf;
            return APR_SUCCESS;
        }
    }
    return em_result_fail(res, APR_EGENERAL, EM_EXIT_FAILED, "plan-failed",
                          "the configuration loads modules in more ways "
                          "than can be followed");
}

int em_conf_reaches(const em_conf_t *conf, const em_want_t *want)
{
    int found = 0, itk = 0;

    for (int i = 0; i < conf->mpm_lines->nelts; i++) {
        const em_mpm_line_t *line
            = APR_ARRAY_IDX(conf->mpm_lines, i, em_mpm_line_t *);

        if (line->state != EM_LINE_ACTIVE) {
            continue;
        }
        if (em_is_itk(line->mpm)) {
            itk = 1;
        }
        else if (strcmp(line->mpm, want->mpm) == 0) {
            found = 1;
        }
        else {
            return 0;
        }
    }
    return found && itk == want->itk;
}

/* ---- what follows ---- */

static int by_bytes(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* Ids that are in A and not in B, sorted, without MPMs and those told. */
static apr_array_header_t *missing(const em_draft_t *draft, apr_hash_t *a,
                                   apr_hash_t *b)
{
    apr_pool_t *p = draft->pool;
    apr_array_header_t *ids = apr_array_make(p, 8, sizeof(const char *));

    for (apr_hash_index_t *h = apr_hash_first(p, a); h;
         h = apr_hash_next(h)) {
        const char *id = apr_hash_this_key(h);

        if (!apr_hash_get(b, id, APR_HASH_KEY_STRING)
            && !apr_hash_get(draft->told, id, APR_HASH_KEY_STRING)
            && !em_mpm_of(id, p)) {
            APR_ARRAY_PUSH(ids, const char *) = id;
        }
    }
    qsort(ids->elts, (size_t)ids->nelts, sizeof(const char *), by_bytes);
    return ids;
}

static int has(const apr_array_header_t *ids, const char *id)
{
    for (int i = 0; i < ids->nelts; i++) {
        if (strcmp(APR_ARRAY_IDX(ids, i, const char *), id) == 0) {
            return 1;
        }
    }
    return 0;
}

void em_tell_followers(em_draft_t *draft, const em_conf_t *after)
{
    static const char because[] = "follows the MPM in this configuration";
    const em_conf_t *before = draft->facts->conf;
    apr_array_header_t *gone = missing(draft, before->modules,
                                       after->modules);
    apr_array_header_t *come = missing(draft, after->modules,
                                       before->modules);

    for (int i = 0; i < gone->nelts; i++) {
        const char *id = APR_ARRAY_IDX(gone, i, const char *);
        const char *other = strcmp(id, "cgi_module") == 0 ? "cgid_module"
                            : strcmp(id, "cgid_module") == 0 ? "cgi_module"
                                                             : NULL;

        if (other && has(come, other)) {
            em_draft_tell(draft, id, id,
                          apr_pstrcat(draft->pool, "replaced by ", other,
                                      NULL), because);
            apr_hash_set(draft->told, other, APR_HASH_KEY_STRING, other);
        }
        else {
            em_draft_tell(draft, id, id, "disabled", because);
        }
    }
    for (int i = 0; i < come->nelts; i++) {
        const char *id = APR_ARRAY_IDX(come, i, const char *);

        if (!apr_hash_get(draft->told, id, APR_HASH_KEY_STRING)) {
            em_draft_tell(draft, id, id, "enabled", because);
        }
    }
}

/* ---- PHP ---- */

const char *const em_php_ids[] = {
    "php_module", "php7_module", "php5_module", "php8_module", "php4_module",
    NULL
};

int em_is_php_id(const char *id)
{
    return em_wrong_id(NULL, id, NULL, em_php_ids);
}

static int mentions(const char *text, const char *word)
{
    apr_size_t len = strlen(word);

    for (; text && *text; text++) {
        if (strncasecmp(text, word, len) == 0) {
            return 1;
        }
    }
    return 0;
}

static int is_about_php(const em_directive_t *d)
{
    int php = mentions(d->args, "php");

    for (const em_conf_section_t *s = d->section; s && !php; s = s->parent) {
        php = !s->condition && mentions(s->args, "php");
    }
    return php;
}

const char *em_fpm_handler(const em_conf_t *conf)
{
    static const char *const names[] = {
        "SetHandler", "ProxyPassMatch", "ProxyPass", "RewriteRule",
        "AddHandler", "FcgidWrapper"
    };

    for (size_t n = 0; n < sizeof(names) / sizeof(*names); n++) {
        const em_directive_t *d;
        int i = 0;

        while ((d = em_conf_next(conf, names[n], &i)) != NULL) {
            if (mentions(d->args, "fcgi://") && is_about_php(d)) {
                return d->args;
            }
        }
    }
    return NULL;
}

int em_fpm_installed(const em_facts_t *facts, apr_pool_t *p)
{
    static const char *const patterns[] = {
        "/usr/sbin/php-fpm*", "/usr/bin/php-fpm*", "/usr/local/sbin/php-fpm*",
        "/opt/remi/php*/root/usr/sbin/php-fpm", "/opt/lampp/sbin/php-fpm*",
        "/opt/bitnami/php/sbin/php-fpm*"
    };

    for (size_t i = 0; i < sizeof(patterns) / sizeof(*patterns); i++) {
        apr_array_header_t *paths;

        if (em_view_glob(&paths, facts->view, patterns[i], p) == APR_SUCCESS
            && paths->nelts > 0) {
            return 1;
        }
    }
    return 0;
}
