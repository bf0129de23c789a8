#include "engine/asks.h"

#include <errno.h>

#include "core/shared.h"
#include "engine/statuses.h"

/* All keys are looked at this often in one timeout, some at a time. */
#define LOOKS_A_TIMEOUT 4u
#define KEYS_A_LOOK	512u

int sp_asks_init(struct sp_asks *a, const struct sp_env *env, const struct sp_ask_ops *ops,
		 struct sp_source *source, uint32_t n, uint32_t batch)
{
	uint64_t looks;

	*a = (struct sp_asks){ .env = env, .ops = ops, .source = source };
	a->stream = sp_alloc_array(env->mem, n + 1, sizeof *a->stream);
	a->key = sp_alloc_array(env->mem, batch, sizeof *a->key);
	if (!a->stream || !a->key ||
	    sp_pending_init(&a->pending, env->mem, ops->key_bits, (uint32_t)env->seed)) {
		sp_asks_fini(a);
		return -ENOMEM;
	}
	looks = LOOKS_A_TIMEOUT * ((a->pending.keys + KEYS_A_LOOK - 1) / KEYS_A_LOOK);
	a->step_ns = ops->timeout_ns(source) / looks + 1;
	return 0;
}

void sp_asks_fini(struct sp_asks *a)
{
	if (!a->env)
		return;
	sp_free(a->env->mem, a->stream);
	sp_free(a->env->mem, a->key);
	sp_pending_fini(&a->pending);
	*a = (struct sp_asks){ 0 };
}

void sp_asks_stream(struct sp_asks *a, uint32_t i, struct sp_tally_rtt *rtt, uint32_t window)
{
	a->stream[i].rtt = rtt;
	a->stream[i].window = window;
	a->stream[i].timeout_ns = a->ops->timeout_ns(a->source);
}

void sp_asks_put(struct sp_asks *a, struct sp_source *source, struct sp_batch *b)
{
	for (uint32_t i = 0; i < b->n; i++) {
		struct sp_msg *m = &b->m[i];
		struct sp_pending_unit *u;

		a->key[i] = sp_pending_take(&a->pending);
		u = &a->pending.unit[a->key[i]];
		u->due_ns = m->t_ns;
		u->stream = m->flow;
		u->ep = m->ep;
		a->stream[m->flow].waiting++;
		a->ops->put_key(source, m, a->key[i]);
	}
}

void sp_asks_sent(struct sp_asks *a, const struct sp_batch *b, uint32_t from, uint32_t n,
		  uint64_t now_ns)
{
	for (uint32_t i = from; i < from + n; i++) {
		struct sp_pending_unit *u = &a->pending.unit[a->key[i]];

		u->sent_ns = now_ns;
		u->until_ns = now_ns + a->stream[b->m[i].flow].timeout_ns;
	}
	if (a->look_ns < now_ns)
		a->look_ns = now_ns + a->step_ns;
}

static void drop(struct sp_asks *a, struct sp_pending_unit *u)
{
	a->stream[u->stream].waiting--;
	sp_pending_drop(&a->pending, u);
}

void sp_asks_unsent(struct sp_asks *a, uint32_t i)
{
	drop(a, &a->pending.unit[a->key[i]]);
}

static void no_answer(void *arg, const struct sp_pending_unit *u)
{
	struct sp_asks *a = arg;
	struct sp_asked *s = &a->stream[u->stream];

	s->waiting--;
	SP_ADD(s->failed, 1);
	sp_errors_add(&s->errors, SP_WHY_TIMEOUT, 0, u->until_ns);
}

static void take(struct sp_asks *a, const struct sp_msg *m)
{
	struct sp_pending_unit *u;
	struct sp_answer answer;
	struct sp_asked *s;

	if (!a->ops->get_key(a->source, m->data, m->len, &answer) ||
	    !(u = sp_pending_find(&a->pending, answer.key)) || u->ep != m->ep ||
	    u->until_ns == UINT64_MAX) {
		SP_ADD(a->strange, 1);
		return;
	}
	if (m->t_ns > u->until_ns) {
		no_answer(a, u);
		sp_pending_drop(&a->pending, u);
		SP_ADD(a->strange, 1);
		return;
	}
	s = &a->stream[u->stream];
	if (!s->first_rx)
		SP_STORE(s->first_rx, m->t_ns);
	SP_STORE(s->last_rx, m->t_ns);
	SP_ADD(s->unique, 1);
	SP_ADD(s->rx_bytes, m->len);
	sp_hist_add(&s->rtt->rtt, (int64_t)(m->t_ns - u->due_ns));
	sp_hist_add(&s->rtt->rtt_actual, (int64_t)(m->t_ns - u->sent_ns));
	sp_statuses_add(&s->statuses, answer.status, 1);
	if (answer.failed)
		sp_errors_add(&s->errors, SP_WHY_STATUS, 0, m->t_ns);
	if (SP_UNLIKELY(s->wants_replies != NULL))
		sp_pacer_reply(s->wants_replies, u->stream, m->t_ns);
	drop(a, u);
}

void sp_asks_answers(struct sp_asks *a, const struct sp_batch *b)
{
	for (uint32_t i = 0; i < b->n; i++)
		take(a, &b->m[i]);
}

void sp_asks_turn(struct sp_asks *a, uint64_t now_ns)
{
	uint64_t looks;

	if (!a->pending.n || now_ns < a->look_ns)
		return;
	looks = 1 + (now_ns - a->look_ns) / a->step_ns;
	a->look_ns = now_ns + a->step_ns;
	looks = looks < a->pending.keys / KEYS_A_LOOK + 1 ? looks
							  : a->pending.keys / KEYS_A_LOOK + 1;
	sp_pending_expire(&a->pending, now_ns, (uint32_t)looks * KEYS_A_LOOK, no_answer, a);
}

void sp_asks_end(struct sp_asks *a)
{
	sp_pending_expire(&a->pending, UINT64_MAX, a->pending.keys, no_answer, a);
}
