#include "source/messages/store.h"

#include <errno.h>
#include <string.h>

#include "base/file.h"

struct loader {
	struct msg_store *s;
	const struct msg_load *l;
	struct msg_capture *c; /* that is read */
	bool always;	       /* units stay in memory, however many */
};

static int no_memory(struct sp_err *err)
{
	return sp_fail(err, -ENOMEM, SP_EXIT_FAILED, "out of memory");
}

/* ---- units in memory ---- */

static void let_units_go(struct msg_store *s)
{
	sp_arena_fini(&s->octets);
	sp_arena_init(&s->octets, s->mem);
	sp_free(s->mem, s->units);
	s->units = NULL;
	s->cap = 0;
	s->whole = false;
}

static int keep(struct msg_store *s, const struct msg_unit *u, struct sp_err *err)
{
	uint32_t cap = s->cap;
	uint8_t *copy = sp_arena_alloc(&s->octets, (size_t)u->len + 1);
	struct msg_unit *more = s->units;

	if (copy && s->n >= cap) {
		more = s->n >= UINT32_MAX / 2
			       ? NULL
			       : sp_alloc_more(s->mem, s->units, &cap, 32, (uint32_t)s->n + 1,
					       UINT32_MAX, sizeof *more);
		if (more)
			sp_free(s->mem, s->units);
	}
	if (!copy || !more)
		return no_memory(err);
	memcpy(copy, u->data, u->len);
	s->units = more;
	s->cap = cap;
	s->units[s->n] = *u;
	s->units[s->n].data = copy;
	return 0;
}

static int on_unit(void *arg, const struct msg_unit *u, struct sp_err *err)
{
	struct loader *x = arg;
	struct msg_store *s = x->s;
	int rc = 0;

	s->bytes += u->len + sizeof *u;
	if (s->whole && !x->always && s->bytes > x->l->ahead)
		let_units_go(s);
	if (s->whole)
		rc = keep(s, u, err);
	s->n += !rc;
	x->c->n += !rc;
	if (u->len > s->longest)
		s->longest = u->len;
	return rc;
}

/* ---- captures ---- */

static int take_all(struct loader *x, struct msg_cut *cut, struct sp_err *err)
{
	struct sp_err damage = { 0 };
	struct msg_capture *c = x->c;
	struct sp_cap_packet p;
	int rc = 0;

	while (!rc && sp_cap_next(c->file, &p, &damage) > 0) {
		rc = sp_msg_cut_packet(cut, &p, err);
		if (c->counts.packets == 1)
			c->first_ns = p.t_ns;
		c->last_ns = p.t_ns;
	}
	if (!rc)
		rc = sp_msg_cut_finish(cut, err);
	/* Damage ends this file, not the others; memory does. */
	if (!rc && damage.code == -ENOMEM)
		rc = no_memory(err);
	if (damage.code && !x->s->damage.code)
		x->s->damage = damage;
	return rc;
}

static void close_file(struct msg_capture *c)
{
	if (c->file)
		sp_cap_close(c->file);
	c->file = NULL;
}

static int load_one(struct loader *x, const char *path, struct sp_err *err)
{
	struct msg_store *s = x->s;
	const struct msg_cut_conf conf = { .sections = x->l->sections,
					   .own = x->l->own,
					   .most = x->l->most,
					   .senders = &s->senders,
					   .strangers = &s->strangers,
					   .capture = s->n_captures,
					   .counts = &s->captures[s->n_captures].counts,
					   .unit = on_unit,
					   .arg = x };
	struct msg_cut *cut = NULL;
	int rc;

	x->c = &s->captures[s->n_captures++];
	*x->c = (struct msg_capture){ .path = path, .first = (uint32_t)s->n };
	rc = sp_cap_open(&x->c->file, path, s->mem, err);
	if (rc) {
		x->c->file = NULL;
		return rc;
	}
	sp_msg_senders_look(&s->senders, conf.capture);
	rc = sp_msg_cut_new(&cut, &conf, s->mem, err);
	if (!rc)
		rc = take_all(x, cut, err);
	sp_msg_cut_free(cut);
	if (!x->c->n || x->always)
		close_file(x->c);
	return rc;
}

/* What is no file (a pipe, standard input) can be read once only. */
static bool all_files(const struct msg_load *l)
{
	for (uint32_t i = 0; i < l->n_paths; i++)
		if (!sp_file_is_regular(l->paths[i]))
			return false;
	return true;
}

int sp_msg_store_load(struct msg_store *s, const struct msg_load *l, const struct sp_mem *mem,
		      struct sp_err *err)
{
	struct loader x = {
		.s = s,
		.l = l,
		.always = l->preload || l->n_paths > MSG_FILES_MOST || !all_files(l),
	};
	int rc;

	*s = (struct msg_store){ .mem = mem, .whole = true };
	sp_arena_init(&s->octets, mem);
	sp_msg_strangers_init(&s->strangers, mem);
	s->captures = sp_alloc_array(mem, (size_t)l->n_paths + 1, sizeof *s->captures);
	rc = s->captures ? sp_msg_senders_init(&s->senders, &l->senders, mem, err)
			 : no_memory(err);
	for (uint32_t i = 0; i < l->n_paths && !rc; i++)
		rc = load_one(&x, l->paths[i], err);
	for (uint32_t i = 0; i < s->n_captures && s->whole; i++)
		close_file(&s->captures[i]);
	sp_msg_senders_seal(&s->senders);
	for (uint32_t i = 0; i < s->senders.n_sessions; i++)
		sp_msg_strangers_collector(&s->strangers, &s->senders.sessions[i].dst.addr);
	return rc;
}

void sp_msg_store_free(struct msg_store *s)
{
	if (!s->mem)
		return;
	for (uint32_t i = 0; i < s->n_captures; i++)
		close_file(&s->captures[i]);
	sp_arena_fini(&s->octets);
	sp_free(s->mem, s->units);
	sp_free(s->mem, s->captures);
	sp_msg_senders_fini(&s->senders);
	sp_msg_strangers_free(&s->strangers, s->mem);
	*s = (struct msg_store){ 0 };
}
