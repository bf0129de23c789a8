"""A receiver that lives for long: senders come and go, strangers hold connections open, and whoever
comes next is served as the first one was."""
import json
import os
import signal
import socket
import struct
import time
from pathlib import Path

import pytest

from test_udp import STOPPED, Pair


def stop(rx):
    rx.signal(signal.SIGINT)
    return json.loads(rx.wait(30).out)


@pytest.mark.parametrize("cores", [1, 2])
def test_senders_come_and_go(me, cores):
    """Three times as many flows as there is room for, each run's counts exact and its own."""
    rx = me.start("spate", "recv", "udp://127.0.0.1:6200-6215", "--max-flows", "64", "--cores", cores,
                  "--json", "--no-run-dir")
    rx.read_until("ready", stream="stderr")
    urls = [f"udp://127.0.0.1:{6200 + i}" for i in range(16)]
    sent = 0
    for _ in range(12):
        done = me.run("spate", "send", *urls, "-r", "100", "--size", "64", "-D", "0.5", "--json",
                      "--no-run-dir")
        doc = json.loads(done.out)
        total = doc["total"]
        assert done.code == 0, done
        assert total["rx_unique"] == total["tx_packets"] == 800, doc["verdict"]
        assert total["delay_ns"] is not None
        sent += 800
        time.sleep(0.5)
    doc = stop(rx)
    assert doc["total"]["tx_packets"] == doc["total"]["rx_unique"] == sent
    assert doc["total"]["lost"] == 0
    assert 0 < len(doc["flows"]) <= 64
    assert sum(s["flows"] for s in doc["streams"]) == 192
    assert "flows-folded" in [r["code"] for r in doc["verdict"]["remarks"]]


def test_sources_come_and_go(me):
    """Twice as many sources as a port has room for (65536 over its 16): whoever comes then is
    listed with its address."""
    urls = [f"udp://127.0.0.1:{6230 + i}" for i in range(16)]
    rx = me.start("spate", "recv", *urls, "--max-flows", "500", "--json", "--no-run-dir")
    rx.read_until("ready", stream="stderr")
    for i in range(8192):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
            s.bind((f"127.0.0.{2 + i // 4096}", 20000 + i % 4096))
            s.sendto(b"a stranger's datagram", ("127.0.0.1", 6230))
    done = me.run("spate", "send", urls[0], "-r", "100", "--size", "64", "-D", "1", "--json",
                  "--no-run-dir")
    assert json.loads(done.out)["total"]["rx_unique"] == 100, done
    doc = stop(rx)
    assert doc["total"]["rx_packets"] > 6000 + 100  # a busy machine may drop some
    named = [f for f in doc["flows"] if f["tx_packets"] == 100]
    assert len(named) == 1 and named[0]["src"].startswith("127.0.0.1:"), named
    assert all(f["src"] for f in doc["flows"])
    assert "sources" not in [r["code"] for r in doc["verdict"]["remarks"]]


def test_ids_begin_anywhere(me):
    """A sender that an earlier receiver on the port granted ids must not have those of a new one."""
    ids = set()
    for _ in range(3):
        rx = me.start("spate", "recv", "udp://127.0.0.1:6250", "--json", "--no-run-dir")
        rx.read_until("ready", stream="stderr")
        me.run("spate", "send", "udp://127.0.0.1:6250", "-r", "100", "--count", "5", "--no-run-dir")
        flow, = stop(rx)["flows"]
        assert 0 < flow["id"] < 0x800000
        ids.add(flow["id"])
    assert len(ids) == 3


def test_drops_are_named_after_other_runs(lab, tmp_path):
    """The socket's drops are this run's alone, whoever sent before."""
    before = ('"$SPATE" send -t 10.99.0.2 -p 5001 -r 1000 -D 0.5 --no-run-dir >/dev/null 2>&1\n'
              '"$SPATE" send -t 10.99.0.2 -p 5001 -r 20000')
    script = STOPPED.replace("{flags}", "--no-gso").replace(
        '"$SPATE" send -t 10.99.0.2 -p 5001 -r 20000', before)
    p = Pair(lab(script, timeout=40), tmp_path)
    assert p.total["lost"] > 0
    assert p.total["dropped_receiver"] == p.total["lost"]
    assert p.total["lost_unknown"] == 0


def cpu_seconds(pid):
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def strangers(port, n, byte=b""):
    held = []
    for _ in range(n):
        s = socket.create_connection(("127.0.0.1", port), timeout=5)
        if byte:
            try:
                s.sendall(byte)
            except OSError:
                pass
        held.append(s)
    return held


def vanish(held):
    """Without a FIN: the peer hears of it by a reset, or not at all."""
    for s in held:
        s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        s.close()


@pytest.mark.parametrize("files", [24, 64, 1024])
def test_strangers_on_the_control_port(me, files):
    """10,000 connections that say nothing or too little; a sender meanwhile gets its counts."""
    rx = me.start("sh", "-c", f'ulimit -n {files}; exec "$SPATE" recv udp://127.0.0.1:6300 --json '
                  "--no-run-dir")
    rx.read_until("ready", stream="stderr")
    most = 0
    for k in range(25 if files == 64 else 2):
        held = strangers(6300, 400, b"s" if k % 2 else b"")
        most = max(most, len(os.listdir(f"/proc/{rx.pid}/fd")))
        if k in (0, 1, 24):
            before, begun = cpu_seconds(rx.pid), time.monotonic()
            done = me.run("spate", "send", "udp://127.0.0.1:6300", "-r", "100", "-D", "1", "--json",
                          "--no-run-dir")
            assert json.loads(done.out)["total"]["rx_unique"] == 100, done
            assert cpu_seconds(rx.pid) - before < (time.monotonic() - begun) / 2
        vanish(held)
    assert most <= files
    doc = stop(rx)
    assert doc["total"]["rx_unique"] == doc["total"]["tx_packets"]


def test_strangers_have_three_seconds(me):
    rx = me.start("spate", "recv", "udp://127.0.0.1:6310", "--json", "--no-run-dir")
    rx.read_until("ready", stream="stderr")
    before = len(os.listdir(f"/proc/{rx.pid}/fd"))
    held = strangers(6310, 50, b"s")
    begun = time.monotonic()
    while len(os.listdir(f"/proc/{rx.pid}/fd")) > before and time.monotonic() - begun < 10:
        try:
            held[0].sendall(b"s")  # a byte now and then buys no time
        except OSError:
            pass
        time.sleep(0.5)
    assert len(os.listdir(f"/proc/{rx.pid}/fd")) == before
    assert all(s.recv(1) == b"" for s in held[1:])
    vanish(held)
    stop(rx)
