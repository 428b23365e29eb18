#include "host/httpd_parse.h"

#include <string.h>

#include <apr_lib.h>
#include <apr_strings.h>

/* Take the next line off *TEXT, without its line end; NULL at the end. */
static char *next_line(const char **ptext, apr_pool_t *p)
{
    const char *text = *ptext;
    apr_size_t len = strcspn(text, "\n");

    if (*text == '\0') {
        return NULL;
    }
    *ptext = text + len + (text[len] == '\n');
    if (len && text[len - 1] == '\r') {
        len--;
    }
    return apr_pstrmemdup(p, text, len);
}

/* What follows PREFIX and blanks in LINE, or NULL. */
static char *after(char *line, const char *prefix)
{
    apr_size_t len = strlen(prefix);

    if (strncmp(line, prefix, len) != 0) {
        return NULL;
    }
    return line + len + strspn(line + len, " \t");
}

/* TEXT up to its last quote, when it begins with one. */
static const char *unquoted(char *text)
{
    char *end = strrchr(text, '"');

    if (*text != '"' || end == text) {
        return *text ? text : NULL;
    }
    *end = '\0';
    return text + 1;
}

static void trim_end(char *s)
{
    apr_size_t len = strlen(s);

    while (len && apr_isspace(s[len - 1])) {
        s[--len] = '\0';
    }
}

/* A count of at most six digits; *PS behind it; -1: there is none. */
static int digits(const char **ps)
{
    const char *s = *ps;
    int n = 0, i;

    for (i = 0; i < 6 && apr_isdigit(s[i]); i++) {
        n = n * 10 + (s[i] - '0');
    }
    *ps = s + i;
    return i ? n : -1;
}

int em_httpd_parse_banner(em_httpd_settings_t *psettings, const char *banner,
                          apr_pool_t *p)
{
    const char *s = banner, *end;
    int v[3] = { 0, 0, 0 };
    int i;

    if (strncmp(s, "Apache/", 7) == 0) {
        s += 7;
    }
    banner = s;
    for (i = 0; i < 3; i++) {
        v[i] = digits(&s);
        if (v[i] < 0 || (i < 2 && *s != '.')) {
            return 0;
        }
        s += i < 2;
    }
    while (*s && !apr_isspace(*s)) {    /* "2.4.63-dev" */
        s++;
    }
    memcpy(psettings->v, v, sizeof(v));
    psettings->version = apr_pstrmemdup(p, banner, (apr_size_t)(s - banner));
    psettings->vendor = "";
    s += strspn(s, " ");
    end = *s == '(' ? strchr(s, ')') : NULL;
    if (end) {
        psettings->vendor = apr_pstrmemdup(p, s + 1,
                                           (apr_size_t)(end - s - 1));
    }
    return 1;
}

/* One ` -D NAME="VALUE"` line of -V. */
static void take_define(em_httpd_settings_t *set, char *define)
{
    const struct {
        const char *name;
        const char **slot;
    } wanted[] = {
        { "HTTPD_ROOT=", &set->root },
        { "SERVER_CONFIG_FILE=", &set->config_file },
        { "DEFAULT_PIDLOG=", &set->pid_file },
        { "DEFAULT_ERRORLOG=", &set->error_log },
        { "SUEXEC_BIN=", &set->suexec },
    };
    apr_size_t i;

    for (i = 0; i < sizeof(wanted) / sizeof(*wanted); i++) {
        char *value = after(define, wanted[i].name);

        if (value) {
            *wanted[i].slot = unquoted(value);
        }
    }
}

void em_httpd_parse_settings(em_httpd_settings_t *psettings,
                             const char *text, apr_pool_t *p)
{
    char *line, *value;

    memset(psettings, 0, sizeof(*psettings));
    while ((line = next_line(&text, p))) {
        trim_end(line);
        if ((value = after(line, "Server version:"))) {
            (void)em_httpd_parse_banner(psettings, value, p);
        }
        else if ((value = after(line, "Server's Module Magic Number:"))) {
            psettings->mmn = value;
        }
        else if ((value = after(line, "Server MPM:"))) {
            for (char *c = value; *c; c++) {    /* 2.2 writes "Prefork" */
                *c = (char)apr_tolower(*c);
            }
            psettings->mpm = *value ? value : NULL;
        }
        else if ((value = after(line, " -D"))) {
            take_define(psettings, value);
        }
    }
}

apr_array_header_t *em_httpd_parse_static(const char *text, apr_pool_t *p)
{
    apr_array_header_t *list = NULL;
    char *line, *name;

    while ((line = next_line(&text, p))) {
        trim_end(line);
        if (strcmp(line, "Compiled in modules:") == 0) {
            list = apr_array_make(p, 16, sizeof(const char *));
        }
        else if (list && (name = after(line, "  ")) && *name
                 && !strchr(name, ' ')) {
            APR_ARRAY_PUSH(list, const char *) = name;
        }
        else if (list) {                /* "suexec: disabled; ..." */
            break;
        }
    }
    return list;
}

apr_array_header_t *em_httpd_parse_modules(const char *text, apr_pool_t *p)
{
    apr_array_header_t *list = NULL;
    char *line, *name;

    while ((line = next_line(&text, p))) {
        trim_end(line);
        if (strcmp(line, "Loaded Modules:") == 0) {
            list = apr_array_make(p, 32, sizeof(em_httpd_loaded_t));
        }
        else if (list && (name = after(line, " ")) != NULL) {
            char *kind = strchr(name, ' ');
            em_httpd_loaded_t *loaded;

            if (!kind || kind == name || kind[1] != '(') {
                break;
            }
            *kind++ = '\0';
            loaded = apr_array_push(list);
            loaded->id = name;
            loaded->is_static = strcmp(kind, "(static)") == 0;
        }
        else if (list) {
            break;
        }
    }
    return list;
}

/* The name in `name="www-data" id=33`. */
static const char *name_of(char *value)
{
    char *name = after(value, "name=");

    return name ? unquoted(name) : NULL;
}

void em_httpd_parse_run_cfg(em_httpd_run_cfg_t *pcfg, const char *text,
                            apr_pool_t *p)
{
    char *line, *value;

    memset(pcfg, 0, sizeof(*pcfg));
    while ((line = next_line(&text, p))) {
        if ((value = after(line, "ServerRoot:"))) {
            pcfg->server_root = unquoted(value);
        }
        else if ((value = after(line, "Main DocumentRoot:"))) {
            pcfg->document_root = unquoted(value);
        }
        else if ((value = after(line, "Main ErrorLog:"))) {
            pcfg->error_log = unquoted(value);
        }
        else if ((value = after(line, "PidFile:"))) {
            pcfg->pid_file = unquoted(value);
        }
        else if ((value = after(line, "User:"))) {
            pcfg->user = name_of(value);
        }
        else if ((value = after(line, "Group:"))) {
            pcfg->group = name_of(value);
        }
    }
}

const char *em_httpd_mpm_of(const char *name, apr_pool_t *p)
{
    static const char *const known[] = {
        "prefork", "worker", "event", "itk", "itkish", "peruser", "winnt",
        "motorz", "simple", "perchild", "threadpool", "leader", "metuxmpm",
        "mpmt_os2", "netware", "beos", NULL
    };
    const char *slash = strrchr(name, '/'), *s = slash ? slash + 1 : name;
    apr_size_t len;
    int prefixed = 0, i;

    if (strncmp(s, "mod_", 4) == 0) {
        s += 4;
    }
    if (strncmp(s, "mpm_", 4) == 0) {
        s += 4;
        prefixed = 1;
    }
    len = strcspn(s, ".");
    if (len > 7 && strncmp(s + len - 7, "_module", 7) == 0) {
        len -= 7;
    }
    for (i = 0; known[i]; i++) {
        if (strlen(known[i]) == len && strncmp(s, known[i], len) == 0
            && (prefixed || (s == name && strcmp(s + len, ".c") == 0))) {
            return strcmp(known[i], "itkish") == 0
                ? "itk" : apr_pstrmemdup(p, s, len);
        }
    }
    return NULL;
}
