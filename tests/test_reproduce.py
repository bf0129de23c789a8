"""spate replay -t: traffic-reproducer's files, UDP sessions at their times. Collectors here are sockets
of ours; those of others are in test_reproduce_peers.py."""
import re
import signal
import socket
import statistics
import struct
import time

import pytest

from reproduction import DATA, Collector, config, nfv5, udp_frame, write_pcap

T0 = 1672534805.0


def capture(path, times, src="192.0.2.1", dport=9991, base=T0, first=0):
    write_pcap(path, [(base + t, udp_frame(src, "192.0.2.9", 1000, dport, nfv5(first + i)))
                      for i, t in enumerate(times)])
    return path


@pytest.fixture
def collector():
    c = Collector()
    yield c
    c.close()


def replay(me, cfg, *words, **options):
    return me.run("spate", "replay", "-t", cfg, "--no-run-dir", *words, timeout=90, **options)


# ---- what arrives ----

def test_bytes_and_order(me, tmp_path, collector):
    capture(tmp_path / "a.pcap", [0, 0.01, 0.01, 0.05])
    done = replay(me, config(tmp_path / "c.yml", "a.pcap", collector,
                             [("192.0.2.1", "127.0.0.7")]))
    assert done.code == 0, done
    got = collector.wait(4)
    assert [g[3] for g in got] == [nfv5(i) for i in range(4)]
    assert {g[1] for g in got} == {"127.0.0.7"} and len({g[2] for g in got}) == 1


def test_padding_and_empty_datagrams_are_not_sent(me, tmp_path, collector):
    short = udp_frame("192.0.2.1", "192.0.2.9", 1, 9991, b"")
    write_pcap(tmp_path / "a.pcap",
               [(T0, short + bytes(60 - len(short))),
                (T0, udp_frame("192.0.2.1", "192.0.2.9", 1, 9991, nfv5(1)) + bytes(6))])
    done = replay(me, config(tmp_path / "c.yml", "a.pcap", collector))
    assert done.code == 0, done
    assert [g[3] for g in collector.wait(1)] == [nfv5(1)]


def test_fragments_are_one_message(me, tmp_path, collector):
    payload = nfv5(3, 30)
    whole = udp_frame("192.0.2.1", "192.0.2.9", 1, 9991, payload)
    head, ip, rest = whole[:14], whole[14:34], whole[34:]
    cut = 800
    parts = []
    for off, part, more in ((0, rest[:cut], 0x2000), (cut, rest[cut:], 0)):
        fragment = bytearray(ip)
        struct.pack_into("!H", fragment, 2, 20 + len(part))
        struct.pack_into("!H", fragment, 6, more | off // 8)
        parts.append((T0 + off / 1e6, head + bytes(fragment) + part))
    write_pcap(tmp_path / "a.pcap", parts)
    cfg = config(tmp_path / "c.yml", "a.pcap", collector)
    cfg.write_text(cfg.read_text().replace('"collector"', '"select": {"udp": {"dport": [9991]}}, '
                                           '"collector"'))
    assert replay(me, cfg).code == 0
    assert [g[3] for g in collector.wait(1)] == [payload]


# ---- sources, families ----

def test_every_source_has_its_own_address_and_socket(me, tmp_path):
    four, six = Collector(), None
    try:
        six = Collector("::1", four.port)
        n = 20
        sources = [f"198.51.100.{i}" for i in range(1, n + 1)] + ["2001:db8::5"]
        write_pcap(tmp_path / "a.pcap", [
            (T0 + 0.001 * i, udp_frame(s, "192.0.2.9" if "." in s else "2001:db8::9", 7, 9991,
                                       nfv5(i))) for i, s in enumerate(sources * 2)])
        maps = [(s, f"127.0.1.{i}") for i, s in enumerate(sources[:-2], 1)]
        # A recorded IPv4 source that is played from IPv6, and the reverse.
        maps += [(sources[-2], "::1"), (sources[-1], "127.0.2.1")]
        four.address = "localhost"
        done = replay(me, config(tmp_path / "c.yml", "a.pcap", four, maps))
        assert done.code == 0, done
        got4, got6 = four.wait(2 * n), six.wait(2)
        seen = {}
        for _, address, port, data in got4 + got6:
            i = struct.unpack_from("!I", data, 16)[0] % (n + 1)
            seen.setdefault(i, set()).add((address, port))
        assert len(got4) == 2 * n and len(got6) == 2
        # One socket a source, whatever came from it.
        assert all(len(ends) == 1 for ends in seen.values())
        assert {next(iter(e))[0] for e in seen.values()} == {m[1] for m in maps}
        assert len({next(iter(e)) for e in seen.values()}) == n + 1
    finally:
        four.close()
        if six:
            six.close()


def test_family_that_the_collector_has_not(me, tmp_path, collector):
    capture(tmp_path / "a.pcap", [0])
    done = replay(me, config(tmp_path / "c.yml", "a.pcap", collector, [("192.0.2.1", "::1")]))
    assert done.code == 65 and "192.0.2.1 is to be played from ::1" in done.err, done


def test_an_address_that_is_not_here(me, tmp_path, collector):
    capture(tmp_path / "a.pcap", [0])
    done = replay(me, config(tmp_path / "c.yml", "a.pcap", collector,
                             [("192.0.2.1", "203.0.113.77")]))
    assert done.code == 77, done
    assert "203.0.113.77" in done.err and "ip route add local PREFIX dev lo" in done.err


def test_unknown_ones_are_counted(me, tmp_path, collector):
    write_pcap(tmp_path / "a.pcap",
               [(T0, udp_frame("192.0.2.1", "192.0.2.9", 1, 9991, nfv5(0))),
                (T0, udp_frame("192.0.2.2", "192.0.2.9", 1, 9991, nfv5(0))),
                (T0, udp_frame("192.0.2.2", "192.0.2.9", 1, 9991, nfv5(1))),
                (T0, udp_frame("192.0.2.1", "192.0.2.9", 1, 53, b"x")),
                (T0, bytes(12) + b"\x08\x06" + bytes(46))])
    cfg = config(tmp_path / "c.yml", "a.pcap", collector, [("192.0.2.1", "127.0.0.1")],
                 repeat={"count": [2]})
    cfg.write_text(cfg.read_text().replace('"collector"', '"select": {"udp": {"dport": [9991]}}, '
                                           '"collector"'))
    done = replay(me, cfg, "-v")
    assert done.code == 0, done
    assert len(collector.wait(2)) == 2
    sent = re.findall(r"^\| Packet sent +\| +(\d+) .*\| +-- \| +-- \|$", done.err, re.M)
    filtered = re.findall(r"^\| Packet filtered +\| +(\d+) .*\| +(\d+) \| +(\d+) \|$", done.err,
                          re.M)
    assert sent[-1] == "2" and filtered[-1] == ("2", "4", "4"), done
    # Without -v nothing of it, as upstream has it.
    assert "Packet sent" not in replay(me, cfg).err


def test_first_section_wins_in_the_fixed_order(me, tmp_path):
    ipfix, generic = Collector(), Collector()
    try:
        write_pcap(tmp_path / "a.pcap",
                   [(T0, udp_frame("192.0.2.1", "192.0.2.9", 1, p, b"%d" % p)) for p in (1, 2)])
        cfg = config(tmp_path / "c.yml", "a.pcap", generic, section="udp_generic",
                     ipfix={"select": {"udp": {"dport": [1]}},
                            "collector": {"ip": "127.0.0.1", "port": ipfix.port}})
        assert replay(me, cfg).code == 0
        assert [g[3] for g in ipfix.wait(1)] == [b"1"]
        assert [g[3] for g in generic.wait(1)] == [b"2"]
    finally:
        ipfix.close()
        generic.close()


@pytest.mark.parametrize("select, which", [
    ({"ip": {"src": ["192.0.2.2", "192.0.2.3"]}}, {2, 3}),
    ({"ip": {"src": ["192.0.2.2", "192.0.2.3"]}, "udp": {"sport": [1003]}}, {3}),
    ({"ip": {"ttl": [64]}, "udp": {"dport": [9991], "len": [80]}}, {1, 2, 3}),
    ({"ip": {"proto": [6]}}, set()),
    ({"ipfix_h": {"version": [9, 10]}}, set()),
    ({"ipfix_h": {"version": ["5"]}}, {1, 2, 3}),
])
def test_selectors(me, tmp_path, collector, select, which):
    write_pcap(tmp_path / "a.pcap",
               [(T0, udp_frame(f"192.0.2.{i}", "192.0.2.9", 1000 + i, 9991, nfv5(i)))
                for i in (1, 2, 3)])
    cfg = config(tmp_path / "c.yml", "a.pcap", collector, ipfix={
        "select": select, "collector": {"ip": "127.0.0.1", "port": collector.port}})
    done = replay(me, cfg)
    assert done.code == (0 if which else 1), done
    got = collector.wait(len(which))
    assert {struct.unpack_from("!I", g[3], 16)[0] for g in got} == which
    assert ("nothing was sent" in re.sub(r"\s+", " ", done.out)) == (not which)


# ---- several captures ----

def test_captures_one_after_another_from_the_same_socket(me, tmp_path, collector):
    for i, name in enumerate("abc"):
        capture(tmp_path / f"{name}.pcap", [0, 0.02], base=T0 + 1000 * i, first=10 * i)
    cfg = config(tmp_path / "c.yml", ["a.pcap", "b.pcap", "c.pcap"], collector,
                 repeat={"count": [1, 2, 2], "pattern": "round-robin"})
    done = replay(me, cfg)
    assert done.code == 0, done
    got = collector.wait(10)
    assert [struct.unpack_from("!I", g[3], 16)[0] for g in got] == [0, 1, 10, 11, 20, 21, 10, 11,
                                                                     20, 21]
    assert len({g[1:3] for g in got}) == 1


def test_bulk(me, tmp_path, collector):
    for i, name in enumerate("ab"):
        capture(tmp_path / f"{name}.pcap", [0], first=i)
    cfg = config(tmp_path / "c.yml", ["a.pcap", "b.pcap"], collector,
                 repeat={"count": [3, 2], "pattern": "bulk"})
    assert replay(me, cfg).code == 0
    assert [struct.unpack_from("!I", g[3], 16)[0] for g in collector.wait(5)] == [0, 0, 0, 1, 1]


def test_ask_for_input(me, tmp_path, collector):
    for i, name in enumerate("abc"):
        capture(tmp_path / f"{name}.pcap", [0], first=i)
    cfg = config(tmp_path / "c.yml", ["a.pcap", "b.pcap", "c.pcap"], collector)
    answers = tmp_path / "answers"
    answers.write_text("y\nno\ny\n")
    with open(answers, encoding="ascii") as stdin:
        done = replay(me, cfg, "--ask-for-input", stdin=stdin)
    assert done.code == 0, done
    assert [struct.unpack_from("!I", g[3], 16)[0] for g in collector.wait(2)] == [0, 2]


def test_path_beside_the_file(me, tmp_path, collector):
    folder = tmp_path / "elsewhere"
    folder.mkdir()
    capture(folder / "a.pcap", [0])
    done = replay(me, config(folder / "c.yml", "a.pcap", collector))
    assert done.code == 0 and len(collector.wait(1)) == 1, done


# ---- time ----

def places(got, times):
    """How late each is against its place. Nothing leaves early: the least late one is at its own."""
    offsets = [g[0] - t for g, t in zip(got, times)]
    return [o - min(offsets) for o in offsets]


def test_each_at_its_place(me, tmp_path, collector):
    times = [0, 0.1, 0.25, 0.25, 0.5, 0.9, 1.0]
    capture(tmp_path / "a.pcap", times)
    best = 1
    for _ in range(6):  # whoever else uses the machine makes it later, never more exact
        collector.got.clear()
        assert replay(me, config(tmp_path / "c.yml", "a.pcap", collector)).code == 0
        best = min(best, statistics.median(places(collector.wait(7), times)))
        if best < 0.001:
            break
    assert best < 0.001


@pytest.mark.parametrize("factor", [0.5, 0.01, 2])
def test_time_factor(me, tmp_path, collector, factor):
    span = 1.0 / factor
    times = [0, span / 4, span]
    capture(tmp_path / "a.pcap", times)
    best = 1
    for _ in range(4):
        collector.got.clear()
        done = replay(me, config(tmp_path / "c.yml", "a.pcap", collector, time_factor=factor))
        assert done.code == 0, done
        got = collector.wait(3)
        best = min(best, abs(got[2][0] - got[0][0] - 1.0))
        if best < 0.01:
            break
    assert best < 0.01


def test_second_of_the_minute(me, tmp_path, collector):
    # Two captures: the first begins in about four seconds, the second two after it.
    now = time.time()
    first, second = (now + 4.123) % 60, (now + 6.5) % 60
    base = T0 - T0 % 60
    capture(tmp_path / "a.pcap", [0, 0.5], base=base + first)
    capture(tmp_path / "b.pcap", [0, 0.1], base=base + 3600 + second, first=10)
    cfg = config(tmp_path / "c.yml", ["a.pcap", "b.pcap"], collector, no_sync=False)
    done = replay(me, cfg)
    assert done.code == 0, done
    got = collector.wait(4)
    late = [(g[0] - p + 30) % 60 - 30
            for g, p in zip(got, (first, first + 0.5, second, second + 0.1))]
    assert all(x > -0.002 for x in late), late  # never early
    assert min(late) < 0.05 and statistics.median(late) < 0.05, late
    assert re.search(r"^spate: ipfix: \S*a.pcap begins at second .* of the minute", done.err, re.M)
    assert "warning" not in done.err


def test_odd_times(me, tmp_path, collector):
    # One step back, and a clock that was set thirty years ahead.
    capture(tmp_path / "a.pcap", [0, 0.2, 0.1, 0.3, 9.5e8, 9.5e8 + 0.1])
    done = replay(me, config(tmp_path / "c.yml", "a.pcap", collector))
    assert done.code == 0, done
    got = collector.wait(6)
    assert [struct.unpack_from("!I", g[3], 16)[0] for g in got] == list(range(6))
    assert got[5][0] - got[0][0] < 5
    assert "older than" in done.out and "clock" in done.out


def test_keep_open(me, tmp_path, collector):
    capture(tmp_path / "a.pcap", [0, 0.1])
    p = me.start("spate", "replay", "--cfg", config(tmp_path / "c.yml", "a.pcap", collector),
                 "--keep-open", "--no-run-dir")
    port = collector.wait(2)[0][2]
    time.sleep(0.7)
    assert p.popen.poll() is None
    probe = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    with pytest.raises(OSError):  # its number is still in use
        probe.bind(("127.0.0.1", port))
    probe.close()
    p.signal(signal.SIGINT)
    done = p.wait()
    assert done.code == 130 and "2 sent" in re.sub(" +", " ", done.out), done


# ---- what is wrong ----

@pytest.mark.parametrize("text, code, sentence", [
    ("pcap: gone.pcap\nipfix: {collector: {ip: '::1', port: 1}}\n", 66, "c.yml:1:7: the capture "
     "gone.pcap is not there"),
    ("pcap: a.pcap\nipfix: {collector: {ip: <MISSING_PARAM>, port: 1}}\n", 65,
     "ipfix.collector.ip (line 2)"),
    ("pcap: a.pcap\ntime_factor: 0\nipfix: {collector: {ip: '::1', port: 1}}\n", 65,
     "c.yml:2:14: time_factor"),
    ("pcap: a.pcap\npcap: a.pcap\nipfix: {collector: {ip: '::1', port: 1}}\n", 65, "c.yml:2:1:"),
    ("a: &a [x,x,x,x,x,x,x,x,x]\n" + "".join(
        f"{chr(98 + i)}: &{chr(98 + i)} [{','.join(['*' + chr(97 + i)] * 9)}]\n"
        for i in range(8)), 65, "c.yml:"),
    ("pcap: empty.pcap\nipfix: {collector: {ip: '::1', port: 1}}\n", 65, "empty.pcap"),
    ("pcap: [a.pcap, .]\nipfix: {collector: {ip: '::1', port: 1}}\n", 66,
     "c.yml:1:16: . is a directory"),
    ("pcap: [a.pcap, c.yml]\nipfix: {collector: {ip: '::1', port: 1}}\n", 65,
     "c.yml:1:16: c.yml: byte 0: this is no capture"),
    ("pcap: a.pcap\nipfix: {collector: {ip: '::1', port: abc}}\n", 65,
     "c.yml:2:38: ipfix.collector.port: 'abc' is not a port number from 1 to 65535"),
    ("pcap: a.pcap\nipfix: {collector: {ip: '1.2', port: 1}}\n", 65,
     "c.yml:2:25: ipfix.collector.ip: '1.2' is not an address"),
    ("pcap: a.pcap\nipfix: {collector: {ip: no.such.host.invalid, port: 1}}\n", 69,
     "no.such.host.invalid"),
])
def test_wrong_files(me, tmp_path, text, code, sentence):
    capture(tmp_path / "a.pcap", [0])
    (tmp_path / "empty.pcap").write_bytes(b"")
    (tmp_path / "c.yml").write_text(text)
    done = me.run("spate", "replay", "-t", "c.yml", "--no-run-dir", timeout=60)
    assert done.code == code and sentence in done.err, done
    assert done.out == ""


def test_missing_file(me):
    done = me.run("spate", "replay", "--test", "gone.yml")
    assert done.code == 66 and "gone.yml" in done.err, done


def test_unknown_keys_are_told_and_harmless(me, tmp_path, collector):
    capture(tmp_path / "a.pcap", [0])
    cfg = config(tmp_path / "c.yml", "a.pcap", collector, keepopen=True)
    done = replay(me, cfg)
    assert done.code == 0 and len(collector.wait(1)) == 1, done
    assert re.search(r"c.yml:1:\d+: unknown key 'keepopen' has no effect; did you mean "
                     r"'keep_open'\?", done.err), done
    assert "unknown key" in re.sub(r"\s+", " ", done.out)


def test_a_damaged_capture_is_played_up_to_there(me, tmp_path, collector):
    whole = capture(tmp_path / "whole.pcap", [0, 0.01, 0.02]).read_bytes()
    (tmp_path / "a.pcap").write_bytes(whole[:-5])
    done = replay(me, config(tmp_path / "c.yml", "a.pcap", collector))
    assert done.code == 65, done
    assert len(collector.wait(2)) == 2 and "packet 3" in re.sub(r"\s+", " ", done.out)


def test_datagrams_that_no_datagram_can_carry(me, tmp_path, collector):
    long = nfv5(0) + bytes(65520 - 72)
    write_pcap(tmp_path / "a.pcap", [(T0 + 0.01 * i, udp_frame(
        "2001:db8::1", "2001:db8::9", 1000, 9991, nfv5(i) if i % 20 == 5 else long))
        for i in range(64)])
    done = replay(me, config(tmp_path / "c.yml", "a.pcap", collector,
                             [("2001:db8::1", "127.0.0.5")]))
    assert done.code == 0, done
    assert "61 datagrams of the captures are longer" in re.sub(r"\s+", " ", done.out)
    assert [g[3] for g in collector.wait(3)] == [nfv5(i) for i in (5, 25, 45)]


def test_a_replay_of_nothing_has_failed(me, tmp_path, collector):
    capture(tmp_path / "a.pcap", [0])
    done = replay(me, config(tmp_path / "c.yml", "a.pcap", collector,
                             [("192.0.2.77", "127.0.0.5")]))
    assert done.code == 1, done
    assert "spate replay: ipfix: no packet of the captures is of this protocol" in done.err


def tcp_frame(sport, seq, flags, payload=b""):
    tcp = struct.pack("!HHIIBBHHH", sport, 179, seq, 0, 0x50, flags, 65535, 0, 0) + payload
    ip = struct.pack("!BBHHHBBH", 0x45, 0, 20 + len(tcp), 1, 0, 64, 6, 0)
    ip += socket.inet_aton("192.0.2.1") + socket.inet_aton("192.0.2.9")
    return b"\x02\0\0\0\0\2\x02\0\0\0\0\1\x08\0" + ip + tcp


@pytest.mark.parametrize("units, code, sentence", [
    (False, 1, "nothing was sent"),
    (True, 2, "it has 1500 sessions, a connection each, and at most 1024 may be open; --connections 1500"),
])
def test_more_streams_than_connections(me, tmp_path, collector, units, code, sentence):
    """Those without a message are no sessions."""
    packets = [(T0, tcp_frame(2000 + i, 1, 2)) for i in range(1500)]
    if units:
        packets += [(T0, tcp_frame(2000 + i, 2, 24, b"x")) for i in range(1500)]
    write_pcap(tmp_path / "a.pcap", packets)
    done = replay(me, config(tmp_path / "c.yml", "a.pcap", collector,
                             [("192.0.2.1", "127.0.0.5")], section="tcp_generic"))
    assert done.code == code and sentence in re.sub(r"\s+", " ", done.err), done


def test_what_goes_nowhere_else(me, tmp_path):
    done = me.run("spate", "replay", "-t", "c.yml", "more.pcap")
    assert done.code == 2 and "more.pcap" in done.err, done
    done = me.run("spate", "replay", "-t", "c.yml", "--retime", "then")
    assert done.code == 2, done


@pytest.mark.parametrize("option, sentence", [
    (["--interface", "lo"], "--interface belongs to the replay of packets (FILE... --interface "
     "DEV); with -t that is network.interface in the file"),
    (["--pps", "5"], "--pps belongs to the replay of packets (FILE... --interface DEV); with -t "
     "it has no meaning"),
    (["--compare", "bytes"], "--compare belongs to the replay of conversations (--as client)"),
    (["--keepopen"], "--keepopen: no such option; did you mean --keep-open?"),
])
def test_options_of_other_ways(me, option, sentence):
    done = me.run("spate", "replay", "-t", "c.yml", *option)
    assert done.code == 2 and sentence in done.err, done


# ---- -p ----

def test_a_dry_run_writes_nothing(me, tmp_path, collector):
    capture(tmp_path / "a.pcap", [0, 1])
    cfg = config(tmp_path / "c.yml", "a.pcap", collector,
                 pcap_processing={"output_folder": str(tmp_path / "out"), "exit": False})
    before = sorted(tmp_path.iterdir())
    done = me.run("spate", "replay", "-t", cfg, "-p", "--dry-run")
    assert done.code == 0, done
    out = tmp_path / "out"
    assert done.out.splitlines() == [
        f"would write {out}/{name}" for name in ("traffic.pcap", "traffic-reproducer.yml",
                                                 "traffic-info.json")
    ] + [f"would replay {out}/traffic-reproducer.yml"]
    assert sorted(tmp_path.iterdir()) == before


@pytest.mark.parametrize("words", [[], ["--dry-run"]])
@pytest.mark.parametrize("over", ["traffic.pcap", "traffic-reproducer.yml", "link"])
def test_what_is_read_is_not_written_over(me, tmp_path, collector, over, words):
    out = tmp_path / "out"
    out.mkdir()
    pcap, cfg = tmp_path / "a.pcap", tmp_path / "c.yml"
    if over == "traffic.pcap":
        pcap = out / over
    elif over == "link":
        (out / "traffic-info.json").hardlink_to(capture(pcap, [0]))
    else:
        cfg = out / over
    capture(pcap, [0])
    config(cfg, pcap, collector, pcap_processing={"output_folder": str(out)})
    before = pcap.read_bytes(), cfg.read_bytes()
    done = me.run("spate", "replay", "-t", cfg, "-p", *words)
    assert done.code == 2 and "would be written over" in done.err, done
    assert (pcap.read_bytes(), cfg.read_bytes()) == before


# ---- the original files ----

def test_pre_processing_then_replay(me, tmp_path):
    """The example with a key that nobody knows: told, and done all the same; what comes out is
    refused until addresses are given."""
    (tmp_path / "examples").symlink_to(DATA / "traffic-reproducer")
    folder = tmp_path / "out"
    text = (DATA / "traffic-reproducer/pcap_processing/ipfix-bgp.yml").read_text()
    cfg = tmp_path / "c.yml"
    cfg.write_text(text.replace("pcap_processing:\n",
                                f"pcap_processing:\n  output_folder: {folder}\n", 1))
    done = me.run("spate", "replay", "-t", cfg, "-p", timeout=60)
    assert done.code == 0, done
    assert "'pcap_processing.tcp_payload_size' has no effect; did you mean " \
           "'desired_tcp_payload_size'?" in done.err
    made = folder / "traffic-reproducer.yml"
    assert {p.name for p in folder.iterdir()} == {"traffic.pcap", "traffic-reproducer.yml",
                                                  "traffic-info.json"}
    done = me.run("spate", "replay", "-t", made, timeout=60)
    assert done.code == 65 and "<MISSING_PARAM>" in done.err, done
