#include "host/unit_file.h"

#include <string.h>

#include <apr_lib.h>
#include <apr_strings.h>

#include "host/shellvars.h"

#define MAX_UNIT_FILE (256 * 1024)

/* Where systemd looks, strongest first (systemd.unit(5)). */
static const char *const unit_dirs[] = {
    "/etc/systemd/system", "/run/systemd/system",
    "/usr/local/lib/systemd/system", "/usr/lib/systemd/system",
    "/lib/systemd/system", NULL
};

typedef struct reading_t {
    em_unit_file_t *unit;
    const em_view_t *view;
    const char *exec_start;     /* the last ExecStart=, as written */
    apr_array_header_t *env_files;  /* const char *: read last, they win */
    apr_pool_t *p;
} reading_t;

/* "httpd@a.service" -> "httpd@.service", NULL for a plain name. */
static const char *template_of(const char *name, apr_pool_t *p)
{
    const char *at = strchr(name, '@');
    const char *dot = strrchr(name, '.');

    if (!at || !dot || at > dot || at + 1 == dot) {
        return NULL;
    }
    return apr_pstrcat(p, apr_pstrmemdup(p, name, (apr_size_t)(at - name) + 1),
                       dot, NULL);
}

static const char *instance_of(const char *name, apr_pool_t *p)
{
    const char *at = strchr(name, '@');
    const char *dot = strrchr(name, '.');

    return at && dot && at < dot
        ? apr_pstrmemdup(p, at + 1, (apr_size_t)(dot - at) - 1) : "";
}

/* %i, %I, %n, %N, %%: what httpd's units use. */
static const char *specifiers(reading_t *r, const char *value)
{
    const char *out = "", *percent;

    while ((percent = strchr(value, '%')) && percent[1]) {
        const char *with = "%";

        if (percent[1] == 'i' || percent[1] == 'I') {
            with = instance_of(r->unit->name, r->p);
        }
        else if (percent[1] == 'n' || percent[1] == 'N') {
            with = r->unit->name;
        }
        out = apr_pstrcat(r->p, out,
                          apr_pstrmemdup(r->p, value,
                                         (apr_size_t)(percent - value)),
                          with, NULL);
        value = percent + 2;
    }
    return apr_pstrcat(r->p, out, value, NULL);
}

/* Environment="A=b c" D=e */
static void take_environment(reading_t *r, const char *value)
{
    apr_array_header_t *words = em_shellvars_split(value, r->p);
    int i;

    for (i = 0; i < words->nelts; i++) {
        const char *one = APR_ARRAY_IDX(words, i, const char *);
        const char *eq = strchr(one, '=');

        if (eq) {
            apr_table_set(r->unit->env,
                          apr_pstrmemdup(r->p, one, (apr_size_t)(eq - one)),
                          eq + 1);
        }
    }
}

static void take_environment_file(reading_t *r, const char *path)
{
    em_shellvars_t sh = { r->unit->env, NULL, 0 };
    em_node_t *node;

    path += *path == '-';
    if (*path == '/' && em_view_read(&node, r->view, path, MAX_UNIT_FILE,
                                     r->p) == APR_SUCCESS) {
        em_shellvars_parse(&sh, node->data, r->p);
    }
}

static void take_setting(reading_t *r, const char *name, const char *value)
{
    value = specifiers(r, value);
    if (strcmp(name, "Environment") == 0) {
        if (!*value) {
            apr_table_clear(r->unit->env);
        }
        take_environment(r, value);
    }
    else if (strcmp(name, "EnvironmentFile") == 0) {
        if (!*value) {
            apr_array_clear(r->env_files);
        }
        APR_ARRAY_PUSH(r->env_files, const char *) = value;
    }
    else if (strcmp(name, "ExecStart") == 0) {
        r->exec_start = value + strspn(value, "@-:+!");
    }
    else if (strcmp(name, "PIDFile") == 0) {
        r->unit->pid_file = value;
    }
}

/* A logical line: continuations ("\" at the end) joined by a blank. */
static char *logical_line(char **ptext)
{
    char *line = *ptext, *end = line;

    if (!*line) {
        return NULL;
    }
    for (;;) {
        end = strchr(end, '\n');
        if (!end) {
            *ptext = line + strlen(line);
            return line;
        }
        if (end == line || end[-1] != '\\') {
            *end = '\0';
            *ptext = end + 1;
            return line;
        }
        end[-1] = ' ';
        *end = ' ';
    }
}

static void read_file(reading_t *r, const char *path)
{
    int in_service = 0;
    em_node_t *node;
    char *text, *line;

    if (em_view_read(&node, r->view, path, MAX_UNIT_FILE, r->p)
        != APR_SUCCESS) {
        return;
    }
    text = apr_pstrdup(r->p, node->data);
    while ((line = logical_line(&text))) {
        char *eq;

        line += strspn(line, " \t");
        if (*line == '[') {
            in_service = strncmp(line, "[Service]", 9) == 0;
        }
        eq = strchr(line, '=');
        if (in_service && eq && *line != '#' && *line != ';') {
            char *end = eq, *last;

            while (end > line && apr_isspace(end[-1])) {
                end--;
            }
            *end = '\0';
            eq += 1 + strspn(eq + 1, " \t");
            last = eq + strlen(eq);
            while (last > eq && apr_isspace(last[-1])) {
                *--last = '\0';
            }
            take_setting(r, line, eq);
        }
    }
}

/* Every drop-in of NAME.d; a name in a stronger directory hides the same
 * name in a weaker one, and they are read sorted by name. */
static void read_drop_ins(reading_t *r, const char *name)
{
    apr_table_t *paths = apr_table_make(r->p, 4);
    apr_array_header_t *names = apr_array_make(r->p, 4, sizeof(char *));
    int d, i, j;

    for (d = 0; unit_dirs[d]; d++) {
        const char *dir = apr_pstrcat(r->p, unit_dirs[d], "/", name, ".d",
                                      NULL);
        apr_array_header_t *list;

        if (em_view_list(&list, r->view, dir, r->p) != APR_SUCCESS) {
            continue;
        }
        for (i = 0; i < list->nelts; i++) {
            const char *one = APR_ARRAY_IDX(list, i, const char *);
            apr_size_t len = strlen(one);

            if (len > 5 && strcmp(one + len - 5, ".conf") == 0
                && !apr_table_get(paths, one)) {
                apr_table_set(paths, one,
                              apr_pstrcat(r->p, dir, "/", one, NULL));
                APR_ARRAY_PUSH(names, const char *) = one;
            }
        }
    }
    for (i = 1; i < names->nelts; i++) {
        const char **a = (const char **)names->elts;

        for (j = i; j > 0 && strcmp(a[j - 1], a[j]) > 0; j--) {
            const char *t = a[j];

            a[j] = a[j - 1];
            a[j - 1] = t;
        }
    }
    for (i = 0; i < names->nelts; i++) {
        read_file(r, apr_table_get(paths,
                                   APR_ARRAY_IDX(names, i, const char *)));
    }
}

/* $NAME as a whole word is split, ${NAME} inside one is not
 * (systemd.service(5)). */
static void expand_exec(reading_t *r)
{
    apr_array_header_t *words = em_shellvars_split(r->exec_start, r->p);
    int i;

    r->unit->exec_start = apr_array_make(r->p, 8, sizeof(const char *));
    for (i = 0; i < words->nelts; i++) {
        const char *word = APR_ARRAY_IDX(words, i, const char *);

        if (word[0] == '$' && word[1] != '{') {
            const char *value = apr_table_get(r->unit->env, word + 1);

            if (value) {
                apr_array_cat(r->unit->exec_start,
                              em_shellvars_split(value, r->p));
            }
            continue;
        }
        if (word[0] == '$') {
            const char *value = apr_table_get(
                r->unit->env, apr_pstrmemdup(r->p, word + 2,
                                             strcspn(word + 2, "}")));

            word = value ? value : "";
        }
        APR_ARRAY_PUSH(r->unit->exec_start, const char *) = word;
    }
}

static const char *find_file(const em_view_t *view, const char *name,
                             apr_pool_t *p)
{
    int d;

    for (d = 0; name && unit_dirs[d]; d++) {
        const char *path = apr_pstrcat(p, unit_dirs[d], "/", name, NULL);

        if (em_view_exists(view, path, p)) {
            return path;
        }
    }
    return NULL;
}

apr_status_t em_unit_file_read(em_unit_file_t **punit, const em_view_t *view,
                               const char *name, apr_pool_t *p)
{
    em_unit_file_t *unit = apr_pcalloc(p, sizeof(*unit));
    const char *template = template_of(name, p);
    reading_t r = { unit, view, "", apr_array_make(p, 2, sizeof(char *)), p };
    int i;

    unit->name = name;
    unit->path = find_file(view, name, p);
    if (!unit->path) {
        unit->path = find_file(view, template, p);
    }
    if (!unit->path) {
        return APR_ENOENT;
    }
    unit->env = apr_table_make(p, 8);
    read_file(&r, unit->path);
    if (template) {
        read_drop_ins(&r, template);
    }
    read_drop_ins(&r, name);
    for (i = 0; i < r.env_files->nelts; i++) {
        take_environment_file(&r, APR_ARRAY_IDX(r.env_files, i,
                                                const char *));
    }
    expand_exec(&r);
    *punit = unit;
    return APR_SUCCESS;
}
