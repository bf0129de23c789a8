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


# ---- one request, however it is written ----

def digest(*argv):
    more = ["--seed", "1"] if argv[0] == "send" else []
    done = subprocess.run([me_spate(), *argv, *more, "--dry-run"], capture_output=True, text=True,
                          timeout=20)
    assert done.returncode == 0, done.stderr
    return [ln for ln in done.stdout.splitlines() if ln.startswith("sha256 ")][0]


@pytest.mark.parametrize("words", [
    [["send", "--packet", "ip(dst=10.0.0.2,src=10.9.0.0/24)/udp(dport=9)"],
     ["send", "--packet", "ip(dst=10.0.0.2, src=10.9.0.0/24) / udp(dport=9)"],
     ["send", "-t", "10.0.0.2", "--packet", "ip(dst=10.0.0.2,src=10.9.0.0/24)/udp(dport=9)"],
     "packet: 'ip(dst=10.0.0.2,src=10.9.0.0/24)/udp(dport=9)'"],
    [["send", "-t", "10.0.0.2", "--protocol", "syn", "-p", "80-90"],
     ["send", "syn://10.0.0.2:80-90"],
     "{target: '10.0.0.2:80-90', protocol: syn}", "target: 'syn://10.0.0.2:80-90'"],
    [["send", "-t", "10.0.0.2", "-p", "7", "--source-ports", "8001-8200"],
     ["send", "udp://10.0.0.2:7", "--source-ports", "8001-8200"],
     "{target: '10.0.0.2:7', source_ports: 8001-8200}"],
    [["send", "-t", "10.0.0.2", "--protocol", "icmp"], ["send", "icmp://10.0.0.2"],
     "target: 'icmp://10.0.0.2'"],
    [["send", "-t", "10.0.0.2", "--fill", "random"], ["send", "udp://10.0.0.2", "--fill=random"],
     "{target: '10.0.0.2:5001', fill: random}"],
], ids=["packet", "syn", "source-ports", "icmp", "fill"])
def test_one_request_one_plan(tmp_path, words):
    seen = set()
    for w in words:
        if isinstance(w, list):
            seen.add(digest(*w))
            continue
        body = w if w.startswith("{") else "{" + w + "}"
        path = tmp_path / "s.yaml"
        path.write_text("spate: 1\nname: send\nseed: 1\nstreams:\n  - {name: s1, "
                        + body.strip("{}") + "}\n")
        seen.add(digest("run", str(path)))
    assert len(seen) == 1


# ---- what cannot be ----

def refused(*argv, code, says, **more):
    done = subprocess.run([me_spate(), *argv], capture_output=True, text=True, timeout=20, **more)
    assert done.returncode == code, done
    assert says in done.stderr, done.stderr


@pytest.mark.parametrize("words,code,says", [
    (["--packet", "ip(dst=10.0.0.2)/udp(sprt=5)"], 2, "--packet:22: udp has no field 'sprt'"),
    (["--packet", "ip/udp"], 2, "where to?"),
    (["--packet", "ip(dst=10.0.0.2)/udp", "-t", "10.0.0.3"], 2, "leave one out"),
    (["--packet", "ip(dst=10.0.0.2)/udp", "--size", "30"], 2, "too small"),
    (["--packet", "ip(dst=10.0.0.2)/udp", "--size", "70000"], 2, "too large"),
    (["--packet", "ip(dst=10.0.0.2,len=40)/udp", "--size", "80"], 2, "nothing in it may grow"),
    (["--packet", "ip(dst=10.0.0.2)/udp", "--size", "50", "--stamp", "native"], 2, "60 at least"),
    (["--packet", "ip(dst=10.0.0.2)/udp", "--transport", "udp"], 2, "takes none"),
    (["--packet", "ip(dst=10.0.0.2)/udp", "--protocol", "tcp"], 2, "do not go together"),
    (["--packet", "ip(dst=10.0.0.2)/udp", "-p", "80"], 2, "no target takes it"),
    (["--packet", "ip(dst=10.0.0.2)/udp", "--source-ports", "1-9"], 2, "sport=8001..8200"),
    (["-t", "10.0.0.2", "--fill", "randon"], 2, "did you mean 'random'?"),
    (["-t", "10.0.0.2", "--protocol", "tcp", "--fill", "random"], 2, "not for connections"),
    (["-t", "10.0.0.2", "--messages", "/nonexistent", "--out", "/dev/null"], 66,
     "/nonexistent"),
    (["-t", "10.0.0.2", "-p", "80-90"], 2, "a range of ports"),
    (["--packet", "ip(src=10.0.0.9,dst=8.8.8.8)/udp"], 77, "not this host's"),
    (["--packet", "ip(dst=8.8.8.8)/tcp(flags=S)", "--rate", "1"], 77, "SYN"),
    (["--packet", "ip(dst=9.0.0.0/7)/tcp(flags=S)", "--rate", "1"], 77, "handshake"),
    (["--packet", "ip(dst=9.0.0.0/7)/udp", "--rate", "2000"], 77, "limit"),
    (["--packet", "ip(dst=240.0.0.0/30)/udp"], 77, "reserved"),
    (["--packet", "ip(dst=255.255.255.255)/udp"], 77, "--allow-broadcast"),
    (["--packet", "ip(dst=127.0.0.1)/udp", "--interface", "nosuch0"], 77, "nosuch0"),
])
def test_what_cannot_be(words, code, says):
    refused("send", *words, "--count", "1", "--no-run-dir", "--no-control", code=code, says=says)


def test_wrong_in_a_file_is_bad_data(tmp_path):
    path = tmp_path / "s.yaml"
    path.write_text("spate: 1\nstreams:\n  - packet: ip(dst=10.0.0.2)/udp(sprt=5)\n")
    refused("run", str(path), code=65, says=f"{path}:3:13:22: udp has no field 'sprt'")


def test_nobody_sends_frames_without_the_right(me):
    done = me.lab("""setpriv --bounding-set=-net_raw --inh-caps=-net_raw "$SPATE" send \\
        --packet 'ip(dst=10.99.0.2)/udp' --count 1 --no-run-dir""")
    assert done.code == 77, done
    assert "CAP_NET_RAW" in done.err


def test_an_interface_that_goes_away(me):
    done = me.lab("""
        "$SPATE" send --packet 'ip(dst=10.99.0.2)/udp(dport=9)' -r 100 -D 3 --no-run-dir --json \\
            >out 2>err & pid=$!
        sleep 1
        ip link del eth0
        wait $pid""", timeout=30)
    doc = json.loads((me.home / "out").read_text())
    assert done.code == 3, done
    assert 20 < doc["total"]["tx_packets"] < 250
    assert any("Network is down" in r["text"]
               for r in doc["verdict"]["remarks"]), doc["verdict"]


# ---- both ends spate's ----

@pytest.mark.parametrize("packet,keep,size", [
    ("ip(src=10.7.0.0/22,dst=10.99.0.2)/udp(sport=1024..65535,dport=8000)", "udp port 8000", 60),
    ("ip(src=10.7.0.0/22,dst=10.99.0.2)/tcp(sport=1024..65535,dport=81,flags=PA)", "tcp port 81",
     72),
    ("ip(dst=10.99.0.2)/icmp(type=8,seq=0..65535)", "icmp[icmptype] == 8", 98),
    ("eth/vlan(id=5)/ip(src=10.7.0.1,dst=10.99.0.2)/udp(dport=8000)", "vlan 5", 100),
    ("ip(src=10.7.0.0/22,dst=10.99.0.2)/sctp(sport=1..9,dport=9,tag=7)/raw(len=40)",
     "ip proto 132", 200),
    ("ipv6(src=fd77::/112,dst=fd99::2)/udp(sport=random,dport=8000)", "udp port 8000", 80),
], ids=["udp", "tcp", "icmp", "vlan", "sctp", "ipv6"])
def test_every_stamp_arrives(me, packet, keep, size):
    """Sources vary, the flow is one: nothing lost, nothing damaged, whatever carries the stamp."""
    done = me.lab(f"""
        sysctl -qw net.ipv6.conf.eth0.accept_dad=0 2>/dev/null
        ip -6 address add fd99::1/64 dev eth0 nodad 2>/dev/null
        "$SPATE" lab exec h2 -- ip -6 address add fd99::2/64 dev eth0 nodad 2>/dev/null
        "$SPATE" lab exec h2 -- "$SPATE" recv --interface eth0 --filter '{keep}' --checksum \\
            --count 3000 -D 20 --json --no-run-dir >rx 2>rx.err & pid=$!
        until grep -q '^ready' rx.err || ! kill -0 $pid; do sleep 0.05; done
        "$SPATE" send --packet '{packet}' --size {size} --count 3000 -r 5000 --no-run-dir --json \\
            --interface eth0 >tx || exit 90
        wait $pid""", timeout=40)
    assert done.code == 0, (me.home / "rx.err").read_text() + done.err
    tx, rx = (json.loads((me.home / n).read_text()) for n in ("tx", "rx"))
    assert tx["total"]["tx_packets"] == 3000
    assert [rx["total"][k] for k in ("rx_packets", "rx_unique", "corrupted", "lost",
                                     "reordered")] == [3000, 3000, 0, 0, 0]
    assert len(rx["flows"]) == 1


# ---- whose consent ----

SPOOFED = "eth(dst=02:00:00:00:00:09)/ip(src=1.2.3.4,dst={})/tcp(dport=1..65535,flags=S)"


def test_a_veth_is_a_test_segment(far):
    """Whatever is in it, it ends at the other side of the veth; the report says so."""
    doc, rows, _ = far(["--packet", SPOOFED.format("9.0.0.0/7"), "--interface", "eth0", "--count",
                        "1000", "-r", "10000"], ["ip.dst", "ip.src", "tcp.dstport"])
    rows = [r for r in rows if r[1] == "1.2.3.4"]
    assert len(rows) == 1000 and len(set(r[2] for r in rows)) == 1000
    assert any("veth" in r["text"] for r in doc["verdict"]["remarks"]), doc["verdict"]


@pytest.mark.parametrize("words,says", [
    (["--packet", SPOOFED.format("8.8.8.8")], "8.8.8.8"),
    (["--packet", SPOOFED.format("9.0.0.0/7")], "handshake"),
    (["--packet", "eth(dst=02:00:00:00:00:09,type=0x0800)/0x4500001400010000401100000102030408080808"],
     "8.8.8.8"),
    (["--protocol", "eth"], "without an IP header"),
    (["--protocol", "arp", "-t", "10.1.1.1"], "without an IP header"),
])
def test_another_link_is_not(me, words, says):
    """A link without an address of its own may be anybody's."""
    line = " ".join(f"'{w}'" for w in words)
    done = me.lab(f"""
        ip link add d0 type veth peer name d1 && ip link set d1 up && ip link set d0 up
        "$SPATE" send {line} --interface d0 --count 1 -r 1 --no-run-dir --no-control""")
    assert done.code == 77, done
    assert says in done.err


def test_frames_without_ip_on_an_own_link(me):
    done = me.lab("""
        ip link add d0 type veth peer name d1 && ip link set d1 up && ip link set d0 up && ip address add 10.5.0.1/24 dev d0
        "$SPATE" send --protocol eth --interface d0 --count 10 --no-run-dir --json""")
    assert done.code == 0, done
    assert json.loads(done.out)["total"]["tx_packets"] == 10


# ---- payloads ----

def written(tmp_path, *words):
    path = tmp_path / "out.pcap"
    done = subprocess.run([me_spate(), "send", "-t", "10.0.0.2", "-p", "53", "--count", "300",
                           "--out", str(path), "--no-run-dir", *words], capture_output=True,
                          text=True, timeout=30)
    assert done.returncode == 0, done.stderr
    return path


def payloads(path):
    out = shark(path, ["udp.payload"], "-d", "udp.port==53,data")
    return [bytes.fromhex(r[0].replace(":", "")) for r in out]


def test_random_payloads_follow_the_seed(tmp_path):
    words = ["--fill", "random", "--size", "200", "--stamp", "off", "--seed"]
    one, two, other = (payloads(written(tmp_path, *words, s)) for s in ("1", "1", "2"))
    assert one == two and one != other
    assert len(set(one)) == 16
    high = sum(b >= 128 for p in set(one) for b in p)
    assert abs(high / (16 * 158) - 0.5) < 0.05
    text = payloads(written(tmp_path, "--fill", "letters", "--size", "200", "--stamp", "off"))
    assert all(b in range(97, 123) for p in text for b in p)


def test_lines_and_files(tmp_path):
    lines = tmp_path / "lines"
    lines.write_text("hello\nworld, too\n")
    seen = Counter(p[:5] for p in payloads(written(tmp_path, "--messages", str(lines), "--size",
                                                   "80")))
    assert set(seen) == {b"hello", b"world"} and min(seen.values()) > 100
    got = payloads(written(tmp_path, "--payload-file", str(lines), "--size", "62", "--stamp",
                           "off"))
    assert set(got) == {b"hello\nworld, too\nhel"}


def test_domains_are_queries(tmp_path):
    names = tmp_path / "names"
    names.write_text("example.org\nwww.debian.org\na.b\n")
    path = written(tmp_path, "--domains", str(names), "--size", "150")
    rows = shark(path, ["dns.qry.name", "dns.qry.type", "dns.flags.response", "_ws.malformed",
                        "udp.checksum.status", "frame.len"])
    assert set(r[0] for r in rows) == {"example.org", "www.debian.org", "a.b"}
    assert {r[1:] for r in rows} == {("1", "0", "", "1", "150")}


def test_what_the_interface_does_not_take(me):
    done = me.lab("""
        "$SPATE" send --packet 'ip(dst=10.99.0.2)/udp' --size 2000 --count 1 --no-run-dir; echo $?
        "$SPATE" send --packet 'eth/vlan(id=5)/ip(dst=10.99.0.2)/udp' --size 1514 --count 1 \\
            --no-run-dir --no-live >/dev/null; echo $?""")
    assert done.out.split() == ["2", "0"], done
    assert "size 2000 is larger than the 1514 bytes" in done.err
