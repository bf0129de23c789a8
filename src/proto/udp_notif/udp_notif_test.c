/* UDP-notif as others meet it: by its section of a reproduction file, through the catalog. */
#include "proto/codec_test.h"

#include <errno.h>

#include "base/endian.h"
#include "plugin/catalog.h"

/* Version 1, JSON, publisher 1, message 0x0a0b0c0d: {"a":1} */
#define WHOLE                                                                                  \
	"210c0013"                                                                             \
	"00000001"                                                                             \
	"0a0b0c0d"                                                                             \
	"7b2261223a317d"
/* CBOR in two segments */
#define FIRST                                                                                  \
	"23100012"                                                                             \
	"00000001"                                                                             \
	"0a0b0c0e"                                                                             \
	"01040000"                                                                             \
	"8101"
#define LAST                                                                                   \
	"23100011"                                                                             \
	"00000001"                                                                             \
	"0a0b0c0e"                                                                             \
	"01040003"                                                                             \
	"02"
/* An encoding of somebody's own, "x" */
#define PRIVATE                                                                                \
	"30100011"                                                                             \
	"00000007"                                                                             \
	"00000001"                                                                             \
	"02047800"                                                                             \
	"00"

static const struct sp_codec_ops *of_section(const char *section)
{
	for (const struct sp_codec_ops *const *c = sp_catalog.codec; *c; c++)
		if (!strcmp((*c)->section, section))
			return *c;
	return NULL;
}

static void found_by_its_section(void **state)
{
	const struct sp_codec_ops *ops = of_section("udp_notif");

	(void)state;
	assert_non_null(ops);
	assert_ptr_equal(ops, sp_catalog_codec(&sp_catalog, "udp-notif"));
	assert_int_equal(ops->over, SP_CODEC_UDP);
	assert_null(of_section("tcp_notif"));
}

static void messages(void **state)
{
	struct codec_rig *r = *state;

	codec_begin(r, of_section("udp_notif"));
	assert_int_equal(codec_boundary(r, WHOLE), 19);
	assert_true(r->ops->guess(r->m, r->n));
	assert_null(codec_read(r, WHOLE));
	assert_int_equal(r->note.type, 1);
	assert_int_equal(r->note.domain, 1);
	assert_int_equal(r->note.seq, 0x0a0b0c0d);
	assert_int_equal(r->note.units, 1);
	assert_int_equal(codec_field(r, "media_type"), 1);
	assert_int_equal(codec_field(r, "message_id"), 0x0a0b0c0d);
	assert_null(codec_read(r, FIRST));
	assert_int_equal(r->note.units, 0);
	assert_null(codec_read(r, LAST));
	assert_int_equal(r->note.units, 1);
	assert_null(codec_read(r, PRIVATE));
	assert_int_equal(codec_field(r, "space"), 1);
	assert_string_equal(
		codec_text(r),
		"{\"PublisherID 1\":{\"messages_counter\":2,\"segments_counter\":3,\"json\":1,"
		"\"cbor\":1},\"PublisherID 7\":{\"messages_counter\":1,\"segments_counter\":1,"
		"\"other\":1}}");
	codec_end(r);
	codec_memory(of_section("udp_notif"));
}

static void odd_messages(void **state)
{
	static const struct {
		const char *hex, *reason;
	} rows[] = {
		{ "", "not a header of UDP-notif" },
		{ "010c000c"
		  "00000001"
		  "00000001",
		  "not a header of UDP-notif" },
		{ "210b000c"
		  "00000001"
		  "00000001",
		  "not a header of UDP-notif" },
		{ "210c000b"
		  "00000001"
		  "00000001",
		  "not a header of UDP-notif" },
		{ "210cffff"
		  "00000001"
		  "00000001",
		  "a length in the header that is not the message's" },
		{ "2f0c000c"
		  "00000001"
		  "00000001",
		  "a media type that is not known" },
		{ "210f000f"
		  "00000001"
		  "00000001"
		  "010300",
		  "a segment's option that is not of four octets" },
		{ "21100010"
		  "00000001"
		  "00000001"
		  "01ff0000",
		  "an option that is longer than its place" },
		{ "21100010"
		  "00000001"
		  "00000001"
		  "01000000",
		  "an option that is longer than its place" },
		{ "21100010"
		  "00000001"
		  "00000001"
		  "09040000",
		  "an option of unknown type" },
	};
	struct codec_rig *r = *state;

	codec_begin(r, of_section("udp_notif"));
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		assert_string_equal(codec_read(r, rows[i].hex), rows[i].reason);
		assert_false(r->ops->guess(r->m, r->n));
	}
	assert_int_equal(codec_boundary(r, "010c"), -EBADMSG);
	assert_int_equal(codec_boundary(r, "210c"), 0);
	assert_int_equal(codec_boundary(r, "210c000b"
					   "00000001"
					   "00000001"),
			 -EBADMSG);
	assert_int_equal(codec_boundary(r, "210cffff"
					   "00000001"
					   "00000001"),
			 0);
	codec_end(r);
}

static uint64_t numbered(struct codec_rig *r, const char *hex, uint32_t k)
{
	struct sp_codec_live live = { .renumber = true, .retime = true, .exporter = k };

	r->n = bytes(hex, r->m);
	assert_int_equal(r->ops->rewrite(r->st, r->m, r->n, &live), 0);
	return (uint64_t)(sp_get_be32(r->m + 4) - k * 0x9e3779b1u) << 32 |
	       sp_get_be32(r->m + 8);
}

static void exporters(void **state)
{
	struct codec_rig *r = *state;

	codec_begin(r, of_section("udp_notif"));
	assert_int_equal(numbered(r, WHOLE, 2), 0x100000000);
	assert_int_equal(numbered(r, FIRST, 2), 0x100000001);
	assert_int_equal(numbered(r, LAST, 2), 0x100000001);
	assert_int_equal(numbered(r, WHOLE, 2), 0x100000002);
	assert_int_equal(numbered(r, PRIVATE, 2), 0x700000000);
	codec_end(r);
}

/* More publishers than are told apart. */
static void memory_is_bounded(void **state)
{
	struct codec_rig *r = *state;

	codec_begin(r, of_section("udp_notif"));
	r->n = bytes(WHOLE, r->m);
	for (uint32_t i = 0; i < 1000; i++) {
		sp_put_be32(r->m + 4, i);
		r->ops->read(r->st, r->m, r->n, &r->note);
		assert_null(r->note.reason);
	}
	codec_text(r);
	assert_non_null(strstr(r->text, "\"PublisherID 999\""));
	assert_null(strstr(r->text, "\"PublisherID 0\""));
	assert_non_null(strstr(r->text, "\"publishers_forgotten\":744"));
	codec_end(r);
}

int main(void)
{
	static struct codec_rig rig;
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(found_by_its_section),
		cmocka_unit_test_prestate(messages, &rig),
		cmocka_unit_test_prestate(odd_messages, &rig),
		cmocka_unit_test_prestate(exporters, &rig),
		cmocka_unit_test_prestate(memory_is_bounded, &rig),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
