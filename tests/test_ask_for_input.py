"""spate replay -t --ask-for-input: each capture waits for its answer, at its turn."""
import json
import os
import select
import socket
import struct
import subprocess
import threading
import time

import pytest

from peers import ACK, PUSH, SYN, segment
from reproduction import Collector, config, udp_frame, write_pcap

T0 = 1672534805


@pytest.fixture
def collector():
    c = Collector()
    yield c
    c.close()


class Asking:
    """A replay that asks."""

    def __init__(self, me, cfg, *words):
        self.run = me.start("spate", "replay", "-t", cfg, "--no-run-dir", "--ask-for-input",
                            "--json", *words, stdin=subprocess.PIPE)
        self.said = ""

    def question(self, name, timeout=30):
        """Waits for the question about that capture."""
        fd, end = self.run.popen.stderr.fileno(), time.monotonic() + timeout
        while not self.said.endswith(f"{name}? [y/n] "):
            assert time.monotonic() < end, self.said
            if select.select([fd], [], [], 0.1)[0]:
                octets = os.read(fd, 65536)
                assert octets, self.said
                self.said += octets.decode()

    def answer(self, text):
        self.run.popen.stdin.write(text + "\n")
        self.run.popen.stdin.flush()
        return time.time()


def capture(path, number, n=3, dport=9991):
    write_pcap(path, [(T0 + k / 10, udp_frame("192.0.2.1", "192.0.2.9", 5, dport,
                                              struct.pack("!II", number, k)))
                      for k in range(n)])


@pytest.mark.parametrize("words", [[], ["--exporters", "3", "--from", "127.0.5.0/24",
                                        "--spread", "300ms"]])
def test_at_its_turn(me, tmp_path, collector, words):
    for i, name in enumerate("abc"):
        capture(tmp_path / f"{name}.pcap", i)
    cfg = config(tmp_path / "c.yml", ["a.pcap", "b.pcap", "c.pcap"], collector,
                 section="udp_generic")
    each = 9 if words else 3
    asking = Asking(me, cfg, *words)
    asking.question("a.pcap")
    assert not collector.got
    first = asking.answer("y")
    asking.question("b.pcap")
    assert len(collector.wait(each)) == each
    asking.answer("no")
    asking.question("c.pcap")
    time.sleep(0.5)
    assert len(collector.got) == each
    third = asking.answer("y")
    done = asking.run.wait(30)
    assert done.code == 0, done
    got = collector.wait(2 * each)
    assert [struct.unpack("!II", g[3])[0] for g in got] == [0] * each + [2] * each
    assert got[0][0] >= first and got[each][0] >= third
    # Gaps count from the answer.
    for part in got[:each], got[each:]:
        assert part[-1][0] - part[0][0] >= (0.4 if words else 0.2) - 0.02
    total = json.loads(done.out)["total"]
    assert total["tx_packets"] == total["asked_packets"] == 2 * each


def test_two_protocols_ask_once(me, tmp_path, collector):
    """Their streams wait for each other; a capture without messages of one is asked for, too."""
    other = Collector()
    try:
        capture(tmp_path / "a.pcap", 0)
        capture(tmp_path / "b.pcap", 1, dport=53)
        cfg = config(tmp_path / "c.yml", ["a.pcap", "b.pcap", "a.pcap"], collector,
                     section="udp_generic",
                     ipfix={"select": {"udp": {"dport": [53]}},
                            "collector": {"ip": other.address, "port": other.port}})
        asking = Asking(me, cfg)
        for name in ("a.pcap", "b.pcap"):
            asking.question(name)
            asking.answer("y")
        asking.question("a.pcap")
        assert len(collector.wait(3)) == 3 and len(other.wait(3)) == 3
        asking.run.popen.stdin.close()  # nobody answers any more: it is left out
        asking.run.popen.stdin = None
        done = asking.run.wait(30)
        assert done.code == 0, done
        assert len(collector.got) == 3
        assert asking.said.count("[y/n]") == 3
    finally:
        other.close()


def test_a_session_outlives_the_question(me, tmp_path):
    """Over TCP the connection stays open while it waits."""
    server = socket.create_server(("127.0.0.1", 0))
    for i, name in enumerate("ab"):
        write_pcap(tmp_path / f"{name}.pcap",
                   [(T0, segment((192, 0, 2, 1), (192, 0, 2, 9), 2000 + i, 9000, 1, SYN, b"")),
                    (T0 + 0.1, segment((192, 0, 2, 1), (192, 0, 2, 9), 2000 + i, 9000, 2,
                                       PUSH | ACK, name.encode() * 5))])
    (tmp_path / "c.yml").write_text(json.dumps({
        "pcap": ["a.pcap", "b.pcap"], "no_sync": True,
        "tcp_generic": {"collector": {"ip": "127.0.0.1", "port": server.getsockname()[1]}}}))
    heard = []

    def serve():
        conn, _ = server.accept()
        while octets := conn.recv(100):
            heard.append(octets)
        heard.append(b"end")
        conn.close()

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        asking = Asking(me, tmp_path / "c.yml")
        asking.question("a.pcap")
        asking.answer("y")
        asking.question("b.pcap")
        time.sleep(1)
        assert b"".join(heard) == b"aaaaa"
        asking.answer("y")
        done = asking.run.wait(30)
        assert done.code == 0, done
        thread.join(10)
        assert b"".join(heard) == b"aaaaabbbbbend"
    finally:
        server.close()
