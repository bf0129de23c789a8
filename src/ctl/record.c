#include "ctl/record.h"

#include <errno.h>
#include <limits.h>
#include <math.h>
#include <string.h>

#include "base/str.h"

#define TEXT_MAX 1024u

void sp_record_put(struct sp_json *j, const struct sp_record *rows, const void *from)
{
	for (; rows->name; rows++) {
		const void *at = (const char *)from + rows->off;
		uint64_t u;

		switch (rows->type) {
		case SP_RECORD_U64:
		case SP_RECORD_TIME:
		case SP_RECORD_COUNT:
			memcpy(&u, at, sizeof u);
			if (u <= INT64_MAX && (u || rows->type == SP_RECORD_U64))
				sp_json_u64(j, rows->name, u);
			break;
		case SP_RECORD_I64:
			sp_json_i64(j, rows->name, *(const int64_t *)at);
			break;
		case SP_RECORD_U32:
			sp_json_u64(j, rows->name, *(const uint32_t *)at);
			break;
		case SP_RECORD_INT:
			sp_json_i64(j, rows->name, *(const int *)at);
			break;
		case SP_RECORD_BOOL:
			sp_json_bool(j, rows->name, *(const bool *)at);
			break;
		case SP_RECORD_REAL:
			if (isfinite(*(const double *)at))
				sp_json_real(j, rows->name, *(const double *)at);
			break;
		case SP_RECORD_TEXT:
			if (*(const char *const *)at)
				sp_json_str(j, rows->name, *(const char *const *)at);
			break;
		case SP_RECORD_CHARS:
			sp_json_str(j, rows->name, at);
			break;
		}
	}
}

static void missing(const struct sp_record *row, void *at)
{
	static const size_t sizes[] = {
		[SP_RECORD_U64] = 8,
		[SP_RECORD_TIME] = 8,
		[SP_RECORD_COUNT] = 8,
		[SP_RECORD_I64] = 8,
		[SP_RECORD_U32] = 4,
		[SP_RECORD_INT] = sizeof(int),
		[SP_RECORD_BOOL] = sizeof(bool),
		[SP_RECORD_REAL] = 8,
		[SP_RECORD_TEXT] = sizeof(char *),
	};
	const double nan_value = NAN;

	memset(at, row->type == SP_RECORD_U64 ? 0xff : 0,
	       row->type == SP_RECORD_CHARS ? row->size : sizes[row->type]);
	if (row->type == SP_RECORD_REAL)
		memcpy(at, &nan_value, sizeof nan_value);
}

static int get_integer(const struct sp_record_reader *r, const struct sp_record *row,
		       const json_t *v, void *at)
{
	json_int_t i = json_integer_value(v);
	uint64_t u = (uint64_t)i;
	uint32_t u32 = (uint32_t)i;
	int small = (int)i;

	if (!json_is_integer(v))
		return -EINVAL;
	switch (row->type) {
	case SP_RECORD_I64:
		memcpy(at, &i, sizeof(int64_t));
		return 0;
	case SP_RECORD_INT:
		memcpy(at, &small, sizeof small);
		return i < INT_MIN || i > INT_MAX ? -EINVAL : 0;
	case SP_RECORD_U32:
		memcpy(at, &u32, sizeof u32);
		return i < 0 || i > UINT32_MAX ? -EINVAL : 0;
	case SP_RECORD_TIME:
		u += (uint64_t)r->shift_ns;
		break;
	default:
		break;
	}
	memcpy(at, &u, sizeof u);
	return i < 0 ? -EINVAL : 0;
}

static int get_text(const struct sp_record_reader *r, const struct sp_record *row,
		    const json_t *v, void *at)
{
	char buf[TEXT_MAX];
	const char *kept;

	if (!json_is_string(v))
		return -EINVAL;
	if (row->type == SP_RECORD_CHARS) {
		sp_str_printable(at, row->size, json_string_value(v));
		return 0;
	}
	kept = sp_arena_strdup(r->arena,
			       sp_str_printable(buf, sizeof buf, json_string_value(v)));
	memcpy(at, &kept, sizeof kept);
	return kept ? 0 : -ENOMEM;
}

static int get_one(const struct sp_record_reader *r, const struct sp_record *row,
		   const json_t *v, void *at)
{
	double real = json_number_value(v);
	bool truth = json_is_true(v);

	switch (row->type) {
	case SP_RECORD_TEXT:
	case SP_RECORD_CHARS:
		return get_text(r, row, v, at);
	case SP_RECORD_BOOL:
		memcpy(at, &truth, sizeof truth);
		return json_is_boolean(v) ? 0 : -EINVAL;
	case SP_RECORD_REAL:
		memcpy(at, &real, sizeof real);
		return json_is_number(v) ? 0 : -EINVAL;
	default:
		return get_integer(r, row, v, at);
	}
}

int sp_record_get(const struct sp_record_reader *r, const json_t *object,
		  const struct sp_record *rows, void *into, const char **member)
{
	for (; rows->name; rows++) {
		void *at = (char *)into + rows->off;
		const json_t *v = json_object_get(object, rows->name);
		int rc;

		missing(rows, at);
		if (!v || json_is_null(v))
			continue;
		rc = get_one(r, rows, v, at);
		if (rc) {
			*member = rows->name;
			return rc;
		}
	}
	return 0;
}
