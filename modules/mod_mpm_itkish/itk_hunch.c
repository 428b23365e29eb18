#include "itk_hunch.h"

int itk_hunch_try(itk_hunch_t *hunch)
{
    if (hunch->rest > 0) {
        hunch->rest--;
        return 0;
    }
    return 1;
}

void itk_hunch_learn(itk_hunch_t *hunch, int paid)
{
    if (paid) {
        hunch->vain = 0;
    }
    else if (hunch->vain < ITK_HUNCH_MAX) {
        hunch->vain = 2 * hunch->vain + 1;
    }
    hunch->rest = hunch->vain;
}
