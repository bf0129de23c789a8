"""What the report of `spate replay -t` says of sessions, of each time that a capture is played, and of what
was not played."""
import json
import re
import signal
import socket
import threading
import time

import pytest

from peers import ACK, PUSH, SYN, segment, text_of, wait_for
from peers import write_pcap as write_segments
from reproduction import DATA, Collector, config, nfv5, udp_frame, write_pcap

T0 = 1672534805.0


def replay_json(run_json, cfg, *words):
    code, doc = run_json("replay", "-t", cfg, "--no-run-dir", *words, timeout=90)
    return code, doc


@pytest.fixture
def collector():
    c = Collector()
    yield c
    c.close()


def remarks_of(doc, code):
    return [r["text"] for r in doc["verdict"]["remarks"] if r["code"] == code]


def three_senders(path, times=2):
    write_pcap(path, [(T0 + 0.01 * i, udp_frame(f"192.0.2.{1 + i % 3}", "192.0.2.9", 1, 9991,
                                                nfv5(i))) for i in range(3 * times)])
    return path


def test_senders_that_are_not_in_the_map(run_json, tmp_path, collector):
    three_senders(tmp_path / "a.pcap")
    cfg = config(tmp_path / "c.yml", "a.pcap", collector, [("192.0.2.1", "127.0.0.7")],
                 repeat={"count": [3]})
    code, doc = replay_json(run_json, cfg)
    assert code == 0 and len(collector.wait(6)) == 6
    assert doc["verdict"]["result"] == "valid with remarks"
    assert remarks_of(doc, "not-in-map") == [
        "ipfix: 12 packets of 2 senders that are not in network.map were not played: "
        "192.0.2.2 (6), 192.0.2.3 (6)"]
    out = doc["streams"][0]["recorded"]["left_out"]
    assert out["not_in_map"] == 12 and out["senders_omitted"] == 0
    assert out["senders"] == [{"sender": f"192.0.2.{i}", "packets": 6, "collector": False}
                              for i in (2, 3)]


def test_the_table_and_the_document_agree(me, tmp_path, collector):
    three_senders(tmp_path / "a.pcap")
    cfg = config(tmp_path / "c.yml", "a.pcap", collector, [("192.0.2.1", "127.0.0.7")])
    done = me.run("spate", "replay", "-t", cfg, "--no-run-dir", "-v", "--json")
    assert done.code == 0, done
    recorded = json.loads(done.out)["streams"][0]["recorded"]
    sent = re.findall(r"^\| Packet sent +\| +(\d+)", done.err, re.M)[-1]
    filtered, peer, proto = re.findall(
        r"^\| Packet filtered +\| +(\d+) .*\| +(\d+) \| +(\d+) \|$", done.err, re.M)[-1]
    assert int(sent) == sum(s["tx_packets"] for s in recorded["sessions"]) == 2
    assert int(sent) == sum(p["tx_packets"] for p in recorded["plays"])
    assert int(filtered) == recorded["packets"]
    assert int(peer) == recorded["left_out"]["not_in_map"] == 4
    assert int(proto) == recorded["left_out"]["no_protocol"] == 0
    text = me.run("spate", "replay", "-t", cfg, "--no-run-dir")
    assert "not played: 4 packets of senders that are not in the map" in text.out, text
    assert "0.0.0.0:0" not in text.out


def test_sessions_over_datagrams(run_json, tmp_path, collector):
    three_senders(tmp_path / "a.pcap", 4)
    cfg = config(tmp_path / "c.yml", "a.pcap", collector,
                 [(f"192.0.2.{i}", f"127.0.0.{10 + i}") for i in (1, 2, 3)])
    code, doc = replay_json(run_json, cfg)
    assert code == 0 and len(collector.wait(12)) == 12
    recorded = doc["streams"][0]["recorded"]
    assert (recorded["protocol"], recorded["over"], recorded["sessions_omitted"]) == \
        ("ipfix", "udp", 0)
    assert [s["sender"] for s in recorded["sessions"]] == [f"192.0.2.{i}" for i in (1, 2, 3)]
    for i, s in enumerate(recorded["sessions"], 1):
        size = len(nfv5(0))
        assert s["local"] == f"127.0.0.{10 + i}"
        assert s["collector"] == f"127.0.0.1:{collector.port}"
        assert s["asked_packets"] == s["tx_packets"] == 4
        assert s["asked_bytes"] == s["tx_bytes"] == 4 * size
        assert (s["state"], s["lost"], s["why"]) == ("ended", 0, None)
        # Nothing leaves early.
        assert s["last_tx_ns"] >= 90e6 - 1e4
    assert doc["total"]["tx_packets"] == sum(s["tx_packets"] for s in recorded["sessions"])


def test_each_time_that_a_capture_is_played(run_json, tmp_path, collector):
    now = time.time()
    place = (now + 4.2) % 60
    base = T0 - T0 % 60
    write_pcap(tmp_path / "a.pcap", [(base + place + t, udp_frame("192.0.2.1", "192.0.2.9", 1, 9991,
                                                                  nfv5(0))) for t in (0, 0.2)])
    write_pcap(tmp_path / "b.pcap", [(base + place + 1 + t, udp_frame(
        "192.0.2.1", "192.0.2.9", 1, 9991, nfv5(1))) for t in (0, 0.1, 0.3)])
    cfg = config(tmp_path / "c.yml", ["a.pcap", "b.pcap"], collector, no_sync=False)
    code, doc = replay_json(run_json, cfg)
    assert code == 0 and len(collector.wait(5)) == 5
    plays = doc["streams"][0]["recorded"]["plays"]
    assert [(p["capture"], p["repetition"], p["sync"], p["asked_packets"], p["tx_packets"])
            for p in plays] == [("a.pcap", 1, True, 2, 2), ("b.pcap", 1, True, 3, 3)]
    late_ns = doc["total"]["late_ns"]["max"]
    for p, wanted in zip(plays, (place, place + 1)):
        assert abs(p["wanted_in_minute_ns"] - wanted % 60 * 1e9) < 1e6
        assert p["due_ns"] <= p["first_tx_ns"] <= p["last_tx_ns"]
        off = (p["began_in_minute_ns"] - p["wanted_in_minute_ns"] + 30e9) % 60e9 - 30e9
        assert -1e6 <= off <= 1e6 + late_ns
        # And the collector says the same.
    for got, p in zip((collector.got[0], collector.got[2]), plays):
        assert abs((got[0] - p["began_in_minute_ns"] / 1e9 + 30) % 60 - 30) < 0.05 + late_ns / 1e9


def test_repetitions(run_json, tmp_path, collector):
    three_senders(tmp_path / "a.pcap", 1)
    three_senders(tmp_path / "b.pcap", 1)
    cfg = config(tmp_path / "c.yml", ["a.pcap", "b.pcap"], collector,
                 repeat={"count": [2, 1], "pattern": "round-robin"})
    code, doc = replay_json(run_json, cfg)
    assert code == 0
    assert [(p["capture"], p["repetition"], p["tx_packets"])
            for p in doc["streams"][0]["recorded"]["plays"]] == [
        ("a.pcap", 1, 3), ("b.pcap", 1, 3), ("a.pcap", 2, 3)]
    assert doc["streams"][0]["recorded"]["sessions"][0]["tx_packets"] == 3


# ---- over connections ----

class Listener:
    """Takes connections and reads each to its end."""

    def __init__(self):
        self.sock = socket.create_server(("127.0.0.1", 0), backlog=64)
        self.port = self.sock.getsockname()[1]
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            try:
                peer = self.sock.accept()[0]
            except OSError:
                return
            threading.Thread(target=self.read, args=(peer,), daemon=True).start()

    @staticmethod
    def read(peer):
        with peer:
            while peer.recv(65536):
                pass


@pytest.fixture
def listener():
    x = Listener()
    yield x
    x.sock.close()


def tcp_capture(path, n):
    """n sessions of one sender, each with a message of six octets."""
    src, dst = (198, 51, 100, 7), (198, 51, 100, 8)
    frames = []
    for i in range(n):
        frames.append((T0 + i * 0.01, segment(src, dst, 1000 + i, 9000, 1, SYN, b"")))
        frames.append((T0 + 1 + i * 0.01, segment(src, dst, 1000 + i, 9000, 2, PUSH | ACK,
                                                  b"hello%d" % i)))
    frames.append((T0 + 2, segment(dst, src, 9000, 1000, 1, PUSH | ACK, b"answer")))
    write_segments(path, frames)


TCP = """
pcap: tcp.pcap
no_sync: true
network: {map: [{src_ip: 198.51.100.7, repro_ip: 127.0.0.9}]}
tcp_generic: {collector: {ip: 127.0.0.1, port: 5999}}
"""


def test_sessions_over_connections(run_json, tmp_path, listener):
    tcp_capture(tmp_path / "tcp.pcap", 3)
    (tmp_path / "c.yml").write_text(TCP.replace("5999", str(listener.port)))
    code, doc = replay_json(run_json, "c.yml")
    assert code == 0, doc["verdict"]
    recorded = doc["streams"][0]["recorded"]
    assert recorded["over"] == "tcp" and len(recorded["sessions"]) == 3
    for s in recorded["sessions"]:
        assert (s["sender"], s["local"], s["collector"], s["state"], s["lost"]) == (
            "198.51.100.7", "127.0.0.9", f"127.0.0.1:{listener.port}", "ended", 0)
        assert s["tx_packets"] == 1 and s["tx_bytes"] == 6 and s["first_tx_ns"] is not None
    # What the recorded collector said is not played, as it should be: counted, not remarked.
    assert recorded["left_out"]["senders"] == [
        {"sender": "198.51.100.8", "packets": 1, "collector": True}]
    assert remarks_of(doc, "not-in-map") == []


def test_a_session_that_fails(run_json, tmp_path):
    tcp_capture(tmp_path / "tcp.pcap", 1)
    (tmp_path / "c.yml").write_text(TCP.replace("5999", "1"))
    code, doc = replay_json(run_json, "c.yml")
    assert code == 69
    (s,) = doc["streams"][0]["recorded"]["sessions"]
    assert (s["state"], s["lost"], s["tx_packets"], s["first_tx_ns"]) == ("failed", 1, 0, None)
    assert s["asked_packets"] == 1 and "refused" in s["why"]


def test_more_connections_on_request(me, run_json, tmp_path, listener):
    tcp_capture(tmp_path / "tcp.pcap", 20)
    (tmp_path / "c.yml").write_text(TCP.replace("5999", str(listener.port)))
    done = me.run("spate", "replay", "-t", "c.yml", "--connections", "19")
    assert done.code == 2 and "--connections 20 allows them" in done.err, done
    code, doc = replay_json(run_json, "c.yml", "--connections", "20")
    assert code == 0, doc["verdict"]
    assert sum(s["tx_packets"] for s in doc["streams"][0]["recorded"]["sessions"]) == 20


def test_a_peer_that_does_not_answer_is_no_stall(me, tmp_path):
    """BGP's messages wait for its answer: said once, and not as if the sender stood still."""
    silent = socket.create_server(("127.0.0.1", 0))
    text = (DATA / "traffic-reproducer/config/bgp-traffic.yml").read_text()
    text = text.replace("examples/pcaps", str(DATA / "traffic-reproducer/pcaps"))
    text = text.replace("192.168.100.1", "127.0.0.1").replace("localhost", "127.0.0.1")
    text = re.sub(r"port: 179$", f"port: {silent.getsockname()[1]}", text, flags=re.M)
    (tmp_path / "c.yml").write_text(text)
    p = me.start("spate", "replay", "-t", "c.yml", "--no-sync", "--run-dir", "r", "-q")
    events = tmp_path / "r" / "events.jsonl"
    wait_for(lambda: "answer" in text_of(events) or "stall" in text_of(events), "a remark", 40)
    time.sleep(2.5)  # no second one
    p.signal(signal.SIGINT)
    p.wait(20)
    silent.close()
    remarks = json.loads((tmp_path / "r" / "report.json").read_text())["verdict"]["remarks"]
    said = [r for r in remarks if r["code"] in ("stall", "waiting")]
    assert len(said) == 1 and said[0]["neutral"], remarks
    assert re.search(r"1 session waits for the peer's answer, and what is due with it$",
                     said[0]["text"])


# ---- the schema ----

def test_the_schema_has_it(me, run_json, tmp_path, collector):
    three_senders(tmp_path / "a.pcap", 1)
    schema = json.loads(me.run("spate", "help", "--schema", "report").out)

    def check(value, kind):
        if "$ref" in kind:
            check(value, schema["$defs"][kind["$ref"].split("/")[-1]])
        elif "anyOf" in kind:
            if value is not None:
                check(value, kind["anyOf"][0])
        elif kind.get("type") == "array":
            for v in value:
                check(v, kind["items"])
        elif kind.get("type") == "object" and "properties" in kind:
            assert set(kind["properties"]) == set(kind["required"]) == set(value)
            for key, below in kind["properties"].items():
                check(value[key], below)

    _, doc = replay_json(run_json, config(tmp_path / "c.yml", "a.pcap", collector,
                                          [("192.0.2.1", "127.0.0.7")]))
    recorded = doc["streams"][0]["recorded"]
    assert recorded["plays"] and recorded["sessions"] and recorded["left_out"]["senders"]
    check(recorded, schema["$defs"]["recorded"])
