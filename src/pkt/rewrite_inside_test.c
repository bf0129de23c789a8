/* Tunnels, quotes, and frames that end anywhere. */
#include "pkt/rewrite.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "pkt/csum.h"
#include "pkt/link_type.h"
#include "pkt/testing.h"

static void tunnels(void **state)
{
	struct frame f, inner;

	(void)state;
	for (unsigned i = 0; i < 2 * TUNNELS; i++) {
		enum frame_tunnel t = i / 2;
		bool v6 = i & 1;
		enum sp_csum_state l3 = v6 ? SP_CSUM_NONE : SP_CSUM_OK;
		uint32_t at;

		for (unsigned only = 0; only < 2; only++) {
			frame_start(&f, "inside of a tunnel");
			frame_tcp(&f, v6, 40000, 80);
			frame_ip(&f, v6, 6);
			at = frame_wrap(&f, t, v6);
			rewrite_frame(
				&f,
				only ? "inner=only ip-map=10.0.0.0/8:99.0.0.0/8,[2001:db8::/32]:"
				       "[fd::/16] port-map=80:81 ttl=5 payload-replace=6f66:4f46"
				     : "inner=also ip-map=10.0.0.0/8:99.0.0.0/8,[2001:db8::/32]:"
				       "[fd::/16] port-map=80:81 ttl=5 payload-replace=6f66:4f46",
				0);
			expect_sums(&f, l3, t < VXLAN ? SP_CSUM_NONE : SP_CSUM_OK);
			expect_src(&f, only ? (v6 ? "2001:db8::7" : "10.1.2.3")
					    : (v6 ? "fd:db8::7" : "99.1.2.3"));
			if (t == GRE_SUM)
				assert_int_equal(
					sp_csum_finish(sp_csum_add(0, f.b + (v6 ? 54 : 34),
								   f.len - (v6 ? 54 : 34))),
					0);
			frame_unwrap(&f, at, v6, &inner);
			expect_sums(&inner, l3, SP_CSUM_OK);
			expect_src(&inner, v6 ? "fd:db8::7" : "99.1.2.3");
			assert_memory_equal(inner.b + inner.len - 18, "inside OF a tunnel", 18);
		}
		/* Not asked for: the inside stays. */
		frame_start(&f, "x");
		frame_tcp(&f, v6, 40000, 80);
		frame_ip(&f, v6, 6);
		at = frame_wrap(&f, t, v6);
		rewrite_frame(&f, "ip-map=10.0.0.0/8:99.0.0.0/8,[2001:db8::/32]:[fd::/16]", 0);
		frame_unwrap(&f, at, v6, &inner);
		expect_src(&inner, v6 ? "2001:db8::7" : "10.1.2.3");
	}
}

static void quoted(void **state)
{
	struct frame f, quote;

	(void)state;
	for (unsigned v6 = 0; v6 < 2; v6++) {
		uint32_t at = v6 ? 14 + 40 + 8 : 14 + 20 + 8;

		frame_start(&f, "what nobody wanted");
		frame_udp(&f, v6, 40000, 53);
		frame_ip(&f, v6, 17);
		frame_icmp(&f, v6, v6 ? 1 : 3);
		frame_ip(&f, v6, v6 ? 58 : 1);
		frame_ether_ip(&f, v6);
		rewrite_frame(
			&f,
			"ip-map=10.0.0.0/8:99.0.0.0/8,[2001:db8::/32]:[fd::/16] port-map=53:54 "
			"inner=also ttl=9",
			0);
		expect_sums(&f, v6 ? SP_CSUM_NONE : SP_CSUM_OK, SP_CSUM_OK);
		frame_unwrap(&f, at, v6, &quote);
		expect_sums(&quote, v6 ? SP_CSUM_NONE : SP_CSUM_OK, SP_CSUM_OK);
		expect_src(&quote, v6 ? "fd:db8::7" : "99.1.2.3");
		assert_int_equal(quote.b[v6 ? 21 : 22], 64);
	}
}

static void cut(void **state)
{
	struct frame whole, f;

	(void)state;
	for (unsigned i = 0; i < 8; i++) {
		frame_start(&whole, "inside");
		frame_tcp(&whole, i & 1, 40000, 80);
		frame_ip(&whole, i & 1, 6);
		frame_wrap(&whole, (enum frame_tunnel)(i / 2 + 1), i & 1);
		for (uint32_t n = 0; n <= whole.len; n++) {
			struct sp_rewrite *r = rewrite_compiled(
				"inner=also ip-map=0.0.0.0/0:9.0.0.0/8 seed=1 fix-csum "
				"port-map=80:81 vlan=add payload-at=0:00 dscp=3");
			uint8_t *exact = malloc(n + 4);

			memcpy(exact, whole.b, n);
			f.len = (uint32_t)sp_rewrite_apply(r, SP_LINK_ETHERNET, exact, n, n + 4,
							   0, NULL);
			assert_int_equal(f.len, n < 14 ? n : n + 4);
			free(exact);
			sp_rewrite_free(r);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(tunnels),
		cmocka_unit_test(quoted),
		cmocka_unit_test(cut),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
