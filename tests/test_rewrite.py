"""Captures rewritten: judged by tshark, which computes every checksum itself, and against tcprewrite
where both have the same words."""
import json
import struct
import subprocess

import pytest

FIRST_NS = 1_700_000_000_123_456_789
STEP_NS = 1_000_001
MAGIC_NS = 0xA1B23C4D

TCP = 'eth(src=02:00:00:00:00:01,dst=02:00:00:00:00:02)/ip(src=10.1.2.3,dst=10.200.0.9)' \
      '/tcp(sport=40000,dport=80,flags=PA,options=[MSS=1460,NOP,WScale=7])/"GET / HTTP/1.1"'
BACK = 'eth(src=02:00:00:00:00:02,dst=02:00:00:00:00:01)/ip(src=10.200.0.9,dst=10.1.2.3,ttl=9)' \
       '/tcp(sport=80,dport=40000,flags=A)/"abc"'
UDP = 'eth()/ip(src=10.1.2.3,dst=192.0.2.1,ttl=1)/udp(sport=53,dport=40000)/"odd"'
TCP6 = 'eth()/ipv6(src=2001:db8::1,dst=2001:db8:0:9::2)/tcp(sport=40000,dport=80)/"six"'
UDP6 = 'eth()/ipv6(src=2001:db8::1,dst=2001:db8:0:9::2)/dstopts()/udp(sport=40000,dport=53)/"q"'
ICMP = 'eth()/ip(src=10.1.2.3,dst=10.1.2.4)/icmp(type=8)/"ping"'
ICMP6 = 'eth()/ipv6(src=2001:db8::1,dst=2001:db8::2)/icmp6(type=128)/"ping"'
VLAN = 'eth()/vlan(vlan=5,prio=1)/ip(src=10.1.2.3,dst=10.1.2.4)/udp(dport=9)/"tagged"'
ARP = 'eth()/arp(psrc=10.1.2.3,pdst=10.1.2.4)'
SCTP = 'eth()/ip(src=10.1.2.3,dst=10.1.2.4)/sctp(sport=80,dport=7)/0x0003000400000000'
INNER = 'ip(src=10.9.9.9,dst=10.8.8.8)/tcp(sport=40000,dport=80)/"inside"'
TUNNELS = {
    "ipip": f"eth()/ip(src=10.1.2.3,dst=10.1.2.4)/{INNER}",
    "gre": f"eth()/ip(src=10.1.2.3,dst=10.1.2.4)/gre()/{INNER}",
    "vxlan": f"eth()/ip(src=10.1.2.3,dst=10.1.2.4)/udp(sport=5,dport=4789)/vxlan(vni=5)/eth()/{INNER}",
    "geneve": f"eth()/ip(src=10.1.2.3,dst=10.1.2.4)/udp(sport=5,dport=6081)/geneve()/{INNER}",
}
PLAIN = [TCP, BACK, UDP, TCP6, UDP6, ICMP, ICMP6, VLAN, ARP]


def hex_of(me, expressions):
    done = me.run("spate", "packet", "--hex", *expressions)
    assert done.code == 0, done
    return [bytes.fromhex(line) for line in done.out.split()]


def write(path, frames, link=1, cut=None):
    """Classic pcap with nanoseconds; cut: so many octets of each at most."""
    out = struct.pack("<IHHIIII", MAGIC_NS, 2, 4, 0, 0, 262144, link)
    for i, frame in enumerate(frames):
        s, ns = divmod(FIRST_NS + i * STEP_NS, 10**9)
        out += struct.pack("<IIII", s, ns, len(frame[:cut]), len(frame)) + frame[:cut]
    path.write_bytes(out)
    return path


def read(path):
    """[(ns, octets, original length)] of classic pcap as it was written on this machine."""
    data = path.read_bytes()
    scale = {MAGIC_NS: 1, 0xA1B2C3D4: 1000}[struct.unpack_from("<I", data)[0]]
    at, packets = 24, []
    while at < len(data):
        s, f, n, orig = struct.unpack_from("<IIII", data, at)
        packets.append((s * 10**9 + f * scale, data[at + 16:at + 16 + n], orig))
        at += 16 + n
    return packets


def capture(me, expressions, name="in.pcap"):
    return write(me.home / name, hex_of(me, expressions))


def rewrite(me, source, *words, out="out.pcap"):
    done = me.run("spate", "capture", "rewrite", source, me.home / out, *words, "--json")
    assert done.code == 0, done
    return me.home / out, json.loads(done.out)


def tshark(path, *fields):
    """A list of rows; of a field that occurs several times all, joined by commas."""
    argv = ["tshark", "-r", str(path), "-T", "fields", "-E", "separator=|"]
    for check in ("ip", "tcp", "udp"):
        argv += ["-o", f"{check}.check_checksum:TRUE"]
    argv += ["-o", "sctp.checksum:CRC 32c"]
    for f in fields:
        argv += ["-e", f]
    done = subprocess.run(argv, capture_output=True, text=True, timeout=60, check=True)
    return [line.split("|") for line in done.stdout.splitlines()]


SUMS = ("ip.checksum.status", "tcp.checksum.status", "udp.checksum.status",
        "icmp.checksum.status", "icmpv6.checksum.status", "sctp.checksum.status")


def all_good(path):
    """Every checksum that tshark looked at is right (1), and it looked at one in each IP packet."""
    rows = tshark(path, "frame.protocols", *SUMS)
    for row in rows:
        states = ",".join(row[1:]).split(",")
        assert not set(states) - {"1", "", "3"}, row
        assert "arp" in row[0] or "1" in states, row
    return len(rows)


def test_nothing_asked_nothing_changed(me):
    source = capture(me, PLAIN)
    out, told = rewrite(me, source)
    assert out.read_bytes() == source.read_bytes()
    assert told["packets"] == len(PLAIN) and told["changed"] == 0


WORDS = {
    "maps": ["--ip-map", "10.0.0.0/8:172.16.0.0/12", "--ip-map", "[2001:db8::/32]:[fd00::/16]"],
    "endpoints": ["--endpoints", "198.18.0.1:198.18.0.2"],
    "drawn": ["--random-ip", "42"],
    "ports": ["--port-map", "80:8080,53:5353,40000-40009:50000-50009"],
    "fields": ["--ttl", "+7", "--dscp", "46", "--flow-label", "0x12345"],
    "payload": ["--payload-replace", "2f=5c", "--payload-at", "0=00ff"],
    "tag": ["--vlan", "add", "--vlan-id", "77", "--vlan-priority", "3"],
    "loop": ["--unique-ip", "--unique-port", "--loop", "1234567"],
    "all new": ["--fix-csum"],
}


@pytest.mark.parametrize("words", WORDS.values(), ids=WORDS.keys())
def test_checksums_are_right_for_tshark(me, words):
    source = capture(me, PLAIN + [SCTP] + list(TUNNELS.values()))
    assert all_good(source) == len(PLAIN) + 5
    out, told = rewrite(me, source, *words)
    assert all_good(out) == told["packets"] == len(PLAIN) + 5
    assert told["changed"] or words == ["--fix-csum"]
    out, _ = rewrite(me, source, *words, "--inner", out="inner.pcapng")
    assert all_good(out) == len(PLAIN) + 5


def test_addresses_and_ports_as_asked(me):
    out, _ = rewrite(me, capture(me, PLAIN), "--ip-map", "10.0.0.0/8:192.168.0.0/16",
                     "--ip-map", "2001:db8::/32:fd00:7::/32", "--port-map", "80:8080")
    rows = tshark(out, "ip.src", "ip.dst", "ipv6.src", "ipv6.dst", "tcp.srcport", "tcp.dstport")
    assert rows[0] == ["192.168.2.3", "192.168.0.9", "", "", "40000", "8080"]
    assert rows[1] == ["192.168.0.9", "192.168.2.3", "", "", "8080", "40000"]
    assert rows[3] == ["", "", "fd00:7::1", "fd00:7:0:9::2", "40000", "8080"]
    assert tshark(out, "arp.src.proto_ipv4", "arp.dst.proto_ipv4")[8] == ["192.168.2.3",
                                                                      "192.168.2.4"]


@pytest.mark.parametrize("kind", TUNNELS)
def test_inside_of_tunnels(me, kind):
    source = capture(me, [TUNNELS[kind]])
    words = ["--ip-map", "10.0.0.0/8:99.0.0.0/8", "--port-map", "80:81"]
    for more, outer, inner in (([], "99.1.2.3", "10.9.9.9"), (["--inner"], "99.1.2.3", "99.9.9.9"),
                               (["--inner-only"], "10.1.2.3", "99.9.9.9")):
        out, _ = rewrite(me, source, *words, *more)
        row = tshark(out, "ip.src", "tcp.dstport")[0]
        assert row == [f"{outer},{inner}", "80" if not more else "81"]
        all_good(out)


def test_drawn_addresses_keep_flows_and_networks(me):
    source = capture(me, [TCP, BACK, UDP, ICMP])
    out, _ = rewrite(me, source, "--random-ip", "7")
    again, _ = rewrite(me, source, "--seed", "7", out="again.pcap")
    other, _ = rewrite(me, source, "--seed", "8", out="other.pcap")
    assert out.read_bytes() == again.read_bytes() != other.read_bytes()
    a, b, c, d = tshark(out, "ip.src", "ip.dst")
    assert a == b[::-1] and a[0] == c[0] == d[0]
    assert a[0] != "10.1.2.3" and all(x.startswith("10.") for x in a)
    assert c[1].startswith("192.0.2.")
    assert a[0].rsplit(".", 1)[0] == d[1].rsplit(".", 1)[0]  # 10.1.2.3 and 10.1.2.4


def test_loops_are_other_flows(me):
    source = capture(me, [TCP, BACK])
    seen = set()
    for loop in range(20):
        out, _ = rewrite(me, source, "--unique-ip", "--loop", str(loop))
        a, b = tshark(out, "ip.src", "ip.dst")
        assert a == b[::-1] and all(x.startswith("10.") for x in a)
        seen.add(tuple(a))
    assert len(seen) == 20


def test_wrong_checksums_stay_wrong_until_asked(me):
    frames = hex_of(me, [TCP, UDP6])
    wrong = [bytearray(f) for f in frames]
    wrong[0][14 + 10] ^= 1      # IPv4's
    wrong[0][14 + 20 + 16] ^= 1  # TCP's
    wrong[1][-3] ^= 4            # UDP's, behind IPv6 and its options
    source = write(me.home / "wrong.pcap", [bytes(f) for f in wrong])
    before = tshark(source, *SUMS[:3])
    assert before == [["0", "0", ""], ["", "", "0"]]
    words = ["--ip-map", "10.0.0.0/8:99.0.0.0/8,[2001:db8::/32]:[fd00::/16]", "--ttl", "3"]
    out, _ = rewrite(me, source, *words)
    assert tshark(out, *SUMS[:3]) == before
    out, _ = rewrite(me, source, *words, "--fix-csum")
    assert all_good(out) == 2


def test_offloaded_checksums_are_completed(me):
    frame = bytearray(hex_of(me, [TCP])[0])
    words = struct.unpack("!4H", frame[26:34]) + (6, len(frame) - 34)
    total = sum(words)
    total = (total & 0xffff) + (total >> 16)
    frame[50:52] = struct.pack("!H", (total & 0xffff) + (total >> 16))
    source = write(me.home / "partial.pcap", [bytes(frame)])
    out, told = rewrite(me, source, "--ip-map", "10.0.0.0/8:99.0.0.0/8")
    assert told["checksums_completed"] == 1
    assert all_good(out) == 1


def test_fragments_join_with_a_right_checksum(me):
    whole = hex_of(me, ['eth()/ip(src=10.1.2.3,dst=10.1.2.4,id=7)/udp(sport=4000,dport=4001)/"'
                        + "x" * 90 + '"'])[0]
    pieces = []
    for at, more in ((0, 0x2000), (48, 0)):
        body = whole[34 + at:34 + at + 48] if more else whole[34 + at:]
        head = bytearray(whole[:34])
        head[16:18] = struct.pack("!H", 20 + len(body))
        head[20:22] = struct.pack("!H", more | at // 8)
        pieces.append(bytes(head) + body)
    source = write(me.home / "fragments.pcap", pieces)
    source, _ = rewrite(me, source, "--fix-csum", out="fixed.pcap")  # of the IP headers
    out, _ = rewrite(me, source, "--ip-map", "10.0.0.0/8:99.0.0.0/8", "--port-map", "4001:9")
    rows = tshark(out, "ip.src", "ip.checksum.status", "udp.dstport", "udp.checksum.status")
    assert [r[:2] for r in rows] == [["99.1.2.3", "1"]] * 2
    assert rows[1][2:] == ["9", "1"]


def test_cut_packets_keep_their_length(me):
    source = write(me.home / "cut.pcap", hex_of(me, [TCP, UDP]), cut=44)
    out, _ = rewrite(me, source, "--ip-map", "10.0.0.0/8:99.0.0.0/8", "--vlan", "add")
    for (ns, was, orig), (ns2, now, orig2) in zip(read(source), read(out)):
        assert (ns, len(was) + 4, orig + 4) == (ns2, len(now), orig2)
    assert tshark(out, "ip.src", "ip.checksum.status") == [["99.1.2.3", "1"]] * 2


@pytest.mark.parametrize("name", ["out.pcap", "out.pcapng"])
def test_times_stay_to_the_nanosecond(me, name):
    out, _ = rewrite(me, capture(me, PLAIN), "--ttl", "5", out=name)
    shown = [r[0] for r in tshark(out, "frame.time_epoch")]
    assert shown == [f"{t // 10**9}.{t % 10**9:09d}"
                     for t in (FIRST_NS + i * STEP_NS for i in range(len(PLAIN)))]


@pytest.mark.parametrize("link,head", [(101, b""), (113, bytes(14) + b"\x08\0"),
                                       (276, b"\x08\0" + bytes(18)), (0, b"\2\0\0\0")])
def test_other_links_are_kept(me, link, head):
    source = write(me.home / "link.pcap", [head + f[14:] for f in hex_of(me, [TCP, UDP])], link)
    out, told = rewrite(me, source, "--ip-map", "10.0.0.0/8:99.0.0.0/8", "--vlan", "add")
    assert struct.unpack_from("<I", out.read_bytes(), 20)[0] == link
    assert told["changed"] == 2
    assert all_good(out) == 2
    assert tshark(out, "ip.src") == [["99.1.2.3"]] * 2


def test_two_link_types_need_pcapng(me):
    tcp = hex_of(me, [TCP])[0]
    a = write(me.home / "a.pcap", [tcp])
    b = write(me.home / "b.pcap", [tcp[14:]], 101)
    subprocess.run(["mergecap", "-a", "-F", "pcapng", "-w", str(me.home / "ab.pcapng"), str(a),
                    str(b)], check=True, timeout=30)
    out, told = rewrite(me, me.home / "ab.pcapng", "--ip-map", "10.0.0.0/8:99.0.0.0/8",
                        out="two.pcapng")
    assert told["packets"] == 2 and all_good(out) == 2
    assert tshark(out, "ip.src") == [["99.1.2.3"]] * 2
    done = me.run("spate", "capture", "rewrite", me.home / "ab.pcapng", me.home / "one.pcap")
    assert done.code == 65 and "packet 2" in done.err and "raw IP" in done.err
    assert len(read(me.home / "one.pcap")) == 1


# The same words, the same octets. tcprewrite leaves out what it cannot do; both have these.
SAME = {
    "pnat": ["--pnat=10.0.0.0/8:192.168.0.0/16"],
    "pnat longer": ["--pnat=10.0.0.0/8:172.16.5.0/24"],
    "srcipmap": ["--srcipmap=10.1.0.0/16:10.77.0.0/16"],
    "dstipmap": ["--dstipmap=10.0.0.0/8:1.0.0.0/8"],
    "portmap": ["--portmap=80:8080", "--portmap=40000:1"],
    "smac": ["--enet-smac=02:aa:aa:aa:aa:aa", "--enet-dmac=02:bb:bb:bb:bb:bb"],
    "subsmac": ["--enet-subsmac=02:00:00:00:00:01,02:cc:cc:cc:cc:cc"],
    "vlan add": ["--enet-vlan=add", "--enet-vlan-tag=40", "--enet-vlan-pri=5",
                 "--enet-vlan-cfi=0"],
    "vlan del": ["--enet-vlan=del"],
    "ttl": ["--ttl=58"],
    "ttl up": ["--ttl=+3"],
    "ttl down": ["--ttl=-5"],
    "tos": ["--tos=184", "--fixcsum"],
    "fixcsum": ["--fixcsum"],
}
BOTH = [TCP, BACK, UDP, ICMP, VLAN]


@pytest.mark.parametrize("words", SAME.values(), ids=SAME.keys())
def test_as_tcprewrite(me, words):
    source = capture(me, BOTH)
    theirs = me.home / "theirs.pcap"
    more = [] if "--fixcsum" in words else ["--fixcsum"]
    done = subprocess.run(["tcprewrite", f"--infile={source}", f"--outfile={theirs}", *words,
                           *more], capture_output=True, text=True, timeout=30)
    assert done.returncode == 0, done.stderr
    ours, _ = rewrite(me, source, *words)
    assert [p[1].hex() for p in read(ours)] == [p[1].hex() for p in read(theirs)]


def test_damage_is_named_and_what_was_good_is_there(me):
    data = capture(me, PLAIN).read_bytes()
    (me.home / "cut.pcap").write_bytes(data[:-3])
    done = me.run("spate", "capture", "rewrite", me.home / "cut.pcap", me.home / "o.pcap")
    assert done.code == 65 and "packet 9" in done.err
    assert len(read(me.home / "o.pcap")) == 8
    assert done.out.startswith("8 packets")


@pytest.mark.parametrize("words,code,says", [
    (["in.pcap", "in.pcap"], 2, "itself"),
    (["in.pcap"], 2, "which"),
    (["in.pcap", "o.pcap", "--ip-map", "10.0.0.0"], 2, "ip-map"),
    (["in.pcap", "o.pcap", "--ip-map", "10.0.0.0/8:[::]/0"], 2, "ip-map"),
    (["in.pcap", "o.pcap", "--payload-at", "1=a b"], 2, "blank"),
    (["in.pcap", "o.pcap", "--vlam", "add"], 2, "--vlan"),
    (["none.pcap", "o.pcap"], 66, "none.pcap"),
    (["in.pcap", "/nowhere/o.pcap"], 74, "/nowhere/o.pcap"),
])
def test_what_is_wrong_is_said(me, words, code, says):
    capture(me, PLAIN)
    done = me.run("spate", "capture", "rewrite", *words)
    assert done.code == code and says in done.err, done


def test_a_full_disk_leaves_what_was_there(me):
    frames = hex_of(me, [TCP]) * 4000
    write(me.home / "big.pcap", frames)
    (me.home / "small.pcap").write_text("before")
    done = me.run("bash", "-c", "ulimit -f 100; trap '' XFSZ; "
                  '"$SPATE" capture rewrite big.pcap small.pcap --ttl 3')
    assert done.code == 74 and "small.pcap" in done.err, done
    assert (me.home / "small.pcap").read_text() == "before"
    assert not list(me.home.glob(".spate-*"))


# ---- on replay ----

def test_a_replay_has_the_same_words(me):
    source = capture(me, PLAIN)
    words = ["--ip-map", "10.0.0.0/8:192.168.0.0/16,[2001:db8::/32]:[fd00::/16]", "--port-map",
             "80:8080", "--vlan", "add", "--vlan-id", "9", "--enet-dmac", "02:00:00:00:00:99"]
    done = me.run("spate", "replay", source, "--out", me.home / "sent.pcap", "--no-run-dir", "-q",
                  *words)
    assert done.code == 0, done
    rewritten, _ = rewrite(me, source, *words)
    sent = read(me.home / "sent.pcap")
    assert [p[1] for p in sent] == [p[1] for p in read(rewritten)]
    assert {b[0] - a[0] for a, b in zip(sent, sent[1:])} == {STEP_NS}


@pytest.mark.parametrize("more", [[], ["--preload-pcap"]])
def test_each_loop_has_its_own_flows(me, more):
    source = capture(me, [TCP, BACK, UDP6])
    done = me.run("spate", "replay", source, "--out", me.home / "sent.pcap", "--no-run-dir", "-q",
                  "--loop", "5", "--unique-ip", "--unique-port", "--ip-map",
                  "10.200.0.0/16:10.99.0.0/16", *more)
    assert done.code == 0, done
    sent = read(me.home / "sent.pcap")
    assert len(sent) == 15 and all_good(me.home / "sent.pcap") == 15
    for loop in range(5):
        out, _ = rewrite(me, source, "--unique-ip", "--unique-port", "--loop", str(loop),
                         "--ip-map", "10.200.0.0/16:10.99.0.0/16")
        assert [p[1] for p in sent[3 * loop:3 * loop + 3]] == [p[1] for p in read(out)]
    assert len({p[1] for p in sent}) == 15


def test_a_replay_refuses_wrong_words(me):
    source = capture(me, PLAIN)
    done = me.run("spate", "replay", source, "--out", "x.pcap", "--ip-map", "10.0.0.0/8")
    assert done.code == 2 and "ip-map" in done.err, done


PUBLIC = 'eth(dst=02:00:00:00:00:02)/ip(src=10.1.2.3,dst=9.9.9.9)/udp(dport=9)/"x"'
OWN = 'eth(dst=02:00:00:00:00:02)/ip(src=10.1.2.3,dst=10.99.0.2)/udp(dport=9)/"x"'


def test_what_leaves_is_judged_not_what_was_recorded(me):
    """A bridge is no veth into a lab: there every address is judged, after it was rewritten."""
    capture(me, [PUBLIC], "public.pcap")
    capture(me, [OWN], "own.pcap")
    done = me.lab("""
        ip link add v0 type veth peer name v1 && ip link add br0 type bridge &&
            ip link set v0 master br0 && ip link set v0 up && ip link set v1 up &&
            ip link set br0 up || exit 99
        for words in 'public.pcap' 'public.pcap --ip-map 9.0.0.0/8:10.0.0.0/8' 'own.pcap' \
            'own.pcap --ip-map 10.99.0.0/16:9.9.0.0/16' 'own.pcap --unique-ip --loop 3'; do
            "$SPATE" replay $words --interface br0 --no-run-dir -q >/dev/null 2>>err
            echo $?
        done""")
    assert done.out.split() == ["77", "0", "0", "77", "0"], (done, (me.home / "err").read_text())


def test_in_a_lab_the_far_end_sees_it(me):
    capture(me, [TCP, BACK, UDP, UDP6])
    done = me.lab("""
        "$SPATE" lab exec h2 -- "$SPATE" capture record --interface eth0 --filter \
            'ether src 02:00:00:00:00:77' --count 12 -D 20 --out seen.pcapng >out 2>err & rec=$!
        until grep -q '^ready' err || ! kill -0 $rec; do sleep 0.05; done
        "$SPATE" replay in.pcap --interface eth0 --loop 3 --unique-ip --enet-smac \
            02:00:00:00:00:77 --no-run-dir -q >/dev/null 2>senderr; echo $?
        wait $rec; echo $?""", timeout=40)
    assert done.out.split() == ["0", "0"], (done, (me.home / "senderr").read_text())
    assert all_good(me.home / "seen.pcapng") == 12
    rows = tshark(me.home / "seen.pcapng", "ip.src", "ipv6.src")
    assert len({tuple(r) for r in rows}) == 3 * 3  # 10.1.2.3 stands in two of the packets
