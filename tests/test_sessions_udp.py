"""Sessions over UDP of a reproduction: several of one router's address, and captures that are read ahead."""
import struct
import time

import pytest

from reproduction import Collector, config, udp_frame, write_pcap

T0 = 1672534805
OCTETS = 77777


@pytest.fixture
def collector():
    c = Collector()
    yield c
    c.close()


def ipfix(seq, sets):
    return struct.pack("!HHIII", 10, 16 + len(sets), T0, seq, 0) + sets


def template(fields):
    body = struct.pack("!HH", 256, len(fields)) + b"".join(struct.pack("!HH", f, 4)
                                                           for f in fields)
    return struct.pack("!HH", 2, 4 + len(body)) + body


def data(*values):
    return struct.pack("!HH", 256, 4 + 4 * len(values)) + struct.pack(f"!{len(values)}I", *values)


def test_two_exporters_of_one_address(me, tmp_path, collector):
    """Both call their template 256, of the same domain, and mean something else by it."""
    start, octets = 150, 1
    write_pcap(tmp_path / "a.pcap", [
        (T0 + 0.01 * i, udp_frame("192.0.2.1", "192.0.2.9", port, 9991, ipfix(seq, sets)))
        for i, (port, seq, sets) in enumerate([
            (2001, 0, template([start, octets])),
            (2002, 0, template([octets, start])),
            (2001, 0, data(T0 - 5, OCTETS)),
            (2002, 0, data(OCTETS, T0 - 5)),
            (2001, 1, data(T0 - 4, OCTETS))])])
    done = me.run("spate", "replay", "-t", config(tmp_path / "c.yml", "a.pcap", collector,
                                                  [("192.0.2.1", "127.0.0.7")]),
                  "--retime", "now", "--no-run-dir", timeout=90)
    assert done.code == 0, done
    got = collector.wait(5)
    assert {g[1] for g in got} == {"127.0.0.7"}
    ports = [g[2] for g in got]
    assert ports[0] != ports[1] and ports == [ports[0], ports[1], ports[0], ports[1], ports[0]]
    now = time.time()
    a, b, c = (struct.unpack_from("!II", g[3], 20) for g in got[2:])
    assert a[1] == b[0] == c[1] == OCTETS
    assert all(abs(t - now) < 120 for t in (a[0], b[1], c[0])), (a, b, c)


@pytest.mark.parametrize("words", [[], ["--preload-pcap"]])
def test_more_than_is_read_ahead(me, tmp_path, collector, words):
    """12 MB, where 8 MiB stay in memory."""
    n, size = 1200, 10000
    write_pcap(tmp_path / "a.pcap", [
        (T0 + i / 400, udp_frame(f"192.0.2.{i % 9 + 1}", "192.0.2.9", 5, 9991,
                                 struct.pack("!I", i) * (size // 4))) for i in range(n)])
    cfg = config(tmp_path / "c.yml", "a.pcap", collector, section="udp_generic")
    done = me.run("spate", "replay", "-t", cfg, "--no-run-dir", "--json", *words, timeout=90)
    assert done.code == 0, done
    got = collector.wait(n)
    assert [struct.unpack_from("!I", g[3])[0] for g in got] == list(range(n))
    assert all(g[3] == g[3][:4] * (size // 4) for g in got)
    assert len({g[2] for g in got}) == 9
