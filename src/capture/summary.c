#include "capture/summary.h"

#include <errno.h>

#include "base/json.h"
#include "capio/read.h"

struct sp_summary {
	const struct sp_mem *mem;
	uint64_t packets, bytes;
	int64_t first_ns, last_ns;
	bool opened;
};

int sp_summary_new(struct sp_summary **out, const struct sp_mem *mem, struct sp_err *err)
{
	struct sp_summary *s = sp_alloc(mem, sizeof *s);

	*out = s;
	if (!s)
		return sp_fail(err, -ENOMEM, SP_EXIT_FAILED, "out of memory");
	s->mem = mem;
	return 0;
}

static void note(struct sp_summary *s, const struct sp_cap_packet *p)
{
	if (!s->packets || p->t_ns < s->first_ns)
		s->first_ns = p->t_ns;
	if (!s->packets || p->t_ns > s->last_ns)
		s->last_ns = p->t_ns;
	s->packets++;
	s->bytes += p->orig_len;
}

int sp_summary_read(struct sp_summary *s, const char *path, struct sp_err *err)
{
	struct sp_cap_packet p;
	struct sp_cap *c;
	uint64_t before = s->packets;
	int rc = sp_cap_open(&c, path, s->mem, err);

	while (!rc && (rc = sp_cap_next(c, &p, err)) == 1) {
		note(s, &p);
		rc = 0;
	}
	/* Damage before the first packet: there was nothing good in it. */
	s->opened |= !rc || s->packets > before;
	sp_cap_close(c);
	return rc;
}

bool sp_summary_opened(const struct sp_summary *s)
{
	return s->opened;
}

void sp_summary_json(const struct sp_summary *s, struct sp_str *out)
{
	struct sp_json j;

	sp_json_init(&j, out, 2);
	sp_json_open(&j, NULL, '{');
	sp_json_u64(&j, "packets", s->packets);
	sp_json_u64(&j, "bytes", s->bytes);
	sp_json_i64(&j, "first_ns", s->first_ns);
	sp_json_i64(&j, "last_ns", s->last_ns);
	sp_json_close(&j, '}');
	sp_str_puts(out, "\n");
}

void sp_summary_text(const struct sp_summary *s, struct sp_str *out)
{
	char n[27];

	sp_str_printf(out, "packets  %s\n", sp_str_grouped(n, sizeof n, s->packets));
	sp_str_printf(out, "bytes    %s\n", sp_str_grouped(n, sizeof n, s->bytes));
}

void sp_summary_free(struct sp_summary *s)
{
	if (s)
		sp_free(s->mem, s);
}
