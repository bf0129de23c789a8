"""spate capture summary: damaged and odd captures, counts against tshark, filters."""
import csv
import gzip
import json
import struct
import subprocess
from pathlib import Path

import pytest

import malformed

DATA = Path(__file__).resolve().parent / "data"
MANIFEST = list(csv.DictReader((DATA / "malformed" / "manifest.tsv").open(), delimiter="\t"))
STATUS = {"reject": 65, "prefix": 65, "odd": 0, "ok": 0}


def complaints(done, expect, packets):
    """What is not as the manifest's words say."""
    if done.code != STATUS[expect]:
        yield f"exit {done.code}"
    if (done.code == 65) != bool(done.err) or done.err.count("\n") > 1:
        yield "not one sentence"
    if expect == "reject":
        if done.out:
            yield "a document"
        return
    document = json.loads(done.out)
    if document["packets"] != packets:
        yield f"{document['packets']} packets, not {packets}"
    if sum(document["protocols"].values()) != packets:
        yield "protocols do not add up"
    if bool(document["remarks"]) != (expect != "ok"):
        yield f"remarks: {document['remarks']}"


@pytest.mark.parametrize("row", MANIFEST, ids=lambda row: row["file"])
def test_manifest(me, row):
    done = me.run("spate", "capture", "summary", "--json", DATA / "malformed" / row["file"])
    wrong = list(complaints(done, row["expect"], int(row["packets"])))
    assert not wrong, (row["note"], wrong, done)


@pytest.mark.parametrize("seed", range(4))
def test_others_of_the_family(me, tmp_path, seed):
    wrong = []
    path = tmp_path / "x.pcap"
    for name, octets, expect, packets in malformed.all_of(seed):
        path.write_bytes(octets)
        done = me.run("spate", "capture", "summary", "--json", path)
        found = list(complaints(done, expect, packets))
        if found:
            wrong.append((name, expect, found, done.err))
    assert not wrong


def test_damage_names_its_place(me, tmp_path):
    octets = malformed.pcap(*[malformed.GOOD] * 5)
    (tmp_path / "x.pcap").write_bytes(octets[:-3])
    done = me.run("spate", "capture", "summary", "--json", tmp_path / "x.pcap")
    record = 16 + len(malformed.GOOD)
    assert done.code == 65
    assert f"packet 5 at byte {24 + 4 * record}: " in done.err
    assert any("packet 5" in r for r in json.loads(done.out)["remarks"])


def test_missing_files_and_words(me, tmp_path):
    def run(*words):
        return me.run("spate", "capture", "summary", *words)

    assert run(tmp_path / "nothing.pcap").code == 66
    assert run(tmp_path).code == 66
    assert run().code == 2
    for words in (["--where", "ip.srcx=1"], ["--where", "ip=1"], ["--where", "ipx.src=1"],
                  ["--where", "ip.src=10.0.0.0/40"], ["--where", "tcp.options=1"],
                  ["--where", "bgp.type=1"], ["--where", "1,udp.dport=1"],
                  ["--filter", "udpp"], ["--nothing"]):
        done = run(*words, DATA / "malformed" / "pcap" / "p054_vlan.pcap")
        assert done.code == 2 and done.err.count("\n") == 1, (words, done)


def test_wrong_names_are_told_with_their_place(me):
    file = DATA / "malformed" / "pcap" / "p054_vlan.pcap"
    for where, says in (("udp.dport=1,tcp.sprt=1", "--where:13: tcp.sprt: tcp has no such field of "
                         "fixed size (see 'spate fields tcp'); did you mean 'sport'?"),
                        ("vlna.vlan=1", "--where:1: vlna: there is no such header to select by "
                         "('spate fields' lists them); did you mean 'vlan'?"),
                        ("tcp.flags=S,ip.src=10.0.0.300", "--where:13: ip.src: '10.0.0.300' is "
                         "not an IPv4 address"),
                        ("udp.dport", "--where:1: 'udp.dport' is not HEADER.FIELD=VALUE")):
        done = me.run("spate", "capture", "summary", "--where", where, file)
        assert done.code == 2 and says in done.err and not done.out, done


def conversation(path, n=200):
    """Several endpoints, families and protocols."""
    f = malformed.Pcap()
    for i in range(n):
        src = bytes([10, 0, i % 3, i % 7])
        if i % 4 == 0:
            p = malformed.eth(malformed.ip4(malformed.udp(dport=9991 + i % 5), src=src))
        elif i % 4 == 1:
            p = malformed.eth(malformed.ip4(malformed.tcp(flags=2, seq=i, sport=1000 + i % 5), 6,
                                            src=src))
        elif i % 4 == 2:
            p = malformed.eth(malformed.ip6(malformed.tcp(flags=2, sport=2000 + i), 6), 0x86dd)
        else:
            p = malformed.eth(malformed.ip4(bytes([8, 0, 0, 0]) + bytes(4), 1, src=src))
        f.add(p)
    path.write_bytes(f.octets)
    return path


def tshark(path, wanted, *fields):
    argv = ["tshark", "-r", path, "-Y", wanted, "-T", "fields"]
    for field in fields:
        argv += ["-e", field]
    out = subprocess.run(argv, capture_output=True, text=True, timeout=60, check=True).stdout
    return out.splitlines()


FILTERS = [
    (["--where", "ip.src=10.0.1.0/24"], "ip.src==10.0.1.0/24"),
    (["--where", "ip.src=10.0.1.0/24,udp.dport=9991|9993"],
     "ip.src==10.0.1.0/24 && udp.dstport in {9991,9993}"),
    (["--where", "tcp.sport=1001..1003"], "tcp.srcport>=1001 && tcp.srcport<=1003"),
    (["--where", "ip.proto!=6"], "!(ip.proto==6) && !(ipv6.nxt==6)"),
    (["--where", "ip.proto!=6|17,ip.version=4"], "ip && !(ip.proto in {6,17})"),
    (["--where", "ip.ttl=64"], "ip.ttl==64 || ipv6.hlim==64"),
    (["--where", "ipv6.hlim=64"], "ipv6.hlim==64"),
    (["--where", "udp.dport=9991,9993"], "udp.dstport in {9991,9993}"),
    (["--where", "eth.type=0x86dd"], "eth.type==0x86dd"),
    (["--where", "ip.src=2001:db8::/32"], "ipv6.src==2001:db8::/32"),
    (["--where", "icmp.type=8"], "icmp.type==8"),
    (["--where", "tcp.flags=S"], "tcp.flags==2"),
    (["--filter", "udp port 9992"], "udp.port==9992"),
    (["--filter", "ip6", "--where", "tcp.sport=2002"], "ipv6 && tcp.srcport==2002"),
]


@pytest.mark.parametrize("words, wanted", FILTERS, ids=lambda x: str(x))
def test_filters_take_what_tshark_takes(run_json, tmp_path, words, wanted):
    path = conversation(tmp_path / "x.pcap")
    frames = [int(n) for n in tshark(path, wanted, "frame.len")]
    code, document = run_json("capture", "summary", *words, path)
    assert code == 0 and frames
    assert document["packets"] == len(frames)
    assert document["bytes"] == sum(frames)


def test_counts_are_those_of_tshark(run_json, tmp_path):
    path = conversation(tmp_path / "x.pcap")
    rows = [r.split("\t") for r in tshark(path, "ip || ipv6", "frame.time_epoch", "ip.src",
                                          "ipv6.src", "ip.proto", "ipv6.nxt", "tcp.srcport",
                                          "udp.srcport", "tcp.dstport", "udp.dstport")]
    code, document = run_json("capture", "summary", path)
    assert code == 0
    assert document["flows"] == len({tuple(r[1:]) for r in rows})
    assert document["protocols"] == {"tcp": 100, "udp": 50, "icmp": 50}
    times = [int(r[0].replace(".", "")) for r in rows]
    assert document["first_ns"] == times[0] and document["last_ns"] == times[-1]
    span = times[-1] - times[0]
    assert document["duration_ns"] == span
    assert document["pps"] == pytest.approx(199 * 1e9 / span)


def test_several_files_and_compression(me, run_json, tmp_path):
    one = conversation(tmp_path / "one.pcap")
    (tmp_path / "two.pcap.gz").write_bytes(gzip.compress(one.read_bytes()))
    code, both = run_json("capture", "summary", one, tmp_path / "two.pcap.gz")
    _, single = run_json("capture", "summary", one)
    assert code == 0
    assert both["packets"] == 400 and both["flows"] == single["flows"]
    done = me.run("spate", "capture", "summary", one)
    assert done.code == 0 and "packets     200\n" in done.out
    assert "100 tcp, 50 icmp, 50 udp" in done.out


def test_memory_is_bounded(me, tmp_path):
    """100,000 streams and as many flows, none of which ends; and holes in all of them."""
    f = [malformed.Pcap().octets]
    for i in range(100000):
        src = bytes([10, i >> 16, i >> 8 & 255, i & 255])
        f.append(malformed.Pcap().add(malformed.eth(malformed.ip4(
            malformed.tcp(b"x" * 400, seq=5000 * (i % 2)), 6, src=src)), fraction=i)
            .octets[24:])
    (tmp_path / "x.pcap").write_bytes(b"".join(f))
    done = me.run("sh", "-c", 'exec /usr/bin/time -f "%M" "$SPATE" capture summary --json x.pcap',
                  timeout=120)
    document = json.loads(done.out)
    assert document["flows"] == 100000
    assert any("too many to follow" in r for r in document["remarks"])
    assert int(done.err.split()[-1]) < 64 * 1024


def ipfix(sets):
    return struct.pack("!HHIII", 10, 16 + len(sets), 1, 0, 0) + sets


def datagrams(path, messages):
    """IPFIX of as many sources as there are in (source's number, message)."""
    f = [malformed.Pcap().octets]
    for i, m in messages:
        src = bytes([10, i >> 16 & 255, i >> 8 & 255, i & 255])
        f.append(malformed.Pcap().add(malformed.eth(malformed.ip4(
            malformed.udp(m, dport=4739), src=src))).octets[24:])
    path.write_bytes(b"".join(f))


def summary_kib(me):
    done = me.run("sh", "-c", 'exec /usr/bin/time -f "%M" "$SPATE" capture summary --json x.pcap',
                  timeout=120)
    assert done.code == 0, done
    return int(done.err.split()[-1]), json.loads(done.out)


def templates(k):
    """256 of them, of one field each."""
    return b"".join(struct.pack("!4H", 256 * (k + 1) + i, 1, 1, 4) for i in range(256))


@pytest.mark.parametrize("messages", [
    lambda: ((i, ipfix(b"")) for i in range(65000)),
    lambda: ((i // 4, ipfix(struct.pack("!HH", 2, 2052) + templates(i % 4))) for i in range(2000)),
], ids=["sources", "templates"])
def test_memory_of_many_sources_is_bounded(me, tmp_path, messages):
    datagrams(tmp_path / "x.pcap", messages())
    kib, document = summary_kib(me)
    assert any("more sessions, or more of them" in r for r in document["remarks"])
    assert len(document["IPFIX Information"]) > 80
    assert kib < 64 * 1024


def test_fields_without_length(me, tmp_path):
    """Records of an octet and thousands of such fields would be work for minutes."""
    fields = struct.pack("!HH", 210, 0) * 4095 + struct.pack("!HH", 82, 65535)
    template = struct.pack("!HH", 256, 4096) + fields
    data = ipfix(struct.pack("!HH", 256, 4 + 48000) + bytes(48000))
    datagrams(tmp_path / "x.pcap",
              [(1, ipfix(struct.pack("!HH", 2, 4 + len(template)) + template))] + [(1, data)] * 9)
    _, document = summary_kib(me)
    assert document["remarks"] == [
        "packet 1: ipfix: a template with so many fields without length that it is not used",
        "9 times, first in packet 2: ipfix: data that need a template which is not there"]
