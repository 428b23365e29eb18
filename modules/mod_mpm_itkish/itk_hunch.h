#ifndef ITK_HUNCH_H
#define ITK_HUNCH_H

/* Something that often pays and is cheap to leave out. Where it was in vain,
 * it is left out once, then three times, and so on up to ITK_HUNCH_MAX; where
 * it paid it is tried each time again. Start with zeros. */

#define ITK_HUNCH_MAX 63

typedef struct itk_hunch_t {
    int vain;               /* how often it is left out from now on */
    int rest;               /* how often still */
} itk_hunch_t;

/* Is it to be tried now? If so itk_hunch_learn() has to follow. */
int itk_hunch_try(itk_hunch_t *hunch);

/* Note whether it PAID. */
void itk_hunch_learn(itk_hunch_t *hunch, int paid);

#endif /* ITK_HUNCH_H */
