/* Allocators, passed in by pointer, so that tests can fail allocation n and count leaks. */
#ifndef SP_BASE_MEM_H
#define SP_BASE_MEM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct sp_mem {
	void *arg;
	/* Zeroed memory of size bytes, aligned to align (a power of two, 0 = 16); NULL when out
	 * of memory. Big blocks should be lazily committed (the system one is, by mmap). */
	void *(*alloc)(void *arg, size_t size, size_t align);
	void (*free)(void *arg, void *p); /* p may be NULL */
};

/* The process allocator. */
const struct sp_mem *sp_mem_system(void);

void *sp_alloc(const struct sp_mem *mem, size_t size);
/* n * size with an overflow check; aligned to 64. */
void *sp_alloc_array(const struct sp_mem *mem, size_t n, size_t size);
void sp_free(const struct sp_mem *mem, void *p);
/* A larger copy of an array of *cap elements, for need of them: *cap is doubled, from first (1 or
 * more) on, up to most. The old array stays the caller's, who frees it. NULL: no memory, or need is
 * beyond most; *cap is unchanged. */
void *sp_alloc_more(const struct sp_mem *mem, const void *old, uint32_t *cap, uint32_t first,
		    uint32_t need, uint32_t most, size_t size);

/* So much of another allocator and no more. Used through mem; all of it is freed before below is.
 * One thread. */
struct sp_mem_limit {
	struct sp_mem mem;
	const struct sp_mem *below;
	size_t used, most; /* octets, with what the limit itself takes of them */
	bool refused;	   /* something was beyond the limit; for the user to clear */
};
void sp_mem_limit_init(struct sp_mem_limit *, const struct sp_mem *below, size_t most);

/* Grow-only memory with one owner: everything is freed at once. */
struct sp_arena {
	const struct sp_mem *mem;
	struct sp_arena_block *blocks;
	bool failed; /* there was no memory, once */
};

void sp_arena_init(struct sp_arena *, const struct sp_mem *mem);
void sp_arena_fini(struct sp_arena *);
void *sp_arena_alloc(struct sp_arena *, size_t size); /* zeroed, 16-aligned; NULL: no memory */
char *sp_arena_strdup(struct sp_arena *, const char *s);
char *sp_arena_printf(struct sp_arena *, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

/* For tests: counts live blocks and fails allocation number fail_at (from 0; UINT64_MAX none).
 * Thread-safe. sp_mem_test_init makes t->mem usable; t->live must be 0 at the end. */
struct sp_mem_test {
	struct sp_mem mem;
	uint64_t count, fail_at, live;
};
void sp_mem_test_init(struct sp_mem_test *t, uint64_t fail_at);

#endif
