/* Walk a configuration as ea-mpm does and print what was found, one fact a
 * line, tab separated, for comparison with what httpd says:
 *   walk [-d SERVERROOT] [-v VERSION] [-D NAME] [-C LINE] [-c LINE]
 *        [-l SOURCE.c] [-R ROOT] [-n TIMES] CONFIG
 * With -n the walk is repeated, with one cache, and timed. */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <apr_general.h>
#include <apr_strings.h>
#include <apr_time.h>

#include "conf/conf.h"

extern char **environ;

static const char *state_names[] = { "active", "commented", "condition" };

static void print(const em_conf_t *conf)
{
    apr_hash_index_t *hi;

    for (int i = 0; i < conf->files->nelts; i++) {
        const em_conf_file_t *f = APR_ARRAY_IDX(conf->files, i,
                                                em_conf_file_t *);

        printf("file\t%s\t%d\t%s\n", f->path, f->from_line,
               f->error ? f->error : "");
    }
    for (int i = 0; i < conf->directives->nelts; i++) {
        const em_directive_t *d = APR_ARRAY_IDX(conf->directives, i,
                                                em_directive_t *);

        printf("directive\t%d\t%s\t%d\t%s\t%s\n", d->active, d->file->path,
               d->last_line, d->name, d->args);
    }
    for (int i = 0; i < conf->sections->nelts; i++) {
        const em_conf_section_t *s = APR_ARRAY_IDX(conf->sections, i,
                                                   em_conf_section_t *);

        printf("section\t%d\t%d\t%s\t%d\t%s\t%s\n", s->active,
               s->condition, s->file->path, s->line, s->name, s->args);
    }
    for (int i = 0; i < conf->mpm_lines->nelts; i++) {
        const em_mpm_line_t *m = APR_ARRAY_IDX(conf->mpm_lines, i,
                                               em_mpm_line_t *);

        printf("mpm\t%s\t%s\t%s\t%s\t%d\n", state_names[m->state], m->id,
               m->so, m->file->path, m->line);
    }
    for (hi = apr_hash_first(NULL, conf->modules); hi;
         hi = apr_hash_next(hi)) {
        printf("module\t%s\n", (const char *)apr_hash_this_key(hi));
    }
    for (int i = 0; i < conf->notes->nelts; i++) {
        const em_conf_note_t *n = APR_ARRAY_IDX(conf->notes, i,
                                                em_conf_note_t *);

        printf("note\t%s\t%d\t%s\t%d\t%s\n", n->problem, n->fatal, n->file,
               n->line, n->message);
    }
}

int main(int argc, char **argv)
{
    em_conf_how_t how = { 0 };
    apr_array_header_t *defines, *before, *after, *statics;
    const char *root = "/";
    em_view_t *view;
    em_conf_t *conf;
    apr_pool_t *p;
    int times = 1, c;

    apr_initialize();
    apr_pool_create(&p, NULL);
    defines = apr_array_make(p, 4, sizeof(char *));
    before = apr_array_make(p, 4, sizeof(char *));
    after = apr_array_make(p, 4, sizeof(char *));
    statics = apr_array_make(p, 4, sizeof(char *));
    while ((c = getopt(argc, argv, "d:v:D:C:c:l:R:n:")) != -1) {
        switch (c) {
        case 'd': how.server_root = optarg; break;
        case 'v': sscanf(optarg, "%d.%d.%d", &how.version[0],
                         &how.version[1], &how.version[2]); break;
        case 'D': APR_ARRAY_PUSH(defines, char *) = optarg; break;
        case 'C': APR_ARRAY_PUSH(before, char *) = optarg; break;
        case 'c': APR_ARRAY_PUSH(after, char *) = optarg; break;
        case 'l': APR_ARRAY_PUSH(statics, char *) = optarg; break;
        case 'R': root = optarg; break;
        case 'n': times = atoi(optarg); break;
        default: return 2;
        }
    }
    APR_ARRAY_PUSH(defines, char *) = NULL;
    APR_ARRAY_PUSH(before, char *) = NULL;
    APR_ARRAY_PUSH(after, char *) = NULL;
    APR_ARRAY_PUSH(statics, char *) = NULL;
    how.defines = (const char *const *)defines->elts;
    how.before = (const char *const *)before->elts;
    how.after = (const char *const *)after->elts;
    how.static_modules = (const char *const *)statics->elts;
    how.config_file = argv[optind];
    how.env = (const char *const *)environ;
    if (em_view_open(&view, root, p) != APR_SUCCESS) {
        return 2;
    }
    how.cache = em_conf_cache(p);
    for (int i = 0; i < times; i++) {
        em_result_t *res = em_result_make(p);
        apr_time_t begun = apr_time_now();
        em_node_t *gone = apr_pcalloc(p, sizeof(*gone));
        em_view_t *over = em_view_over(view, p);

        /* Every walk but the first is one of a plan's future. */
        em_view_put(over, "/nowhere/ea-mpm", gone);
        how.view = i > 0 ? over : view;
        if (em_conf_read(&conf, &how, res, p) != APR_SUCCESS) {
            printf("failed\t%s\t%s\n", res->problem, res->detail);
            return 1;
        }
        if (times > 1) {
            printf("time\t%d\t%.3f\n", conf->directives->nelts,
                   (double)(apr_time_now() - begun) / 1000.0);
        }
    }
    if (times == 1) {
        print(conf);
    }
    apr_terminate();
    return 0;
}
