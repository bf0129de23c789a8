"""The packet expression: spate packet and spate fields, against Scapy and tshark."""
import json
import random
import struct
import subprocess

import pytest
import scapy.all
from scapy.contrib import geneve, igmp, igmpv3, mpls
from scapy.layers import sctp

import craft_cases

SCAPY = {**vars(scapy.all), **vars(geneve), **vars(igmp), **vars(igmpv3), **vars(mpls), **vars(sctp)}
ALL = craft_cases.GOOD + craft_cases.ODD


def scapy_octets(words):
    return bytes(eval(words, dict(SCAPY)))


@pytest.fixture
def packet(me):
    """packet(WORD..., flags): the lines that spate packet prints."""
    def run(*words, flags=("--hex",)):
        lines = []
        for n in range(0, len(words), 200):
            done = me.run("spate", "packet", *flags, *words[n:n + 200])
            assert done.code == 0 and not done.err, done
            lines += done.out.splitlines()
        return lines
    return run


def test_same_octets_as_scapy(packet):
    assert len(ALL) >= 80
    ours = packet(*(e for e, _ in ALL))
    for (expression, words), got in zip(ALL, ours, strict=True):
        assert got == scapy_octets(words).hex(), expression


def write_pcap(path, packets):
    with open(path, "wb") as f:
        f.write(struct.pack("<IHHiIII", 0xa1b2c3d4, 2, 4, 0, 0, 65535, 1))
        for n, p in enumerate(packets):
            f.write(struct.pack("<IIII", n, 0, len(p), len(p)) + p)


CHECKSUMS = ["ip.checksum.status", "tcp.checksum.status", "udp.checksum.status",
             "icmp.checksum.status", "icmpv6.checksum.status", "igmp.checksum.status",
             "sctp.checksum.status", "dccp.checksum.status"]
DCCP = [f"{net}/dccp(sport=1,dport=2,type={kind},seq=3{more})/\"data\""
        for net in (craft_cases.i(), craft_cases.x())
        for kind, more in (("request", ",service=4"), ("response", ",ack=2,service=4"),
                           ("data", ""), ("data", ",x=0"), ("ack", ",ack=2,x=0"),
                           ("dataack", ",ack=2,options=[NDP=0x01]"),
                           ("reset", ",ack=2,code=1"), ("sync", ",ack=2"))]


def test_tshark_finds_nothing_wrong(packet, tmp_path):
    words = [e if e.startswith("eth") else f"{craft_cases.E}/{e}"
             for e in [e for e, _ in craft_cases.GOOD] + DCCP]
    write_pcap(tmp_path / "x.pcap", [bytes.fromhex(h) for h in packet(*words)])
    argv = ["tshark", "-r", tmp_path / "x.pcap", "-T", "fields", "-e", "_ws.malformed",
            "-e", "_ws.expert.message"]
    for protocol in ("ip", "tcp", "udp"):
        argv += ["-o", f"{protocol}.check_checksum:TRUE"]
    argv += ["-o", "sctp.checksum:CRC 32c"]
    for name in CHECKSUMS:
        argv += ["-e", name]
    out = subprocess.run(argv, capture_output=True, text=True, timeout=60, check=True).stdout
    rows = [line.split("\t") for line in out.split("\n")[:len(words)]]
    good = dict.fromkeys(CHECKSUMS, 0)
    for word, row in zip(words, rows, strict=True):
        assert not row[0] and "alformed" not in row[1], (word, row)
        for name, status in zip(CHECKSUMS, row[2:], strict=True):
            assert "0" not in status.split(","), (word, name, row)
            good[name] += "1" in status
    assert all(n > 0 for n in good.values()), good


def test_every_packet_is_read_back(packet):
    """Octets to expression to octets, also of packets with damage anywhere."""
    rng = random.Random(5)
    octets = []
    for _, words in ALL:
        whole = scapy_octets(words)
        octets.append((words, whole))
        for _ in range(8):
            broken = bytearray(whole)
            for _ in range(rng.choice((1, 1, 3))):
                broken[rng.randrange(len(broken))] = rng.randrange(256)
            octets.append((words, bytes(broken)))
            octets.append((words, whole[:rng.randrange(1, len(whole) + 1)]))
    for first in (True, False):
        some = [o for w, o in octets if w.startswith("Ether") == first]
        flags = ("--decode", "--json") + (("--first", "eth") if first else ())
        texts = [json.loads(line)["packet"]
                 for line in packet(*(o.hex() for o in some), flags=flags)]
        again = packet(*texts)
        for one, text, got in zip(some, texts, again, strict=True):
            assert got == one.hex(), text


def test_what_the_build_fills_is_not_printed(packet):
    """A packet of the user's words comes back in the user's words."""
    for word in (
            "ip(src=10.0.0.1,dst=10.0.0.2)/udp(sport=1,dport=2)/\"hello\"",
            "ip(src=10.0.0.1,dst=10.0.0.2)/tcp(sport=1024,options=[MSS=1460,NOP,WScale=7,SAckOK,"
            "Timestamp=(1,0)])",
            "ip(len=99,chksum=1)/udp(len=3,chksum=2)/\"x\"",
            "ipv6(dst=2001:db8::2)/routing(addresses=[2001:db8::9])/fragment(m=1,id=7)/icmp6(id=1)",
            "ip()/gre(key=0)/ip()/udp()/dns(id=1,qd=[(qname=\"a.example\",qtype=AAAA)])",
            "ip()/icmp(type=time-exceeded)/ip(ttl=1)/udp(sport=5,dport=33434)",
            "ip()/udp(sport=9)/vxlan(vni=7)/eth()/arp(op=is-at)",
            "ip()/sctp(sport=1,dport=2)/sctpdata(tsn=1,data=\"abc\")/sctpchunk(type=sack)"):
        whole = packet(word)[0]
        assert packet(whole, flags=("--decode", "--json"))[0] == \
            packet(word, flags=("--json",))[0], word
        assert json.loads(packet(word, flags=("--json",))[0])["packet"] == word


def test_varied_fields(packet):
    doc = json.loads(packet("ip(src=10.0.0.0/24,dst=[10.1.0.1,10.1.0.5..10.1.0.7])/"
                            "tcp(sport=1024..65535,dport=80..8080/1000,seq=random,ack=(1,3))",
                            flags=("--json",))[0])
    assert doc["packets"] == 256 * 4 * 64512 * 9 * 3
    assert [(v["field"], v["how"], v["values"], v["every"]) for v in doc["varies"]] == [
        ("ip.src", "walk", 256, 4 * 64512 * 9 * 3), ("ip.dst", "table", 4, 64512 * 9 * 3),
        ("tcp.sport", "walk", 64512, 27), ("tcp.dport", "walk", 9, 3),
        ("tcp.seq", "random", 1 << 32, 1), ("tcp.ack", "walk", 3, 1)]


def test_packets_in_turn_are_those_of_scapys_sets(packet):
    """Each of the packets that varied fields make, checksums and all."""
    ours = packet("ip(src=10.0.0.1,dst=10.0.0.0/30)/udp(sport=[5,9],dport=(1000,1003))/\"odd\"",
                  flags=("--hex", "--count", "32"))
    sets = SCAPY["IP"](src="10.0.0.1", dst="10.0.0.0/30") / \
        SCAPY["UDP"](sport=[5, 9], dport=(1000, 1003)) / b"odd"
    theirs = sorted(bytes(p).hex() for p in sets)
    assert sorted(ours) == theirs and len(set(ours)) == 32
    assert [h[36:40] for h in ours[:8]] == ["0000"] * 8 and ours[8][36:40] == "0001"
    lines = packet("ip(ttl=1..3)/udp()", flags=("--count", "4"))
    assert lines == ["ip(ttl=1)/udp()", "ip(ttl=2)/udp()", "ip(ttl=3)/udp()", "ip(ttl=1)/udp()"]


def test_a_capture_comes_back(me, tmp_path):
    octets = [scapy_octets(words) for _, words in ALL if words.startswith("SE") or
              words.startswith("Ether")]
    octets += [o[:n] for o in octets for n in range(1, len(o), 7)]
    write_pcap(tmp_path / "x.pcap", octets)
    done = me.run("spate", "packet", "--check", "--read", tmp_path / "x.pcap")
    assert done.code == 0 and len(done.out.splitlines()) == len(octets), done.err


def test_values_of_a_file(me, packet, tmp_path):
    ports, bad = tmp_path / "ports", tmp_path / "bad [1]"
    ports.write_text("# what to try\n80\n443  \r\n\n8000..8002\n")
    bad.write_text("10.0.0.1\nnobody\n")
    (tmp_path / "texts").write_text("GET /x\nPUT /y\n")
    doc = json.loads(packet(f"ip()/tcp(dport=[1,@{ports}])/raw(load=@{tmp_path}/texts)",
                            flags=("--json",))[0])
    assert doc["packet"] == \
        'ip()/tcp(dport=[1,80,443,8000,8001,8002])/raw(load=["GET /x","PUT /y"])'
    assert doc["packets"] == 12
    done = me.run("spate", "packet", f'ip(dst=@"{bad}")')
    assert done.code == 2 and f"line 2 of {bad} is not an IPv4 address" in done.err, done
    done = me.run("spate", "packet", f"ip(dst=@{tmp_path}/none)")
    assert done.code == 66 and "packet:8: " in done.err, done


@pytest.mark.parametrize("word, at, sentence", [
    ("ip()/tcp(sprt=1)", 10, "tcp has no field 'sprt'; did you mean 'sport'?"),
    ("ip()/tpc()", 6, "there is no header 'tpc'; did you mean 'tcp'?"),
    ("ip()/udp(sport=70000)", 16, "udp.sport has 16 bits: 70000 is above 65535"),
    ("ip(dst=nobody)", 8, "ip.dst is an IPv4 address such as 10.0.0.1, not 'nobody'"),
    ("ip()/tcp(flags=SX)", 16, "tcp.flags is a number from 0 to 511 or flags of"),
    ("ip()/tcp(options=[MMS=5])", 19, "there is no TCP option 'MMS'; did you mean 'MSS'?"),
    ("ip(ttl=1", 9, "ip: ')' is missing"),
    ("ip()/\"open", 6, "the quote is not closed"),
    ("ip()udp()", 5, "'/' and a header are expected, not 'u'"),
    ("ip(ttl=1,ttl=2)", 10, "ip.ttl is given twice"),
    ("ip()/icmp(gw=1.2.3.4)", 11, "icmp has a field 'gw' only where type=5"),
    ("ip()/0x123", 6, "octets have two hexadecimal digits each"),
    ("", 1, "a header is expected"),
])
def test_errors_point_at_the_character(me, word, at, sentence):
    done = me.run("spate", "packet", word)
    assert done.code == 2 and not done.out
    assert done.err.startswith(f"spate packet: packet:{at}: {sentence}"), done


def test_too_long(me):
    done = me.run("spate", "packet", "ip()/raw(len=70000)")
    assert done.code == 2 and "beyond 65535 octets" in done.err, done
    done = me.run("spate", "packet", "ip()/tcp(options=[" + ",".join(["MSS=1"] * 11) + "])")
    assert done.code == 2 and "tcp.dataofs holds at most 15" in done.err, done


def test_fields(me):
    done = me.run("spate", "fields")
    assert done.code == 0 and {"eth", "ipv6", "dns", "sctp", "dccp"} <= {
        line.split()[0] for line in done.out.splitlines()}
    done = me.run("spate", "fields", "tcp")
    row = next(line for line in done.out.splitlines() if line.startswith("window"))
    assert row.split()[:4] == ["window", "number", "16", "8192"], row
    done = me.run("spate", "fields", "tcp.options")
    assert "Timestamp (8)" in done.out and "RFC 7323" in done.out and "tsval" in done.out
    doc = json.loads(me.run("spate", "fields", "--json", "ip").out)
    ttl = next(f for f in doc["fields"] if f["name"] == "ttl")
    assert ttl["bits"] == 8 and ttl["default"] == "64" and ttl["rfc"] == "RFC 791"
    done = me.run("spate", "fields", "tpc")
    assert done.code == 2 and "did you mean 'tcp'?" in done.err


def test_every_default_is_a_value(me, packet):
    """A header without fields can be built, and each default written out gives the same."""
    docs = [json.loads(line) for line in me.run("spate", "fields", "--json").out.splitlines()]
    assert len(docs) >= 25
    for doc in docs:
        plain, given = doc["header"], []
        for f in doc["fields"]:
            assert f["help"] and f["type"], f
            if f["rule"] == "none" and f["bits"] and not f["when"]:
                given.append(f"{f['name']}={f['default']}")
        one, two = packet(f"{plain}()", f"{plain}({','.join(given)})")
        assert one == two, doc["header"]
