/* NetFlow v5, v9 and IPFIX (RFC 3954, 7011): how a message is cut into sets and records, and the
 * templates of one exporter. */
#ifndef SP_PROTO_IPFIX_MESSAGE_H
#define SP_PROTO_IPFIX_MESSAGE_H

#include "base/cursor.h"
#include "base/json.h"
#include "base/mem.h"
#include "plugin/codec.h"

enum {
	SP_IPFIX_V5 = 5,
	SP_IPFIX_V9 = 9,
	SP_IPFIX_V10 = 10,

	SP_IPFIX_V5_HEAD = 24,
	SP_IPFIX_V5_RECORD = 48,
	SP_IPFIX_V9_HEAD = 20,
	SP_IPFIX_V10_HEAD = 16,
	SP_IPFIX_VARIABLE = 65535,

	/* What is kept of one exporter, at most: above these the oldest template goes. */
	SP_IPFIX_DOMAINS = 256,
	SP_IPFIX_TEMPLATES = 1024,
	SP_IPFIX_FIELDS = 32768,
	SP_IPFIX_FIELDS_EACH = 4096, /* of one template; with more it is not kept */
	/* Nor with more fields that have no length: records of a few octets would be work for
	 * thousands. */
	SP_IPFIX_EMPTY_EACH = 8,
	SP_IPFIX_BUCKETS = 64,
};

/* What a field's value is, as far as it matters here. */
enum sp_ipfix_kind {
	SP_IPFIX_OTHER,
	SP_IPFIX_NUMBER, /* 1 to 8 octets */
	SP_IPFIX_IP4,
	SP_IPFIX_IP6,
	SP_IPFIX_MAC,
	SP_IPFIX_SECONDS, /* 4 octets */
	SP_IPFIX_MILLIS,  /* 8 octets */
	SP_IPFIX_NTP,	  /* micro and nanoseconds: 8 octets, RFC 7011 6.1.9 */
	SP_IPFIX_FLOAT,	  /* 4 or 8 octets */
	SP_IPFIX_LIST,	  /* basicList, RFC 6313 */
};
enum sp_ipfix_kind sp_ipfix_kind(uint16_t element);

struct sp_ipfix_field {
	uint16_t id, len;
	uint32_t pen; /* 0: IANA's */
};

struct sp_ipfix_template {
	bool used, withdrawn, options;
	bool lists, varies;  /* has fields that are lists, of variable length */
	uint16_t id, domain; /* domain: index in the state */
	uint16_t n, scopes;
	uint16_t empty; /* fields without length */
	uint16_t set;	/* id of the set that brought it: 0, 1, 2, 3 */
	uint32_t first; /* in the pool of fields */
	uint32_t least; /* octets of a record; 0: it has none */
	uint16_t next;	/* of the same hash, + 1 */
	uint64_t data_sets;
};

struct sp_ipfix_domain {
	uint16_t version;
	uint32_t id;
	uint64_t used;	  /* when: a count of messages */
	uint64_t packets; /* version 5 */
	/* rewrite */
	bool booted, guessing; /* guessing: the last message had records nobody could count */
	uint32_t seq;	       /* the next one's */
	uint32_t recorded;     /* and as it was in the message before */
	int64_t boot_ns, boot_to_ns; /* start of the exporter: recorded, and now */
};

struct sp_ipfix {
	const struct sp_mem *mem;
	uint64_t messages, forgotten; /* templates that had to go, or found no memory */
	int64_t skew_ns;	      /* rewrite: the exporter's clock against the capture's */
	bool skewed;
	uint32_t n_domains;
	uint32_t oldest, n_templates; /* a ring of templates, and of their fields */
	uint32_t field_head;
	/* These grow with what comes, up to the bounds above: most exporters have one domain and
	 * a few templates, and many have said nothing yet. */
	uint32_t domain_cap, template_cap, field_cap;
	uint16_t *bucket; /* [SP_IPFIX_BUCKETS], + 1; NULL: no template came yet */
	struct sp_ipfix_domain *domain, first_domain;
	struct sp_ipfix_template *template;
	struct sp_ipfix_field *field;
};

struct sp_ipfix_head {
	uint16_t version, count; /* count: v5, v9 */
	uint32_t domain, seq;
	uint32_t seconds, nanos, uptime_ms;
	size_t len, size; /* of the message, of the header */
};

struct sp_ipfix_set {
	uint16_t id;
	const uint8_t *p; /* what is in it, without its header */
	size_t len;
};

/* The header; false: no version of these, or cut. len above the bytes: the message is cut. */
bool sp_ipfix_head(const uint8_t *, size_t len, struct sp_ipfix_head *);
/* The next set: false at the end, or when a length lies (reason is set). */
bool sp_ipfix_next(struct sp_rd *, struct sp_ipfix_set *, const char **reason);
/* Templates or data? */
bool sp_ipfix_defines(const struct sp_ipfix_head *, const struct sp_ipfix_set *);

/* The domain's index; it is made when it is new, and the domains may move then. */
uint16_t sp_ipfix_domain(struct sp_ipfix *, uint16_t version, uint32_t id);
/* A template, withdrawn ones too, or NULL. */
struct sp_ipfix_template *sp_ipfix_find(struct sp_ipfix *, uint16_t domain, uint16_t id);
/* Keeps a copy, in the place of the one with its id if there is one; the fields are at f. Without
 * memory for it, it is forgotten at once. */
void sp_ipfix_keep(struct sp_ipfix *, const struct sp_ipfix_template *,
		   const struct sp_ipfix_field *f);
void sp_ipfix_withdraw(struct sp_ipfix *, uint16_t domain, uint16_t id, bool options);
/* Reads a set of templates into the state; n: how many. NULL or what is wrong. */
const char *sp_ipfix_learn(struct sp_ipfix *, uint16_t domain, uint16_t version,
			   const struct sp_ipfix_set *, uint32_t *n);

/* Where field i of a record is: advances r over it. false: it is cut. */
bool sp_ipfix_value(const struct sp_ipfix_field *, struct sp_rd *r, const uint8_t **p,
		    size_t *len);
/* Takes one record from r: false at the end or at padding; reason: what is left is neither. */
bool sp_ipfix_record(const struct sp_ipfix *, const struct sp_ipfix_template *, struct sp_rd *r,
		     struct sp_rd *record, const char **reason);

void sp_ipfix_fini(struct sp_ipfix *);
void sp_ipfix_describe(const void *st, struct sp_json *);
size_t sp_ipfix_clean(void *st, const uint8_t *, size_t len, uint8_t *out, size_t cap);
int sp_ipfix_rewrite(void *st, uint8_t *, size_t len, const struct sp_codec_live *);

#endif
