#ifndef ITK_TITLE_H
#define ITK_TITLE_H

/* Process titles: what ps shows for a role. */

/* Remember where the arguments and the environment lie, in the parent,
 * before any fork. The parent's own title is not touched. */
void itk_title_init(void);

/* Show "httpd: itk ..." for this process from now on. The environment moves
 * to the heap the first time, as its place is used up. */
void itk_title_set(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

#endif /* ITK_TITLE_H */
