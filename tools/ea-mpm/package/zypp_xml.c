#include "package/zypp.h"

#include <string.h>

#include <apr_strings.h>
#include <apr_xml.h>

#include "package/manager.h"

/* One document <stream> with all that a run of zypper says, in order. */

#define MAX_DEPTH 100

typedef struct walk_t {
    apr_pool_t *pool;
    /* Called for every element, parents first. */
    void (*take)(struct walk_t *walk, const apr_xml_elem *elem);
    void *to;
} walk_t;

static void walk_elem(walk_t *walk, const apr_xml_elem *elem, int depth)
{
    walk->take(walk, elem);
    for (elem = elem->first_child; elem && depth < MAX_DEPTH;
         elem = elem->next) {
        walk_elem(walk, elem, depth + 1);
    }
}

/* 0: the text is no whole document. */
static int walk_text(walk_t *walk, const char *text)
{
    apr_xml_parser *parser = apr_xml_parser_create(walk->pool);
    apr_xml_doc *doc;

    if (!parser
        || apr_xml_parser_feed(parser, text, strlen(text)) != APR_SUCCESS
        || apr_xml_parser_done(parser, &doc) != APR_SUCCESS || !doc->root) {
        return 0;
    }
    walk_elem(walk, doc->root, 0);
    return 1;
}

static int is(const apr_xml_elem *elem, const char *name)
{
    return strcmp(elem->name, name) == 0;
}

static const char *attr(const apr_xml_elem *elem, const char *name)
{
    const apr_xml_attr *one = elem->attr;

    while (one && strcmp(one->name, name) != 0) {
        one = one->next;
    }
    return one ? one->value : NULL;
}

/* ---- transactions ---- */

static void take_rows(apr_array_header_t *list, const apr_xml_elem *elem,
                      apr_pool_t *p)
{
    for (elem = elem->first_child; elem; elem = elem->next) {
        const char *type = attr(elem, "type"), *name = attr(elem, "name");
        const char *edition = attr(elem, "edition");
        const char *arch = attr(elem, "arch");

        if (is(elem, "solvable") && name && edition && arch
            && (!type || strcmp(type, "package") == 0)) {
            APR_ARRAY_PUSH(list, em_package_t *)
                = em_package_make(name, edition, arch, p);
        }
    }
}

/* Its children are to-install, to-remove, to-upgrade, to-downgrade,
 * to-reinstall, to-upgrade-change-arch and the like. */
static void take_summary(walk_t *walk, const apr_xml_elem *elem)
{
    em_transaction_t **ptxn = walk->to, *txn;

    if (!is(elem, "install-summary")) {
        return;
    }
    txn = apr_pcalloc(walk->pool, sizeof(*txn));
    txn->install = apr_array_make(walk->pool, 4, sizeof(em_package_t *));
    txn->remove = apr_array_make(walk->pool, 4, sizeof(em_package_t *));
    for (elem = elem->first_child; elem; elem = elem->next) {
        take_rows(is(elem, "to-remove") ? txn->remove : txn->install, elem,
                  walk->pool);
    }
    *ptxn = txn;
}

em_transaction_t *em_zypp_summary(const char *text, apr_pool_t *p)
{
    em_transaction_t *txn = NULL;
    walk_t walk = {p, take_summary, &txn};

    return walk_text(&walk, text) ? txn : NULL;
}

/* ---- downloads ---- */

static void take_file(walk_t *walk, const apr_xml_elem *elem)
{
    const char *path = is(elem, "localfile") ? attr(elem, "path") : NULL;

    if (path && *path == '/') {
        APR_ARRAY_PUSH((apr_array_header_t *)walk->to, const char *) = path;
    }
}

apr_array_header_t *em_zypp_files(const char *text, apr_pool_t *p)
{
    apr_array_header_t *files = apr_array_make(p, 4, sizeof(const char *));
    walk_t walk = {p, take_file, files};

    return walk_text(&walk, text) ? files : NULL;
}

/* ---- what is offered ---- */

/* The newest of a name comes first. */
static void take_version(walk_t *walk, const apr_xml_elem *elem)
{
    const char *name = attr(elem, "name"), *edition = attr(elem, "edition");

    if (is(elem, "solvable") && name && edition
        && !apr_hash_get(walk->to, name, APR_HASH_KEY_STRING)) {
        apr_hash_set(walk->to, name, APR_HASH_KEY_STRING, edition);
    }
}

void em_zypp_versions(apr_hash_t *versions, const char *text, apr_pool_t *p)
{
    walk_t walk = {p, take_version, versions};

    (void)walk_text(&walk, text);
}

/* ---- words ---- */

static void take_words(walk_t *walk, const apr_xml_elem *elem)
{
    const char *type = is(elem, "message") ? attr(elem, "type") : NULL;
    const char **pwords = walk->to, *text = elem->first_cdata.first
                                   ? elem->first_cdata.first->text : NULL;
    int counts = is(elem, "description")
                 || (type && strcmp(type, "info") != 0);

    if (counts && text && elem->parent && !is(elem->parent, "solvable")) {
        const apr_text *part = elem->first_cdata.first;

        *pwords = apr_pstrcat(walk->pool, *pwords, **pwords ? "\n" : "",
                              NULL);
        for (; part; part = part->next) {
            *pwords = apr_pstrcat(walk->pool, *pwords, part->text, NULL);
        }
    }
}

const char *em_zypp_words(const char *text, apr_pool_t *p)
{
    const char *words = "";
    walk_t walk = {p, take_words, &words};

    (void)walk_text(&walk, text);
    return words;
}
