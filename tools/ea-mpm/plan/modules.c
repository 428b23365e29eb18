#include "plan/draft.h"

#include <string.h>

#include <apr_strings.h>

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
