#include "capture/packets.h"

#include <errno.h>
#include <string.h>

#include "capio/read.h"
#include "pkt/packet.h"
#include "plugin/catalog.h"

/* The header that a packet of this link type begins with. */
static const char *first_of(uint16_t link)
{
	switch (link) {
	case SP_LINK_ETHERNET:
		return "eth";
	case SP_LINK_IPV4:
		return "ip";
	case SP_LINK_IPV6:
		return "ipv6";
	case SP_LINK_RAW:
		return NULL;
	default:
		return "raw";
	}
}

/* Does the text make these octets? */
static int check(const struct sp_cap_packet *c, const char *text, const struct sp_mem *mem,
		 uint8_t *room, struct sp_err *err)
{
	struct sp_packet *again;
	size_t n = 0;
	int rc = sp_packet_parse(&again, text, "its expression", sp_catalog.hdr, mem, err);

	if (!rc)
		rc = sp_packet_encode(again, room, SP_PACKET_MAX, &n, err);
	sp_packet_free(again);
	if (rc)
		err->exit = SP_EXIT_FAILED;
	else if (n != c->len || memcmp(room, c->data, n) != 0)
		rc = sp_fail(err, -EBADMSG, SP_EXIT_FAILED,
			     "its expression makes other octets: %.300s", text);
	return rc;
}

static int show(const struct sp_cap_packet *c, const struct sp_packets_conf *conf,
		const struct sp_mem *mem, uint8_t *room, struct sp_str *text,
		struct sp_err *err)
{
	struct sp_packet *p = NULL;
	int rc;

	if (c->len > SP_PACKET_MAX)
		return sp_fail(err, -EMSGSIZE, SP_EXIT_DATA,
			       "%u octets are more than an expression holds (%u)", c->len,
			       SP_PACKET_MAX);
	rc = sp_packet_decode(&p, c->data, c->len, first_of(c->link), sp_catalog.hdr, mem, err);
	sp_str_clear(text);
	if (!rc)
		sp_packet_print(p, text);
	if (!rc && text->failed)
		rc = sp_fail(err, -ENOMEM, SP_EXIT_FAILED, "out of memory");
	if (!rc && conf->check)
		rc = check(c, text->text, mem, room, err);
	sp_packet_free(p);
	return rc;
}

int sp_capture_packets(const char *path, const struct sp_packets_conf *conf,
		       const struct sp_mem *mem,
		       int (*line)(void *arg, uint64_t number, const char *text), void *arg,
		       struct sp_err *err)
{
	struct sp_cap_packet packet;
	struct sp_cap *file;
	struct sp_str text;
	uint8_t *room = sp_alloc(mem, SP_PACKET_MAX);
	int rc = sp_cap_open(&file, path, mem, err);

	sp_str_init(&text, mem);
	if (!rc && !room)
		rc = sp_fail(err, -ENOMEM, SP_EXIT_FAILED, "out of memory");
	while (!rc) {
		rc = sp_cap_next(file, &packet, err);
		if (rc <= 0 || (conf->count && packet.number > conf->count)) {
			rc = rc < 0 ? rc : 0;
			break;
		}
		rc = show(&packet, conf, mem, room, &text, err);
		if (rc)
			sp_err_prefix(err, "%s: packet %llu at byte %llu", path,
				      (unsigned long long)packet.number,
				      (unsigned long long)packet.offset);
		else
			rc = line(arg, packet.number, text.text);
	}
	sp_str_fini(&text);
	sp_free(mem, room);
	sp_cap_close(file);
	return rc;
}
