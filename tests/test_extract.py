"""Clean sessions out of captures (spate capture extract): against what traffic-reproducer made of its
examples, and for captures that are written here, packet by packet."""
import gzip
import ipaddress
import json
import re
import shutil
import socket
import struct
import threading
from pathlib import Path

import pytest
import yaml

DATA = Path(__file__).resolve().parent / "data"
EXAMPLES = DATA / "traffic-reproducer"
START = 1672534805 * 10**9  # 2023-01-01 01:00:05 UTC
MS, S = 10**6, 10**9
SYN, PSH_ACK, ACK, FIN = 2, 24, 16, 17


# ---- captures, written and read here ----

def ip_packet(src, dst, proto, l4):
    a, b = ipaddress.ip_address(src), ipaddress.ip_address(dst)
    if a.version == 4:
        return struct.pack("!BBHHHBBH", 0x45, 0, 20 + len(l4), 1, 0, 255, proto,
                           0) + a.packed + b.packed + l4
    return struct.pack("!IHBB", 6 << 28, len(l4), proto, 255) + a.packed + b.packed + l4


def frame(packet):
    ether_type = 0x0800 if packet[0] >> 4 == 4 else 0x86dd
    return bytes(12) + struct.pack("!H", ether_type) + packet


def udp(src, sport, dst, dport, payload):
    return frame(ip_packet(src, dst, 17, struct.pack("!HHHH", sport, dport, 8 + len(payload),
                                                     0) + payload))


class Conn:
    """One direction of a connection."""

    def __init__(self, src, sport, dst, dport, seq=1000):
        self.src, self.sport, self.dst, self.dport, self.seq = src, sport, dst, dport, seq

    def segment(self, payload=b"", flags=PSH_ACK, seq=None):
        own = self.seq if seq is None else seq
        tcp = struct.pack("!HHIIBBHHH", self.sport, self.dport, own & 0xffffffff, 1, 5 << 4,
                          flags, 8192, 0, 0)
        if seq is None:
            self.seq += len(payload) + (flags in (SYN, FIN))
        return frame(ip_packet(self.src, self.dst, 6, tcp + payload))

    def syn(self):
        return self.segment(flags=SYN)


def write_pcap(path, frames, link=1, gap_us=1000):
    out = struct.pack("<IHHiIII", 0xa1b2c3d4, 2, 4, 0, 0, 65535, link)
    for i, f in enumerate(frames):
        us = 10**9 + i * gap_us
        out += struct.pack("<IIII", us // 10**6, us % 10**6, len(f), len(f)) + f
    path.write_bytes(out)
    return path


def read_pcap(path):
    """(time in ns, frame) of each packet."""
    data = path.read_bytes()
    scale = {0xa1b2c3d4: 1000, 0xa1b23c4d: 1}[struct.unpack_from("<I", data)[0]]
    at, packets = 24, []
    while at < len(data):
        s, sub, length, _ = struct.unpack_from("<IIII", data, at)
        packets.append((s * S + sub * scale, data[at + 16:at + 16 + length]))
        at += 16 + length
    return packets


class Packet:
    def __init__(self, t, f):
        self.t, ip = t, f[14:]
        if ip[0] >> 4 == 4:
            self.proto, l4 = ip[9], ip[20:struct.unpack_from("!H", ip, 2)[0]]
            self.src, self.dst = (str(ipaddress.ip_address(ip[i:i + 4])) for i in (12, 16))
        else:
            self.proto, l4 = ip[6], ip[40:40 + struct.unpack_from("!H", ip, 4)[0]]
            self.src, self.dst = (str(ipaddress.ip_address(ip[i:i + 16])) for i in (8, 24))
        self.sport, self.dport = struct.unpack_from("!HH", l4)
        self.flags = l4[13] if self.proto == 6 else 0
        self.seq = struct.unpack_from("!I", l4, 4)[0] if self.proto == 6 else 0
        self.payload = l4[(l4[12] >> 4) * 4 if self.proto == 6 else 8:]

    def meaning(self):
        return self.t, self.src, self.dst, self.proto, self.dport, self.payload


def packets(folder):
    return [Packet(*p) for p in read_pcap(folder / "traffic.pcap")]


# ---- messages ----

def bgp(kind, body=b""):
    return b"\xff" * 16 + struct.pack("!HB", 19 + len(body), kind) + body


def bgp_open(asn=65001):
    return bgp(1, struct.pack("!BHH4sB", 4, asn, 180, bytes([10, 0, 0, 1]), 0))


KEEPALIVE = bgp(4)


def update(n=0):
    """Withdraws 10.0.n.0/24."""
    return bgp(2, struct.pack("!HB3sH", 4, 24, bytes([10, 0, n]), 0))


def bmp(kind, body):
    return struct.pack("!BIB", 3, 6 + len(body), kind) + body


INITIATION = bmp(4, struct.pack("!HH5s", 2, 5, b"r0uter"[:5]))
PEER = struct.pack("!BB8s16sI4sII", 0, 0, bytes(8), bytes(12) + bytes([10, 1, 1, 1]), 65002,
                   bytes([10, 1, 1, 1]), 1, 0)
PEER_UP = bmp(3, PEER + bytes(12) + bytes([10, 0, 0, 1]) + struct.pack("!HH", 179, 40000) +
              bgp_open() + bgp_open(65002))
PEER_DOWN = bmp(2, PEER + b"\4")
ROUTE = bmp(0, PEER + update())


def ipfix(sets, domain=7, seq=0):
    return struct.pack("!HHIII", 10, 16 + len(sets), 1600000000, seq, domain) + sets


def flow_set(number, body):
    return struct.pack("!HH", number, 4 + len(body)) + body


def template(number, *fields):
    return flow_set(2, struct.pack("!HH", number, len(fields)) +
                    b"".join(struct.pack("!HH", *f) for f in fields))


OCTETS = (1, 4)
DATA_256 = flow_set(256, struct.pack("!I", 4711))
V5 = struct.pack("!HHIIIIBBH", 5, 1, 1000, 1600000000, 0, 0, 0, 3, 0) + bytes(48)


@pytest.fixture
def extract(me, tmp_path):
    """extract(frames, *words): (the command that ended, the folder)."""
    def run(frames, *words, link=1):
        source = frames if isinstance(frames, Path) else write_pcap(tmp_path / "in.pcap", frames,
                                                                    link)
        done = me.run("spate", "capture", "extract", source, "--out", tmp_path / "out", *words)
        return done, tmp_path / "out"

    return run


def payloads(folder):
    return [p.payload for p in packets(folder)]


# ---- what is chosen ----

def test_unknown_fields_are_told(extract):
    c = Conn("10.0.0.1", 4000, "10.0.0.9", 179)
    frames = [c.syn(), c.segment(bgp_open()), c.segment(KEEPALIVE), c.segment(update(1))]
    for where, says in (("bgp.typ=2", "--where:1: bgp.typ: messages of bgp have no such field "
                         "(there is len, type); did you mean 'type'?"),
                        ("ip.src=10.0.0.1,udp.sprt=1", "--where:17: udp.sprt: udp has no such"),
                        ("bmq.type=1", "--where:1: bmq: there is no such header; did you mean "
                         "'bmp'?"),
                        ("bgp.type=open", "--where:1: bgp.type: 'open' is not a number")):
        done, folder = extract(frames, "--where", where)
        assert done.code == 2 and says in done.err and not folder.exists(), done


@pytest.mark.parametrize("words, sources", [
    (["--where", "ip.src=10.0.0.0/24"], {"10.0.0.1"}),
    (["--where", "ip.src!=10.0.0.0/24"], {"10.9.0.1"}),
    (["--where", "tcp.sport=4001,bgp.type=1|2"], {"10.9.0.1"}),
    (["--where", "tcp.sport=4000,4001", "--where", "tcp.sport!=4000"], {"10.9.0.1"}),
])
def test_headers_of_packets_choose(extract, words, sources):
    frames = []
    for src, port in (("10.0.0.1", 4000), ("10.9.0.1", 4001)):
        c = Conn(src, port, "10.0.0.9", 179)
        frames += [c.syn(), c.segment(bgp_open()), c.segment(KEEPALIVE), c.segment(update(1))]
    done, folder = extract(frames, *words)
    assert done.code == 0, done
    assert {p.src for p in packets(folder)} == sources
    text = b"".join(payloads(folder))
    assert (KEEPALIVE in text) == ("bgp.type=1|2" not in words[1])


# ---- the examples of traffic-reproducer ----

EXAMPLE_WORDS = {
    "bgp": ["--protocol", "bgp", "--filter", "src host 2001:db8:90::1 and tcp dst port 179",
            "--where", "bgp_h.type=1,2,3,4,5", "--initial-delay", "2", "--inter-packet-delay", "1",
            "--tcp-payload-size", "200"],
    "ipfix-bgp": ["--protocol", "bgp,ipfix", "--filter",
                  "src host 198.51.100.44 and (tcp dst port 179 or udp dst port 9992)",
                  "--where", "ipfix_h.version=9,10", "--where", "bgp_h.type=1,2,3,4,5"],
}


def same_as_upstream(folder, name, pcap=None):
    wanted = EXAMPLES / "processed" / name
    ours, theirs = packets(folder), packets(wanted)
    assert [p.meaning() for p in ours] == [p.meaning() for p in theirs]
    assert json.loads((folder / "traffic-info.json").read_text()) == \
        json.loads((wanted / "traffic-info.json").read_text())
    config = yaml.safe_load((folder / "traffic-reproducer.yml").read_text())
    upstream = yaml.safe_load((wanted / "traffic-reproducer.yml").read_text())
    assert list(config) == list(upstream)
    upstream["network"]["map"] = [upstream["network"]["map"]]
    upstream["pcap"] = pcap or str(folder / "traffic.pcap")
    assert config == upstream
    return ours


@pytest.mark.parametrize("name,count,span", [("bgp", 29, 29.0), ("ipfix-bgp", 46, 2.044)])
def test_example(extract, name, count, span):
    done, folder = extract(EXAMPLES / "pcap_processing" / f"{name}.pcap", *EXAMPLE_WORDS[name])
    assert done.code == 0, done
    found = same_as_upstream(folder, name)
    assert len(found) == count
    assert found[-1].t - found[0].t == round(span * S)


def test_examples_without_words(extract):
    """Nobody says what is in the capture: the collector's side of the session is left out."""
    done, folder = extract(EXAMPLES / "pcap_processing" / "bgp.pcap")
    assert done.code == 0, done
    assert {p.src for p in packets(folder)} == {"2001:db8:90::1"}
    assert "[2a02:a90:4007:31::69]:179 only opens" in done.err
    assert json.loads((folder / "traffic-info.json").read_text()) == \
        json.loads((EXAMPLES / "processed/bgp/traffic-info.json").read_text())


def test_same_octets(extract, me, tmp_path):
    source = EXAMPLES / "pcap_processing" / "ipfix-bgp.pcap"
    folders = []
    for words in ([], ["--json"]):
        done, folder = extract(source, *words)
        assert done.code == 0, done
        folders.append({p.name: p.read_bytes() for p in folder.iterdir()})
    assert sorted(folders[0]) == ["traffic-info.json", "traffic-reproducer.yml", "traffic.pcap"]
    assert folders[0] == folders[1]


@pytest.mark.parametrize("name", sorted(EXAMPLE_WORDS))
def test_again(me, extract, tmp_path, name):
    """What was extracted is clean: extracted again it gives the same octets."""
    done, folder = extract(EXAMPLES / "pcap_processing" / f"{name}.pcap", *EXAMPLE_WORDS[name])
    assert done.code == 0, done
    again = me.run("spate", "capture", "extract", folder / "traffic.pcap", "--out",
                   tmp_path / "again", *EXAMPLE_WORDS[name])
    assert (again.code, again.err) == (0, ""), again
    for part in ("traffic.pcap", "traffic-info.json"):
        assert (tmp_path / "again" / part).read_bytes() == (folder / part).read_bytes()


def test_several_captures_are_one(me, tmp_path):
    """A session that goes on in the next file; one of them inside gzip."""
    a = Conn("10.0.0.1", 4000, "10.9.9.9", 179)
    write_pcap(tmp_path / "1.pcap", [a.syn(), a.segment(bgp_open() + update(1)[:5])])
    write_pcap(tmp_path / "2.pcap", [a.segment(update(1)[5:])])
    (tmp_path / "2.pcap.gz").write_bytes(gzip.compress((tmp_path / "2.pcap").read_bytes()))
    done = me.run("spate", "capture", "extract", "1.pcap", "2.pcap.gz", "--inter-packet-delay", "0",
                  cwd=tmp_path)
    assert (done.code, done.err) == (0, ""), done
    found = packets(tmp_path / "1")
    assert [(p.t - START, p.payload) for p in found] == [(0, bgp_open()), (S, update(1))]


def test_json(extract):
    done, folder = extract(EXAMPLES / "pcap_processing" / "ipfix-bgp.pcap", "--json",
                           *EXAMPLE_WORDS["ipfix-bgp"])
    d = json.loads(done.out)
    assert d == {"folder": str(folder), "packets_read": 806, "packets": 46, "messages": 157,
                 "sessions": 2, "sessions_left_out": 0, "first_ns": START,
                 "last_ns": START + 2044 * MS}


def test_tshark_has_no_complaint(extract, me):
    done, folder = extract(EXAMPLES / "pcap_processing" / "ipfix-bgp.pcap",
                           *EXAMPLE_WORDS["ipfix-bgp"])
    assert done.code == 0, done
    checks = [f"{p}.check_checksum:TRUE" for p in ("ip", "tcp", "udp")]
    seen = me.run("tshark", "-n", *sum((["-o", c] for c in checks), []), "-r",
                  folder / "traffic.pcap", "-Y", "tcp.analysis.flags or _ws.malformed or "
                  "ip.checksum.status == 0 or tcp.checksum.status == 0 or "
                  "udp.checksum.status == 0", timeout=60)
    assert (seen.code, seen.out) == (0, ""), seen


# ---- sessions of streams ----

def test_two_sessions_of_one_source(extract):
    """They stay apart, one behind the other, in the order in which they were first seen."""
    a, b = Conn("10.0.0.1", 4000, "10.9.9.9", 179), Conn("10.0.0.1", 4001, "10.9.9.9", 179)
    done, folder = extract([a.syn(), b.syn(), b.segment(bgp_open(2)), a.segment(bgp_open(1)),
                            b.segment(update(2)), a.segment(update(1))])
    assert done.code == 0, done
    found = packets(folder)
    assert [(p.sport, p.payload) for p in found] == [
        (4000, bgp_open(1)), (4000, update(1)), (4001, bgp_open(2)), (4001, update(2))]
    assert [p.t - START for p in found] == [0, S + MS, S + 2 * MS, 2 * S + 3 * MS]
    assert [p.flags for p in found] == [SYN, PSH_ACK, SYN, PSH_ACK]
    assert [p.seq for p in found] == [0, len(bgp_open()) + 1] * 2
    config = yaml.safe_load((folder / "traffic-reproducer.yml").read_text())
    assert config["network"]["map"] == [{"src_ip": "10.0.0.1", "repro_ip": "<MISSING_PARAM>"}]
    assert config["bgp"]["collector"] == {"ip": "<MISSING_PARAM>", "port": "<MISSING_PARAM>"}


def test_a_port_used_again(extract):
    """Two connections of the same numbers become two of different ones."""
    a, b = Conn("10.0.0.1", 4000, "10.9.9.9", 179), Conn("10.0.0.1", 4000, "10.9.9.9", 179, 9 * 10**6)
    done, folder = extract([a.syn(), a.segment(bgp_open(1)), a.segment(update(1)),
                            a.segment(flags=FIN), b.syn(), b.segment(bgp_open(2)),
                            b.segment(update(2))])
    assert done.code == 0, done
    found = packets(folder)
    assert [p.payload for p in found] == [bgp_open(1), update(1), bgp_open(2), update(2)]
    assert found[0].sport == found[1].sport != found[2].sport == found[3].sport


def test_all_ports_used(extract):
    """A port for each of 16,385 sessions of one address; for others there is none."""
    frames = []
    for i in range(16400):
        a = Conn("10.0.0.1", 4000, "10.9.9.9", 179, i * 1000003 % 2**32)
        frames += [a.syn(), a.segment(bgp_open(1))]
    done, folder = extract(frames)
    assert done.code == 0, done
    ports = [p.sport for p in packets(folder)]
    assert ports == [4000, *range(49152, 65536)]
    assert ("bgp: for 15 sessions, the first of 10.0.0.1, there is no port left: they are left out"
            in done.err)


def test_sources_without_number(me, extract):
    """What is known of sources is bounded; messages of those beyond that are left out, and counted."""
    frames = [udp(f"10.0.{i >> 8}.{i & 255}", 4000, "10.9.9.9", 4739, ipfix(b""))
              for i in range(60000)]
    done, folder = extract(frames)
    assert done.code == 0, done
    left_out = int(re.search(r"ipfix: (\d+) messages are left out, or", done.err)[1])
    assert 10000 < left_out < 50000
    assert len(packets(folder)) == 60000 - left_out


def test_without_open(extract):
    """What does not begin within the capture is left out, and named."""
    a, b = Conn("10.0.0.1", 4000, "10.9.9.9", 179), Conn("10.0.0.2", 4000, "10.9.9.9", 179)
    done, folder = extract([a.segment(update(1)), b.syn(), b.segment(bgp_open()),
                            b.segment(update(2))])
    assert done.code == 0, done
    assert {p.src for p in packets(folder)} == {"10.0.0.2"}
    assert "10.0.0.1:4000 -> 10.9.9.9:179 does not begin within the capture" in done.err


def test_nothing_there(extract):
    a = Conn("10.0.0.1", 4000, "10.9.9.9", 179)
    done, folder = extract([a.syn(), a.segment(update(1))])
    assert done.code == 65, done
    assert "none of its 2 packets" in done.err
    assert not folder.exists()


def test_retransmissions_and_disorder(extract):
    a = Conn("10.0.0.1", 4000, "10.9.9.9", 179)
    first, seq = [a.syn(), a.segment(bgp_open())], a.seq
    one, two = update(1) + update(2)[:5], update(2)[5:] + KEEPALIVE
    late, early = a.segment(one, seq=seq), a.segment(two, seq=seq + len(one))
    probe = a.segment(b"\0", ACK, seq=seq - 1)
    done, folder = extract([*first, early, probe, late, late, early, probe])
    assert done.code == 0, done
    assert payloads(folder) == [bgp_open(), update(1) + update(2), KEEPALIVE]


def test_gap(extract):
    """A session ends where the capture lacks a part of it; that is said."""
    a = Conn("10.0.0.1", 4000, "10.9.9.9", 179)
    frames = [a.syn(), a.segment(bgp_open()), a.segment(update(1) + update(2)[:7])]
    a.seq += 500
    frames += [a.segment(update(3)), a.segment(update(4))]
    done, folder = extract(frames)
    assert done.code == 0, done
    assert payloads(folder) == [bgp_open(), update(1)]
    assert "10.0.0.1:4000 -> 10.9.9.9:179: the capture lacks a part of it (500 octets)" in done.err


def test_ends_inside_a_message(extract):
    a = Conn("10.0.0.1", 4000, "10.9.9.9", 179)
    done, folder = extract([a.syn(), a.segment(bgp_open()), a.segment(update(1) + update(2)[:7])])
    assert done.code == 0, done
    assert payloads(folder) == [bgp_open(), update(1)]
    assert "ends inside a message: its 7 octets are left out" in done.err


def test_padding_is_no_payload(extract):
    a = Conn("10.0.0.1", 4000, "10.9.9.9", 179)
    done, folder = extract([a.syn() + bytes(6), a.segment(flags=ACK) + bytes(6),
                            a.segment(bgp_open()), a.segment(flags=ACK) + bytes(6),
                            a.segment(update(1))])
    assert done.code == 0, done
    assert payloads(folder) == [bgp_open(), update(1)]


@pytest.mark.parametrize("size,wanted", [
    (1, [1, 1, 1, 1, 1]), (len(update()), [1, 1, 1, 1, 1]), (2 * len(update()), [1, 2, 2]),
    (2 * len(update()) + 1, [1, 2, 2]), (1424, [1, 4])])
def test_packing(extract, size, wanted):
    """So many messages of one type a segment; none is split for it."""
    a = Conn("10.0.0.1", 4000, "10.9.9.9", 179)
    done, folder = extract([a.syn(), a.segment(bgp_open() + update(0) + update(1)),
                            a.segment(update(2) + update(3))], "--tcp-payload-size", str(size))
    assert done.code == 0, done
    assert [p.count(b"\xff" * 16) for p in payloads(folder)] == wanted
    assert b"".join(payloads(folder)) == bgp_open() + b"".join(update(i) for i in range(4))


def test_long_messages_are_cut(extract):
    a = Conn("10.0.0.1", 4000, "10.9.9.9", 179)
    long = bgp(2, struct.pack("!H", 4000) + b"\x18\1\2\3" * 1000 + bytes(2))
    done, folder = extract([a.syn(), a.segment(bgp_open()), a.segment(long[:2000]),
                            a.segment(long[2000:])])
    assert done.code == 0, done
    found = packets(folder)
    assert [len(p.payload) for p in found] == [len(bgp_open()), 1424, 1424, len(long) - 2848]
    assert [p.seq for p in found[1:]] == [found[1].seq + 1424 * i for i in range(3)]
    assert [p.t - START for p in found] == [0, S + MS, S + 2 * MS, S + 3 * MS]


def test_message_selector(extract):
    a = Conn("10.0.0.1", 4000, "10.9.9.9", 179)
    done, folder = extract([a.syn(), a.segment(bgp_open() + KEEPALIVE + update(1) + KEEPALIVE)],
                           "--where", "bgp_h.type=1,2")
    assert done.code == 0, done
    assert payloads(folder) == [bgp_open(), update(1)]
    info = json.loads((folder / "traffic-info.json").read_text())["BGP Information"]["10.0.0.1"]
    assert (info["updates_counter"], info["keepalives_counter"]) == (1, 0)


def test_bmp_waits(extract):
    """5 s before a Peer Down, and before a Peer Up that follows one."""
    a = Conn("10.0.0.1", 4000, "10.9.9.9", 1790)
    done, folder = extract([a.syn(), a.segment(INITIATION + PEER_UP + ROUTE + PEER_DOWN + PEER_UP +
                                               PEER_UP)])
    assert done.code == 0, done
    found = packets(folder)
    assert [p.payload for p in found] == [INITIATION, PEER_UP, ROUTE, PEER_DOWN, PEER_UP * 2]
    assert [p.t - START for p in found] == [0, MS, 2 * MS, 5 * S + 3 * MS, 10 * S + 4 * MS]
    info = json.loads((folder / "traffic-info.json").read_text())["BMP Information"]["10.0.0.1"]
    assert (info["bmp_version"], info["sysName"]) == (3, "r0ute")
    assert info["BGP_Peers"]["10.1.1.1"]["as_number"] == 65002
    assert info["BGP_Peers"]["10.1.1.1"]["route_monitoring_counter"] == 1


def test_bgp_inside_bmp_is_not_bgp(extract):
    a = Conn("10.0.0.1", 4000, "10.9.9.9", 1790)
    at = PEER_UP.index(b"\xff" * 16)
    done, folder = extract([a.syn(), a.segment(INITIATION), a.segment(PEER_UP[:at]),
                            a.segment(PEER_UP[at:])])
    assert done.code == 0, done
    assert list(json.loads((folder / "traffic-info.json").read_text())) == ["BMP Information"]


# ---- datagrams ----

def test_data_before_templates(extract):
    one = ["10.0.0.1", 4000, "10.9.9.9", 4739]
    other = ["10.0.0.2", 4000, "10.9.9.9", 4739]
    t = ipfix(template(256, OCTETS))
    done, folder = extract([udp(*one, ipfix(DATA_256)), udp(*one, t), udp(*other, ipfix(DATA_256)),
                            udp(*one, ipfix(DATA_256, domain=8)), udp(*one, ipfix(DATA_256))])
    assert done.code == 0, done
    assert payloads(folder) == [t, ipfix(DATA_256)]
    assert "3 messages hold data whose template was not seen before" in done.err
    info = json.loads((folder / "traffic-info.json").read_text())["IPFIX Information"]
    assert info["10.0.0.1"]["Version 10"]["ObservationID 7"]["Template 256"][
        "data_flowset_counter"] == 1


def test_part_of_a_message(extract):
    """Only the data that nobody understands goes; its neighbours stay."""
    one = ["10.0.0.1", 4000, "10.9.9.9", 4739]
    t = ipfix(template(256, OCTETS))
    done, folder = extract([udp(*one, t),
                            udp(*one, ipfix(flow_set(999, b"1234") + DATA_256))])
    assert done.code == 0, done
    assert payloads(folder) == [t, ipfix(DATA_256)]


def test_template_withdrawal(extract):
    one = ["10.0.0.1", 4000, "10.9.9.9", 4739]
    t, gone = ipfix(template(256, OCTETS)), ipfix(template(256))
    done, folder = extract([udp(*one, t), udp(*one, ipfix(DATA_256)), udp(*one, gone),
                            udp(*one, ipfix(DATA_256)), udp(*one, t), udp(*one, ipfix(DATA_256))])
    assert done.code == 0, done
    assert payloads(folder) == [t, ipfix(DATA_256), gone, t, ipfix(DATA_256)]


def test_v5_is_kept(extract):
    one = ["10.0.0.1", 4000, "10.9.9.9", 2055]
    done, folder = extract([udp(*one, V5), udp(*one, V5)])
    assert done.code == 0, done
    assert payloads(folder) == [V5, V5]
    assert "Version 5" in json.loads(
        (folder / "traffic-info.json").read_text())["IPFIX Information"]["10.0.0.1"]


def test_order_of_protocols(extract):
    one = ["10.0.0.1", 4000, "10.9.9.9", 2055]
    a = Conn("10.0.0.3", 4000, "10.9.9.9", 179)
    frames = [udp(*one, V5), a.syn(), a.segment(bgp_open()), a.segment(update(1))]
    for names in ("bgp,ipfix", "ipfix,bgp"):
        done, folder = extract(frames, "--protocol", names, "--inter-protocol-delay", "7")
        assert done.code == 0, done
        found = packets(folder)
        assert [p.proto for p in found] == ([6, 6, 17] if names[0] == "b" else [17, 6, 6])
        assert [p.t - START for p in found] == (
            [0, S + MS, 8 * S + MS] if names[0] == "b" else [0, 7 * S, 8 * S + MS])


def test_fragments(extract):
    """A datagram in pieces comes out whole."""
    body = V5[:2] + struct.pack("!H", 30) + V5[4:24] + bytes(48 * 30)
    datagram = struct.pack("!HHHH", 4000, 2055, 8 + len(body), 0) + body

    def piece(at, data, more):
        head = struct.pack("!BBHHHBBH", 0x45, 0, 20 + len(data), 77, (more << 13) | at // 8, 64,
                           17, 0)
        return frame(head + bytes([10, 0, 0, 1, 10, 9, 9, 9]) + data)

    done, folder = extract([piece(800, datagram[800:], 0), piece(0, datagram[:800], 1)])
    assert done.code == 0, done
    assert payloads(folder) == [body]


def test_raw_ip_and_linux_cooked(extract):
    packet = udp("10.0.0.1", 4000, "10.9.9.9", 2055, V5)[14:]
    for link, head in ((101, b""), (113, bytes(14) + b"\x08\x00")):
        done, folder = extract([head + packet], "--filter", "src host 10.0.0.1", link=link)
        assert done.code == 0, done
        assert payloads(folder) == [V5]


# ---- before a replay: spate replay -t FILE -p ----

class Collector:
    """A UDP socket that keeps what comes, with the address it came from."""

    def __init__(self):
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind(("127.0.0.1", 0))
        self.socket.settimeout(10)
        self.port = self.socket.getsockname()[1]

    def take(self, n):
        seen = [self.socket.recvfrom(65535) for _ in range(n)]
        self.socket.close()
        return seen


@pytest.fixture
def collector():
    c = Collector()
    yield c
    c.socket.close()


@pytest.fixture
def example(tmp_path):
    """example(NAME): the configuration as it is shipped, with its capture where it looks for it."""
    def copy(name):
        folder = tmp_path / "examples" / "pcap_processing"
        folder.mkdir(parents=True, exist_ok=True)
        for end in ("pcap", "yml"):
            shutil.copy(EXAMPLES / "pcap_processing" / f"{name}.{end}", folder)
        return folder / f"{name}.yml", folder / name

    return copy


IPFIX_OF_EXAMPLE = 30


def ipfix_only(config, **processing):
    """The IPFIX part of ipfix-bgp, as a configuration."""
    return {"pcap": config["pcap"], "ipfix": config["ipfix"],
            "pcap_processing": {**config["pcap_processing"], **processing}, "no_sync": True}


@pytest.mark.parametrize("name", sorted(EXAMPLE_WORDS))
def test_process_example(me, tmp_path, example, name):
    config, folder = example(name)
    done = me.run("spate", "replay", "-t", config, "-p", cwd=tmp_path)
    assert done.code == 0, done
    same_as_upstream(folder, name, f"examples/pcap_processing/{name}/traffic.pcap")
    if name == "ipfix-bgp":
        assert "tcp_payload_size" in done.err  # it has no effect, and that is said


def test_process_and_words_are_one(me, tmp_path, example, extract):
    config, folder = example("ipfix-bgp")
    done = me.run("spate", "replay", "--cfg", config, "--pcap-proc", cwd=tmp_path)
    assert done.code == 0, done
    done, other = extract(EXAMPLES / "pcap_processing" / "ipfix-bgp.pcap",
                          *EXAMPLE_WORDS["ipfix-bgp"])
    assert done.code == 0, done
    assert (folder / "traffic.pcap").read_bytes() == (other / "traffic.pcap").read_bytes()


def test_result_wants_addresses(me, tmp_path, example):
    """Until they are given the result is no input, and each that is missing is named."""
    config, folder = example("ipfix-bgp")
    assert me.run("spate", "replay", "-t", config, "-p", cwd=tmp_path).code == 0
    done = me.run("spate", "replay", "-t", folder / "traffic-reproducer.yml", cwd=tmp_path)
    assert done.code == 65, done
    for name in ("bgp.collector.ip", "bgp.collector.port", "ipfix.collector.ip",
                 "ipfix.collector.port", "repro_ip"):
        assert name in done.err, done


def test_every_source_is_named(me, tmp_path):
    """Of many sources each is in the map, and each that has no address yet in the error."""
    sources = [f"10.0.{i}.1" for i in range(14)]
    write_pcap(tmp_path / "in.pcap", [udp(s, 4000, "10.9.9.9", 2055, V5) for s in sources])
    (tmp_path / "c.yml").write_text("pcap: in.pcap\nipfix:\n")
    assert me.run("spate", "replay", "-t", "c.yml", "-p", cwd=tmp_path).code == 0
    file = tmp_path / "in" / "traffic-reproducer.yml"
    assert [m["src_ip"] for m in yaml.safe_load(file.read_text())["network"]["map"]] == sources
    done = me.run("spate", "replay", "-t", file, cwd=tmp_path)
    assert done.code == 65, done
    named = re.search(r"network.map.repro_ip \(line ([0-9, ]+)\)", done.err)
    assert named, done
    assert [int(n) for n in named.group(1).split(", ")] == [
        n for n, line in enumerate(file.read_text().splitlines(), 1) if "repro_ip" in line]


def test_result_is_replayed(me, tmp_path, example, collector):
    """Once addresses are given it is input: the same messages, from the address of the map."""
    config, folder = example("ipfix-bgp")
    config.write_text(yaml.safe_dump(ipfix_only(yaml.safe_load(config.read_text()))))
    done = me.run("spate", "replay", "-t", config, "-p", cwd=tmp_path)
    assert done.code == 0, done
    made = yaml.safe_load((folder / "traffic-reproducer.yml").read_text())
    made["ipfix"]["collector"] = {"ip": "127.0.0.1", "port": collector.port}
    made["network"]["map"][0]["repro_ip"] = "127.0.0.44"
    (folder / "mine.yml").write_text(yaml.safe_dump(made))
    done = me.run("spate", "replay", "-t", folder / "mine.yml", "--no-run-dir", cwd=tmp_path,
                  timeout=60)
    assert done.code in (0, 3), done  # 3: late on a busy machine
    seen = collector.take(IPFIX_OF_EXAMPLE)
    assert [m for m, _ in seen] == payloads(folder)
    assert {a for _, (a, _) in seen} == {"127.0.0.44"}


class Speaker(threading.Thread):
    """A BGP collector: answers an OPEN, keeps what it is told, and from whom."""

    def __init__(self):
        super().__init__(daemon=True)
        self.listener = socket.socket()
        self.listener.bind(("127.0.0.1", 0))
        self.listener.listen()
        self.listener.settimeout(20)
        self.port, self.heard, self.peer = self.listener.getsockname()[1], b"", None
        self.start()

    def run(self):
        conn, (self.peer, _) = self.listener.accept()
        conn.settimeout(60)
        while data := conn.recv(65536):
            if not self.heard:
                conn.sendall(bgp_open(65010) + KEEPALIVE)
            self.heard += data
        conn.close()


def test_sessions_are_replayed(me, tmp_path, example):
    """The BGP session of ipfix-bgp into a collector: what it says is what was extracted, but for
    KEEPALIVEs, and the NOTIFICATION of a clean end, which are the replay's own."""
    config, folder = example("ipfix-bgp")
    whole = yaml.safe_load(config.read_text())
    del whole["ipfix"]
    config.write_text(yaml.safe_dump(whole))
    assert me.run("spate", "replay", "-t", config, "-p", cwd=tmp_path).code == 0
    speaker = Speaker()
    made = yaml.safe_load((folder / "traffic-reproducer.yml").read_text())
    made["bgp"]["collector"] = {"ip": "127.0.0.1", "port": speaker.port}
    made["network"]["map"][0]["repro_ip"] = "127.0.0.45"
    (folder / "mine.yml").write_text(yaml.safe_dump(made))
    done = me.run("spate", "replay", "-t", folder / "mine.yml", "--no-run-dir", "--no-sync",
                  cwd=tmp_path, timeout=60)
    speaker.join(20)
    assert done.code in (0, 3), done
    assert speaker.peer == "127.0.0.45"
    heard, extracted = ([m for m in re.split(rb"(?=\xff{16})", text) if m and m[18] not in (3, 4)]
                        for text in (speaker.heard, b"".join(payloads(folder))))
    assert heard == extracted
    assert len(heard) == 1 + 125


def test_process_and_go_on(me, tmp_path, example, collector):
    """exit: false replays the result at once; what the file says of the replay holds."""
    config, folder = example("ipfix-bgp")
    whole = ipfix_only(yaml.safe_load(config.read_text()), exit=False)
    whole["ipfix"]["collector"] = {"ip": "127.0.0.1", "port": collector.port}
    whole["network"] = {"interface": None,
                        "map": [{"src_ip": "198.51.100.44", "repro_ip": "127.0.0.9"}]}
    config.write_text(yaml.safe_dump(whole))
    done = me.run("spate", "replay", "-t", config, "-p", "--no-run-dir", cwd=tmp_path, timeout=60)
    assert done.code in (0, 3), done
    seen = collector.take(IPFIX_OF_EXAMPLE)
    assert [m for m, _ in seen] == payloads(folder)
    assert {a for _, (a, _) in seen} == {"127.0.0.9"}


def test_process_keeps_what_was_said(me, tmp_path):
    """Everything of the file but its selectors and the pre-processing is in the new one."""
    one = ["10.0.0.1", 4000, "10.9.9.9", 2055]
    write_pcap(tmp_path / "in.pcap", [udp(*one, V5), udp("2001:db8::", 4000, "2001:db8::9", 2055,
                                                         V5)])
    config = {"pcap": "in.pcap", "pcap_processing": {"output_folder": "made/here"},
              "udp_generic": {"collector": {"ip": "::1", "port": 9}}, "time_factor": 0.5,
              "keep_open": True, "no_sync": True,
              "optimize": {"threading": True, "preload": True,
                           "network": {"so_sndbuf": 100000, "so_rcvbuf": None}},
              "network": {"interface": "null",
                          "map": [{"src_ip": "10.0.0.1", "repro_ip": "127.0.0.1"},
                                  {"src_ip": "10.0.0.2", "repro_ip": ""}]}}
    (tmp_path / "c.yml").write_text(yaml.safe_dump(config))
    done = me.run("spate", "replay", "-t", "c.yml", "-p", cwd=tmp_path)
    assert done.code == 0, done
    made = yaml.safe_load((tmp_path / "made/here/traffic-reproducer.yml").read_text())
    del config["pcap_processing"]
    config["pcap"] = "made/here/traffic.pcap"
    config["network"]["map"].append({"src_ip": "2001:db8::", "repro_ip": "<MISSING_PARAM>"})
    assert made == config
    assert json.loads((tmp_path / "made/here/traffic-info.json").read_text()) == {
        "UDP_GENERIC Information": None}
    assert [p.payload for p in packets(tmp_path / "made/here")] == [V5, V5]


# ---- what goes wrong ----

def test_damage(extract, tmp_path):
    source = EXAMPLES / "pcap_processing" / "bgp.pcap"
    whole, cut = source.read_bytes(), tmp_path / "cut.pcap"
    cut.write_bytes(whole[:-100])
    done, folder = extract(cut, *EXAMPLE_WORDS["bgp"])
    assert done.code == 65, done
    assert "cut.pcap" in done.err
    assert len(packets(folder)) == 29


@pytest.mark.parametrize("words,code,text", [
    (["no-such.pcap"], 66, "no-such.pcap"),
    ([], 2, "which file?"),
    (["in.pcap", "--protocol", "bgp,smtp"], 2, "there is no protocol 'smtp'; there is"),
    (["in.pcap", "--where", "bgp.type"], 2, "HEADER.FIELD=VALUE"),
    (["in.pcap", "--where", "snmp.type=1"], 2, "no such header"),
    (["in.pcap", "--filter", "host nowhere and"], 2, "filter"),
    (["in.pcap", "--tcp-payload-size", "0"], 2, "size of a payload"),
    (["in.pcap", "--initial-delay", "soon"], 2, "time, such as"),
    (["in.pcap", "--inter-packet-delay", "100000h"], 65, "2106"),
    (["in.pcap", "--out", "in.pcap/x"], 74, "cannot make"),
])
def test_wrong(me, tmp_path, words, code, text):
    one = ["10.0.0.1", 4000, "10.9.9.9", 2055]
    write_pcap(tmp_path / "in.pcap", [udp(*one, V5)] * 20)
    done = me.run("spate", "capture", "extract", *words, cwd=tmp_path)
    assert done.code == code, done
    assert text in done.err


@pytest.mark.parametrize("path", sorted((DATA / "malformed" / "pcap").iterdir()),
                         ids=lambda p: p.name)
def test_malformed(extract, path):
    """Never a crash, never a silent success: an exit status that says what it is."""
    done, folder = extract(path)
    assert done.code in (0, 65), done
    if done.code:
        assert path.name in done.err
    assert folder.exists() or done.code == 65


@pytest.mark.parametrize("command", [["capture", "extract", "in/traffic.pcap", "--out", "in"],
                                     ["capture", "rewrite", "in/traffic.pcap", "link.pcap"],
                                     ["replay", "in/traffic.pcap", "--out", "link.pcap"]])
def test_what_is_read_is_not_written(me, tmp_path, command):
    """By whatever name: it would be empty before it is read."""
    (me.home / "in").mkdir()
    capture = me.home / "in" / "traffic.pcap"
    shutil.copy(EXAMPLES / "pcap_processing" / "bgp.pcap", capture)
    (me.home / "link.pcap").symlink_to(capture)
    before = capture.read_bytes()
    done = me.run("spate", *command)
    assert done.code == 2 and "in/traffic.pcap" in done.err, done
    assert capture.read_bytes() == before
