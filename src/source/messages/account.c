#include "source/messages/account.h"

#include <errno.h>

#include "core/shared.h"

int sp_msg_account_init(struct msg_account *a, uint32_t sessions, uint32_t plays,
			const struct sp_mem *mem)
{
	*a = (struct msg_account){ .n_sessions = sessions, .n_plays = plays };
	a->session = sp_alloc_array(mem, (size_t)sessions + 1, sizeof *a->session);
	a->play = sp_alloc_array(mem, (size_t)plays + 1, sizeof *a->play);
	a->filled = sp_alloc_array(mem, MSG_UNDER_WAY, sizeof *a->filled);
	return a->session && a->play && a->filled ? 0 : -ENOMEM;
}

void sp_msg_account_fini(struct msg_account *a, const struct sp_mem *mem)
{
	sp_free(mem, a->session);
	sp_free(mem, a->play);
	sp_free(mem, a->filled);
	*a = (struct msg_account){ 0 };
}

static void ask(struct msg_sum *s, uint32_t len)
{
	SP_ADD(s->asked, 1);
	SP_ADD(s->asked_bytes, len);
}

void sp_msg_account_filled(struct msg_account *a, uint32_t session, uint32_t play, uint32_t len,
			   uint64_t due_ns)
{
	a->filled[a->tail++ % MSG_UNDER_WAY] = (struct msg_filled){
		.due_ns = due_ns, .session = session, .play = play, .len = len
	};
	if (!len)
		return;
	ask(&a->session[session], len);
	ask(&a->play[play], len);
}

static void leave(struct msg_sum *s, const struct msg_filled *f, uint64_t now_ns)
{
	if (!s->first_ns) {
		SP_STORE(s->first_late_ns, now_ns > f->due_ns ? now_ns - f->due_ns : 0);
		SP_STORE(s->first_ns, now_ns);
	}
	SP_STORE(s->last_ns, now_ns);
	SP_ADD(s->left, 1);
	SP_ADD(s->left_bytes, f->len);
}

void sp_msg_account_left(struct msg_account *a, uint32_t n, uint64_t now_ns)
{
	for (; n && a->head != a->tail; n--) {
		const struct msg_filled *f = &a->filled[a->head++ % MSG_UNDER_WAY];

		if (!f->len || !now_ns)
			continue;
		leave(&a->session[f->session], f, now_ns);
		leave(&a->play[f->play], f, now_ns);
	}
}

void sp_msg_sum_read(const struct msg_sum *s, struct msg_sum *out)
{
	*out = (struct msg_sum){ .asked = SP_LOAD(s->asked),
				 .asked_bytes = SP_LOAD(s->asked_bytes),
				 .left = SP_LOAD(s->left),
				 .left_bytes = SP_LOAD(s->left_bytes),
				 .first_ns = SP_LOAD(s->first_ns),
				 .last_ns = SP_LOAD(s->last_ns),
				 .first_late_ns = SP_LOAD(s->first_late_ns) };
}
