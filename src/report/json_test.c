#include "report/json.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <jansson.h>

#include "report/sample.h"

typedef void render_fn(struct sp_str *, const struct sp_sample *);

static void document(struct sp_str *out, const struct sp_sample *s)
{
	sp_report_json(out, &s->event, &sp_sample_env, NULL);
}

static void event(struct sp_str *out, const struct sp_sample *s)
{
	sp_report_event(out, &s->event, &sp_sample_env);
}

static void schema(struct sp_str *out, const struct sp_sample *s)
{
	(void)s;
	sp_report_schema(out);
}

static json_t *parse(render_fn *render, const struct sp_sample *s)
{
	struct sp_str out;
	json_error_t err;
	json_t *doc;

	sp_str_init(&out, sp_mem_system());
	render(&out, s);
	assert_false(out.failed);
	assert_int_equal(out.text[out.len - 1], '\n');
	doc = json_loads(out.text, JSON_REJECT_DUPLICATES, &err);
	if (!doc)
		fail_msg("%d:%d: %s", err.line, err.column, err.text);
	sp_str_fini(&out);
	return doc;
}

/* ---- as much of JSON Schema as the published one uses ---- */

static bool type_is(const json_t *v, const char *type)
{
	if (!strcmp(type, "null"))
		return json_is_null(v);
	if (!strcmp(type, "integer"))
		return json_is_integer(v);
	if (!strcmp(type, "number"))
		return json_is_number(v);
	if (!strcmp(type, "string"))
		return json_is_string(v);
	if (!strcmp(type, "boolean"))
		return json_is_boolean(v);
	if (!strcmp(type, "array"))
		return json_is_array(v);
	return !strcmp(type, "object") && json_is_object(v);
}

static void check_type(const json_t *v, const json_t *type, const char *key)
{
	bool ok = json_is_string(type) && type_is(v, json_string_value(type));
	json_t *one;
	size_t i;

	json_array_foreach(type, i, one)
	{
		ok = ok || type_is(v, json_string_value(one));
	}
	if (!ok)
		fail_msg("%s is of a wrong type", key);
}

static void validate(json_t *v, json_t *rule, json_t *root, const char *key)
{
	json_t *ref = json_object_get(rule, "$ref"), *type = json_object_get(rule, "type"),
	       *sub;
	const char *name;
	size_t i;

	if (ref) {
		name = strrchr(json_string_value(ref), '/') + 1;
		sub = json_object_get(json_object_get(root, "$defs"), name);
		assert_non_null(sub);
		validate(v, sub, root, key);
	}
	if (type)
		check_type(v, type, key);
	json_array_foreach(json_object_get(rule, "required"), i, sub)
	{
		if (!json_object_get(v, json_string_value(sub)))
			fail_msg("%s lacks %s", key, json_string_value(sub));
	}
	json_object_foreach(json_object_get(rule, "properties"), name, sub)
	{
		if (json_object_get(v, name))
			validate(json_object_get(v, name), sub, root, name);
	}
	json_array_foreach(json_object_get(rule, "allOf"), i, sub)
	{
		validate(v, sub, root, key);
	}
	sub = json_object_get(rule, "items");
	for (i = 0; sub && i < json_array_size(v); i++)
		validate(json_array_get(v, i), sub, root, key);
}

static void check_valid(const struct sp_sample *s, render_fn *render)
{
	json_t *root = parse(schema, NULL), *doc = parse(render, s);

	validate(doc, root, root, "document");
	json_decref(doc);
	json_decref(root);
}

/* ---- tests ---- */

static void every_document_fits_the_schema(void **state)
{
	static const unsigned counts[] = { 0, 1, 21 };
	struct sp_sample s;

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		sp_sample_init(&s, counts[i]);
		check_valid(&s, document);
		check_valid(&s, event);
		sp_sample_recv(&s);
		check_valid(&s, document);
		sp_sample_forget(&s);
		check_valid(&s, document);
		sp_sample_fini(&s);
	}
}

static void keys_and_values_are_those_of_the_run(void **state)
{
	struct sp_sample s;
	json_t *doc, *total, *delay, *flow;

	(void)state;
	sp_sample_init(&s, 3);
	s.result.total.c.v[SP_C_error_unreachable] = 7;
	doc = parse(document, &s);
	total = json_object_get(doc, "total");
	delay = json_object_get(total, "delay_ns");
	flow = json_array_get(json_object_get(doc, "flows"), 1);
	assert_string_equal(json_string_value(json_object_get(doc, "started")),
			    "2026-01-01T00:00:00.000000Z");
	assert_int_equal(json_integer_value(json_object_get(total, "asked_packets")), 30000);
	assert_int_equal(json_integer_value(json_object_get(total, "lost")), 3);
	assert_int_equal(json_integer_value(json_object_get(json_object_get(total, "errors"),
							    "unreachable")),
			 7);
	assert_true(json_number_value(json_object_get(total, "tx_pps")) == 3000);
	assert_int_equal(json_integer_value(json_object_get(delay, "mean")), 13040);
	assert_int_equal(json_integer_value(json_object_get(delay, "p999")), 135200);
	assert_int_equal(json_integer_value(json_object_get(delay, "clock_error")), 1200);
	assert_true(json_is_null(
		json_object_get(json_object_get(total, "late_ns"), "clock_error")));
	assert_true(json_is_null(json_object_get(json_object_get(total, "rtt_ns"), "p50")));
	assert_string_equal(json_string_value(json_object_get(flow, "stream")), "udp-2");
	/* a sketch has p50 and p99 only */
	delay = json_object_get(flow, "delay_ns");
	assert_true(json_is_true(json_object_get(delay, "coarse")));
	assert_true(json_is_integer(json_object_get(delay, "p99")));
	assert_true(json_is_null(json_object_get(delay, "p999")));
	json_decref(doc);
	sp_sample_fini(&s);
}

static unsigned count_values(const json_t *v, unsigned *nulls)
{
	unsigned n = 0;
	const char *key;
	json_t *sub;

	if (!json_is_object(v)) {
		*nulls += json_is_null(v);
		return 1;
	}
	json_object_foreach((json_t *)(uintptr_t)v, key, sub)
	{
		n += count_values(sub, nulls);
	}
	return n;
}

static void unknown_is_null_and_never_zero(void **state)
{
	struct sp_sample s;
	unsigned n, nulls = 0;
	json_t *doc;

	(void)state;
	sp_sample_init(&s, 1);
	sp_sample_forget(&s);
	doc = parse(document, &s);
	n = count_values(json_object_get(doc, "total"), &nulls);
	assert_true(n > 100);
	assert_int_equal(nulls, n);
	assert_true(json_is_null(json_object_get(doc, "planned_ns")));
	assert_int_equal(json_array_size(json_object_get(json_object_get(doc, "verdict"),
							 "not_evaluated")),
			 SP_IDENTITIES);
	json_decref(doc);
	sp_sample_fini(&s);
}

static void violated_identities_are_named(void **state)
{
	struct sp_sample s;
	json_t *doc, *violated;

	(void)state;
	sp_sample_init(&s, 1);
	s.result.total.c.v[SP_C_pending] = 1;
	s.result.violated = sp_counts_check(&s.result.total.c, &s.result.unknown_identities);
	doc = parse(document, &s);
	violated = json_object_get(json_object_get(doc, "verdict"), "violated");
	assert_int_equal(json_array_size(violated), 1);
	assert_string_equal(json_string_value(json_array_get(violated, 0)),
			    sp_identity_text(0));
	json_decref(doc);
	sp_sample_fini(&s);
}

static void hostile_texts_come_back_and_do_nothing(void **state)
{
	struct sp_sample s;
	struct sp_str out;

	(void)state;
	sp_sample_init(&s, 1);
	s.streams[0].name = SP_SAMPLE_HOSTILE;
	s.result.name = SP_SAMPLE_HOSTILE;
	s.remarks[0].text = SP_SAMPLE_HOSTILE;
	check_valid(&s, document);
	sp_str_init(&out, sp_mem_system());
	event(&out, &s);
	assert_ptr_equal(strchr(out.text, '\n'), out.text + out.len - 1);
	assert_null(strchr(out.text, '\033'));
	sp_str_fini(&out);
	sp_sample_fini(&s);
}

static void each_kind_of_event_is_one_line(void **state)
{
	static const char *const kinds[] = { "start", "interval", "remark", "end" };
	struct sp_sample s;
	json_t *line;

	(void)state;
	sp_sample_init(&s, 100);
	sp_sample_at(&s, 2);
	for (int k = SP_EVENT_START; k <= SP_EVENT_END; k++) {
		s.event.kind = (enum sp_event_kind)k;
		s.event.remark = k == SP_EVENT_REMARK ? &s.remarks[0] : NULL;
		line = parse(event, &s);
		assert_string_equal(json_string_value(json_object_get(line, "event")),
				    kinds[k]);
		assert_int_equal(json_integer_value(json_object_get(line, "schema")),
				 SP_REPORT_SCHEMA);
		assert_int_equal(json_integer_value(json_object_get(line, "t_ns")), 2000000000);
		if (k == SP_EVENT_INTERVAL) {
			assert_int_equal(json_array_size(json_object_get(line, "streams")),
					 SP_EVENT_STREAMS);
			assert_int_equal(
				json_integer_value(json_object_get(line, "streams_omitted")),
				100 - SP_EVENT_STREAMS);
		}
		json_decref(line);
	}
	sp_sample_fini(&s);
}

struct drained {
	struct sp_str all;
	size_t largest;
};

static void take(void *arg, struct sp_str *out)
{
	struct drained *d = arg;

	d->largest = out->len > d->largest ? out->len : d->largest;
	sp_str_put(&d->all, out->text, out->len);
	sp_str_clear(out);
}

static void ten_thousand_streams_are_drained_in_pieces(void **state)
{
	struct drained d = { .largest = 0 };
	struct sp_report_drain drain = { .arg = &d, .take = take };
	struct sp_sample s;
	struct sp_str out;
	json_t *doc;

	(void)state;
	sp_sample_init(&s, 10000);
	s.result.n_flows = 1000; /* they are slow to parse */
	sp_str_init(&d.all, sp_mem_system());
	sp_str_init(&out, sp_mem_system());
	sp_report_json(&out, &s.event, &sp_sample_env, &drain);
	take(&d, &out);
	assert_true(d.largest < 100000);
	doc = json_loads(d.all.text, 0, NULL);
	assert_int_equal(json_array_size(json_object_get(doc, "streams")), 10000);
	assert_int_equal(json_array_size(json_object_get(doc, "flows")), 1000);
	json_decref(doc);
	sp_str_fini(&out);
	sp_str_fini(&d.all);
	sp_sample_fini(&s);
}

static void failed_allocations_are_seen_and_nothing_leaks(void **state)
{
	static render_fn *const renders[] = { document, event, schema };
	struct sp_mem_test mem;
	struct sp_sample s;
	struct sp_str out;

	(void)state;
	sp_sample_init(&s, 2);
	for (size_t i = 0; i < 3; i++) {
		for (uint64_t n = 0;; n++) {
			bool failed;

			sp_mem_test_init(&mem, n);
			sp_str_init(&out, &mem.mem);
			renders[i](&out, &s);
			failed = out.failed;
			sp_str_fini(&out);
			assert_int_equal(mem.live, 0);
			if (!failed)
				break;
		}
		assert_true(mem.count > 3);
	}
	sp_sample_fini(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_document_fits_the_schema),
		cmocka_unit_test(keys_and_values_are_those_of_the_run),
		cmocka_unit_test(unknown_is_null_and_never_zero),
		cmocka_unit_test(violated_identities_are_named),
		cmocka_unit_test(hostile_texts_come_back_and_do_nothing),
		cmocka_unit_test(each_kind_of_event_is_one_line),
		cmocka_unit_test(ten_thousand_streams_are_drained_in_pieces),
		cmocka_unit_test(failed_allocations_are_seen_and_nothing_leaks),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
