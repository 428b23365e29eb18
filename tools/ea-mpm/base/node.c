#include "base/node.h"

#include <string.h>

int em_node_same(const em_node_t *a, const em_node_t *b)
{
    if (a->kind != b->kind) {
        return 0;
    }
    switch (a->kind) {
    case EM_NODE_FILE:
        return a->len == b->len
               && (a->len == 0 || memcmp(a->data, b->data, a->len) == 0);
    case EM_NODE_LINK:
        return strcmp(a->data, b->data) == 0;
    case EM_NODE_ABSENT:
    case EM_NODE_OTHER:
        break;
    }
    return 1;
}
