/* pcap_processing: what -p does before. */
#include <string.h>

#include "compat/reproducer/config_impl.h"

int sp_repro_processing(struct sp_repro *r, struct sp_err *err)
{
	static const char *const keys[] = { "initial_delay",
					    "inter_packet_delay",
					    "inter_protocol_delay",
					    "output_folder",
					    "desired_tcp_payload_size",
					    "exit",
					    NULL };
	struct sp_repro_processing *p = &r->processing;
	const struct sp_yaml_node *m, *size, *folder;
	bool leave = true;
	int rc = sp_repro_map(r, r->doc.root, "pcap_processing", "pcap_processing", &m, err);

	if (rc || !m)
		return rc;
	p->given = true;
	sp_repro_unknown(r, m, "pcap_processing", keys);
	rc = sp_repro_take_seconds(r, m, "initial_delay", "pcap_processing.initial_delay",
				   &p->initial_ns, &p->initial_given, err);
	if (!rc)
		rc = sp_repro_take_seconds(r, m, "inter_packet_delay",
					   "pcap_processing.inter_packet_delay",
					   &p->inter_packet_ns, &p->inter_packet_given, err);
	if (!rc)
		rc = sp_repro_take_seconds(
			r, m, "inter_protocol_delay", "pcap_processing.inter_protocol_delay",
			&p->inter_protocol_ns, &p->inter_protocol_given, err);
	if (!rc)
		rc = sp_repro_take(r, m, "output_folder", "pcap_processing.output_folder",
				   SP_OPT_TEXT, &p->folder, err);
	if (!rc)
		rc = sp_repro_take(r, m, "desired_tcp_payload_size",
				   "pcap_processing.desired_tcp_payload_size", SP_OPT_SIZE,
				   &p->payload_size, err);
	size = sp_repro_value(m, "desired_tcp_payload_size");
	if (!rc && size && !p->payload_size)
		rc = sp_yaml_fail(&r->doc, size, err,
				  "pcap_processing.desired_tcp_payload_size: a segment has at "
				  "least 1 byte");
	folder = sp_repro_value(m, "output_folder");
	if (!rc && folder && (!*p->folder || strchr(p->folder, '\n')))
		rc = sp_yaml_fail(&r->doc, folder, err,
				  "pcap_processing.output_folder: that is no path");
	if (!rc)
		rc = sp_repro_take(r, m, "exit", "pcap_processing.exit", SP_OPT_BOOL, &leave,
				   err);
	p->go_on = !leave;
	return rc;
}
