#include "change/intent.h"

#include <stdlib.h>
#include <string.h>

#include <apr_lib.h>
#include <apr_strings.h>

#include "change/dir.h"

#define FORMAT 1
#define MAX_STEPS 10000

/* Paths, link targets and attribute values are bytes, JSON is Unicode: all
 * but plain ASCII is written as %XX. */
const char *em_bytes_escape(const char *data, apr_size_t len, apr_pool_t *p)
{
    static const char digits[] = "0123456789ABCDEF";
    char *text = apr_palloc(p, len * 3 + 1), *o = text;

    for (apr_size_t i = 0; i < len; i++) {
        unsigned char c = (unsigned char)data[i];

        if (c > ' ' && c < 0x7f && c != '%') {
            *o++ = (char)c;
            continue;
        }
        *o++ = '%';
        *o++ = digits[c >> 4];
        *o++ = digits[c & 15];
    }
    *o = '\0';
    return text;
}

static int digit(char c)
{
    const char *digits = "0123456789ABCDEF";
    const char *at = c ? strchr(digits, c) : NULL;

    return at ? (int)(at - digits) : -1;
}

/* NULL if TEXT is not what em_bytes_escape() writes. */
static const char *unescape(apr_size_t *plen, const char *text,
                            apr_pool_t *p)
{
    char *data = apr_palloc(p, strlen(text) + 1), *o = data;

    for (; *text; text++) {
        int high, low;

        if (*text != '%') {
            *o++ = *text;
            continue;
        }
        high = digit(text[1]);
        low = high < 0 ? -1 : digit(text[2]);
        if (low < 0) {
            return NULL;
        }
        *o++ = (char)(high * 16 + low);
        text += 2;
    }
    *o = '\0';
    *plen = (apr_size_t)(o - data);
    return data;
}

/* ---- writing ---- */

static const char *const kinds[] = {"absent", "file", "link"};

static em_json_t *xattrs_json(const apr_array_header_t *xattrs,
                              apr_pool_t *p)
{
    em_json_t *array = em_json_array(p);

    for (int i = 0; i < xattrs->nelts; i++) {
        const em_xattr_t *x = &APR_ARRAY_IDX(xattrs, i, em_xattr_t);
        em_json_t *o = em_json_object(p);

        em_json_set_str(o, "name",
                        em_bytes_escape(x->name, strlen(x->name), p));
        em_json_set_str(o, "value", em_bytes_escape(x->value, x->len, p));
        em_json_add(array, o);
    }
    return array;
}

em_json_t *em_image_json(const em_image_t *image, const char *sha1,
                         apr_pool_t *p)
{
    const em_node_t *node = &image->node;
    em_json_t *o = em_json_object(p);

    em_json_set_str(o, "kind", kinds[node->kind]);
    if (node->kind == EM_NODE_ABSENT) {
        return o;
    }
    if (node->kind == EM_NODE_LINK) {
        em_json_set_str(o, "target",
                        em_bytes_escape(node->data, strlen(node->data), p));
    }
    else {
        em_json_set_int(o, "size", (long long)node->len);
        em_json_set_str(o, "sha1", sha1);
        em_json_set_int(o, "mode", node->mode);
    }
    em_json_set_int(o, "uid", node->uid);
    em_json_set_int(o, "gid", node->gid);
    if (image->has_mtime) {
        em_json_set_int(o, "mtime_ns", image->mtime);
    }
    if (image->xattrs && image->xattrs->nelts > 0) {
        em_json_set(o, "xattrs", xattrs_json(image->xattrs, p));
    }
    return o;
}

static em_json_t *strings_json(const apr_array_header_t *strings,
                               int escaped, apr_pool_t *p)
{
    em_json_t *array = em_json_array(p);

    for (int i = 0; strings && i < strings->nelts; i++) {
        const char *s = APR_ARRAY_IDX(strings, i, const char *);

        em_json_add_str(array, escaped ? em_bytes_escape(s, strlen(s), p) : s);
    }
    return array;
}

static em_json_t *move_json(const em_move_t *move, apr_pool_t *p)
{
    em_json_t *o = em_json_object(p);
    const char *path = move->step->path;

    em_json_set_str(o, "kind", "path");
    em_json_set_str(o, "why", move->step->why);
    em_json_set_str(o, "path", em_bytes_escape(path, strlen(path), p));
    em_json_set(o, "before", em_image_json(&move->before, move->before_sha1,
                                           p));
    em_json_set(o, "after", em_image_json(&move->after, move->after_sha1, p));
    return o;
}

static em_json_t *steps_json(const em_intent_t *intent, apr_pool_t *p)
{
    const apr_array_header_t *steps = intent->info.plan->steps;
    em_json_t *array = em_json_array(p);
    int next = 0;

    for (int i = 0; i < steps->nelts; i++) {
        const em_step_t *step = APR_ARRAY_IDX(steps, i, em_step_t *);

        em_json_add(array, step->kind == EM_STEP_PACKAGES
                        ? em_part_json(intent->packages, p)
                        : move_json(APR_ARRAY_IDX(intent->moves, next++,
                                                  em_move_t *), p));
    }
    return array;
}

static em_json_t *service_json(const em_txn_service_t *service,
                               apr_pool_t *p)
{
    em_json_t *o = em_json_object(p);

    em_json_set_bool(o, "was_running", service->was_running);
    em_json_set_int(o, "kind", service->service.kind);
    em_json_set_str(o, "unit", service->service.unit);
    em_json_set_str(o, "ctl", service->service.ctl);
    em_json_set_bool(o, "running", service->service.running);
    em_json_set_str(o, "why", service->service.why);
    return o;
}

const char *em_intent_text(const em_intent_t *intent, apr_pool_t *p)
{
    const em_txn_info_t *info = &intent->info;
    em_json_t *o = em_json_object(p);

    em_json_set_int(o, "format", FORMAT);
    em_json_set_str(o, "id", info->id);
    em_json_set_str(o, "from", info->from);
    em_json_set_str(o, "to", info->to);
    em_json_set_str(o, "rolls_back", info->rolls_back);
    em_json_set_int(o, "begun", info->begun);
    em_json_set(o, "service", service_json(&info->service, p));
    em_json_set(o, "units", strings_json(info->plan->restart_units, 0, p));
    em_json_set(o, "made", strings_json(intent->made, 1, p));
    em_json_set(o, "unmade", strings_json(intent->unmade, 1, p));
    em_json_set(o, "steps", steps_json(intent, p));
    return apr_pstrcat(p, em_json_text(o, 1, p), "\n", NULL);
}

/* ---- reading ---- */

static const char *bytes_of(const em_json_t *o, const char *key,
                            apr_size_t *plen, apr_pool_t *p)
{
    const char *text = em_json_get_str(o, key);

    return text ? unescape(plen, text, p) : NULL;
}

/* A string of bytes without NUL. */
static const char *name_of(const em_json_t *o, const char *key,
                           apr_pool_t *p)
{
    apr_size_t len;
    const char *s = bytes_of(o, key, &len, p);

    return s && *s && strlen(s) == len ? s : NULL;
}

const char *em_path_from(const char *text, apr_pool_t *p)
{
    apr_size_t len;
    const char *path = text ? unescape(&len, text, p) : NULL;

    return path && strlen(path) == len && em_path_is_plain(path) ? path
                                                                 : NULL;
}

int em_is_sha1(const char *s)
{
    return s && strlen(s) == EM_SHA1_HEX - 1
           && strspn(s, "0123456789abcdef") == EM_SHA1_HEX - 1;
}

/* A number from 0 to MAX into *P, or 0. */
static int number(long long *pn, const em_json_t *o, const char *key,
                  long long max)
{
    *pn = em_json_get_int(o, key, -1);
    return *pn >= 0 && *pn <= max;
}

static int xattrs_from(em_image_t *image, const em_json_t *array,
                       apr_pool_t *p)
{
    int n = em_json_size(array);

    image->xattrs = apr_array_make(p, n + 1, sizeof(em_xattr_t));
    for (int i = 0; i < n; i++) {
        const em_json_t *o = em_json_at(array, i);
        em_xattr_t *x = apr_array_push(image->xattrs);

        x->name = name_of(o, "name", p);
        x->value = bytes_of(o, "value", &x->len, p);
        if (!x->name || !x->value) {
            return 0;
        }
    }
    return 1;
}

static int owner_from(em_image_t *image, const em_json_t *o)
{
    const long long none = LLONG_MIN;
    long long uid, gid;

    if (!number(&uid, o, "uid", 0xffffffffLL)
        || !number(&gid, o, "gid", 0xffffffffLL)) {
        return 0;
    }
    image->node.uid = (uid_t)uid;
    image->node.gid = (gid_t)gid;
    image->mtime = em_json_get_int(o, "mtime_ns", none);
    image->has_mtime = image->mtime != none;
    if (!image->has_mtime) {
        image->mtime = 0;
    }
    return 1;
}

int em_image_from(em_image_t *image, const char **psha1, const em_json_t *o,
                  apr_pool_t *p)
{
    const char *kind = em_json_get_str(o, "kind");
    long long n;

    if (!kind) {
        return 0;
    }
    if (strcmp(kind, kinds[EM_NODE_ABSENT]) == 0) {
        image->node.kind = EM_NODE_ABSENT;
        return 1;
    }
    if (strcmp(kind, kinds[EM_NODE_LINK]) == 0) {
        image->node.kind = EM_NODE_LINK;
        image->node.data = name_of(o, "target", p);
        if (!image->node.data) {
            return 0;
        }
        image->node.len = strlen(image->node.data);
        return owner_from(image, o);
    }
    if (strcmp(kind, kinds[EM_NODE_FILE]) != 0) {
        return 0;
    }
    image->node.kind = EM_NODE_FILE;
    *psha1 = em_json_get_str(o, "sha1");
    if (!em_is_sha1(*psha1) || !number(&n, o, "size", EM_IMAGE_MAX)) {
        return 0;
    }
    image->node.len = (apr_size_t)n;
    if (!number(&n, o, "mode", 07777)) {
        return 0;
    }
    image->node.mode = (mode_t)n;
    return owner_from(image, o)
           && xattrs_from(image, em_json_get(o, "xattrs"), p);
}

static apr_array_header_t *strings_from(const em_json_t *array, int escaped,
                                        apr_pool_t *p)
{
    int n = em_json_size(array);
    apr_array_header_t *out = apr_array_make(p, n + 1, sizeof(const char *));

    for (int i = 0; i < n; i++) {
        const char *s = em_json_str(em_json_at(array, i));

        if (escaped) {
            s = em_path_from(s, p);
        }
        if (!s) {
            return NULL;
        }
        APR_ARRAY_PUSH(out, const char *) = s;
    }
    return out;
}

/* An integer between its bounds is not enough for an enum. */
static int service_from(em_txn_service_t *service, const em_json_t *o)
{
    long long kind;

    if (!number(&kind, o, "kind", EM_SERVICE_LAST)) {
        return 0;
    }
    service->was_running = em_json_get_bool(o, "was_running", 0);
    service->service.kind = (em_service_kind_t)kind;
    service->service.unit = em_json_get_str(o, "unit");
    service->service.ctl = em_json_get_str(o, "ctl");
    service->service.running = em_json_get_bool(o, "running", 0);
    service->service.why = em_json_get_str(o, "why");
    return 1;
}

static int move_from(em_intent_t *intent, em_step_t *step,
                     const em_json_t *o, apr_pool_t *p)
{
    em_move_t *move = apr_pcalloc(p, sizeof(*move));

    step->kind = EM_STEP_PATH;
    step->path = em_path_from(em_json_get_str(o, "path"), p);
    if (!step->path
        || !em_image_from(&move->before, &move->before_sha1,
                       em_json_get(o, "before"), p)
        || !em_image_from(&move->after, &move->after_sha1,
                       em_json_get(o, "after"), p)) {
        return 0;
    }
    step->before = move->before.node;
    step->after = move->after.node;
    move->step = step;
    move->n = intent->moves->nelts;
    APR_ARRAY_PUSH(intent->moves, em_move_t *) = move;
    return 1;
}

static int step_from(em_intent_t *intent, const em_json_t *o, apr_pool_t *p)
{
    em_step_t *step = apr_pcalloc(p, sizeof(*step));
    const char *kind = em_json_get_str(o, "kind");

    step->why = em_json_get_str(o, "why");
    if (!kind || !step->why) {
        return 0;
    }
    APR_ARRAY_PUSH(intent->info.plan->steps, em_step_t *) = step;
    if (strcmp(kind, "path") == 0) {
        return move_from(intent, step, o, p);
    }
    if (strcmp(kind, "packages") != 0 || intent->packages) {
        return 0;
    }
    intent->packages = em_part_from(step, o, p);
    return intent->packages != NULL;
}

static int steps_from(em_intent_t *intent, const em_json_t *array,
                      const char **perror, apr_pool_t *p)
{
    int n = em_json_size(array);

    if (!em_json_is_array(array) || n > MAX_STEPS) {
        *perror = "no list of steps";
        return 0;
    }
    intent->moves = apr_array_make(p, n + 1, sizeof(em_move_t *));
    for (int i = 0; i < n; i++) {
        if (!step_from(intent, em_json_at(array, i), p)) {
            *perror = apr_psprintf(p, "step %d makes no sense", i + 1);
            return 0;
        }
    }
    for (int i = 0; i < intent->moves->nelts; i++) {
        em_move_t *move = APR_ARRAY_IDX(intent->moves, i, em_move_t *);

        move->over = em_kept_at(intent->packages, move->step->path) != NULL;
    }
    return 1;
}

int em_id_is_plain(const char *id)
{
    apr_size_t len = strlen(id);

    return len > 0 && len < 64 && apr_isdigit(id[0])
           && strspn(id, "0123456789T-") == len;
}

static em_plan_t *empty_plan(apr_pool_t *p)
{
    em_plan_t *plan = apr_pcalloc(p, sizeof(*plan));

    plan->steps = apr_array_make(p, 8, sizeof(em_step_t *));
    plan->consequences = apr_array_make(p, 1, sizeof(em_consequence_t *));
    plan->restart_units = apr_array_make(p, 1, sizeof(const char *));
    plan->request.with = apr_array_make(p, 1, sizeof(const char *));
    plan->request.without = apr_array_make(p, 1, sizeof(const char *));
    return plan;
}

/* The head: everything but the lists. */
static const char *head_from(em_intent_t *intent, const em_json_t *o)
{
    em_txn_info_t *info = &intent->info;
    em_plan_t *plan = info->plan;

    if (em_json_get_int(o, "format", 0) != FORMAT) {
        return "it is not of format 1";
    }
    info->id = em_json_get_str(o, "id");
    if (!info->id || !em_id_is_plain(info->id)) {
        return "it has no id";
    }
    info->rolls_back = em_json_get_str(o, "rolls_back");
    if (info->rolls_back && !em_id_is_plain(info->rolls_back)) {
        return "it rolls back something that is no id";
    }
    info->from = plan->from = em_json_get_str(o, "from");
    info->to = plan->to = plan->request.target = em_json_get_str(o, "to");
    plan->rolls_back = info->rolls_back;
    info->begun = em_json_get_int(o, "begun", -1);
    if (info->begun < 0) {
        return "it does not say when it began";
    }
    return service_from(&info->service, em_json_get(o, "service"))
               ? NULL : "it does not tell the service";
}

apr_status_t em_intent_parse(em_intent_t **pintent, const char **perror,
                             const char *text, apr_size_t len, apr_pool_t *p)
{
    em_intent_t *intent = apr_pcalloc(p, sizeof(*intent));
    em_json_t *o;
    apr_status_t rv = em_json_parse(&o, perror, text, len, p);

    if (rv != APR_SUCCESS) {
        return rv;
    }
    if (!em_json_is_object(o)) {
        *perror = "it is not an object";
        return APR_EINVAL;
    }
    intent->info.plan = empty_plan(p);
    *perror = head_from(intent, o);
    if (*perror || !steps_from(intent, em_json_get(o, "steps"), perror, p)) {
        return APR_EINVAL;
    }
    intent->info.plan->restart_units
        = strings_from(em_json_get(o, "units"), 0, p);
    if (!intent->info.plan->restart_units) {
        *perror = "its units make no sense";
        return APR_EINVAL;
    }
    intent->made = strings_from(em_json_get(o, "made"), 1, p);
    intent->unmade = strings_from(em_json_get(o, "unmade"), 1, p);
    if (!intent->made || !intent->unmade) {
        *perror = "its directories make no sense";
        return APR_EINVAL;
    }
    *pintent = intent;
    return APR_SUCCESS;
}
