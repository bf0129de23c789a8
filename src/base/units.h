/* Quantities as users write them. K M G are decimal, Ki Mi Gi binary, case does not matter; a
 * bare rate is packets a second, a bare time seconds, a bare size bytes. Parsing is exact
 * (integers and decimal fractions, no floating point) and refuses NaN, signs, overflow and
 * trailing text. Each returns 0, -EINVAL (not such a quantity) or -ERANGE (too large). */
#ifndef SP_BASE_UNITS_H
#define SP_BASE_UNITS_H

#include <stddef.h>
#include <stdint.h>

enum sp_rate_kind { SP_RATE_NONE, SP_RATE_PPS, SP_RATE_BPS, SP_RATE_MAX };

/* The layer at which a bit rate counts: as the transport's --size counts unless given. */
enum sp_layer { SP_LAYER_DEFAULT, SP_LAYER_L1, SP_LAYER_L2, SP_LAYER_L3, SP_LAYER_L7 };

struct sp_rate {
	enum sp_rate_kind kind;
	enum sp_layer layer;
	uint64_t micro; /* millionths of a packet/s or bit/s; at most 10^18 (1 Tbit/s) */
};

/* A number that may be a time: what laws of gaps (times) and of sizes (plain numbers) are given in. */
enum sp_quantity_unit { SP_QUANTITY_UNSET, SP_QUANTITY_NUMBER, SP_QUANTITY_TIME };
struct sp_quantity {
	double v; /* a time is in ns */
	enum sp_quantity_unit unit;
};

int sp_parse_rate(const char *text, struct sp_rate *); /* 100pps 50k 2Gbit/s 1Gbps@l1 max */
int sp_parse_time(const char *text, uint64_t *ns);     /* 500ms 10 2m 1h 1.5s 20us 100ns */
int sp_parse_size(const char *text, uint64_t *bytes);  /* 1400 64K 1Mi 10MB 10MiB */
int sp_parse_u64(const char *text, uint64_t *v);       /* plain or K M G suffix, as a count */
int sp_parse_real(const char *text, double *v);	       /* finite decimal, sign allowed */
int sp_parse_quantity(const char *text, struct sp_quantity *); /* -2 0.7 1.4K 64Ki 2.5ms 1m */
int sp_parse_ratio(const char *text, double *v);	       /* 1% 0.01 -> 0.01; 0 to 1 */

/* Canonical text: the shortest exact one that parses back to the same value ("100pps",
 * "2Gbit/s@l1", "1500ms", "max"). Return buf. 48 bytes are always enough. */
const char *sp_format_rate(char *buf, size_t cap, const struct sp_rate *);
const char *sp_format_time(char *buf, size_t cap, uint64_t ns);
const char *sp_format_real(char *buf, size_t cap, double);
const char *sp_format_quantity(char *buf, size_t cap, const struct sp_quantity *);

/* For people: three to four significant digits with a unit ("1.44 Mpps", "812 kbit/s",
 * "35.2 us", "10.0 s", "1.46 MB"). Return buf. */
const char *sp_human_pps(char *buf, size_t cap, double pps);
const char *sp_human_bps(char *buf, size_t cap, double bps);
const char *sp_human_ns(char *buf, size_t cap, double ns); /* sign kept */
const char *sp_human_bytes(char *buf, size_t cap, double bytes);

#endif
