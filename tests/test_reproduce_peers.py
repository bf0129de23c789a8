"""Reproductions into nfcapd (nfdump) and nfacctd (pmacct), in a host of a lab; expected results are
those of traffic-reproducer and of pmacct's test automation, whose files are in data/."""
import json
import re
import shutil

import pytest

from reproduction import DATA, SHELL, nfv5, udp_frame, write_pcap

UPSTREAM = DATA / "traffic-reproducer"
PMACCT = DATA / "pmacct-tests"

NFCAPD = """
ip addr add 192.168.100.1/32 dev lo; ip addr add 192.168.100.2/32 dev lo
ip route add local 10.64.0.0/16 dev lo
mkdir flows; nfcapd -w flows -p 9991 -t 300 {bind} {more} > nfcapd.log 2>&1 & nfcapd=$!
ready 9991
"$SPATE" replay -t {cfg} --no-sync --no-run-dir {words} > report.txt 2> err.txt; code=$?
idle 9991; kill $nfcapd; wait $nfcapd
exit $code
"""


def nfcapd(lab, tmp_path, cfg, words="", bind="", more="", timeout=80):
    script = SHELL + NFCAPD.format(cfg=cfg, words=words, bind=bind, more=more)
    done = lab(script, cwd=tmp_path, timeout=timeout)
    report = (tmp_path / "report.txt").read_text() + (tmp_path / "err.txt").read_text()
    assert done.code == 0, f"{done}\n{report}"
    flows = {}
    out = lab("nfdump -R flows -I", cwd=tmp_path).out
    for key, value in re.findall(r"^(Flows|Packets|Bytes|Sequence failures): +(\d+)$", out, re.M):
        flows[key] = int(value)
    return flows, re.sub(r"\s+", " ", report)


@pytest.fixture
def examples(tmp_path):
    """The working directory that the examples were written for."""
    (tmp_path / "examples").symlink_to(UPSTREAM)
    return tmp_path


def test_ipfix_traffic(lab, examples):
    # The file as it is; only its twenty seconds are made one.
    text = (UPSTREAM / "config/ipfix-traffic.yml").read_text()
    (examples / "c.yml").write_text(text.replace("time_factor: 1 ", "time_factor: 0.05 "))
    flows, report = nfcapd(lab, examples, "c.yml")
    assert flows == {"Flows": 12, "Packets": 34, "Bytes": 34172, "Sequence failures": 0}
    assert "6 sent" in report


@pytest.mark.parametrize("address, bind", [("192.168.100.1", ""), ("::1", "-6 -b ::1")])
def test_nfv9_traffic(lab, examples, address, bind):
    text = (UPSTREAM / "config/nfv9-traffic.yml").read_text()
    (examples / "c.yml").write_text(text.replace("192.168.100.1", address))
    flows, report = nfcapd(lab, examples, "c.yml", bind=bind)
    assert flows == {"Flows": 51, "Packets": 56, "Bytes": 4500, "Sequence failures": 9}
    assert "40 sent" in report


def test_tied_to_an_interface(lab, examples):
    """network.interface: the sockets say so themselves."""
    text = (UPSTREAM / "config/nfv9-traffic.yml").read_text()
    text = text.replace("interface: null", "interface: lo").replace("keep_open: false",
                                                                    "keep_open: true")
    (examples / "c.yml").write_text(text)
    done = lab(SHELL + """
ip addr add 192.168.100.1/32 dev lo
"$SPATE" replay -t c.yml --no-sync --no-run-dir > report.txt 2>&1 & spate=$!
until ss -Huan | grep 192.168.100.1; do sleep 0.05; done
kill -INT $spate; wait $spate""", cwd=examples, timeout=30)
    assert "192.168.100.1%lo" in done.out and done.code == 130, done


# ---- pmacct ----

# Primitives that pmacct 1.7.7 has, and what they are called in its JSON; the cases were made with a later
# one, which knows label stacks, too, and writes flags as words.
FIELDS = {
    "peer_src_ip": "peer_ip_src", "src_host": "ip_src", "dst_host": "ip_dst",
    "src_port": "port_src", "dst_port": "port_dst", "src_mask": "mask_src",
    "dst_mask": "mask_dst", "in_iface": "iface_in", "out_iface": "iface_out",
    "src_net": "net_src", "dst_net": "net_dst", "mpls_vpn_rd": "mpls_vpn_rd",
    "proto": "ip_proto", "tcpflags": "tcp_flags", "tos": "tos", "post_nat_src_host": "post_nat_ip_src",
    "post_nat_dst_host": "post_nat_ip_dst", "post_nat_src_port": "post_nat_port_src",
    "post_nat_dst_port": "post_nat_port_dst", "nat_event": "nat_event",
}

NFACCTD = """
core_proc_name: nfacctd_core
daemonize: false
timestamps_secs: true
timestamps_since_epoch: true
aggregate[out]: {aggregate}
plugins: print[out]
print_output[out]: json
print_output_file[out]: {folder}/flows.json
print_output_file_append[out]: true
print_refresh_time[out]: 2
print_history[out]: 1m
print_history_roundoff[out]: m
nfacctd_ip: ::
nfacctd_port: 9991
nfacctd_time_new: true
nfacctd_pipe_size: 4096000
nfacctd_pro_rating: false
nfacctd_renormalize: false
"""

TCP_FLAGS = {"FIN": 1, "SYN": 2, "RST": 4, "PSH": 8, "ACK": 16, "URG": 32, "ECN": 64, "CWR": 128}


def plain(key, value):
    """As pmacct 1.7.7 writes it."""
    if key == "tcp_flags" and isinstance(value, list):
        return str(sum(TCP_FLAGS[w] for w in value))
    return value


def totals(lines, keys):
    """Packets and bytes by the values of the keys: records that stamps alone tell apart are one."""
    sums = {}
    for line in lines:
        record = json.loads(line)
        key = tuple(str(plain(k, record.get(k))) for k in keys)
        packets, size = sums.get(key, (0, 0))
        sums[key] = (packets + record["packets"], size + record["bytes"])
    return sums


def json_lines(path):
    return [line for line in path.read_text().splitlines() if line.startswith("{")]


# pmacct 1.7.7 reads no TCP flags out of the second case's IPFIX, whose field has two octets.
@pytest.mark.parametrize("case, without", [
    ("100-IPFIXv10-CISCO", []), ("111-IPFIXv10-NFv9-IPv6-IPv4-mix_sources", ["tcpflags"])])
def test_pmacct_case(lab, tmp_path, case, without):
    source = PMACCT / case
    for f in source.iterdir():
        shutil.copy(f, tmp_path / f.name)
    asked = re.search(r"^aggregate\[.*?\]: *(.*)$", (source / "nfacctd-00.conf").read_text(),
                      re.M).group(1)
    fields = [w for w in re.split(r", *", asked.strip()) if w in FIELDS and w not in without]
    (tmp_path / "plain.conf").write_text(
        NFACCTD.format(aggregate=", ".join(fields), folder=tmp_path))
    expected = json_lines(tmp_path / "output-flow-00.json")
    keys = sorted(FIELDS[f] for f in fields)
    # The files as they are, but for the wait.
    files = sorted(p.name for p in tmp_path.glob("traffic-reproducer-*.yml"))
    done = lab(SHELL + f"""
for a in 192.168.100.1/32 172.21.1.101/32; do ip addr add $a dev lo; done
ip addr add fd25::101/128 dev lo nodad
nfacctd -f plain.conf > nfacctd.log 2>&1 & nfacctd=$!
ready 9991
for f in {' '.join(files)}; do
	"$SPATE" replay -t $f --no-sync --no-run-dir -q > report.txt 2>&1 || exit
done
n=0; until [ $n -gt 100 ] || [ "$(grep -c '"packets"' flows.json 2>/dev/null)" -ge {len(expected)} ]
do n=$((n + 1)); sleep 0.2; done
kill -INT $nfacctd; wait $nfacctd; true""", cwd=tmp_path, timeout=80)
    log = (tmp_path / "nfacctd.log").read_text()
    assert done.code == 0 and (tmp_path / "flows.json").exists(), f"{done}\n{log}"
    assert totals(json_lines(tmp_path / "flows.json"), keys) == totals(expected, keys)


# ---- many exporters out of one capture ----

EXPORTERS = 5000


def test_five_thousand_exporters(lab, tmp_path):
    """Each has an address and sequence numbers of its own; nothing is missing at the far end."""
    write_pcap(tmp_path / "a.pcap", [
        (1672534805 + i / 10, udp_frame("192.0.2.1", "192.0.2.9", 1000, 9991, nfv5(7 + 2 * i, 2)))
        for i in range(3)])
    (tmp_path / "c.yml").write_text(
        "pcap: a.pcap\nipfix: {collector: {ip: 127.0.0.1, port: 9991}}\n")
    flows, _ = nfcapd(lab, tmp_path, "c.yml", f"--exporters {EXPORTERS} --from 10.64.0.0/16 "
                      "--spread 5s --retime now", more="-B 16000000")
    assert flows == {"Flows": 6 * EXPORTERS, "Packets": 18 * EXPORTERS,
                     "Bytes": 6 * 300 * EXPORTERS, "Sequence failures": 0}
    log = (tmp_path / "nfcapd.log").read_text()
    assert len(set(re.findall(r"from: (10\.64\.\d+\.\d+)", log))) == EXPORTERS, log[-2000:]


def test_exporters_that_are_not_here(me, tmp_path):
    write_pcap(tmp_path / "a.pcap", [(1672534805, udp_frame("192.0.2.1", "192.0.2.9", 1, 9991,
                                                            nfv5(0)))])
    (tmp_path / "c.yml").write_text(
        "pcap: a.pcap\nno_sync: true\nipfix: {collector: {ip: 127.0.0.1, port: 9991}}\n")
    done = me.run("spate", "replay", "-t", "c.yml", "--exporters", "3", "--from",
                  "203.0.113.0/24", "--no-run-dir")
    assert done.code == 77 and "ip route add local PREFIX dev lo" in done.err, done
    done = me.run("spate", "replay", "-t", "c.yml", "--exporters", "3")
    assert done.code == 2 and "--from" in done.err, done
    done = me.run("spate", "replay", "-t", "c.yml", "--exporters", "300", "--from",
                  "127.0.9.0/24")
    assert done.code == 2 and "300 exporters do not fit into 127.0.9.0/24" in done.err, done
