#ifndef MOD_MPM_ITKISH_YIELD_H
#define MOD_MPM_ITKISH_YIELD_H

/* Give the processor to the worker that was just handed a connection, before
 * waiting for it, where that is the cheaper way. */
void itk_yield(void);

#endif /* MOD_MPM_ITKISH_YIELD_H */
