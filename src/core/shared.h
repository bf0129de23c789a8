/* Counters with one writing thread and readers that may be a little behind: relaxed accesses,
 * which compile to plain moves. */
#ifndef SP_CORE_SHARED_H
#define SP_CORE_SHARED_H

#define SP_LOAD(x)     __atomic_load_n(&(x), __ATOMIC_RELAXED)
#define SP_STORE(x, v) __atomic_store_n(&(x), (v), __ATOMIC_RELAXED)
#define SP_ADD(x, n)   SP_STORE(x, (x) + (n)) /* only by the one writer */

#define SP_LIKELY(x)   __builtin_expect(!!(x), 1)
#define SP_UNLIKELY(x) __builtin_expect(!!(x), 0)

#endif
