#include "base/mem.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MIN_ALIGN 16u

/* Every block comes from calloc, because only calloc knows that fresh pages are zero already
 * and leaves them uncommitted. What calloc cannot do is align, so each block is made larger,
 * and the pointer that free() wants lies just before the memory handed out. */
static void *system_alloc(void *arg, size_t size, size_t align)
{
	size_t total;
	void *base;
	char *p;

	(void)arg;
	if (align < MIN_ALIGN)
		align = MIN_ALIGN;
	if (align & (align - 1))
		return NULL;
	/* calloc's result is a multiple of 16, so align bytes hold the pointer and the gap. */
	if (__builtin_add_overflow(size, align, &total) || total > PTRDIFF_MAX)
		return NULL;
	base = calloc(1, total);
	if (!base)
		return NULL;
	p = (char *)base + MIN_ALIGN;
	p += -(uintptr_t)p & (align - 1);
	memcpy(p - sizeof base, &base, sizeof base);
	return p;
}

static void system_free(void *arg, void *p)
{
	void *base;

	(void)arg;
	if (!p)
		return;
	memcpy(&base, (char *)p - sizeof base, sizeof base);
	free(base);
}

const struct sp_mem *sp_mem_system(void)
{
	static const struct sp_mem system = { .alloc = system_alloc, .free = system_free };

	return &system;
}

void *sp_alloc(const struct sp_mem *mem, size_t size)
{
	return mem->alloc(mem->arg, size, 0);
}

void *sp_alloc_array(const struct sp_mem *mem, size_t n, size_t size)
{
	size_t total;

	if (__builtin_mul_overflow(n, size, &total))
		return NULL;
	return mem->alloc(mem->arg, total, 64);
}

void sp_free(const struct sp_mem *mem, void *p)
{
	if (p)
		mem->free(mem->arg, p);
}

void *sp_alloc_more(const struct sp_mem *mem, const void *old, uint32_t *cap, uint32_t first,
		    uint32_t need, uint32_t most, size_t size)
{
	uint64_t more = *cap ? *cap : first;
	void *p;

	if (need > most)
		return NULL;
	while (more < need)
		more *= 2;
	if (more > most)
		more = most;
	p = sp_alloc(mem, more * size);
	if (!p)
		return NULL;
	if (*cap)
		memcpy(p, old, *cap * size);
	*cap = (uint32_t)more;
	return p;
}

/* ---- limit ---- */

/* Lies just before what is handed out. */
struct limited {
	void *base;
	size_t total;
};
_Static_assert(sizeof(struct limited) <= MIN_ALIGN, "the head fits before any block");

static void *limit_alloc(void *arg, size_t size, size_t align)
{
	struct sp_mem_limit *l = arg;
	size_t head = align < MIN_ALIGN ? MIN_ALIGN : align;
	struct limited of;
	char *p;

	if (__builtin_add_overflow(size, head, &of.total) || of.total > l->most - l->used) {
		l->refused = true;
		return NULL;
	}
	of.base = l->below->alloc(l->below->arg, of.total, align);
	if (!of.base)
		return NULL;
	l->used += of.total;
	p = (char *)of.base + head;
	memcpy(p - sizeof of, &of, sizeof of);
	return p;
}

static void limit_free(void *arg, void *p)
{
	struct sp_mem_limit *l = arg;
	struct limited of;

	if (!p)
		return;
	memcpy(&of, (char *)p - sizeof of, sizeof of);
	l->used -= of.total;
	sp_free(l->below, of.base);
}

void sp_mem_limit_init(struct sp_mem_limit *l, const struct sp_mem *below, size_t most)
{
	*l = (struct sp_mem_limit){ .mem = { l, limit_alloc, limit_free },
				    .below = below,
				    .most = most };
}

/* ---- arena ---- */

struct sp_arena_block {
	struct sp_arena_block *next;
	size_t used, cap;
	_Alignas(MIN_ALIGN) char data[];
};

#define BLOCK_MIN ((size_t)4096)
#define BLOCK_MAX ((size_t)65536)

void sp_arena_init(struct sp_arena *a, const struct sp_mem *mem)
{
	*a = (struct sp_arena){ .mem = mem };
}

void sp_arena_fini(struct sp_arena *a)
{
	struct sp_arena_block *b = a->blocks, *next;

	for (; b; b = next) {
		next = b->next;
		sp_free(a->mem, b);
	}
	a->blocks = NULL;
}

static struct sp_arena_block *arena_grow(struct sp_arena *a, size_t need)
{
	struct sp_arena_block *head = a->blocks, *b;
	size_t cap = head ? head->cap * 2 : BLOCK_MIN;
	bool own = false;

	if (cap > BLOCK_MAX)
		cap = BLOCK_MAX;
	if (need > cap / 4) {
		own = true;
		cap = need;
	}
	b = sp_alloc(a->mem, sizeof *b + cap);
	if (!b)
		return NULL;
	b->cap = cap;
	/* A block for one big thing goes behind the head, whose room is still good. */
	if (own && head) {
		b->next = head->next;
		head->next = b;
	} else {
		b->next = head;
		a->blocks = b;
	}
	return b;
}

void *sp_arena_alloc(struct sp_arena *a, size_t size)
{
	struct sp_arena_block *b = a->blocks;
	void *p;

	if (size > SIZE_MAX / 2)
		return NULL;
	size = (size + MIN_ALIGN - 1) & ~(size_t)(MIN_ALIGN - 1);
	if (!size)
		size = MIN_ALIGN;
	if (!b || b->cap - b->used < size) {
		b = arena_grow(a, size);
		if (!b) {
			a->failed = true;
			return NULL;
		}
	}
	p = b->data + b->used;
	b->used += size;
	return p;
}

char *sp_arena_strdup(struct sp_arena *a, const char *s)
{
	size_t size = strlen(s) + 1;
	char *p = sp_arena_alloc(a, size);

	if (p)
		memcpy(p, s, size);
	return p;
}

char *sp_arena_printf(struct sp_arena *a, const char *fmt, ...)
{
	char *p = NULL;
	va_list ap, again;
	int n;

	va_start(ap, fmt);
	va_copy(again, ap);
	n = vsnprintf(NULL, 0, fmt, ap);
	if (n >= 0)
		p = sp_arena_alloc(a, (size_t)n + 1);
	if (p)
		vsnprintf(p, (size_t)n + 1, fmt, again);
	va_end(again);
	va_end(ap);
	return p;
}

/* ---- the allocator of tests ---- */

static void *test_alloc(void *arg, size_t size, size_t align)
{
	struct sp_mem_test *t = arg;
	void *p;

	if (__atomic_fetch_add(&t->count, 1, __ATOMIC_RELAXED) == t->fail_at)
		return NULL;
	p = system_alloc(NULL, size, align);
	if (p)
		__atomic_fetch_add(&t->live, 1, __ATOMIC_RELAXED);
	return p;
}

static void test_free(void *arg, void *p)
{
	struct sp_mem_test *t = arg;

	if (!p)
		return;
	__atomic_fetch_sub(&t->live, 1, __ATOMIC_RELAXED);
	system_free(NULL, p);
}

void sp_mem_test_init(struct sp_mem_test *t, uint64_t fail_at)
{
	*t = (struct sp_mem_test){
		.mem = { .arg = t, .alloc = test_alloc, .free = test_free },
		.fail_at = fail_at,
	};
}
