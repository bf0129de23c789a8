"""spate replay: captures at packet level, against tcpreplay at the far end of a veth."""
import gzip
import json
import re
import subprocess
from pathlib import Path

import captures
import pytest

from captures import SECOND, T0, arp, udp

TWO_LINKS = """
lab:
  hosts: [h1, h2]
  links:
    - {name: l1, ends: [h1, h2]}
    - {name: l2, ends: [h1, h2]}
"""


def mixed(n=200):
    """Sizes from 60 to 1514, ARP, a VLAN tag, public and broadcast addresses."""
    frames = []
    for i in range(n):
        if i % 10 == 3:
            frames.append(arp(i))
        elif i % 10 == 5:
            frame = udp(i, 100)
            frames.append(frame[:12] + b"\x81\x00\x00\x07" + frame[12:])
        elif i % 10 == 7:
            frames.append(udp(i, 300, src="203.0.113.9", dst="8.8.8.8"))
        elif i % 10 == 8:
            frames.append(udp(i, 300, src="0.0.0.0", dst="255.255.255.255"))
        else:
            frames.append(udp(i, 60 + i * 7 % 1455))
    return [(T0 + i * SECOND // 1000, f) for i, f in enumerate(frames)]


def far_end(me, script, count, interface="eth0", name="far.pcap", timeout=60):
    """Runs script in h1 while tcpdump takes what enters h2, until count frames are there (or for
    ten seconds more); what it took, and the script's end."""
    done = me.lab(f"""
        "$SPATE" lab exec h2 -- tcpdump -Z root -i {interface} -Q in -nn -U --immediate-mode \\
            -s 0 -B 65536 --time-stamp-precision=nano -w {name} 2>{name}.err & d=$!
        until grep -q listening {name}.err 2>/dev/null; do sleep 0.05; done
        {script}
        code=$?
        for i in $(seq 100); do
            [ "$(tcpdump -nr {name} 2>/dev/null | wc -l)" -ge {count} ] && break
            sleep 0.1
        done
        kill $d; wait $d
        exit $code""", timeout=timeout)
    return captures.read(me.home / name), done


def sent(me, name="send.json"):
    return json.loads((me.home / name).read_text())


def ours(frames):
    """Without what the kernels of a lab say of their own accord."""
    return [f for _, f in frames if f[12:14] != b"\x86\xdd"]


def replay(me, *words, code=0, timeout=30):
    done = me.run("spate", "replay", *words, "--json", "--no-run-dir", timeout=timeout)
    assert done.code == code, done
    return json.loads(done.out)


def out(me, *words, code=0):
    """Its document, and what it would have sent."""
    doc = replay(me, *words, "--out", me.home / "out.pcap", code=code)
    return doc, captures.read(me.home / "out.pcap")


def remarks(doc, code):
    return [r["text"] for r in doc["verdict"]["remarks"] if r["code"] == code]


@pytest.mark.parametrize("words", ["", "--topspeed", "--pps 3k", "--topspeed --preload-pcap"])
def test_the_same_octets_as_tcpreplay(me, words):
    packets = mixed()
    captures.write(me.home / "a.pcap", packets)
    theirs, done = far_end(me, "tcpreplay -q -t -i eth0 a.pcap >/dev/null 2>&1", len(packets),
                           name="theirs.pcap")
    assert done.code == 0, done
    mine, done = far_end(me, f'"$SPATE" replay a.pcap -i eth0 --json --no-run-dir {words} '
                             ">send.json 2>send.err", len(packets), name="mine.pcap")
    assert done.code == 0, (me.home / "send.err").read_text()
    assert ours(theirs) == [f for _, f in packets]
    assert ours(mine) == ours(theirs)
    total = sent(me)["total"]
    assert total["tx_packets"] == total["asked_packets"] == len(packets)
    assert total["tx_bytes"] == sum(len(f) for _, f in packets)


def test_recorded_gaps_at_the_far_end(me):
    times = [0, 1, 2, 50, 51, 52, 300, 301, 700]
    packets = [(T0 + t * 1_000_000, udp(i)) for i, t in enumerate(times)]
    captures.write(me.home / "a.pcap", packets)
    got, done = far_end(me, '"$SPATE" replay a.pcap -i eth0 --json --no-run-dir >send.json',
                        len(packets))
    assert done.code == 0, done
    got = [(t, f) for t, f in got if f[12:14] != b"\x86\xdd"]
    assert [f for _, f in got] == [f for _, f in packets]
    late = sent(me)["total"]["late_ns"]["max"] + 20_000_000
    for (t, _), ms in zip(got, times):  # none before its time, and none much later
        assert abs(t - got[0][0] - ms * 1_000_000) <= late
    span = remarks(sent(me), "span")[0]
    assert "0.700000000 s" in span


def test_loops_limit_and_pauses(me):
    captures.write(me.home / "a.pcap", [(T0 + i * SECOND, udp(i)) for i in range(3)])
    doc, got = out(me, "a.pcap", "--loop", "3", "--loopdelay-ms", "250", "-x", "2", "--limit", "8")
    start = got[0][0]
    assert [t - start for t, _ in got] == [
        loop * (SECOND + SECOND // 4) + i * SECOND // 2 for loop in range(3) for i in range(3)][:8]
    assert doc["total"]["asked_packets"] == 8
    doc, got = out(me, "a.pcap", "--loop", "0", "--pps", "1k", "--duration", "2")
    assert doc["total"]["tx_packets"] == len(got) == 2000
    assert {b[0] - a[0] for a, b in zip(got, got[1:])} == {1_000_000}
    doc, got = out(me, "a.pcap", "--mbps", "1", "--loop", "100")
    assert [t - got[0][0] for t, _ in got] == [i * 480_000 for i in range(300)]


def test_two_interfaces(me):
    (me.home / "lab.yaml").write_text(TWO_LINKS)
    packets = []
    for i in range(60):  # one asks, one answers, and ARP
        words = ({"sport": 40000 + i // 3, "dport": 53}, {"sport": 53, "dport": 40000 + i // 3,
                 "src": "10.99.0.2", "dst": "10.99.0.1"})
        packets.append((T0 + i * 2_000_000, arp(i) if i % 3 == 2 else udp(i, 80, **words[i % 3])))
    captures.write(me.home / "a.pcap", packets)
    dumps = "\n".join(f"""
        "$SPATE" lab exec h2 -- tcpdump -Z root -i eth{n} -Q in -nn -U --immediate-mode -s 0 \\
            --time-stamp-precision=nano -w far{n}.pcap 2>far{n}.err & d{n}=$!
        until grep -q listening far{n}.err 2>/dev/null; do sleep 0.05; done""" for n in (0, 1))
    done = me.run("spate", "lab", "run", "lab.yaml", "--", "sh", "-c", dumps + """
        "$SPATE" replay a.pcap -i eth0 -I eth1 --json --no-run-dir >send.json
        code=$?
        for i in $(seq 100); do
            [ $(($(tcpdump -nr far0.pcap 2>/dev/null | wc -l) +
                 $(tcpdump -nr far1.pcap 2>/dev/null | wc -l))) -ge 60 ] && break
            sleep 0.1
        done
        kill $d0 $d1; wait $d0 $d1
        exit $code""", timeout=60)
    assert done.code == 0, done
    frames = [f for _, f in packets]
    one, two = (ours(captures.read(me.home / f"far{n}.pcap")) for n in (0, 1))
    assert one == [f for i, f in enumerate(frames) if i % 3 != 1]
    assert two == [f for i, f in enumerate(frames) if i % 3 == 1]
    names = {s["name"]: s["tx_packets"] for s in sent(me)["streams"]}
    assert names == {"clients": 40, "servers": 20}


def test_a_cache_file_of_tcpprep(me):
    """Its packets leave as tcpreplay sends them: by one, the other, or neither interface."""
    (me.home / "lab.yaml").write_text(TWO_LINKS)
    ask, answer = {"sport": 40000, "dport": 53}, {"sport": 53, "dport": 40000,
                                                  "src": "10.99.0.2", "dst": "10.99.0.1"}
    sides = "aababbaab"
    captures.write(me.home / "a.pcap", [(T0 + i, udp(i, 80, **(ask if s == "a" else answer)))
                                        for i, s in enumerate(sides)])
    captures.write(me.home / "long.pcap", [(T0 + i, udp(i)) for i in range(40)])
    subprocess.run(["tcpprep", "-x", "P:1-7", "-p", "-i", "a.pcap", "-o", "a.cache"],
                   cwd=me.home, check=True, capture_output=True)
    done = me.run("spate", "lab", "run", "lab.yaml", "--", "sh", "-c", """
        "$SPATE" replay a.pcap -c a.cache -i eth0 -I eth1 --loop 2 --json --no-run-dir >send.json &&
        tcpreplay -q -t -c a.cache -i eth0 -I eth1 a.pcap >theirs.txt 2>&1 || exit 9
        "$SPATE" replay long.pcap -c a.cache -i eth0 -I eth1 --no-run-dir --json >long.json
        [ $? = 65 ] || exit 8
        "$SPATE" replay a.pcap -c a.pcap -i eth0 -I eth1 --no-run-dir
        [ $? = 65 ] || exit 7""")
    assert done.code == 0, done
    assert "9 packets only" in remarks(sent(me, "long.json"), "capture-damaged")[0]
    assert "no cache file" in done.err, done
    sent_by = {s["name"]: s["tx_packets"] for s in sent(me)["streams"]}
    assert sent_by == {"clients": 2 * sides[:7].count("a"), "servers": 2 * sides[:7].count("b")}
    assert "Actual: 7 packets" in (me.home / "theirs.txt").read_text()


def test_odd_times_are_put_right_and_reported(me):
    years = 30 * 365 * 86400 * SECOND
    times = [0, 1, 0.5, 2, 2 + years // SECOND, 3 + years // SECOND, 0, 1]
    captures.write(me.home / "a.pcap",
                   [(T0 + int(t * SECOND), udp(i)) for i, t in enumerate(times)])
    doc, got = out(me, "a.pcap")
    assert [(t - got[0][0]) / SECOND for t, _ in got] == [0, 1, 1, 2, 2, 3, 3, 4]
    assert [f for _, f in got] == [udp(i) for i in range(8)]
    assert "packet 3" in remarks(doc, "out-of-order")[0]
    back_and_on = remarks(doc, "clock-set")
    assert "packet 5" in back_and_on[0] and "packet 7" in back_and_on[1]
    assert doc["verdict"]["result"] == "valid with remarks"


def test_pauses_are_shortened(me):
    captures.write(me.home / "a.pcap",
                   [(T0 + t * SECOND, udp(t)) for t in (0, 10, 11, 3600)])
    doc, got = out(me, "a.pcap", "--max-gap", "2s")
    assert [(t - got[0][0]) / SECOND for t, _ in got] == [0, 2, 3, 5]
    texts = remarks(doc, "gap-shortened")
    assert len(texts) == 2 and "packet 2" in texts[0] and "packet 4" in texts[1]
    assert out(me, "a.pcap", "--maxsleep", "2000")[1] == got


def test_what_is_damaged_leaves_as_far_as_it_is_good(me):
    path = captures.write(me.home / "a.pcap", [(T0 + i, udp(i)) for i in range(50)])
    path.write_bytes(path.read_bytes()[:24 + 30 * 76 + 40])
    doc, got = out(me, "a.pcap", "--loop", "3", code=65)
    assert [f for _, f in got] == [udp(i) for i in range(30)]
    assert "packet 31 at byte 2304" in remarks(doc, "capture-damaged")[0]
    assert doc["exit_code"] == 65
    path.write_bytes(path.read_bytes()[:30])
    done = me.run("spate", "replay", "a.pcap", "--out", "out.pcap")
    assert done.code == 65 and "packet 1 at byte 24" in done.err, done
    done = me.run("spate", "replay", "a.pcap", "none.pcap", "--out", "out.pcap")
    assert done.code == 66 and "none.pcap" in done.err, done
    (me.home / "text.pcap").write_text("no capture\n")
    done = me.run("spate", "replay", "text.pcap", "--out", "out.pcap")
    assert done.code == 65 and "text.pcap" in done.err, done


def test_frames_that_do_not_fit(me):
    captures.write(me.home / "a.pcap", [(T0, udp(0)), (T0 + 1, udp(1, 1515)), (T0 + 2, b"short"),
                                        (T0 + 3, udp(2)[:50], 60), (T0 + 4, udp(3))])
    for words, want in (("", [udp(0), udp(2)[:50], udp(3)]),
                        ("--mtu-trunc --pktlen", [udp(0), udp(1, 1515)[:1514],
                                                  udp(2)[:50] + bytes(10), udp(3)])):
        got, done = far_end(me, f'"$SPATE" replay a.pcap -i eth0 --json --no-run-dir {words} '
                                ">send.json", len(want), name=f"far{len(want)}.pcap")
        assert done.code == 3, done
        assert ours(got) == want
        doc = sent(me)
        assert remarks(doc, "too-short") and remarks(doc, "not-whole")
        assert bool(remarks(doc, "too-long")) != bool(words)
        ledger(doc, asked=5, sent=len(want), unfit=5 - len(want))


def ledger(doc, asked, sent, unfit):
    total = doc["total"]
    assert (total["asked_packets"], total["tx_packets"], total["not_sent_unfit"]) == (
        asked, sent, unfit), total


def test_what_does_not_fit_is_in_the_ledger(me):
    """Asked is sent and what did not fit, with loops, a limit, and two interfaces."""
    (me.home / "lab.yaml").write_text(TWO_LINKS)
    ask, answer = {"sport": 40000, "dport": 53}, {"sport": 53, "dport": 40000,
                                                  "src": "10.99.0.2", "dst": "10.99.0.1"}
    captures.write(me.home / "a.pcap", [
        (T0, udp(0, **ask)), (T0 + 1, udp(1, 2000, **answer)), (T0 + 2, udp(2, 2000, **ask)),
        (T0 + 3, udp(3, 2000, **ask)), (T0 + 4, udp(4, **answer))])
    runs = (("-i eth0", 3, 5, 2, 3, 1), ("-i eth0 --loop 3", 3, 15, 6, 9, 2),
            ("-i eth0 --topspeed --loop 3 --limit 13", 3, 13, 5, 8, 2),
            ("-i eth0 -I eth1 --loop 2", 3, 10, 4, 6, 4),
            ("-i eth0 --best-effort", 0, 5, 2, 3, 1))
    done = me.run("spate", "lab", "run", "lab.yaml", "--", "sh", "-c", "\n".join(
        f'"$SPATE" replay a.pcap --json --no-run-dir {words} >{i}.json; [ $? = {code} ] || exit {i}9'
        for i, (words, code, *_) in enumerate(runs)))
    assert done.code == 0, done
    for i, (words, _, asked, left, unfit, said) in enumerate(runs):
        doc = sent(me, f"{i}.json")
        ledger(doc, asked, left, unfit)
        assert len(remarks(doc, "too-long") + remarks(doc, "did-not-fit")) == said, doc
    assert remarks(doc := sent(me, "1.json"), "did-not-fit") == [
        "3 in a pass, 9 in all that were due, did not leave"], doc
    names = {s["name"]: s["not_sent_unfit"] for s in sent(me, "3.json")["streams"]}
    assert names == {"clients": 4, "servers": 2}


def test_packets_without_ethernet_header(me):
    captures.write(me.home / "a.pcap", [(T0 + i, udp(i)[14:]) for i in range(3)], captures.RAW)
    got, done = far_end(me, '"$SPATE" replay a.pcap -i eth0 --target 10.99.0.2 --no-run-dir',
                        3)
    assert done.code == 0, done
    mine = [f for f in ours(got) if f[12:14] == b"\x08\x00"]
    assert [f[12:] for f in mine] == [udp(i)[12:] for i in range(3)]
    done = me.run("spate", "replay", "a.pcap", "--dst-mac", "02:00:00:00:00:63", "--src-mac",
                  "02:00:00:00:00:62", "--out", "out.pcap")
    assert done.code == 0, done
    assert [f[:12].hex() for _, f in captures.read(me.home / "out.pcap")] == [
        "020000000063020000000062"] * 3


@pytest.mark.parametrize("pack", [lambda data: gzip.compress(data),
                                  lambda data: subprocess.run(["zstd", "-c"], input=data,
                                                              capture_output=True,
                                                              check=True).stdout])
def test_compressed_captures_are_read_while_they_are_sent(me, pack):
    """More than is read before the first packet leaves, twice."""
    packets = [(T0 + i * 1000, udp(i, 64)) for i in range(40000)]
    path = captures.write(me.home / "a.pcap", packets)
    (me.home / "b.pcap").write_bytes(pack(path.read_bytes()))
    doc, got = out(me, "b.pcap", "--loop", "2")
    assert doc["total"]["tx_packets"] == 80000
    assert [f for _, f in got] == [f for _, f in packets] * 2
    span = packets[-1][0] - T0
    assert [t - got[0][0] for t, _ in got] == [k * span + t - T0 for k in (0, 1)
                                               for t, _ in packets]


def test_standard_input(me):
    captures.write(me.home / "a.pcap", [(T0 + i * SECOND, udp(i)) for i in range(4)])
    done = me.run("sh", "-c", 'cat a.pcap | "$SPATE" replay - --loop 2 --out out.pcap '
                              "--no-run-dir")
    assert done.code == 0, done
    assert [f for _, f in captures.read(me.home / "out.pcap")] == [udp(i % 4) for i in range(8)]


@pytest.mark.parametrize("way, pack", [("- < a.pcap", ""), ("- --loop 3 < a.pcap", ""),
                                       ("-", "cat a.pcap |"), ("-", "gzip -c a.pcap |")])
def test_standard_input_that_is_judged(me, way, pack):
    """By way of loopback all packets are looked at first, and then read again."""
    captures.write(me.home / "a.pcap", [(T0 + i, udp(i)) for i in range(4)])
    done = me.run("sh", "-c", f'{pack} "$SPATE" replay -i lo --json --no-run-dir {way}')
    assert done.code == 0, done
    assert json.loads(done.out)["total"]["tx_packets"] == (12 if "loop" in way else 4)


def test_a_pipe_that_cannot_be_read_again(me):
    captures.write(me.home / "a.pcap", [(T0 + i, udp(i)) for i in range(4)])
    done = me.run("bash", "-c", '"$SPATE" replay -i lo --no-run-dir <(cat a.pcap)')
    assert done.code == 66 and "read once only" in done.err and "file" in done.err, done
    done = me.run("sh", "-c", 'cat a.pcap | TMPDIR=/nowhere "$SPATE" replay -i lo -')
    assert done.code == 74 and "/nowhere" in done.err and "save it" in done.err, done


def test_the_same_run_twice(me):
    captures.write(me.home / "a.pcap", mixed())
    doc, got = out(me, "a.pcap", "-x", "0.3")
    again, same = out(me, "a.pcap", "--multiplier", "0.3")
    assert got == same and doc["plan_sha256"] == again["plan_sha256"]
    done = me.run("spate", "replay", "a.pcap", "-x", "0.3", "--out", me.home / "out.pcap",
                  "--dry-run")
    assert done.code == 0 and doc["plan_sha256"] in done.out


@pytest.mark.parametrize("dst,words,why", [
    ("8.8.8.8", (), "outside your own networks"),
    ("255.255.255.255", (), "--allow-broadcast"),
    ("240.0.0.1", ("--allow-broadcast",), "nothing may be sent"),
])
def test_consent_is_asked_for_by_the_packet(me, dst, words, why):
    """Loopback is no test segment."""
    captures.write(me.home / "a.pcap", [(T0, udp(0, dst="127.0.0.1")), (T0 + 1, udp(1, dst=dst))])
    done = me.lab(f'"$SPATE" replay a.pcap -i lo --no-run-dir {" ".join(words)}')
    assert done.code == 77 and f"a.pcap: packet 2 goes to {dst}" in done.err, done
    assert why in done.err
    captures.write(me.home / "b.pcap", [(T0, udp(0, dst="127.0.0.1"))])
    done = me.lab('"$SPATE" replay b.pcap -i lo --no-run-dir --json')
    assert done.code == 0 and json.loads(done.out)["total"]["tx_packets"] == 1, done


@pytest.mark.parametrize("expression", [
    'ip(src=127.0.0.1,dst=127.0.0.2,options=[LSRR=[127.0.0.3,8.8.8.8]])/udp(dport=9)',
    'ipv6(src=::1,dst=::1)/routing(addresses=[2a00::1])/udp(dport=9)'])
def test_source_routes_are_looked_at(me, expression):
    """What a router sends on goes there, too."""
    done = me.run("spate", "packet", "--hex", f"eth()/{expression}")
    assert done.code == 0, done
    captures.write(me.home / "a.pcap", [(T0, bytes.fromhex(done.out.split()[0]))])
    done = me.lab('"$SPATE" replay a.pcap -i lo --no-run-dir')
    where = "2a00::1" if "ipv6" in expression else "8.8.8.8"
    assert done.code == 77 and f"a.pcap: packet 1 goes to {where}, outside" in done.err, done


# A veth whose both ends are here is anybody's link.
OWN_LINK = """
    ip link add d0 type veth peer name d1 && ip link set d1 up && ip link set d0 up &&
        ip address add {} dev d0 && sleep 0.1 || exit 9
    "$SPATE" replay {} -i d0 --no-run-dir --json {}"""


@pytest.mark.parametrize("net,dst,words,why", [
    ("10.9.0.1/24", "10.9.0.255", "", "a broadcast address of a network"),
    ("10.9.0.1/24", "10.9.0.255", "--allow-broadcast", None),
    ("203.0.114.1/24", "255.255.255.255", "", "--allow-broadcast"),
    ("203.0.114.1/24", "255.255.255.255", "--allow-broadcast", "has a public address"),
    ("10.9.0.1/24", "255.255.255.255", "--allow-broadcast", None),
    # other loops have other targets; 0 and 255 are never given out
    ("10.9.0.1/26", "10.9.0.62", "--unique-ip --loop 2", "broadcast address of a network"),
    ("10.9.0.1/26", "10.9.0.62", "--unique-ip --loop 2 --allow-broadcast", None),
    ("10.9.0.1/26", "10.9.0.62", "--unique-ip --loop 1", None),
    ("10.9.0.1/26", "10.9.0.62", "--loop 2", None),
    ("10.9.0.1/24", "10.9.0.62", "--unique-ip --loop 2", None),
    ("10.9.0.1/26", "192.168.7.1", "--unique-ip --loop 2", None),
])
def test_broadcasts_are_consented_to(me, net, dst, words, why):
    captures.write(me.home / "a.pcap", [(T0, udp(0, dst="192.0.2.1")), (T0 + 1, udp(1, dst=dst))])
    done = me.lab(OWN_LINK.format(net, "a.pcap", words))
    assert done.code == (77 if why else 0), done
    if why:
        assert why in done.err and not done.out, done


@pytest.mark.parametrize("words,why", [
    ("--dst-mac 02:00:00:00:00:63", None),
    ("--dst-mac 02:00:00:00:00:64", "packet 1 goes to the hardware address 02:00:00:00:00:64"),
    ("--target 10.99.0.2", "packet 1 goes to the hardware address"),  # known when it is open
])
def test_a_segment_names_hardware_addresses(me, words, why):
    """They are those of the header that a packet without one gets."""
    captures.write(me.home / "a.pcap", [(T0, udp(0, dst="10.99.0.2")[14:])], captures.RAW)
    (me.home / "one").write_text("interface d0\nmac 02:00:00:00:00:63\nceiling 20kpps\n"
                                 "until 2099-01-01\n")
    (me.home / "one").chmod(0o644)
    done = me.lab(f"""
        ip link add d0 type veth peer name d1 && ip link set d1 up && ip link set d0 up &&
            ip address add 10.99.0.1/24 dev d0 && ip address flush dev eth0 &&
            ip neighbour add 10.99.0.2 lladdr 02:00:00:00:00:65 dev d0 || exit 9
        exec unshare -m sh -c '
            mount -t tmpfs none /etc && mkdir -p /etc/spate/segments.d &&
                cp one /etc/spate/segments.d/ || exit 9
            exec "$SPATE" replay a.pcap -i d0 --no-run-dir --json {words}'""")
    assert done.code == (77 if why else 0), done
    assert why is None or why in done.err and not done.out, done


def test_what_was_not_judged_does_not_leave(me):
    """A file that grows while it is replayed."""
    path = me.home / "a.pcap"
    captures.write(path, [(T0 + i, udp(i, 1500)) for i in range(30000)])
    captures.write(me.home / "more.pcap", [(T0 + SECOND, udp(7, dst="8.8.8.8"))])
    script = OWN_LINK.format("10.99.0.1/24", "a.pcap", "--pps 5k --loop 0 --duration 20 --live")
    done = me.lab(script + """ 2>send.err & s=$!
        tcpdump -Z root -i d1 -nn -U --immediate-mode -w far.pcap dst host 8.8.8.8 2>far.err & d=$!
        until grep -q listening far.err && grep -q sent send.err; do sleep 0.05; done
        tail -c +25 more.pcap >>a.pcap
        wait $s; code=$?
        sleep 0.2; kill $d; wait $d
        cat send.err >&2
        exit $code""", timeout=40)
    assert done.code == 77, done
    assert "packet 30001 goes to 8.8.8.8" in done.err and "has changed since" in done.err
    assert json.loads(done.out)["total"]["tx_packets"] >= 30000
    assert captures.read(me.home / "far.pcap") == []


@pytest.mark.parametrize("words,code,why", [
    ([], 2, "which capture"),
    (["a.pcap"], 2, "--interface"),
    (["a.pcap", "-i", "eth0", "--pps", "5", "--topspeed"], 2, "do not go together"),
    (["a.pcap", "-i", "eth0", "-x", "0"], 2, "multiplier"),
    (["a.pcap", "-i", "eth0", "--split", "auto"], 2, "--interface2"),
    (["a.pcap", "-i", "eth0", "-I", "eth1", "--split", "sideways"], 2, "how to split"),
    (["a.pcap", "-i", "eth0", "--max-gap", "1", "--pps", "5"], 2, "take"),
    (["a.pcap", "-i", "nowhere"], 77, "no interface nowhere"),
    (["public.pcap", "-i", "nowhere"], 77, "no interface nowhere"),
    (["a.pcap", "-R", "--loop", "0", "--out", "o.pcap", "-D", "1"], 2, "--limit"),
])
def test_words_that_are_wrong(me, words, code, why):
    captures.write(me.home / "a.pcap", [(T0, udp(0))])
    captures.write(me.home / "public.pcap", [(T0, udp(0, dst="8.8.8.8"))])
    done = me.run("spate", "replay", *words)
    assert done.code == code and why in done.err, done


THEIRS = {"--maxsleep": "5", "--loop": "2", "--limit": "3", "--duration": "1", "--multiplier": "2",
          "--pps": "100", "--mbps": "1", "--pps-multi": "2 --pps 100", "--stats": "2", "-M": "1",
          "--unique-ip-loops": "2 --unique-ip --loop 4", "--loopdelay-ms": "1 --loop 2", "-x": "2",
          "--intf1": "eth0", "--intf2": "eth1", "-p": "100", "-l": "2", "-L": "3", "-i": "eth0",
          "--timer": "gtod", "-T": "nano", "-d": "1", "--dbug": "1", "--flow-expiry": "5"}
REFUSED = {"-A", "--decode", "-2", "--dualfile", "--listnics", "-t",
           "-o", "--oneatatime", "-V", "--version", "-H", "--less-help", "--save-opts", "--load-opts"}
ELSEWHERE = {"--intf2": "one file", "-I": "one file", "-c": "--interface2",
             "--cachefile": "--interface2"}


def their_options():
    """Each spelling of what `tcpreplay --help` lists, and whether it takes a value."""
    text = subprocess.run(["tcpreplay", "--help"], capture_output=True, text=True).stdout
    rows = re.findall(r"^   (?:(-\S), |    )(--[\w-]+)(\[?=\w+\]?)?", text, re.M)
    assert len(rows) > 30, text
    return [(spelling, bool(value)) for short, name, value in rows
            for spelling in (short, name) if spelling and spelling not in ("-!", "--more-help")]


def test_every_word_of_tcpreplay(me):
    """Understood, or noted as without effect, or refused with what to do instead."""
    captures.write(me.home / "a.pcap", [(T0 + i * 1_000_000, udp(i)) for i in range(4)])
    for spelling, takes in their_options():
        words = [spelling] + ((THEIRS.get(spelling) or "1").split() if takes else [])
        done = me.run("spate", "replay", *words, "a.pcap", "--out", "out.pcap", "--no-run-dir")
        assert "no such option" not in done.err, (words, done)
        if spelling in REFUSED:
            assert done.code == 2 and re.search(
                f"replay: {spelling} is (not done|-R|spate|--help)", done.err), (words, done)
        elif spelling in ELSEWHERE:
            assert done.code == 2 and ELSEWHERE[spelling] in done.err, (words, done)
        else:
            assert done.code == 0, (words, done)


@pytest.mark.parametrize("words, why", [
    (["--retime", "now"], "telemetry sessions"), (["--compare", "none"], "--as client"),
    (["--nonsense"], "no such option"), (["-t", "a.pcap"], "-R"), (["-t", "-i", "lo"], "-R"),
    (["--stats", "0"], "each"), (["--pps-multi", "3"], "--pps N")])
def test_options_that_are_not_for_packets(me, words, why):
    captures.write(me.home / "a.pcap", [(T0, udp(0))])
    done = me.run("spate", "replay", *words, "a.pcap", "--out", "out.pcap")
    assert done.code == 2 and why in done.err, done


def test_words_of_tcpreplay_that_have_an_effect(me):
    captures.write(me.home / "a.pcap", [(T0 + i * SECOND, udp(i)) for i in range(4)])
    _, got = out(me, "a.pcap", "--pps", "100", "--pps-multi", "3", "--loop", "2")
    assert [t - got[0][0] for t, _ in got] == [i // 3 * 30_000_000 for i in range(8)]
    captures.write(me.home / "b.pcap", [(T0, udp(0))])
    _, got = out(me, "b.pcap", "--unique-ip", "--unique-ip-loops", "2", "--loop", "5")
    sources = [f[26:30] for _, f in got]
    assert [sources.index(s) for s in sources] == [0, 0, 2, 2, 4]
    done = me.run("spate", "replay", "a.pcap", "-w", "out.pcap", "--pid", "--timer", "gtod")
    assert done.code == 0 and "PID: " in done.err and "--timer has no effect" in done.err, done


def test_a_replay_with_a_name(me):
    captures.write(me.home / "a.pcap", [(T0 + i * 1_000_000, udp(i)) for i in range(100)])
    done = me.lab("""
        "$SPATE" start again replay a.pcap -i eth0 --loop 0 || exit 9
        for i in $(seq 100); do
            "$SPATE" poll again --plain | grep -q 'Sent=[1-9]' && break
            sleep 0.1
        done
        "$SPATE" stop again --plain""")
    assert done.code == 0 and "Sent=" in done.out and "Sent=0\n" not in done.out, done


def test_a_stop_ends_it_with_a_report(me):
    captures.write(me.home / "a.pcap", [(T0, udp(0)), (T0 + 3600 * SECOND, udp(1))])
    script = '"$SPATE" replay a.pcap -i eth0 --no-run-dir --json --live 2>send.err'
    p = me.start_lab(script + """ & s=$!
        until grep -q 'sent' send.err; do sleep 0.05; done
        kill -INT $s; wait $s""")
    done = p.wait(30)
    assert done.code == 130, done
    assert json.loads(done.out)["total"]["tx_packets"] == 1


def test_a_stop_ends_what_takes_no_time(me):
    """In virtual time a topspeed never gets to the next second; only so much is written."""
    captures.write(me.home / "a.pcap", [(T0, udp(0))])
    script = """%s --no-run-dir --json --out /dev/null 2>/dev/null & s=$!
        until [ "$(ps -o cputimes= -p $s)" -ge 1 ]; do sleep 0.05; done
        kill -INT $s; wait $s"""
    for words in ('"$SPATE" replay a.pcap -R --loop 1000000000',
                  '"$SPATE" send udp://10.0.0.1 -r max --count 1000000M'):
        done = me.run("sh", "-c", script % words, timeout=30)
        assert done.code == 130, done
        assert json.loads(done.out)["total"]["tx_packets"] > 0
    for words in ("-D 0", "-D 5"):
        done = me.run("spate", "send", "udp://10.0.0.1", "-r", "max", *words.split(),
                      "--out", "out.pcap")
        assert done.code == 2 and "--count" in done.err, done


OWN_VETH = """
    ip link add v0 type veth peer name v1
    ip link set v0 up"""


def test_an_interface_without_carrier(me):
    captures.write(me.home / "a.pcap", [(T0, udp(0))])
    done = me.lab(OWN_VETH + """
    "$SPATE" replay a.pcap -i v0 --no-run-dir""")
    assert done.code == 77 and "v0 has no carrier" in done.err, done


@pytest.mark.parametrize("harm, why", [("set v1 down", "v0 has no carrier"),
                                       ("set v0 down", "v0 is down or gone"),
                                       ("del v0", "v0 is down or gone")])
def test_an_interface_that_goes_away(me, harm, why):
    """It ends at its time, and says what did not leave and why."""
    captures.write(me.home / "a.pcap", [(T0 + i * 2_000_000, udp(i)) for i in range(2000)])
    done = me.lab(OWN_VETH + f"""
    ip link set v1 up
    "$SPATE" replay a.pcap -i v0 --no-run-dir --json --live >send.json 2>send.err & s=$!
    until grep -q 'sent' send.err; do sleep 0.05; done
    ip link {harm}
    wait $s""", timeout=40)
    assert done.code == 3, (done, (me.home / "send.err").read_text())
    total = sent(me)["total"]
    assert total["asked_packets"] == 2000 == total["tx_packets"] + total["tx_refused"]
    assert total["tx_refused"] > 0 and why in remarks(sent(me), "refused")[0]


EXAMPLE = Path(__file__).resolve().parent.parent / "examples" / "office.pcap"


@pytest.mark.parametrize("words, sent_packets", [
    ("", 23), ("-x 2 --loop 10", 230), ("--pps 20k", 23), ("-R --loop 5", 115),
    ("--mbps 10 --limit 7", 7), ("-R --loop 0 -D 1", None), ("--max-gap 0.1", 23),
    ("--unique-ip --loop 4 -R", 92), ("-K -R --loop 100 --stats 1", 2300),
    ("--ip-map 198.51.100.0/24:10.0.0.0/24 --ttl 9", 23)])
def test_what_one_tries_first(me, words, sent_packets):
    """The example capture in a lab, as README says, with words of tcpreplay's users."""
    done = me.run("spate", "lab", "run", "--", "sh", "-c",
                  f'"$SPATE" replay {EXAMPLE} -i eth0 --json --no-run-dir {words}', timeout=40)
    assert done.code == 0, done
    total = json.loads(done.out)["total"]
    assert total["tx_packets"] == total["asked_packets"] > 0
    assert sent_packets is None or total["tx_packets"] == sent_packets


def test_the_example_by_two_interfaces(me):
    (me.home / "lab.yaml").write_text(TWO_LINKS)
    done = me.run("spate", "lab", "run", "lab.yaml", "--", "sh", "-c",
                  f'"$SPATE" replay {EXAMPLE} -i eth0 -I eth1 -R --json --no-run-dir')
    assert done.code == 0, done
    sides = {s["name"]: s["tx_packets"] for s in json.loads(done.out)["streams"]}
    assert sides["clients"] + sides["servers"] == 23 and min(sides.values()) > 8


def test_into_nothing(me):
    captures.write(me.home / "a.pcap", mixed(20))
    doc = replay(me, "a.pcap", "--transport", "null", "--topspeed")
    assert doc["total"]["tx_packets"] == 20
