/* What the codes of a NOTIFICATION are called (RFC 4271 6, 4486, 6608, 7313, 8538, 9234, 9384, 9687), as
 * IANA has them. */
#include "proto/bgp_message.h"

#define N_OF(a) (sizeof(a) / sizeof *(a))
#define HEADER	"NOTIFICATION Message Header Error"
#define OPEN	"NOTIFICATION Open Message Error"
#define UPDATE	"NOTIFICATION Update Message Error"
#define FSM	"NOTIFICATION Finite State Machine Error"
#define CEASE	"NOTIFICATION Cease"
#define REFRESH "NOTIFICATION Route-Refresh Message Error"

static const char *const header[] = {
	HEADER,
	HEADER " / Connection Not Synchronized",
	HEADER " / Bad Message Length",
	HEADER " / Bad Message Type",
};
static const char *const open_error[] = {
	OPEN,
	OPEN " / Unsupported Version Number",
	OPEN " / Bad Peer AS",
	OPEN " / Bad BGP Identifier",
	OPEN " / Unsupported Optional Parameter",
	OPEN " / Authentication Failure",
	OPEN " / Unacceptable Hold Time",
	OPEN " / Unsupported Capability",
	[11] = OPEN " / Role Mismatch",
};
static const char *const update[] = {
	UPDATE,
	UPDATE " / Malformed Attribute List",
	UPDATE " / Unrecognized Well-known Attribute",
	UPDATE " / Missing Well-known Attribute",
	UPDATE " / Attribute Flags Error",
	UPDATE " / Attribute Length Error",
	UPDATE " / Invalid ORIGIN Attribute",
	[8] = UPDATE " / Invalid NEXT_HOP Attribute",
	UPDATE " / Optional Attribute Error",
	UPDATE " / Invalid Network Field",
	UPDATE " / Malformed AS_PATH",
};
static const char *const hold[] = { "NOTIFICATION Hold Timer Expired" };
static const char *const fsm[] = {
	FSM,
	FSM " / Unexpected Message in OpenSent State",
	FSM " / Unexpected Message in OpenConfirm State",
	FSM " / Unexpected Message in Established State",
};
static const char *const cease[] = {
	CEASE,
	CEASE " / Maximum Number of Prefixes Reached",
	CEASE " / Administrative Shutdown",
	CEASE " / Peer De-configured",
	CEASE " / Administrative Reset",
	CEASE " / Connection Rejected",
	CEASE " / Other Configuration Change",
	CEASE " / Connection Collision Resolution",
	CEASE " / Out of Resources",
	CEASE " / Hard Reset",
	CEASE " / BFD Down",
};
static const char *const refresh[] = { REFRESH, REFRESH " / Invalid Message Length" };
static const char *const send_hold[] = { "NOTIFICATION Send Hold Timer Expired" };

static const struct {
	const char *const *name;
	size_t n;
} codes[] = {
	[1] = { header, N_OF(header) },
	{ open_error, N_OF(open_error) },
	{ update, N_OF(update) },
	{ hold, N_OF(hold) },
	{ fsm, N_OF(fsm) },
	{ cease, N_OF(cease) },
	{ refresh, N_OF(refresh) },
	{ send_hold, N_OF(send_hold) },
};

const char *sp_bgp_notification(uint8_t code, uint8_t sub)
{
	if (!code || code >= N_OF(codes))
		return "NOTIFICATION";
	if (sub < codes[code].n && codes[code].name[sub])
		return codes[code].name[sub];
	return codes[code].name[0];
}
