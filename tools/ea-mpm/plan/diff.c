#include "plan/plan.h"

#include <stdlib.h>
#include <string.h>

#include <apr_strings.h>

#define CONTEXT 3
#define MAX_CELLS (4 * 1024 * 1024)     /* of the table below */

typedef struct line_t {
    const char *s;
    apr_size_t len;             /* with its newline, if it has one */
} line_t;

typedef enum { KEEP = ' ', DROP = '-', ADD = '+' } op_t;

typedef struct edit_t {
    op_t op;
    line_t line;
} edit_t;

/* ---- lines ---- */

static apr_array_header_t *lines_of(const char *data, apr_size_t len,
                                    apr_pool_t *p)
{
    apr_array_header_t *lines = apr_array_make(p, 64, sizeof(line_t));

    while (len > 0) {
        const char *nl = memchr(data, '\n', len);
        line_t *line = apr_array_push(lines);

        line->s = data;
        line->len = nl ? (apr_size_t)(nl - data) + 1 : len;
        data += line->len;
        len -= line->len;
    }
    return lines;
}

static const line_t *line_at(const apr_array_header_t *lines, int i)
{
    return &APR_ARRAY_IDX(lines, i, line_t);
}

static int same(const line_t *a, const line_t *b)
{
    return a->len == b->len && memcmp(a->s, b->s, a->len) == 0;
}

/* ---- what to do ---- */

static void push(apr_array_header_t *edits, op_t op, const line_t *line)
{
    edit_t *edit = apr_array_push(edits);

    edit->op = op;
    edit->line = *line;
}

/* Lines A0..A1 became B0..B1: the longest common subsequence, by a table of
 * lengths from the end. A part too large for that is replaced as a whole,
 * which is correct, only longer to read. */
static void middle(apr_array_header_t *edits, const apr_array_header_t *a,
                   int a0, int a1, const apr_array_header_t *b, int b0,
                   int b1, apr_pool_t *p)
{
    apr_size_t w = (apr_size_t)(b1 - b0) + 1;
    apr_size_t cells = ((apr_size_t)(a1 - a0) + 1) * w;
    int *lcs = cells <= MAX_CELLS ? apr_pcalloc(p, cells * sizeof(int))
                                  : NULL;
    int i, j;

#define AT(x, y) lcs[(apr_size_t)((x) - a0) * w + (apr_size_t)((y) - b0)]
    for (i = a1 - 1; lcs && i >= a0; i--) {
        for (j = b1 - 1; j >= b0; j--) {
            AT(i, j) = same(line_at(a, i), line_at(b, j))
                           ? AT(i + 1, j + 1) + 1
                       : AT(i + 1, j) >= AT(i, j + 1) ? AT(i + 1, j)
                                                      : AT(i, j + 1);
        }
    }
    for (i = a0, j = b0; i < a1 || j < b1;) {
        if (lcs && i < a1 && j < b1 && same(line_at(a, i), line_at(b, j))) {
            push(edits, KEEP, line_at(a, i++));
            j++;
        }
        else if (i < a1
                 && (!lcs || j >= b1 || AT(i + 1, j) >= AT(i, j + 1))) {
            push(edits, DROP, line_at(a, i++));
        }
        else {
            push(edits, ADD, line_at(b, j++));
        }
    }
#undef AT
}

static apr_array_header_t *edits_of(const em_node_t *before,
                                    const em_node_t *after, apr_pool_t *p)
{
    apr_array_header_t *a = lines_of(before->data, before->len, p);
    apr_array_header_t *b = lines_of(after->data, after->len, p);
    apr_array_header_t *edits
        = apr_array_make(p, a->nelts + 16, sizeof(edit_t));
    int head = 0, tail = 0;

    while (head < a->nelts && head < b->nelts
           && same(line_at(a, head), line_at(b, head))) {
        head++;
    }
    while (tail < a->nelts - head && tail < b->nelts - head
           && same(line_at(a, a->nelts - 1 - tail),
                   line_at(b, b->nelts - 1 - tail))) {
        tail++;
    }
    for (int i = 0; i < head; i++) {
        push(edits, KEEP, line_at(a, i));
    }
    middle(edits, a, head, a->nelts - tail, b, head, b->nelts - tail, p);
    for (int i = a->nelts - tail; i < a->nelts; i++) {
        push(edits, KEEP, line_at(a, i));
    }
    return edits;
}

/* ---- text ---- */

typedef struct text_t {
    apr_array_header_t *parts;  /* const char * */
    apr_pool_t *pool;
} text_t;

static void say(text_t *t, const char *s)
{
    APR_ARRAY_PUSH(t->parts, const char *) = s;
}

static const edit_t *edit_at(const apr_array_header_t *edits, int i)
{
    return &APR_ARRAY_IDX(edits, i, edit_t);
}

static void say_line(text_t *t, const edit_t *edit)
{
    const line_t *line = &edit->line;
    char op[2] = {(char)edit->op, '\0'};
    /* A NUL would end the text of the diff for whoever prints it. */
    char *copy = apr_pstrmemdup(t->pool, line->s, line->len);

    for (apr_size_t i = 0; i < line->len; i++) {
        if (copy[i] == '\0') {
            copy[i] = '?';
        }
    }
    say(t, apr_pstrdup(t->pool, op));
    say(t, copy);
    if (line->s[line->len - 1] != '\n') {
        say(t, "\n\\ No newline at end of file\n");
    }
}

/* "12,5", or "12" for a single line; an empty range names the line before. */
static const char *range(int begin, int count, apr_pool_t *p)
{
    return count == 1 ? apr_itoa(p, begin + 1)
                      : apr_psprintf(p, "%d,%d", count ? begin + 1 : begin,
                                     count);
}

/* One hunk: edits FROM..TO, which begin at lines A and B. */
static void say_hunk(text_t *t, const apr_array_header_t *edits, int from,
                     int to, int a, int b)
{
    int na = 0, nb = 0;

    for (int i = from; i < to; i++) {
        na += edit_at(edits, i)->op != ADD;
        nb += edit_at(edits, i)->op != DROP;
    }
    say(t, apr_psprintf(t->pool, "@@ -%s +%s @@\n", range(a, na, t->pool),
                        range(b, nb, t->pool)));
    for (int i = from; i < to; i++) {
        say_line(t, edit_at(edits, i));
    }
}

/* The end of the hunk that begins with the change at I: behind CONTEXT kept
 * lines that no further change follows closely. */
static int hunk_end(const apr_array_header_t *edits, int i)
{
    int kept = 0;

    for (; i < edits->nelts && kept <= 2 * CONTEXT; i++) {
        kept = edit_at(edits, i)->op == KEEP ? kept + 1 : 0;
    }
    return kept > CONTEXT ? i - (kept - CONTEXT) : i;
}

static void say_hunks(text_t *t, const apr_array_header_t *edits)
{
    int a = 0, b = 0, i = 0;

    while (i < edits->nelts) {
        int from, to;

        if (edit_at(edits, i)->op == KEEP) {
            i++, a++, b++;
            continue;
        }
        from = i < CONTEXT ? 0 : i - CONTEXT;
        to = hunk_end(edits, i);
        say_hunk(t, edits, from, to, a - (i - from), b - (i - from));
        for (; i < to; i++) {
            a += edit_at(edits, i)->op != ADD;
            b += edit_at(edits, i)->op != DROP;
        }
    }
}

static const char *file_diff(const em_step_t *step, apr_pool_t *p)
{
    text_t t = {apr_array_make(p, 64, sizeof(const char *)), p};

    say(&t, apr_psprintf(p, "--- a%s\n+++ b%s\n", step->path, step->path));
    say_hunks(&t, edits_of(&step->before, &step->after, p));
    return apr_array_pstrcat(p, t.parts, 0);
}

/* "+ NAME-VERSION (why)", a line each. */
static const char *package_lines(const apr_array_header_t *list, char sign,
                                 apr_pool_t *p)
{
    const char *text = "";

    for (int i = 0; i < list->nelts; i++) {
        const em_package_t *one = APR_ARRAY_IDX(list, i, em_package_t *);

        text = apr_psprintf(p, "%s%c %s-%s%s%s%s\n", text, sign, one->name,
                            one->version, one->why ? " (" : "",
                            one->why ? one->why : "", one->why ? ")" : "");
    }
    return text;
}

/* What happens to configuration files, and how many others there are. */
static const char *effect_lines(const apr_array_header_t *effects,
                                apr_pool_t *p)
{
    const char *text = "";
    int others = 0;

    for (int i = 0; effects && i < effects->nelts; i++) {
        const em_effect_t *effect = APR_ARRAY_IDX(effects, i, em_effect_t *);

        if (effect->script) {
            continue;           /* nobody knows */
        }
        if (!effect->config) {
            others++;
            continue;
        }
        text = apr_pstrcat(p, text, effect->after.kind == EM_NODE_ABSENT
                               ? "  remove " : "  write ", effect->path,
                           "\n", NULL);
    }
    return others ? apr_psprintf(p, "%s  and %d other file%s\n", text, others,
                                 others == 1 ? "" : "s") : text;
}

static const char *thing(const em_node_t *node, apr_pool_t *p)
{
    switch (node->kind) {
    case EM_NODE_LINK:
        return apr_pstrcat(p, "link -> ", node->data, NULL);
    case EM_NODE_FILE:
        return node->len ? "file" : "empty file";
    default:
        return "nothing";
    }
}

/* One line for what is no change of a file's text. */
static const char *one_line(const em_step_t *step, apr_pool_t *p)
{
    const em_node_t *before = &step->before, *after = &step->after;

    if (before->kind == EM_NODE_ABSENT && after->kind == EM_NODE_LINK) {
        return apr_psprintf(p, "link %s -> %s\n", step->path, after->data);
    }
    if (before->kind == EM_NODE_LINK && after->kind == EM_NODE_ABSENT) {
        return apr_psprintf(p, "unlink %s (was -> %s)\n", step->path,
                            before->data);
    }
    if (before->kind == EM_NODE_ABSENT) {
        return apr_psprintf(p, "create %s (%s)\n", step->path,
                            thing(after, p));
    }
    if (after->kind == EM_NODE_ABSENT) {
        return apr_psprintf(p, "remove %s (%s)\n", step->path,
                            thing(before, p));
    }
    return apr_psprintf(p, "replace %s (%s) by %s\n", step->path,
                        thing(before, p), thing(after, p));
}

const char *em_plan_diff(const em_step_t *step, apr_pool_t *p)
{
    const em_node_t *before = &step->before, *after = &step->after;

    if (step->kind == EM_STEP_PACKAGES) {
        const em_transaction_t *txn = step->packages;

        return apr_pstrcat(p, "One transaction of ", txn->manager, ":\n",
                           package_lines(txn->install, '+', p),
                           package_lines(txn->remove, '-', p),
                           txn->purge ? package_lines(txn->purge, '-', p)
                                      : "",
                           effect_lines(step->effects, p), NULL);
    }
    if (before->kind != EM_NODE_LINK && after->kind != EM_NODE_LINK
        && before->len + after->len > 0) {
        return file_diff(step, p);
    }
    return one_line(step, p);
}
