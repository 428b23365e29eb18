#ifndef ITK_HEAP_H
#define ITK_HEAP_H

/* Ready this process's memory for the processes that it forks: use up the
 * holes of the heap, so that what a worker allocates lies together on a few
 * new pages, not here and there on pages that it would share otherwise; and
 * read the time zone, which each would read for itself. The holes are lost to
 * this process; it should not allocate much. */
void itk_heap_settle(void);

#endif /* ITK_HEAP_H */
