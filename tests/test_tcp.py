"""TCP end to end: what `send` reports, what `recv` reports, what a capture and foreign ends count."""
import json
import re
import socket
import threading
import time

import pytest

from test_udp import Pair, pair


@pytest.fixture
def run_pair(lab, tmp_path):
    def run(send, timeout=40, recv="tcp://:5001", **options):
        return Pair(lab(pair(send, recv=recv, **options), timeout=timeout), tmp_path)

    return run


CAPTURE = dict(
    before='"$SPATE" lab exec h2 -- tcpdump --immediate-mode -i eth0 -w far.pcap -s 100 '
           'tcp port 5001 2>td.err & td=$!; sleep 1',
    after="sleep 0.5; kill -INT $td; wait $td; tcpdump -n -r far.pcap 2>/dev/null >far.txt")


def payload_from(far, source):
    """Bytes of payload that a capture shows from an address, without repetitions."""
    seen = {}
    for line in far.splitlines():
        m = re.search(r"IP (\S+)\.(\d+) > .*seq (\d+):(\d+)", line)
        if m and m[1] == source:
            seen[m[2]] = max(seen.get(m[2], 0), int(m[4]))
    return sum(n - 1 for n in seen.values())  # relative sequence numbers begin at 1


def connections_in(far):
    return sum(1 for line in far.splitlines() if re.search(r"Flags \[S\]|Flags \[SEW\]", line))


def test_messages(run_pair, tmp_path):
    """The plain spelling: one connection, messages with stamps; a capture counts the same bytes."""
    p = run_pair("-t 10.99.0.2 -p 5001 --protocol tcp -r 200 --size 700 -D 3", **CAPTURE)
    t = p.total
    assert p.code == 0, p.done
    assert t["asked_packets"] == 600 and t["tx_packets"] == 600
    assert t["rx_unique"] == 600 and t["lost"] == 0 and t["tx_bytes"] == 600 * 700
    assert p.rx["total"]["rx_bytes"] == 600 * 700
    assert p.tx["streams"][0]["unit"] == "message"
    assert p.tx["streams"][0]["way"]["connections"] == 1
    assert t["delay_ns"]["p50"] is not None
    far = (tmp_path / "far.txt").read_text()
    assert connections_in(far) == 1
    # The opener of the connection is control's, not data.
    assert payload_from(far, "10.99.0.1") == 600 * 700 + 24
    assert t["own_control"] > 0


def test_a_connection_for_each(run_pair, tmp_path):
    p = run_pair("-t 10.99.0.2 -p 5001 --protocol tcp -r 100 --size 300 -D 3 --per-message "
                 "--no-control", recv="tcp://:5001 --no-control", **CAPTURE)
    t = p.total
    assert p.code == 0, p.done
    assert t["tx_packets"] == 300 and t["rx_unique"] is None
    assert p.rx["total"]["rx_packets"] == 300
    assert p.rx["total"]["rx_bytes"] == 300 * 300
    assert [f["unit"] for f in p.rx["flows"]] == ["connection"]
    far = (tmp_path / "far.txt").read_text()
    assert connections_in(far) == 300
    assert payload_from(far, "10.99.0.1") == 300 * 300


def test_bulk_is_verified(run_pair):
    p = run_pair("tcp://10.99.0.2:5001 --rate max -D 2 --streams 4",
                 recv="tcp://:5001 --verify full")
    t = p.total
    assert p.code == 0, p.done
    assert t["asked_packets"] is None and t["tx_packets"] is None and t["tx_pps"] is None
    assert t["tx_bytes"] > 1e7 and t["rx_bytes"] == t["tx_bytes"]
    assert p.rx["total"]["rx_bytes"] == t["tx_bytes"]
    assert all(f["unit"] == "byte" for f in p.rx["flows"]) and len(p.rx["flows"]) == 4
    for s in p.tx["streams"]:
        assert s["way"]["retransmits"] is not None and s["way"]["cwnd_bytes"] > 0


def test_bulk_at_a_rate_and_ipv6(run_pair):
    p = run_pair("'tcp://[fd99::2]:5001' --rate 50Mbit/s -D 3")
    assert p.code == 0, p.done
    assert 0.99 * 50e6 * 3 / 8 <= p.total["tx_bytes"] <= 50e6 * 3 / 8
    assert p.total["rx_bytes"] == p.total["tx_bytes"]


def test_mixed_takes_turns(run_pair):
    p = run_pair("-t 10.99.0.2 -p 5001 --protocol mixed -r 301 --size 200 -D 1",
                 recv="--protocol mixed -p 5001")
    udp, tcp = p.tx["streams"]
    assert p.code == 0, p.done
    assert (udp["tx_packets"], tcp["tx_packets"]) == (151, 150)
    assert udp["rx_unique"] == 151 and tcp["rx_unique"] == 150
    assert p.rx["total"]["rx_packets"] == 301
    assert udp["first_tx_ns"] < tcp["first_tx_ns"]


# A foreign listener: counts datagrams, connections and bytes on one number of both protocols.
FOREIGN = """
import json, selectors, signal, socket, sys
sel, got, run = selectors.DefaultSelector(), {"udp": 0, "tcp": 0, "conns": 0, "other": 0}, [1]
u = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
u.bind(("0.0.0.0", 5001))
t = socket.create_server(("0.0.0.0", 5001), backlog=500)
for s in (u, t):
    s.setblocking(False)
    sel.register(s, selectors.EVENT_READ)
signal.signal(signal.SIGINT, lambda *_: run.clear())
print("ready", file=sys.stderr, flush=True)
while run:
    for key, _ in sel.select(0.1):
        if key.fileobj is u:
            got["udp" if len(u.recv(65536)) == 1024 else "other"] += 1
        elif key.fileobj is t:
            c = t.accept()[0]
            got["conns"] += 1
            sel.register(c, selectors.EVENT_READ)
        else:
            data = key.fileobj.recv(1 << 20)
            got["tcp"] += len(data)
            if not data:
                sel.unregister(key.fileobj)
                key.fileobj.close()
json.dump(got, open("foreign.json", "w"))
"""


@pytest.mark.parametrize("more, udp, tcp, conns", [
    ("--protocol tcp", 0, 1000, 1),
    ("--protocol tcp --per-message", 0, 1000, 1000),
    ("--protocol mixed", 500, 500, 1),
    ("--protocol mixed --per-message", 500, 500, 500),
    ("--protocol udp:50,tcp:30 --no-control", 625, 375, 1),
])
def test_the_plain_generators_words(lab, tmp_path, more, udp, tcp, conns):
    """The command lines that S0's users have, against a listener that is not ours: what is
    reported as sent is what arrived."""
    (tmp_path / "foreign.py").write_text(FOREIGN)
    done = lab(f"""
"$SPATE" lab exec h2 -- /usr/bin/python3 foreign.py 2>foreign.err & f=$!
i=0; until grep -q ready foreign.err; do i=$((i+1)); [ $i -lt 100 ] || exit 99; sleep 0.05; done
"$SPATE" send --target-ip 10.99.0.2 --target-port 5001 {more} -r 200 -D 5 --size 1024 --json \
    --no-run-dir >tx.json
code=$?; sleep 0.5; kill -INT $f; wait $f; exit $code""", timeout=40)
    assert done.code == 0, done
    got = json.loads((tmp_path / "foreign.json").read_text())
    tx = json.loads((tmp_path / "tx.json").read_text())
    assert tx["total"]["tx_packets"] == tx["total"]["asked_packets"] == 1000
    assert got["udp"] == udp and got["tcp"] == tcp * 1024 and got["conns"] == conns
    # What asks for a spate receiver is one datagram, and not data.
    assert got["other"] == (0 if "--no-control" in more else 1)
    assert [s["tx_packets"] for s in tx["streams"]] == [n for n in (udp, tcp) if n]


def test_a_mixed_receiver_serves_each_alone(me):
    """Both numbers carry data there: who comes for one of them finds control all the same."""
    recv = me.start("spate", "recv", "--protocol", "mixed", "-p", "5876", "--json", "--no-run-dir",
                    "-D", "20")
    recv.read_until("ready tcp", stream="stderr")
    for word in ("udp", "tcp"):
        done = me.run("spate", "send", f"{word}://127.0.0.1:5876", "-r", "200", "--size", "100", "-D",
                      "1", "--json", "--no-run-dir")
        t = json.loads(done.out)["total"]
        assert done.code == 0 and t["rx_unique"] == 200, done
    recv.signal(2)
    r = json.loads(recv.wait().out)
    assert [(f["unit"], f["rx_packets"]) for f in r["flows"]] == [("datagram", 200), ("message", 200)]
    assert r["total"]["rx_packets"] == 400 and r["total"]["rx_bytes"] == 400 * 100


def test_a_thousand_streams_each_at_its_rate(me):
    """One process a side; what one more connection costs each in memory."""
    peak = {}
    for streams in (1, 1000):
        recv = me.start("spate", "recv", "tcp://127.0.0.1:5877", "--json", "--no-run-dir", "-D", "30")
        recv.read_until("ready", stream="stderr")
        done = me.run("spate", "send", "tcp://127.0.0.1:5877", "--streams", str(streams), "-r", "10",
                      "--size", "200", "-D", "3", "--json", "--no-run-dir", timeout=30)
        recv.signal(2)
        tx, rx = json.loads(done.out), json.loads(recv.wait().out)
        assert done.code == 0, done
        assert all(s["tx_packets"] == s["rx_unique"] == 30 for s in tx["streams"])
        assert len(tx["streams"]) == len(rx["flows"]) == streams
        assert sum(s["way"]["connections"] for s in tx["streams"]) == streams
        # Each at its rate: a stream's packets are spread over its time, not sent in heaps.
        assert all(9 <= s["tx_pps"] <= 11 for s in tx["streams"])
        peak[streams] = tx["host"]["rss_peak_bytes"], rx["host"]["rss_peak_bytes"]
    for side, limit in ((0, 8192), (1, 4096)):
        assert (peak[1000][side] - peak[1][side]) / 999 < limit


def test_refused_is_an_error_and_never_sent(lab):
    done = lab('"$SPATE" send -t 10.99.0.2 -p 5009 --protocol tcp -r 50 -D 1 --json --no-run-dir')
    t = json.loads(done.out)
    assert done.code == 69, done
    assert t["total"]["tx_packets"] == 0 and t["total"]["errors"]["refused"] == 50
    assert "nobody listens there" in done.out
    bulk = lab('"$SPATE" send tcp://10.99.0.2:5009 --rate max -D 1 --no-run-dir')
    assert bulk.code == 69, bulk


class Sink:
    """A foreign server on loopback: reads everything, counts by connection."""

    def __init__(self):
        self.socket = socket.create_server(("127.0.0.1", 0), backlog=100)
        self.port, self.got = self.socket.getsockname()[1], []
        self.thread = threading.Thread(target=self.serve, daemon=True)
        self.thread.start()

    def serve(self):
        self.socket.settimeout(20)
        try:
            while True:
                c, _ = self.socket.accept()
                threading.Thread(target=self.drain, args=(c,), daemon=True).start()
        except OSError:
            pass

    def drain(self, c):
        n, first = 0, b""
        while True:
            try:
                data = c.recv(65536)
            except OSError:
                break
            if not data:
                break
            first = first or data[:64]
            n += len(data)
        self.got.append((n, first))
        c.close()


def test_a_foreign_server_gets_plain_bytes(me):
    sink = Sink()
    done = me.run("spate", "send", f"tcp://127.0.0.1:{sink.port}", "-r", "200", "--size", "100",
                  "-D", "1", "--payload", "hello", "--json", "--no-run-dir")
    assert done.code == 0, done
    t = json.loads(done.out)["total"]
    time.sleep(0.3)
    assert t["tx_packets"] == 200 and t["rx_unique"] is None
    assert sink.got[0][0] == 200 * 100 and sink.got[0][1].startswith(b"hellohello")
    done = me.run("spate", "send", f"tcp://127.0.0.1:{sink.port}", "-r", "max", "--bytes", "50M",
                  "--json", "--no-run-dir")
    time.sleep(0.3)
    assert done.code == 0 and sink.got[1][0] == 50_000_000


def test_slow_silent_and_half_open_clients_hold_nobody_up(me, tmp_path):
    recv = me.start("spate", "recv", "tcp://127.0.0.1:5873",
                    "--json", "--no-run-dir", "-D", "8")
    recv.read_until("ready", stream="stderr")
    silent = [socket.create_connection(("127.0.0.1", 5873)) for _ in range(500)]
    slow = socket.create_connection(("127.0.0.1", 5873))
    slow.send(b"\x8espt1")  # the beginning of an opener that never goes on
    gone = socket.create_connection(("127.0.0.1", 5873))
    gone.send(b"abc")
    gone.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
    gone.close()
    done = me.run("spate", "send", "tcp://127.0.0.1:5873", "-r", "1000", "--size", "500", "-D", "2",
                  "--json", "--no-run-dir")
    t = json.loads(done.out)["total"]
    assert done.code == 0, done
    assert t["rx_unique"] == 2000 and t["lost"] == 0
    for s in silent + [slow]:
        s.close()
    end = recv.wait()
    r = json.loads(end.out)
    assert end.code == 0, end
    assert r["total"]["rx_bytes"] == 2000 * 500 + 5 + 3
    assert r["host"]["rss_peak_bytes"] < 64 << 20


def test_ten_thousand_silent_connections(me):
    """They cost memory of the kernel's and little of ours, and a sender is served all the same."""
    import resource
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    want = 10_000 + 200
    assert hard >= want or hard == resource.RLIM_INFINITY, "`ulimit -Hn 12000` is needed"
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, want), hard))
    recv = me.start("spate", "recv", "tcp://127.0.0.1:5874", "--json", "--no-run-dir", "-D", "30")
    recv.read_until("ready", stream="stderr")
    silent = []
    try:
        for i in range(10_000):
            s = socket.socket()
            s.bind((f"127.0.1.{1 + i % 4}", 0))
            s.connect(("127.0.0.1", 5874))
            silent.append(s)
        done = me.run("spate", "send", "tcp://127.0.0.1:5874", "-r", "200", "--size", "500", "-D",
                      "1", "--json", "--no-run-dir")
    finally:
        for s in silent:
            s.close()
    recv.signal(2)
    t, r = json.loads(done.out)["total"], json.loads(recv.wait().out)
    assert done.code == 0 and t["rx_unique"] == 200, done
    assert r["total"]["rx_bytes"] == 200 * 500
    assert r["host"]["rss_peak_bytes"] < 64 << 20


def test_a_receiver_that_stops_reading_ends_nothing_early(me):
    """A server that accepts and never reads: the run ends at its time all the same."""
    server = socket.create_server(("127.0.0.1", 0))
    port = server.getsockname()[1]
    begun = time.monotonic()
    done = me.run("spate", "send", f"tcp://127.0.0.1:{port}", "-r", "max", "-D", "2", "--json",
                  "--no-run-dir")
    assert time.monotonic() - begun < 5
    assert done.code == 0, done
    t = json.loads(done.out)
    assert t["total"]["tx_bytes"] < 100e6
    assert t["verdict"]["bounded_by"] == "transport"
    server.close()


def test_sender_killed_and_interrupted(me):
    recv = me.start("spate", "recv", "tcp://127.0.0.1:5875", "--json", "--no-run-dir", "-D", "20")
    recv.read_until("ready", stream="stderr")
    first = me.start("spate", "send", "tcp://127.0.0.1:5875", "-r", "max", "-D", "10", "--no-run-dir")
    time.sleep(1)
    first.kill()
    second = me.start("spate", "send", "tcp://127.0.0.1:5875", "-r", "max", "-D", "10", "--json",
                      "--no-run-dir")
    time.sleep(1)
    second.signal(2)
    done = second.wait(5)
    t = json.loads(done.out)["total"]
    assert done.code == 130 and t["rx_bytes"] == t["tx_bytes"] > 0
    recv.signal(2)
    assert recv.wait().code == 130
