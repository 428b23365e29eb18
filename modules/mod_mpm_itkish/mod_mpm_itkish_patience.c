#include "mod_mpm_itkish_patience.h"

#include "http_config.h"
#include "util_cfgtree.h"
#include "apr_strings.h"

#include <stdlib.h>
#include <string.h>

/* "20-40,MinRate=500", as mod_reqtimeout reads it. It has refused anything
 * else when the server started. */
static void parse_stage(itk_stage_t *stage, const char *value)
{
    const char *rate = ap_strcasestr(value, ",minrate=");
    char *end;

    memset(stage, 0, sizeof(*stage));
    stage->first = apr_time_from_sec(strtol(value, &end, 10));
    stage->most = stage->first;
    if (rate != NULL) {
        long bytes = strtol(rate + strlen(",minrate="), NULL, 10);

        stage->most = *end == '-' ? apr_time_from_sec(strtol(end + 1, NULL,
                                                             10)) : 0;
        stage->per_byte = bytes > 0 ? apr_time_from_sec(1) / bytes : 0;
    }
}

static void parse_args(itk_stage_t *phandshake, itk_stage_t *phead,
                       const char *args, apr_pool_t *p)
{
    while (*args) {
        const char *word = ap_getword_conf(p, &args);

        if (!strncasecmp(word, "handshake=", 10)) {
            parse_stage(phandshake, word + 10);
        }
        else if (!strncasecmp(word, "header=", 7)) {
            parse_stage(phead, word + 7);
        }
    }
}

static void read_list(itk_stage_t *phandshake, itk_stage_t *phead,
                      const ap_directive_t *node, apr_pool_t *p)
{
    for (; node != NULL; node = node->next) {
        if (!strcasecmp(node->directive, "RequestReadTimeout")) {
            parse_args(phandshake, phead, node->args, p);
        }
    }
}

/* The section that S was made from. */
static const ap_directive_t *find_section(const server_rec *s)
{
    const ap_directive_t *node;

    for (node = ap_conftree; node != NULL; node = node->next) {
        if (!strcasecmp(node->directive, "<VirtualHost")
            && node->line_num == (int)s->defn_line_number
            && s->defn_name != NULL && !strcmp(node->filename, s->defn_name)) {
            return node;
        }
    }
    return NULL;
}

void itk_patience_get(itk_stage_t *phandshake, itk_stage_t *phead,
                      const server_rec *s, apr_pool_t *p)
{
    const ap_directive_t *section;

    memset(phandshake, 0, sizeof(*phandshake));
    memset(phead, 0, sizeof(*phead));
    if (ap_find_linked_module("mod_reqtimeout.c") == NULL) {
        return;
    }
    parse_stage(phead, "20-40,MinRate=500");    /* its default */
    read_list(phandshake, phead, ap_conftree, p);
    section = s->is_virtual ? find_section(s) : NULL;
    if (section != NULL) {
        read_list(phandshake, phead, section->first_child, p);
    }
}

apr_interval_time_t itk_stage_limit(const itk_stage_t *stage, apr_size_t len)
{
    apr_interval_time_t limit = stage->first
        + (apr_interval_time_t)len * stage->per_byte;

    return stage->most > 0 && limit > stage->most ? stage->most
        : stage->first > 0 ? limit : 0;
}
