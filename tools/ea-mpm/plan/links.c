#include "plan/links.h"

#include <string.h>
#include <strings.h>

#include <apr_lib.h>
#include <apr_strings.h>

#define MAX_LOAD (1024 * 1024)
#define MAX_DEPTH 16            /* of dependencies */

static const em_node_t absent = {.kind = EM_NODE_ABSENT};

static const char *join(const em_links_t *links, const char *dir,
                        const char *name, const char *suffix)
{
    return apr_pstrcat(links->draft->pool, dir, "/", name, suffix, NULL);
}

static const em_view_t *view_of(const em_links_t *links)
{
    return links->draft->view;
}

/* ---- directories ---- */

static const char *env_of(const em_facts_t *facts, const char *name)
{
    apr_size_t len = strlen(name);

    for (const char *const *e = facts->httpd.env; e && *e; e++) {
        if (strncmp(*e, name, len) == 0 && (*e)[len] == '='
            && (*e)[len + 1]) {
            return *e + len + 1;
        }
    }
    return NULL;
}

/* The directory that the environment names, or CONFDIR/NAME: as written in
 * *PWRITTEN (if asked for), and really. */
static const char *dir_of(const char **pwritten, const em_draft_t *draft,
                          const char *variable, const char *confdir,
                          const char *name)
{
    const char *dir = env_of(draft->facts, variable), *real;

    if (!dir) {
        dir = apr_pstrcat(draft->pool, confdir, "/", name, NULL);
    }
    if (pwritten) {
        *pwritten = dir;
    }
    return em_view_real(&real, draft->facts->view, dir, draft->pool)
               == APR_SUCCESS ? real : dir;
}

apr_status_t em_links_make(em_links_t **plinks, em_draft_t *draft,
                           em_result_t *res)
{
    em_links_t *links = apr_pcalloc(draft->pool, sizeof(*links));
    const char *confdir = env_of(draft->facts, "APACHE_CONFDIR");
    const char *slash = strrchr(draft->facts->httpd.config_file, '/');

    if (!confdir) {
        confdir = apr_pstrmemdup(
            draft->pool, draft->facts->httpd.config_file,
            (apr_size_t)(slash - draft->facts->httpd.config_file));
    }
    links->draft = draft;
    links->mods_available = dir_of(&links->mods_to, draft,
                                   "APACHE_MODS_AVAILABLE", confdir,
                                   "mods-available");
    links->mods_enabled = dir_of(&links->mods_from, draft,
                                   "APACHE_MODS_ENABLED", confdir,
                                   "mods-enabled");
    links->conf_available = dir_of(&links->conf_to, draft,
                                   "APACHE_CONF_AVAILABLE", confdir,
                                   "conf-available");
    links->conf_enabled = dir_of(&links->conf_from, draft,
                                   "APACHE_CONF_ENABLED", confdir,
                                   "conf-enabled");
    links->state = dir_of(NULL, draft, "APACHE_STATE_DIRECTORY", "/var/lib",
                          "apache2");
    if (!em_view_is_dir(view_of(links), links->mods_available, draft->pool)
        || !em_view_is_dir(view_of(links), links->mods_enabled,
                           draft->pool)) {
        return em_result_fail(res, APR_ENOTDIR, EM_EXIT_FAILED,
                              "layout-broken",
                              "%s and %s are not both directories, as "
                              "Debian's layout has them",
                              links->mods_available, links->mods_enabled);
    }
    *plinks = links;
    return APR_SUCCESS;
}

/* ---- .load files ---- */

static const char *text_of(const em_links_t *links, const char *path)
{
    em_node_t *node;

    return em_view_read(&node, view_of(links), path, MAX_LOAD,
                        links->draft->pool) == APR_SUCCESS
               ? node->data : NULL;
}

/* The words behind "# TYPE:" in the leading comment of a .load file. */
static apr_array_header_t *header_of(const em_links_t *links,
                                     const char *path, const char *type)
{
    apr_pool_t *p = links->draft->pool;
    apr_array_header_t *words = apr_array_make(p, 2, sizeof(const char *));
    const char *mark = apr_pstrcat(p, "# ", type, ":", NULL);
    const char *text = text_of(links, path);
    char *state, *line, *word;

    for (; text && *text; text += *text == '\n') {
        apr_size_t len = strcspn(text, "\n");

        line = apr_pstrmemdup(p, text, len);
        text += len;
        if (strncmp(line, mark, strlen(mark)) == 0
            && apr_isspace(line[strlen(mark)])) {
            for (word = apr_strtok(line + strlen(mark), " \t\r", &state);
                 word; word = apr_strtok(NULL, " \t\r", &state)) {
                APR_ARRAY_PUSH(words, const char *) = word;
            }
            break;
        }
        line += strspn(line, " \t\r\f\v");
        if (*line && *line != '#') {
            break;
        }
    }
    return words;
}

apr_array_header_t *em_links_ids(const em_links_t *links, const char *dir,
                                 const char *name)
{
    apr_pool_t *p = links->draft->pool;
    apr_array_header_t *ids = apr_array_make(p, 1, sizeof(const char *));
    const char *text = text_of(links, join(links, dir, name, ".load"));

    for (; text && *text; text += *text == '\n') {
        apr_size_t len = strcspn(text, "\n");
        const char *line = apr_pstrmemdup(p, text, len), *id;

        text += len;
        line += strspn(line, " \t");
        if (strncasecmp(line, "LoadModule", 10) == 0
            && apr_isspace(line[10])) {
            id = em_conf_word(line + 11, 0, p);
            if (id) {
                APR_ARRAY_PUSH(ids, const char *) = id;
            }
        }
    }
    return ids;
}

apr_array_header_t *em_links_names(const em_links_t *links, const char *dir)
{
    apr_pool_t *p = links->draft->pool;
    apr_array_header_t *names = apr_array_make(p, 64, sizeof(const char *));
    apr_array_header_t *all;

    if (em_view_list(&all, view_of(links), dir, p) != APR_SUCCESS) {
        return names;
    }
    for (int i = 0; i < all->nelts; i++) {
        const char *name = APR_ARRAY_IDX(all, i, const char *);
        apr_size_t len = strlen(name);

        if (len > 5 && *name != '.' && strcmp(name + len - 5, ".load") == 0) {
            APR_ARRAY_PUSH(names, const char *)
                = apr_pstrmemdup(p, name, len - 5);
        }
    }
    return names;
}

/* ---- links ---- */

typedef enum { LINK_OK, LINK_MISSING, LINK_REFUSED } link_state_t;

/* a2enmod's check_link: a link that leads nowhere is removed. */
static apr_status_t check_link(link_state_t *pstate, em_links_t *links,
                               const char *target, const char *link)
{
    apr_pool_t *p = links->draft->pool;
    const char *real_link, *real_target;
    em_node_t *node;
    apr_status_t rv = em_view_lstat(&node, view_of(links), link, p);

    if (rv != APR_SUCCESS) {
        return rv;
    }
    *pstate = LINK_MISSING;
    if (!em_view_exists(view_of(links), link, p)) {
        return node->kind == EM_NODE_LINK
                   ? em_draft_put(links->draft, link, &absent,
                                  "remove a link that leads nowhere")
                   : APR_SUCCESS;
    }
    if (node->kind != EM_NODE_LINK) {
        *pstate = LINK_REFUSED;
        em_draft_impossible(links->draft, "real-file-in-mods-enabled",
                            "%s is a real file where a link belongs, and "
                            "a2enmod and ea-mpm do not touch it. Move it "
                            "away (its content to %s) and try again", link,
                            target);
        return APR_SUCCESS;
    }
    if (em_view_real(&real_link, view_of(links), link, p) == APR_SUCCESS
        && em_view_real(&real_target, view_of(links), target, p)
           == APR_SUCCESS && strcmp(real_link, real_target) == 0) {
        *pstate = LINK_OK;
        return APR_SUCCESS;
    }
    *pstate = LINK_REFUSED;
    em_draft_impossible(links->draft, "foreign-link-in-mods-enabled",
                        "%s does not lead to %s; a2enmod and ea-mpm do not "
                        "touch it. Remove it and try again", link, target);
    return APR_SUCCESS;
}

/* TARGET as seen from the directory of LINK. */
static const char *relative(const char *target, const char *link,
                            apr_pool_t *p)
{
    apr_size_t same = 0;
    const char *up = "";

    for (apr_size_t i = 0; target[i] && target[i] == link[i]; i++) {
        if (target[i] == '/') {
            same = i + 1;
        }
    }
    for (const char *c = link + same; (c = strchr(c, '/')) != NULL; c++) {
        up = apr_pstrcat(p, up, "../", NULL);
    }
    return apr_pstrcat(p, up, target + same, NULL);
}

/* What a2enmod would write; or, where a directory is itself a link so that
 * this leads nowhere, what leads to the target. */
static const char *link_text(const em_links_t *links, const char *target,
                             const char *link)
{
    apr_pool_t *p = links->draft->pool;
    int mods = strncmp(target, links->mods_available,
                       strlen(links->mods_available)) == 0;
    const char *text
        = relative(join(links, mods ? links->mods_to : links->conf_to,
                        strrchr(target, '/') + 1, ""),
                   join(links, mods ? links->mods_from : links->conf_from,
                        strrchr(link, '/') + 1, ""), p);
    const char *dir = apr_pstrmemdup(p, link,
                                     (apr_size_t)(strrchr(link, '/') - link));
    const char *real;

    if (em_view_real(&real, view_of(links), join(links, dir, text, ""), p)
            == APR_SUCCESS && em_view_exists(view_of(links), real, p)) {
        return text;
    }
    return relative(target, link, p);
}

static apr_status_t add_link(em_links_t *links, const char *target,
                             const char *link, const char *why)
{
    em_node_t node = {.kind = EM_NODE_LINK};

    node.data = link_text(links, target, link);
    node.len = strlen(node.data);
    return em_draft_put(links->draft, link, &node, why);
}

/* a2enmod's remove_link: only links go. */
static apr_status_t remove_link(em_links_t *links, const char *link,
                                const char *why)
{
    em_node_t *node;
    apr_status_t rv = em_view_lstat(&node, view_of(links), link,
                                    links->draft->pool);

    if (rv != APR_SUCCESS || node->kind == EM_NODE_ABSENT) {
        return rv;
    }
    if (node->kind != EM_NODE_LINK) {
        em_draft_impossible(links->draft, "real-file-in-mods-enabled",
                            "%s is a real file where a link belongs, and "
                            "a2dismod and ea-mpm do not remove it. Move it "
                            "to mods-available, link it from there, and try "
                            "again", link);
        return APR_SUCCESS;
    }
    return em_draft_put(links->draft, link, &absent, why);
}

/* ---- markers ---- */

/* a2enmod's switch_marker: every file NAME below the state directory goes,
 * the new one comes. */
static apr_status_t switch_marker(em_links_t *links, const char *kind,
                                  const char *what, const char *name)
{
    static const em_node_t marker
        = {.kind = EM_NODE_FILE, .data = "", .mode = 0644};
    apr_pool_t *p = links->draft->pool;
    const char *top = join(links, links->state, kind, "");
    const char *keep = apr_pstrcat(p, top, "/", what, "_by_admin/", name,
                                   NULL);
    const char *why = apr_psprintf(p, "mark %s as %s by the admin", name,
                                   what);
    apr_array_header_t *dirs;
    apr_status_t rv = em_draft_put(links->draft, keep, &marker, why);

    if (em_view_list(&dirs, view_of(links), top, p) != APR_SUCCESS) {
        return rv;              /* none was ever made */
    }
    for (int i = 0; rv == APR_SUCCESS && i < dirs->nelts; i++) {
        const char *old
            = apr_pstrcat(p, top, "/", APR_ARRAY_IDX(dirs, i, const char *),
                          "/", name, NULL);
        em_node_t *node;

        if (strcmp(old, keep) != 0
            && em_view_lstat(&node, view_of(links), old, p) == APR_SUCCESS
            && node->kind == EM_NODE_FILE) {
            rv = em_draft_put(links->draft, old, &absent,
                              apr_psprintf(p, "remove the old mark of %s",
                                           name));
        }
    }
    return rv;
}

/* ---- modules ---- */

int em_links_is_enabled(const em_links_t *links, const char *module)
{
    return em_view_exists(view_of(links),
                          join(links, links->mods_enabled, module, ".load"),
                          links->draft->pool);
}

int em_links_is_available(const em_links_t *links, const char *module)
{
    return em_view_exists(view_of(links),
                          join(links, links->mods_available, module,
                               ".load"), links->draft->pool);
}

apr_array_header_t *em_links_dependents(const em_links_t *links,
                                        const char *module)
{
    apr_pool_t *p = links->draft->pool;
    apr_array_header_t *names = em_links_names(links, links->mods_enabled);
    apr_array_header_t *out = apr_array_make(p, 2, sizeof(const char *));

    for (int i = 0; i < names->nelts; i++) {
        const char *name = APR_ARRAY_IDX(names, i, const char *);
        apr_array_header_t *on
            = header_of(links, join(links, links->mods_enabled, name,
                                    ".load"), "Depends");

        for (int j = 0; j < on->nelts; j++) {
            if (strcmp(APR_ARRAY_IDX(on, j, const char *), module) == 0) {
                APR_ARRAY_PUSH(out, const char *) = name;
            }
        }
    }
    return out;
}

static apr_status_t enable(em_links_t *links, const char *module, int depth);

static apr_status_t enable_depends(em_links_t *links, const char *module,
                                   int depth)
{
    apr_array_header_t *on
        = header_of(links, join(links, links->mods_available, module,
                                ".load"), "Depends");
    apr_status_t rv = APR_SUCCESS;

    if (depth > MAX_DEPTH) {
        em_draft_impossible(links->draft, "module-dependency",
                            "the \"# Depends:\" lines in %s go in a circle",
                            links->mods_available);
        return APR_SUCCESS;
    }
    for (int i = 0; rv == APR_SUCCESS && i < on->nelts; i++) {
        const char *name = APR_ARRAY_IDX(on, i, const char *);

        rv = enable(links, name, depth + 1);
    }
    return rv;
}

static apr_status_t check_conflicts(em_links_t *links, const char *module)
{
    apr_array_header_t *with
        = header_of(links, join(links, links->mods_available, module,
                                ".load"), "Conflicts");

    for (int i = 0; i < with->nelts; i++) {
        const char *name = APR_ARRAY_IDX(with, i, const char *);

        if (em_links_is_enabled(links, name)) {
            em_draft_impossible(links->draft, "module-conflict",
                                "%s and %s exclude each other: add --without "
                                "%s", module, name, name);
        }
    }
    return APR_SUCCESS;
}

/* The link of one file, .load or .conf; *PADDED tells if it was missing. */
static apr_status_t enable_file(int *padded, em_links_t *links,
                                const char *target, const char *link,
                                const char *why)
{
    link_state_t state;
    apr_status_t rv = check_link(&state, links, target, link);

    *padded = 0;
    if (rv == APR_SUCCESS && state == LINK_MISSING) {
        *padded = 1;
        rv = add_link(links, target, link, why);
    }
    return rv;
}

static apr_status_t enable(em_links_t *links, const char *module, int depth)
{
    const char *load = join(links, links->mods_available, module, ".load");
    const char *conf = join(links, links->mods_available, module, ".conf");
    const char *why = apr_pstrcat(links->draft->pool, "enable ", module,
                                  NULL);
    apr_status_t rv = APR_SUCCESS;
    int added;

    if (!em_links_is_available(links, module)) {
        em_draft_impossible(links->draft, "module-not-installed",
                            "%s is not there; is the package that ships it "
                            "installed?", load);
        return APR_SUCCESS;
    }
    rv = enable_depends(links, module, depth);
    if (rv == APR_SUCCESS) {
        rv = check_conflicts(links, module);
    }
    if (rv == APR_SUCCESS
        && em_view_exists(view_of(links), conf, links->draft->pool)) {
        rv = enable_file(&added, links, conf,
                         join(links, links->mods_enabled, module, ".conf"),
                         why);
    }
    if (rv == APR_SUCCESS) {
        rv = enable_file(&added, links, load,
                         join(links, links->mods_enabled, module, ".load"),
                         why);
    }
    return rv == APR_SUCCESS && added
               ? switch_marker(links, "module", "enabled", module) : rv;
}

apr_status_t em_links_enable(em_links_t *links, const char *module)
{
    return enable(links, module, 0);
}

/* Of a module whose .load is gone a2dismod removes the dangling links and
 * nothing else. */
static apr_status_t remove_dangling(em_links_t *links, const char *load,
                                    const char *conf, const char *why)
{
    apr_pool_t *p = links->draft->pool;
    em_node_t *node;
    apr_status_t rv = remove_link(links, load, why);

    if (rv == APR_SUCCESS) {
        rv = em_view_lstat(&node, view_of(links), conf, p);
    }
    return rv == APR_SUCCESS && node->kind == EM_NODE_LINK
                   && !em_view_exists(view_of(links), conf, p)
               ? remove_link(links, conf, why) : rv;
}

apr_status_t em_links_disable(em_links_t *links, const char *module)
{
    apr_pool_t *p = links->draft->pool;
    const char *load = join(links, links->mods_enabled, module, ".load");
    const char *conf = join(links, links->mods_enabled, module, ".conf");
    const char *why = apr_pstrcat(p, "disable ", module, NULL);
    em_node_t *node;
    apr_status_t rv = em_view_lstat(&node, view_of(links), load, p);

    if (rv != APR_SUCCESS || node->kind == EM_NODE_ABSENT) {
        return rv;
    }
    if (!em_links_is_available(links, module)) {
        return remove_dangling(links, load, conf, why);
    }
    rv = remove_link(links, load, why);
    if (rv == APR_SUCCESS
        && em_view_exists(view_of(links),
                          join(links, links->mods_available, module,
                               ".conf"), p)
        && em_view_exists(view_of(links), conf, p)) {
        rv = remove_link(links, conf, why);
    }
    return rv == APR_SUCCESS
               ? switch_marker(links, "module", "disabled", module) : rv;
}

apr_status_t em_links_enable_conf(em_links_t *links, const char *conf)
{
    int added;
    apr_status_t rv
        = enable_file(&added, links,
                      join(links, links->conf_available, conf, ".conf"),
                      join(links, links->conf_enabled, conf, ".conf"),
                      apr_pstrcat(links->draft->pool, "enable conf ", conf,
                                  NULL));

    return rv == APR_SUCCESS && added
               ? switch_marker(links, "conf", "enabled", conf) : rv;
}
