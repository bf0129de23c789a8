"""Streams of unknown protocols (tcp_generic) of a reproduction, into a listener."""
import json

import pytest

from peers import ACK, PUSH, SYN, Network, segment, text_of, wait_for, write_pcap

SRC, DST = (198, 51, 100, 7), (198, 51, 100, 8)
COLLECTOR = """
import os, socket, sys
s = socket.create_server(("127.0.0.1", 5999))
print("ready", flush=True)
for k in range(int(sys.argv[1])):
    c, peer = s.accept()
    if os.fork() == 0:
        got, why = b"", "fin"
        try:
            while octets := c.recv(65536):
                got += octets
        except ConnectionResetError:
            why = "reset"
        with open(f"conn-{k}", "w") as f:
            f.write(f"{peer[0]} {why} {got.decode()} end")
        os._exit(0)
"""


@pytest.fixture
def network(me, tmp_path):
    n = Network(me, tmp_path, ["192.168.100.1/32"])
    yield n
    n.stop()


def config(folder, local):
    (folder / "cfg.yml").write_text(f"""
pcap: tcp.pcap
no_sync: true
network:
  map:
  - src_ip: 198.51.100.7
    repro_ip: {local}
tcp_generic:
  select:
    tcp:
      dport: [9000]
  collector:
    ip: 127.0.0.1
    port: 5999
""")


def stream(sport, parts, start):
    """What a raw capture holds: data in the SYN, an acknowledgement with padding, everything twice,
    the first two after it in the wrong order."""
    at, frames, seq = start, [], 1000
    cut = []
    for i, p in enumerate(parts):
        cut.append((seq, p, SYN if i == 0 else PUSH | ACK))
        seq += len(p) + (i == 0)
    order = [cut[0], cut[2], cut[1], *cut[3:]] if len(cut) > 2 else cut
    for s, p, flags in order:
        frame = segment(SRC, DST, sport, 9000, s, flags, p)
        frames += [(at, frame), (at + 0.01, frame),
                   (at + 0.02, segment(SRC, DST, sport, 9000, seq, ACK, b"", 6))]
        at += 0.05
    return frames


def test_octets_once_and_in_order(network):
    """Two connections of one address at the same time, kept apart."""
    a = [b"one-", b"two-", b"three-", b"four"]
    b = [b"ONE-", b"TWO-", b"THREE"]
    write_pcap(network.folder / "tcp.pcap",
               sorted(stream(20, a, 0.0) + stream(21, b, 0.025)))
    config(network.folder, "192.168.100.1")
    (network.folder / "collector.py").write_text(COLLECTOR)
    network.daemon("/usr/bin/python3", "collector.py", 2, log=network.folder / "collector.log")
    network.wait_listening(5999)
    done = network.run("spate", "replay", "-t", "cfg.yml", "--no-run-dir", "--json")
    assert done.code == 0, done
    heard = [network.folder / f"conn-{k}" for k in range(2)]
    wait_for(lambda: all(text_of(h).endswith(" end") for h in heard), "both connections")
    assert sorted(map(text_of, heard)) == [
        "192.168.100.1 fin ONE-TWO-THREE end", "192.168.100.1 fin one-two-three-four end"]
    total = json.loads(done.out)["total"]
    assert total["tx_bytes"] == len(b"".join(a + b))
    assert total["asked_packets"] == total["tx_packets"]


def test_an_address_that_is_not_here(network):
    write_pcap(network.folder / "tcp.pcap", stream(20, [b"one"], 0.0))
    config(network.folder, "192.0.2.99")
    done = network.run("spate", "replay", "-t", "cfg.yml", "--no-run-dir")
    assert done.code == 77, done
    assert "192.0.2.99" in done.err and "no interface here has this address" in done.err
