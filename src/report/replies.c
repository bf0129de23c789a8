/* What a receiver's machines answered. */
#include <stdio.h>

#include "report/fmt.h"
#include "report/json_part.h"
#include "report/text_part.h"

void sp_json_replies(struct sp_json *j, const struct sp_result *r)
{
	sp_json_open(j, "replies", '[');
	for (size_t i = 0; i < r->n_replies; i++) {
		const struct sp_reply_result *p = &r->replies[i];

		sp_json_open(j, NULL, '{');
		sp_json_str(j, "name", p->name);
		sp_json_str(j, "port", p->port);
		sp_json_u64(j, "replies", p->replies);
		sp_json_u64(j, "bytes", p->bytes);
		sp_json_u64(j, "refused", p->refused);
		sp_json_close(j, '}');
	}
	sp_json_close(j, ']');
}

void sp_text_replies(struct sp_str *out, const struct sp_result *r)
{
	char line[160], n[32], bytes[32], refused[64] = "", label[48];

	if (!r->n_replies)
		return;
	sp_str_puts(out, "\nreplies\n");
	for (size_t i = 0; i < r->n_replies; i++) {
		const struct sp_reply_result *p = &r->replies[i];

		if (p->refused)
			snprintf(refused, sizeof refused, ", %s not taken by the transport",
				 sp_str_grouped(n, sizeof n, p->refused));
		snprintf(line, sizeof line, "%s sent, %s bytes%s, on %.24s",
			 sp_str_grouped(n, sizeof n, p->replies),
			 sp_str_grouped(bytes, sizeof bytes, p->bytes),
			 p->refused ? refused : "", p->port);
		snprintf(label, sizeof label, "%.13s", p->name);
		sp_text_label(out, label);
		sp_fmt_wrap(out, line, SP_TEXT_LABEL, SP_TEXT_LABEL);
	}
}
