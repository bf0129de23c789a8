#include <math.h>

#include "base/json.h"
#include "compare/compare.h"

static void side(struct sp_json *j, const char *key, const struct sp_compared_run *r, size_t n)
{
	sp_json_open(j, key, '[');
	for (size_t i = 0; i < n; i++) {
		sp_json_open(j, NULL, '{');
		sp_json_str(j, "path", r[i].path);
		sp_json_str(j, "name", r[i].name);
		sp_json_str(j, "started", r[i].started);
		sp_json_str(j, "spate", r[i].version);
		sp_json_str(j, "plan_sha256", r[i].plan[0] ? r[i].plan : NULL);
		sp_json_str(j, "result", r[i].result);
		sp_json_bool(j, "ended", r[i].ended);
		sp_json_close(j, '}');
	}
	sp_json_close(j, ']');
}

static void interval(struct sp_json *j, const char *key, const struct sp_interval *i)
{
	sp_json_open(j, key, '[');
	sp_json_real(j, NULL, i->low);
	sp_json_real(j, NULL, i->high);
	sp_json_close(j, ']');
}

static void metric(struct sp_json *j, const struct sp_metric *m,
		   const struct sp_compared_metric *r)
{
	sp_json_open(j, m->name, '{');
	sp_json_real(j, "a", r->a);
	sp_json_real(j, "b", r->b);
	interval(j, "a_interval", &r->a_interval);
	interval(j, "b_interval", &r->b_interval);
	sp_json_u64(j, "a_samples", r->na);
	sp_json_u64(j, "b_samples", r->nb);
	sp_json_real(j, "shift", r->test.shift);
	interval(j, "shift_interval", &r->test.shift_interval);
	sp_json_real(j, "p_single", r->test.p);
	sp_json_real(j, "p", r->p);
	sp_json_bool(j, "differs", r->differs);
	sp_json_close(j, '}');
}

void sp_compare_json(struct sp_str *out, const struct sp_comparison *c)
{
	struct sp_json j;
	struct sp_str sentences;

	sp_str_init(&sentences, out->mem);
	sp_compare_sentences(&sentences, c);
	sp_json_init(&j, out, 2);
	sp_json_open(&j, NULL, '{');
	side(&j, "a", c->a, c->na);
	side(&j, "b", c->b, c->nb);
	sp_json_str(&j, "samples", c->by_seconds ? "seconds" : "runs");
	sp_json_open(&j, "metrics", '{');
	for (unsigned i = 0; i < SP_COMPARE_METRICS && sp_metrics[i].name; i++)
		metric(&j, &sp_metrics[i], &c->m[i]);
	sp_json_close(&j, '}');
	sp_json_u64(&j, "tested", c->tested);
	sp_json_u64(&j, "different", c->different);
	sp_json_str(&j, "summary", sentences.text);
	sp_json_close(&j, '}');
	sp_str_puts(out, "\n");
	sp_str_fini(&sentences);
}
