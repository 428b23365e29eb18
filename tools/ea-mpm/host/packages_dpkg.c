#include "host/packages.h"

#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <apr_hash.h>
#include <apr_strings.h>

#include "package/stanza.h"

#define DPKG "/var/lib/dpkg"

typedef struct mapped_t {
    char *data;
    apr_size_t len;
} mapped_t;

/* A look at a file's bytes without copying them: the lists are large. */
static int map_file(mapped_t *pmap, const em_view_t *view, const char *path,
                    apr_pool_t *p)
{
    const char *real;
    struct stat st;
    void *data = MAP_FAILED;
    int fd;

    if (em_view_real(&real, view, path, p) != APR_SUCCESS) {
        return 0;
    }
    fd = open(em_view_outside(view, real, p), O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        return 0;
    }
    if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && st.st_size > 0) {
        data = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
    }
    close(fd);
    if (data == MAP_FAILED) {
        return 0;
    }
    pmap->data = data;
    pmap->len = (apr_size_t)st.st_size;
    return 1;
}

/* Is LINE a whole line of the text? Its first byte behind the line is put in
 * *PAT when wanted. */
static int has_line(const mapped_t *map, const char *line, apr_size_t *pat)
{
    apr_size_t len = strlen(line), from = 0;

    while (from + len <= map->len) {
        const char *hit = memmem(map->data + from, map->len - from, line,
                                 len);
        apr_size_t at;

        if (!hit) {
            return 0;
        }
        at = (apr_size_t)(hit - map->data);
        if ((at == 0 || hit[-1] == '\n')
            && (at + len == map->len || hit[len] == '\n')) {
            if (pat) {
                *pat = at + len;
            }
            return 1;
        }
        from = at + 1;
    }
    return 0;
}

/* A wish with the names under which a list may hold its file: a merged /usr
 * has /lib/x of the package as /usr/lib/x on disk, and a diverted file is
 * listed under the name it was diverted from. */
typedef struct search_t {
    em_package_wish_t *wish;
    const char *names[5];       /* NULL-terminated */
    const char *not_package;    /* the diverting one does not own it */
    const char *only_package;   /* or only the diverting one does */
} search_t;

static void add_name(search_t *s, const char *name)
{
    int i;

    for (i = 0; i < 4 && s->names[i]; i++) {
        if (strcmp(s->names[i], name) == 0) {
            return;
        }
    }
    if (i < 4) {
        s->names[i] = name;
    }
}

static void add_merged(search_t *s, const char *name, apr_pool_t *p)
{
    add_name(s, name);
    if (strncmp(name, "/usr/", 5) == 0) {
        add_name(s, name + 4);
    }
    else if (strncmp(name, "/lib", 4) == 0 || strncmp(name, "/bin/", 5) == 0
             || strncmp(name, "/sbin/", 6) == 0) {
        add_name(s, apr_pstrcat(p, "/usr", name, NULL));
    }
}

/* The diversions file: from, to, package, each on its own line. */
static void take_diversions(search_t *s, const char *text, apr_pool_t *p)
{
    char *state, *from, *to, *package;

    from = apr_strtok(apr_pstrdup(p, text), "\n", &state);
    while (from && (to = apr_strtok(NULL, "\n", &state))
           && (package = apr_strtok(NULL, "\n", &state))) {
        if (strcmp(to, s->wish->file) == 0) {
            memset(s->names, 0, sizeof(s->names));
            add_merged(s, from, p);
            s->not_package = package;
        }
        else if (strcmp(from, s->wish->file) == 0
                 && strcmp(package, ":") != 0) {
            s->only_package = package;
        }
        from = apr_strtok(NULL, "\n", &state);
    }
}

/* "libapr1:amd64.list" -> "libapr1" */
static const char *package_of(const char *list, apr_pool_t *p)
{
    apr_size_t len = strlen(list) - 5;
    apr_size_t colon = strcspn(list, ":");

    return apr_pstrmemdup(p, list, colon < len ? colon : len);
}

static int may_own(const search_t *s, const char *package)
{
    return !s->wish->package
        && !(s->not_package && strcmp(s->not_package, package) == 0)
        && !(s->only_package && strcmp(s->only_package, package) != 0);
}

/* Look for every open search in one package's list. Returns how many were
 * answered. */
static int search_list(apr_array_header_t *searches, const em_view_t *view,
                       const char *list, apr_pool_t *p)
{
    const char *package = package_of(list, p);
    int i, j, found = 0;
    mapped_t map;

    if (!map_file(&map, view, apr_pstrcat(p, DPKG "/info/", list, NULL), p)) {
        return 0;
    }
    for (i = 0; i < searches->nelts; i++) {
        search_t *s = &APR_ARRAY_IDX(searches, i, search_t);

        for (j = 0; may_own(s, package) && s->names[j]; j++) {
            if (has_line(&map, s->names[j], NULL)) {
                s->wish->package = package;
                found++;
            }
        }
    }
    munmap(map.data, map.len);
    return found;
}

/* The package whose list most likely holds FILE, by Debian's way of naming:
 * mod_x.so, mpm_itk.so, libphp8.2.so. Only where to look first. */
static const char *likely_list(const char *file, apr_pool_t *p)
{
    const char *slash = strrchr(file, '/');
    char *name = apr_pstrdup(p, slash ? slash + 1 : file), *end, *c;

    end = strstr(name, ".so");
    if (!end || end[3]) {
        return "apache2-bin.list";
    }
    *end = '\0';
    for (c = name; *c; c++) {
        *c = *c == '_' ? '-' : *c;
    }
    return apr_pstrcat(p, "libapache2-", strncmp(name, "lib", 3) == 0
                       ? "mod-" : "", name + (strncmp(name, "lib", 3) == 0
                                              ? 3 : 0), ".list", NULL);
}

static int search_likely(apr_array_header_t *searches, const em_view_t *view,
                         apr_pool_t *p)
{
    int open = searches->nelts, i;

    open -= search_list(searches, view, "apache2-bin.list", p);
    for (i = 0; open && i < searches->nelts; i++) {
        const search_t *s = &APR_ARRAY_IDX(searches, i, search_t);

        if (!s->wish->package) {
            open -= search_list(searches, view,
                                likely_list(s->wish->file, p), p);
        }
    }
    return open;
}

static void search_lists(apr_array_header_t *searches, const em_view_t *view,
                         apr_pool_t *p)
{
    int open = search_likely(searches, view, p), i;
    apr_array_header_t *names;

    if (!open || em_view_list(&names, view, DPKG "/info", p)
                 != APR_SUCCESS) {
        return;
    }
    for (i = 0; open && i < names->nelts; i++) {
        const char *name = APR_ARRAY_IDX(names, i, const char *);
        apr_size_t len = strlen(name);

        if (len > 5 && strcmp(name + len - 5, ".list") == 0) {
            open -= search_list(searches, view, name, p);
        }
    }
}

/* The version in the rest of the stanza at FROM. */
static const char *version_at(const mapped_t *map, apr_size_t from,
                              apr_pool_t *p)
{
    const char *at = map->data + from;
    em_stanza_t stanza;

    return em_stanza_next(&stanza, &at, map->data + map->len)
               ? em_stanza_value(&stanza, "Version", p) : NULL;
}

static void take_versions(apr_array_header_t *list, const em_view_t *view,
                          apr_pool_t *p)
{
    apr_hash_t *known = apr_hash_make(p);
    apr_size_t at;
    mapped_t map;
    int i;

    if (!map_file(&map, view, DPKG "/status", p)) {
        return;
    }
    for (i = 0; i < list->nelts; i++) {
        em_package_wish_t *wish = APR_ARRAY_IDX(list, i, em_package_wish_t *);

        if (!wish->package || wish->version) {
            continue;
        }
        wish->version = apr_hash_get(known, wish->package,
                                     APR_HASH_KEY_STRING);
        if (!wish->version
            && has_line(&map, apr_pstrcat(p, "Package: ", wish->package,
                                          NULL), &at)) {
            wish->version = version_at(&map, at, p);
            apr_hash_set(known, wish->package, APR_HASH_KEY_STRING,
                         wish->version);
        }
    }
    munmap(map.data, map.len);
}

/* Places where packages put nothing (Filesystem Hierarchy Standard). */
static int is_local(const char *file)
{
    static const char *const places[] = {
        "/usr/local/", "/home/", "/root/", "/tmp/", "/var/tmp/", "/srv/", NULL
    };
    int i;

    for (i = 0; places[i]; i++) {
        if (strncmp(file, places[i], strlen(places[i])) == 0) {
            return 1;
        }
    }
    return 0;
}

void em_packages_dpkg(const em_view_t *view, apr_array_header_t *list,
                      apr_pool_t *p)
{
    apr_array_header_t *searches = apr_array_make(p, list->nelts + 1,
                                                  sizeof(search_t));
    em_node_t *diversions = NULL;
    apr_pool_t *scratch;
    int i;

    if (!em_view_exists(view, DPKG "/status", p)) {
        return;
    }
    apr_pool_create(&scratch, p);
    (void)em_view_read(&diversions, view, DPKG "/diversions",
                       4 * 1024 * 1024, scratch);
    for (i = 0; i < list->nelts; i++) {
        em_package_wish_t *wish = APR_ARRAY_IDX(list, i, em_package_wish_t *);
        const char *real = wish->file;
        search_t *s;

        (void)em_view_real(&real, view, wish->file, scratch);
        if (is_local(real)) {
            continue;
        }
        s = apr_array_push(searches);
        memset(s, 0, sizeof(*s));
        s->wish = wish;
        add_merged(s, wish->file, scratch);
        add_merged(s, real, scratch);
        take_diversions(s, diversions ? diversions->data : "", scratch);
    }
    search_lists(searches, view, p);
    take_versions(list, view, p);
    apr_pool_destroy(scratch);
}
