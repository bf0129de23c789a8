"""Crafted packets on a veth: what arrives is what was said, every value of it, in order."""
import json
import os
import subprocess
from collections import Counter
from pathlib import Path

import pytest


@pytest.fixture
def far(me):
    """far([send's words], fields=tshark's) -> (exit code, report, rows of the far capture)."""
    def run(words, fields=(), code=0):
        line = " ".join(f"'{w}'" for w in words)
        done = me.lab(f"""
            "$SPATE" lab exec h2 -- sh -c 'tcpdump -Z root -i eth0 -Q in -nn -U --immediate-mode -w far.pcap \\
                -B 65536 2>tcpdump.err & echo $! >pid; wait' &
            until grep -q listening tcpdump.err 2>/dev/null; do sleep 0.05; done
            "$SPATE" send {line} --no-run-dir --json >out 2>err; code=$?
            sleep 0.3
            "$SPATE" lab exec h2 -- sh -c 'kill -TERM $(cat pid)'
            wait
            exit $code""", timeout=40)
        assert done.code == code, (me.home / "err").read_text() + done.err
        text = (me.home / "out").read_text()
        rows = shark(me.home / "far.pcap", fields) if fields else None
        return json.loads(text) if text.strip() else None, rows, me.home

    return run


def shark(path, fields, *more):
    args = ["tshark", "-r", str(path), "-T", "fields", "-o", "ip.check_checksum:TRUE",
            "-o", "tcp.check_checksum:TRUE", "-o", "udp.check_checksum:TRUE", *more]
    for f in fields:
        args += ["-e", f]
    out = subprocess.run(args, check=True, capture_output=True, text=True, timeout=60).stdout
    return [tuple(line.split("\t")) for line in out.splitlines()]


def test_syns_reach_every_port_once_in_order(far):
    doc, rows, _ = far(["-t", "10.99.0.2", "--protocol", "syn", "-p", "80-1079", "--count", "1000",
                        "-r", "5000"],
                       ["tcp.dstport", "tcp.flags", "tcp.checksum.status", "ip.checksum.status"])
    rows = [r for r in rows if r[1] == "0x0002"]
    assert [int(r[0]) for r in rows] == list(range(80, 1080))
    assert {r[2:] for r in rows} == {("1", "1")}
    assert doc["total"]["tx_packets"] == 1000
    assert doc["flows"][0]["proto"] == "syn"


def test_a_spoofed_prefix_is_every_address(far):
    doc, rows, _ = far(["--packet", "ip(src=10.7.1.0/24,dst=10.99.0.2,ttl=5)/udp(dport=8000)",
                        "--count", "512", "-r", "5000"],
                       ["ip.src", "ip.ttl", "udp.checksum.status", "ip.checksum.status"])
    rows = [r for r in rows if r[0].startswith("10.7.1.")]
    assert [r[0] for r in rows] == [f"10.7.1.{i % 256}" for i in range(512)]
    assert {r[1:] for r in rows} == {("5", "1", "1")}
    assert doc["total"]["tx_packets"] == 512


@pytest.mark.parametrize("protocol", ["udp", "tcp"])
def test_source_ports_come_evenly(far, protocol):
    doc, rows, _ = far(["-t", "10.99.0.2", "-p", "9000", "--protocol", protocol,
                        "--source-ports", "8001-8200", "--size", "100", "--count", "1000",
                        "-r", "5000"], [f"{protocol}.srcport", f"{protocol}.dstport",
                                        f"{protocol}.checksum.status", "frame.len"])
    rows = [r for r in rows if r[1] == "9000"]
    assert [int(r[0]) for r in rows] == [8001 + i % 200 for i in range(1000)]
    assert set(Counter(r[0] for r in rows).values()) == {5}
    assert {r[2:] for r in rows} == {("1", "100")}
    assert doc["total"]["tx_packets"] == len(rows)


def test_echo_requests_count(far):
    _, rows, _ = far(["-t", "10.99.0.2", "--protocol", "icmp", "--count", "100", "-r", "1000"],
                     ["icmp.type", "icmp.ident", "icmp.seq", "icmp.checksum.status",
                      "frame.len"])
    assert [int(r[2].split(",")[0]) for r in rows if r[0] == "8"] == list(range(100))
    assert {r[3:] for r in rows if r[0] == "8"} == {("1", "98")}


def test_arp_requests_are_answered(far):
    _, rows, home = far(["-t", "10.99.0.2", "--interface", "eth0", "--protocol", "arp", "--count",
                         "3", "-r", "100"],
                        ["arp.opcode", "arp.src.proto_ipv4", "arp.dst.proto_ipv4", "eth.dst"])
    asked = [r for r in rows if r[0] == "1" and r[3] == "ff:ff:ff:ff:ff:ff"]
    assert len([r for r in asked if r[1:3] == ("10.99.0.1", "10.99.0.2")]) >= 3


def test_raw_ethernet(far):
    doc, rows, _ = far(["--interface", "eth0", "--protocol", "packet", "--packet",
                        'eth(dst=ff:ff:ff:ff:ff:ff,type=0x88b5)/"Hello from TX VM"',
                        "--size", "64", "--count", "5", "-r", "100"],
                       ["eth.dst", "eth.type", "frame.len", "data.data"])
    rows = [r for r in rows if r[1] == "0x88b5"]
    assert len(rows) == 5 and doc["total"]["tx_packets"] == 5
    assert {r[2] for r in rows} == {"64"}
    data = bytes.fromhex(rows[0][3].replace(":", ""))
    assert data.startswith(b"Hello from TX VM")


def test_the_file_has_the_same_frames(far):
    """What leaves an interface is what --out writes, and the words are one plan."""
    words = ["--packet", "eth(src=02:00:00:00:00:01,dst=02:00:00:00:00:02)"
             "/ip(src=10.1.0.0/28,dst=10.99.0.2,id=random)/tcp(sport=1024..65535,dport=80,"
             "flags=S,options=[MSS=1460,NOP,WScale=7,SAckOK])", "--count", "300", "--seed", "7"]
    _, _, home = far(words + ["-r", "5000", "--interface", "eth0"])
    subprocess.run([me_spate(), "send", *words, "-r", "5000",
                    "--out", str(home / "near.pcap"), "--no-run-dir"], check=True,
                   capture_output=True, timeout=30)
    frames = []
    for name in ("far.pcap", "near.pcap"):
        out = subprocess.run(["tcpdump", "-r", str(home / name), "-xx", "-tnn", "tcp"],
                             capture_output=True, text=True, check=True, timeout=30).stdout
        frames.append([ln.split(":", 1)[1] for ln in out.splitlines() if ln.startswith("\t0x")])
    assert len(frames[1]) > 300
    assert frames[0] == frames[1]


def me_spate():
    return os.environ.get("SPATE_BIN", Path(__file__).resolve().parent.parent / "build/spate")
