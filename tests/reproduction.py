"""Captures made for a test, collectors that note when what came, and pieces of shell, for the tests
of reproductions."""
import json
import select
import socket
import struct
import threading
import time
from pathlib import Path

SO_TIMESTAMPNS = 35  # Linux: the module does not name it
DATA = Path(__file__).resolve().parent / "data"


def packed(address):
    return socket.inet_pton(socket.AF_INET6 if ":" in address else socket.AF_INET, address)


def udp_frame(src, dst, sport, dport, payload):
    """An Ethernet frame; checksums are 0, which nobody looks at here."""
    udp = struct.pack("!HHHH", sport, dport, 8 + len(payload), 0) + payload
    if ":" in src:
        ip = struct.pack("!IHBB", 6 << 28, len(udp), 17, 64) + packed(src) + packed(dst)
        kind = 0x86DD
    else:
        ip = struct.pack("!BBHHHBBH", 0x45, 0, 20 + len(udp), 1, 0, 64, 17, 0)
        ip += packed(src) + packed(dst)
        kind = 0x0800
    return b"\x02\0\0\0\0\2\x02\0\0\0\0\1" + struct.pack("!H", kind) + ip + udp


def write_pcap(path, packets):
    """packets: (seconds, frame)."""
    with open(path, "wb") as f:
        f.write(struct.pack("<IHHiIII", 0xA1B23C4D, 2, 4, 0, 0, 262144, 1))
        for t, frame in packets:
            ns = round(t * 1e9)
            f.write(struct.pack("<IIII", ns // 10**9, ns % 10**9, len(frame), len(frame)))
            f.write(frame)


def nfv5(seq, flows=1):
    """A NetFlow v5 datagram: what codecs know."""
    head = struct.pack("!HHIIIIBBH", 5, flows, 60000, 1700000000, 0, seq, 0, 0, 0)
    record = struct.pack("!IIIHHIIIIHHBBBBHHBBH", 0x0A000001, 0x0A000002, 0, 1, 2, 3, 300, 1000,
                         2000, 1234, 80, 0, 0x10, 6, 0, 0, 0, 0, 0, 0)
    return head + record * flows


class Collector:
    """A UDP socket and what came there: (real time, source address, source port, bytes)."""

    def __init__(self, address="127.0.0.1", port=0):
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        self.sock = socket.socket(family, socket.SOCK_DGRAM)
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 << 20)
        self.sock.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPNS, 1)
        self.sock.bind((address, port))
        self.address, self.port = self.sock.getsockname()[:2]
        self.got = []
        self.over = False
        self.thread = threading.Thread(target=self.receive)
        self.thread.start()

    def receive(self):
        while not self.over:
            if not select.select([self.sock], [], [], 0.05)[0]:
                continue
            data, control, _, peer = self.sock.recvmsg(65536, 128)
            stamp = next((c[2] for c in control if c[1] == SO_TIMESTAMPNS), None)
            sec, ns = struct.unpack("qq", stamp) if stamp else (0, time.time_ns())
            self.got.append((sec + ns / 1e9, peer[0], peer[1], data))

    def wait(self, n, timeout=10):
        end = time.monotonic() + timeout
        while len(self.got) < n and time.monotonic() < end:
            time.sleep(0.02)
        return self.got

    def close(self):
        time.sleep(0.1)
        self.over = True
        self.thread.join(5)
        self.sock.close()


def config(path, pcap, collector, maps=(), section="ipfix", **more):
    """A configuration as people write it."""
    document = {"pcap": pcap if isinstance(pcap, list) else str(pcap), "no_sync": True,
                "network": {"map": [{"src_ip": a, "repro_ip": b} for a, b in maps]},
                section: {"collector": {"ip": collector.address, "port": collector.port}}}
    if not maps:
        del document["network"]
    document.update(more)
    Path(path).write_text(json.dumps(document))
    return path


# In a host of a lab: waits for a UDP socket, for what it has to read, and ends a collector.
SHELL = """
set -u
ready() { until ss -Huln "sport = :$1" | grep -q .; do sleep 0.05; done; }
idle() { until [ "$(ss -Huln "sport = :$1" | awk '{ n += $2 } END { print n + 0 }')" = 0 ]
do sleep 0.05; done; sleep 0.3; }
"""
