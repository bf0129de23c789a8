#include "plugin/dist.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"

/* Discrete values with weights. F is a stair. A draw takes one random number, by Walker's table of
 * aliases: the time does not depend on how many values there are. */
struct values {
	const struct sp_mem *mem;
	double *value, *up_to; /* in rising order; the weights' sum so far, of 1 */
	double *keep;	       /* of column i: its own share, of 1 */
	uint32_t *alias;       /* whose the rest is */
	uint32_t n;
};

struct values_conf {
	const char *of; /* "27:0.83,28:0.17" */
	struct sp_quantity unit;
};

struct pair {
	double value, weight;
};

static int by_value(const void *a, const void *b)
{
	double x = ((const struct pair *)a)->value, y = ((const struct pair *)b)->value;

	return (x > y) - (x < y);
}

/* One VALUE or VALUE:WEIGHT up to the comma. */
static int read_pair(const char *text, size_t len, struct pair *p, struct sp_err *err)
{
	char item[96], *weight, *end;
	size_t from = strspn(text, " \t");
	int rc = -EINVAL;

	p->weight = 1;
	if (from < len && len - from < sizeof item) {
		sp_strlcpy(item, text + from, len - from + 1);
		end = item + strlen(item);
		while (end > item && (end[-1] == ' ' || end[-1] == '\t'))
			*--end = '\0';
		weight = strchr(item, ':');
		if (weight)
			*weight++ = '\0';
		rc = sp_parse_real(item, &p->value);
		if (!rc && weight)
			rc = sp_parse_real(weight, &p->weight);
	}
	if (!rc && p->weight >= 0 && fabs(p->value) < 1e18)
		return 0;
	return sp_fail(err, -EINVAL, SP_EXIT_USAGE,
		       "'%.*s' is not VALUE or VALUE:WEIGHT, such as 27:0.83",
		       (int)(len < 60 ? len : 60), text);
}

static uint32_t count_pairs(const char *text)
{
	uint32_t n = 1;

	for (; *text; text++)
		n += *text == ',';
	return n;
}

/* Walker 1977, as Vose builds it. scaled[] is the weights times n, and is used up. */
static void build_alias(struct values *v, double *scaled, uint32_t *work)
{
	uint32_t small = 0, large = v->n;

	for (uint32_t i = v->n; i-- > 0;)
		if (scaled[i] < 1)
			work[small++] = i;
		else
			work[--large] = i;
	while (small && large < v->n) {
		uint32_t s = work[--small], l = work[large];

		v->keep[s] = scaled[s];
		v->alias[s] = l;
		scaled[l] -= 1 - scaled[s];
		if (scaled[l] < 1) {
			large++;
			work[small++] = l;
		}
	}
	while (large < v->n)
		v->keep[work[large++]] = 1;
	while (small)
		v->keep[work[--small]] = 1;
}

static int build(struct values *v, const struct pair *p, struct sp_err *err)
{
	double sum = 0, so_far = 0, *scaled = sp_alloc_array(v->mem, v->n, sizeof *scaled);
	uint32_t *work = sp_alloc_array(v->mem, v->n, sizeof *work);
	int rc = 0;

	for (uint32_t i = 0; i < v->n; i++)
		sum += p[i].weight;
	if (!scaled || !work)
		rc = sp_fail(err, -ENOMEM, SP_EXIT_FAILED, "out of memory");
	else if (!(sum > 0) || !isfinite(sum))
		rc = sp_fail(err, -EINVAL, SP_EXIT_USAGE, "the weights add up to %g", sum);
	for (uint32_t i = 0; i < v->n && !rc; i++) {
		so_far += p[i].weight;
		v->value[i] = p[i].value;
		v->up_to[i] = so_far / sum;
		scaled[i] = p[i].weight / sum * v->n;
	}
	if (!rc) {
		v->up_to[v->n - 1] = 1;
		build_alias(v, scaled, work);
	}
	sp_free(v->mem, scaled);
	sp_free(v->mem, work);
	return rc;
}

static int read_all(const char *text, double unit, struct pair *p, uint32_t n,
		    struct sp_err *err)
{
	for (uint32_t i = 0; i < n; i++) {
		size_t len = strcspn(text, ",");
		int rc = read_pair(text, len, &p[i], err);

		if (rc)
			return rc;
		p[i].value *= unit;
		text += len + 1;
	}
	qsort(p, n, sizeof *p, by_value);
	return 0;
}

static int init(void *st, const struct sp_dist_args *args, struct sp_err *err)
{
	const struct values_conf *c = args->conf;
	struct values *v = st;
	struct pair *p;
	int rc;

	v->mem = args->mem;
	if (!c->of || !*c->of)
		return sp_fail(err, -EINVAL, SP_EXIT_USAGE,
			       "it needs values, such as values(27:0.83,28:0.17)");
	if (c->unit.unit && !(c->unit.v > 0))
		return sp_fail(err, -EINVAL, SP_EXIT_USAGE,
			       "unit is %g; it must be a number above 0", c->unit.v);
	v->n = count_pairs(c->of);
	p = sp_alloc_array(v->mem, v->n, sizeof *p);
	v->value = sp_alloc_array(v->mem, v->n, sizeof *v->value);
	v->up_to = sp_alloc_array(v->mem, v->n, sizeof *v->up_to);
	v->keep = sp_alloc_array(v->mem, v->n, sizeof *v->keep);
	v->alias = sp_alloc_array(v->mem, v->n, sizeof *v->alias);
	if (!p || !v->value || !v->up_to || !v->keep || !v->alias)
		rc = sp_fail(err, -ENOMEM, SP_EXIT_FAILED, "out of memory");
	else
		rc = read_all(c->of, c->unit.unit ? c->unit.v : 1, p, v->n, err);
	if (!rc)
		rc = build(v, p, err);
	sp_free(v->mem, p);
	return rc;
}

static void fini(void *st)
{
	struct values *v = st;

	sp_free(v->mem, v->value);
	sp_free(v->mem, v->up_to);
	sp_free(v->mem, v->keep);
	sp_free(v->mem, v->alias);
}

static void draw(void *st, struct sp_rng *rng, double *out, uint32_t n)
{
	const struct values *v = st;

	for (uint32_t i = 0; i < n; i++) {
		uint32_t k = (uint32_t)sp_rng_below(rng, v->n);

		out[i] = v->value[sp_rng_unit(rng) < v->keep[k] ? k : v->alias[k]];
	}
}

static double cdf(const void *st, double x)
{
	const struct values *v = st;
	uint32_t lo = 0, hi = v->n;

	while (lo < hi) {
		uint32_t mid = (lo + hi) / 2;

		if (v->value[mid] <= x)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo ? v->up_to[lo - 1] : 0;
}

static bool moments(const void *st, double *mean, double *var)
{
	const struct values *v = st;
	double first = 0, second = 0;

	for (uint32_t i = 0; i < v->n; i++)
		first += (i ? v->up_to[i] - v->up_to[i - 1] : v->up_to[0]) * v->value[i];
	for (uint32_t i = 0; i < v->n; i++)
		second += (i ? v->up_to[i] - v->up_to[i - 1] : v->up_to[0]) *
			  (v->value[i] - first) * (v->value[i] - first);
	*mean = first;
	*var = second;
	return true;
}

#define AT(member) offsetof(struct values_conf, member)
static const struct sp_opt opts[] = {
	{ "of", SP_OPT_TEXT, AT(of), NULL, NULL, 0, 0, "VALUE:WEIGHT,VALUE:WEIGHT,..." },
	{ "unit", SP_OPT_QUANTITY, AT(unit), NULL, NULL, 0, 0,
	  "what the values count, such as 1ms" },
	{ .name = NULL },
};

const struct sp_dist_ops sp_dist_values = {
	.name = "values",
	.summary = "some values, by weights",
	.abi = SP_PLUGIN_ABI,
	.opts = opts,
	.conf_size = sizeof(struct values_conf),
	.state_size = sizeof(struct values),
	.bare = true,
	.init = init,
	.fini = fini,
	.draw = draw,
	.cdf = cdf,
	.moments = moments,
};
