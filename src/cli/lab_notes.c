#include "cli/lab_notes.h"

#include "base/str.h"
#include "lab/lab.h"
#include "lab/named.h"
#include "lab/show.h"

#define NOTES_MAX 8u

static bool note(struct spate_run *run, const struct sp_lab_link_state *link)
{
	struct sp_str text;

	if (link->via == SP_LAB_VETH)
		return false;
	sp_str_init(&text, sp_mem_system());
	sp_lab_show_carrier(&text, link);
	if (!text.failed)
		spate_run_note(run, "lab-link", text.text);
	sp_str_fini(&text);
	return true;
}

void sp_lab_notes(struct spate_run *run)
{
	struct sp_lab_order o = { .what = SP_LAB_WHO };
	struct sp_lab_note answer;
	struct sp_err err;
	unsigned n, told = 0;

	if (!sp_lab_is_inside() || sp_lab_named_ask_inside(&o, &answer, &err))
		return;
	n = answer.who.n_links;
	o.what = SP_LAB_STATE;
	for (o.number = 0; o.number < n && told < NOTES_MAX; o.number++) {
		if (sp_lab_named_ask_inside(&o, &answer, &err))
			return;
		told += note(run, &answer.link);
	}
	if (told == NOTES_MAX && o.number < n)
		spate_run_note(run, "lab-link", "the lab has more links; see 'spate lab list'");
}
