"""UDP end to end: what `send` reports, what `recv` reports, and what a third party counts."""
import json
import random
import re
import signal
import socket
import threading
import time
from pathlib import Path

import pytest

RECV = '"$SPATE" lab exec h2 -- "$SPATE" recv'


def pair(send, recv="-p 5001", extra="", before="", after=""):
    """A lab script: a receiver in h2, a sender in h1; both documents go to files."""
    return f"""
set -u
{before}
{RECV} {recv} --json --no-run-dir >rx.json 2>rx.err {extra} &
r=$!
i=0; until grep -q ^ready rx.err; do i=$((i+1)); [ $i -lt 100 ] || exit 99; sleep 0.05; done
"$SPATE" send {send} --json --no-run-dir >tx.json 2>tx.err
code=$?
{after}
kill -INT $r; wait $r
exit $code"""


class Pair:
    def __init__(self, done, folder):
        self.code, self.done = done.code, done
        text = (folder / "tx.json").read_text()
        assert text, f"{done}\n{(folder / 'tx.err').read_text()}\n{(folder / 'rx.err').read_text()}"
        self.tx = json.loads(text)
        rx = (folder / "rx.json").read_text()
        self.rx = json.loads(rx) if rx else None
        self.total = self.tx["total"]

    def remarks(self, side="tx"):
        return " ".join(r["text"] for r in getattr(self, side)["verdict"]["remarks"])


@pytest.fixture
def run_pair(lab, tmp_path):
    def run(send, timeout=40, **options):
        return Pair(lab(pair(send, **options), timeout=timeout), tmp_path)

    return run


def rate_is_as_asked(t, rate):
    """A rate is (N-1)/(last - first): only a late first or last departure may move it."""
    span_ns = (t["tx_packets"] - 1) * 1e9 / rate
    late_ns = t["late_ns"]["max"] + 1000
    asked = t["tx_packets"] - 1
    return asked * 1e9 / (span_ns + late_ns) <= t["tx_pps"] <= asked * 1e9 / (span_ns - late_ns)


def test_hundred_a_second(run_pair, tmp_path):
    """The plain spelling, 10 s; a capture at the far end counts the same."""
    p = run_pair("-t 10.99.0.2 -p 5001 --protocol udp -r 100 --size 1024 -D 10",
                 before='"$SPATE" lab exec h2 -- dumpcap -q -i eth0 -w far.pcapng -s 60 '
                        '-f "udp port 5001" 2>cap.err & cap=$!; sleep 1',
                 after="sleep 1; kill -INT $cap; wait $cap")
    t = p.total
    assert p.code == 0, p.done
    assert t["asked_packets"] == 1000
    assert abs(t["tx_packets"] - 1000) <= 1
    assert rate_is_as_asked(t, 100)
    assert t["rx_unique"] == t["tx_packets"] and t["lost"] == 0
    assert "nothing arrived" not in p.remarks()
    seen = re.search(r"Packets captured: (\d+)", (tmp_path / "cap.err").read_text())
    assert int(seen.group(1)) == p.tx["transports"][0]["tx_units"] == t["tx_packets"]
    assert p.rx["total"]["rx_packets"] == t["tx_packets"]


@pytest.mark.parametrize("rate, size, seconds", [(5000, 1024, 3), (1000, 8192, 3)])
def test_rates_are_met(run_pair, rate, size, seconds):
    p = run_pair(f"-t 10.99.0.2 -p 5001 --protocol udp -r {rate} --size {size} -D {seconds}")
    t = p.total
    assert p.code == 0, p.done
    assert t["asked_packets"] == rate * seconds
    assert t["tx_packets"] >= 0.999 * rate * seconds
    assert rate_is_as_asked(t, rate)
    assert t["lost"] + t["rx_unique"] + t["corrupted"] == t["tx_packets"]


def test_ipv6_and_several_streams(run_pair):
    p = run_pair("-D 2 'udp://10.99.0.2:5001?rate=500pps&size=64' 'udp://[fd99::2]:5002?rate=200pps' "
                 "'udp://10.99.0.2:5002?rate=1Mbit/s&size=1250'", recv="udp://:5001-5002")
    assert p.code == 0, p.done
    assert [s["asked_packets"] for s in p.tx["streams"]] == [1000, 400, 200]
    assert all(s["lost"] == 0 and s["rx_unique"] == s["tx_packets"] for s in p.tx["streams"])
    assert len(p.rx["flows"]) == 3


def test_without_stamps_nothing_is_called_lost(run_pair):
    p = run_pair("-t 10.99.0.2 -p 5001 -r 500 -D 1 --no-stamp")
    assert p.code == 0, p.done
    assert p.total["tx_packets"] == 500
    assert p.total["rx_unique"] is None and p.total["lost"] is None
    assert "carry no stamp" in p.remarks()
    assert p.rx["total"]["rx_packets"] == 500


def test_nobody_listens(lab, tmp_path):
    done = lab('"$SPATE" send -t 10.99.0.2 -p 5009 -r 500 -D 2 --json --no-run-dir')
    t = json.loads(done.out)
    assert done.code == 0, done
    assert t["total"]["tx_packets"] == 1000
    assert t["total"]["errors"]["unreachable"] > 0
    assert t["total"]["rx_packets"] is None and t["total"]["lost"] is None
    assert "nobody listens on udp://10.99.0.2:5009" in done.out


def test_nobody_listens_is_told_by_name(lab, tmp_path):
    """Several targets: those that refused, and not the one where somebody listens."""
    targets = " ".join(f"udp://10.99.0.2:{p}" for p in (5001, 5009, 5010, 5011, 5012))
    done = lab(pair(f"{targets} -r 100 -D 1"))
    assert done.code == 0, done
    remarks = " ".join(r["text"] for r in json.loads((tmp_path / "tx.json").read_text())
                       ["verdict"]["remarks"])
    # How many answers come is the far kernel's choice: beyond loopback it limits their rate.
    assert re.search(r"nobody listens on udp://10\.99\.0\.2:5009, udp://10\.99\.0\.2:5010, "
                     r"udp://10\.99\.0\.2:5011 and 1 more: \d+ ICMP", remarks), remarks


PLAIN = re.compile(r"\[[-0-9]{10} [:0-9]{8}\] Stats: (\d+) packets, (\d+) bytes, ([.0-9]+) pps, "
                   r"([.0-9]+) Mbps \(([.0-9]+) Mbit/s decimal; Mbps above is 1024\*1024\)")


def plain_lines(text):
    return [tuple(float(x) for x in m.groups()) for m in PLAIN.finditer(text)]


@pytest.mark.parametrize("rate,seconds,cores", [(100, 4.5, 1), (5000, 1, 1), (2000, 1, 2)])
def test_plain_has_a_line_every_100(lab, tmp_path, rate, seconds, cores):
    """Exactly at each 100th packet, in sender and receiver, and the end's; none twice."""
    send = f"-t 10.99.0.2 -p 5001 -r {rate} --size 200 -D {seconds} --plain --cores {cores}"
    done = lab(pair(send, recv="-p 5001 --plain --no-control").replace(" --json", ""))
    assert done.code == 0, done
    total = int(rate * seconds)
    for name in ("tx", "rx"):
        text = (tmp_path / f"{name}.json").read_text()
        lines = plain_lines(text)
        counts = [n for n, *_ in lines]
        assert counts == [*range(100, total, 100), total], (name, text)
        assert all(b == 200 * n for n, b, *_ in lines), text
        for n, b, pps, mebi, mega in lines[5:]:
            assert abs(mebi * 1.048576 - mega) < 0.02
            assert abs(mega * 1e6 - pps * 1600) < 0.02e6, text
        assert text.endswith("Traffic generation complete\n") == (name == "tx")


STOPPED = """
set -u
"$SPATE" lab exec h2 -- sh -c 'echo $$ >rx.pid; exec "$SPATE" recv -p 5001 --json --no-run-dir' \
	>rx.json 2>rx.err &
r=$!
i=0; until grep -q ^ready rx.err; do i=$((i+1)); [ $i -lt 100 ] || exit 99; sleep 0.05; done
"$SPATE" send -t 10.99.0.2 -p 5001 -r 20000 --size 1000 -D 4 {flags} --json --no-run-dir >tx.json 2>tx.err &
s=$!
sleep 1
pid=$(cat rx.pid)
kill -STOP $pid; sleep 1; kill -CONT $pid
wait $s; code=$?
"$SPATE" lab exec h2 -- grep ^Udp: /proc/net/snmp >snmp.txt
kill -INT $r; wait $r
exit $code"""


@pytest.mark.parametrize("flags", ["", "--no-gso"])
def test_sigstop(lab, tmp_path, flags):
    done = lab(STOPPED.replace('{flags}', flags), timeout=40)
    p = Pair(done, tmp_path)
    t = p.total
    names, values = [line.split()[1:] for line in (tmp_path / "snmp.txt").read_text().splitlines()]
    rcvbuf = int(dict(zip(names, values))["RcvbufErrors"])
    assert rcvbuf > 0 and t["lost"] > 0, done
    assert t["dropped_receiver"] == t["lost"]
    assert t["lost_network"] == 0 and t["lost_unknown"] == 0
    port = p.tx["transports"][0]
    units = port["tx_units"] - p.rx["transports"][0]["rx_units"]
    assert units == rcvbuf
    if flags:
        assert t["lost"] == rcvbuf
    assert p.tx["verdict"]["bounded_by"] == "receiver_buffer"


def test_receiver_says_nothing(run_pair):
    """A receiver that stands still is no receiver that gets nothing."""
    p = run_pair("-t 10.99.0.2 -r 100 -D 5",
                 extra="& (sleep 2; kill -STOP $!; sleep 2.5; kill -CONT $!)")
    assert p.code == 0, p.done
    assert "no word from the receiver at udp://10.99.0.2:5001 from" in p.remarks(), p.remarks()
    assert "nothing arrived" not in p.remarks()
    assert p.total["rx_unique"] == p.total["tx_packets"] == 500


def test_more_than_the_machine_can(me):
    """Asked for 100 Mpps on one core: exit 3, and it says by how much."""
    done = me.run("spate", "send", "udp://127.0.0.1:5999", "--rate", "100Mpps", "--size", "64",
                  "--no-gso", "-D", "1", "--json", "--no-run-dir", "--no-control")
    t = json.loads(done.out)
    assert done.code == 3, done
    assert "sender fell behind" in done.out
    total = t["total"]
    assert total["asked_packets"] == 100_000_000
    assert total["asked_packets"] == (total["tx_packets"] + total["not_sent_late"]
                                      + total["tx_refused"])


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_signals_at_random_moments(me, number):
    rng = random.Random(number)
    for _ in range(25):
        p = me.start("spate", "send", "udp://127.0.0.1:5998", "--rate", "2kpps", "--size", "64",
                     "-D", "30", "--json", "--no-run-dir", "--no-control")
        time.sleep(0.05 + rng.random() * 0.35)
        begun = time.monotonic()
        p.signal(number)
        done = p.wait(10)
        assert time.monotonic() - begun < 1.5
        assert done.code == 130, done
        total = json.loads(done.out)["total"]
        assert total["pending"] == 0
        assert total["asked_packets"] == (total["tx_packets"] + total["not_sent_late"]
                                          + total["tx_refused"])


def test_killed_sender_leaves_events(me, tmp_path):
    """kill -9: events.jsonl holds everything up to the last second; recv goes on serving."""
    rx = me.start("spate", "recv", "udp://127.0.0.1:5997", "--json", "--no-run-dir")
    rx.read_until("ready", stream="stderr")
    tx = me.start("spate", "send", "udp://127.0.0.1:5997", "-r", "500", "-D", "30", "--run-dir",
                  str(tmp_path / "killed"), "--no-live")
    time.sleep(3.6)
    tx.signal(signal.SIGKILL)
    tx.wait()
    lines = (tmp_path / "killed" / "events.jsonl").read_text().splitlines()
    events = [json.loads(line) for line in lines]
    assert events[0]["event"] == "start"
    assert sum(e["event"] == "interval" for e in events) >= 2
    again = me.run("spate", "send", "udp://127.0.0.1:5997", "-r", "500", "-D", "1", "--json",
                   "--no-run-dir")
    total = json.loads(again.out)["total"]
    assert again.code == 0 and total["rx_unique"] == total["tx_packets"], again
    rx.signal(signal.SIGINT)
    done = rx.wait()
    doc = json.loads(done.out)
    assert done.code == 130
    assert "vanished" in done.out
    assert len(doc["flows"]) == 2


def test_killed_receiver(me):
    rx = me.start("spate", "recv", "udp://127.0.0.1:5996", "--no-run-dir")
    rx.read_until("ready", stream="stderr")
    tx = me.start("spate", "send", "udp://127.0.0.1:5996", "-r", "500", "-D", "3", "--json",
                  "--no-run-dir")
    time.sleep(1.2)
    rx.signal(signal.SIGKILL)
    done = tx.wait(10)
    doc = json.loads(done.out)
    assert done.code == 0, done
    assert doc["total"]["tx_packets"] == 1500
    assert doc["total"]["rx_packets"] is None
    assert doc["verdict"]["result"] == "valid with remarks"


def test_interface_goes_down(lab):
    done = lab('(sleep 1; ip link set eth0 down) & "$SPATE" send -t 10.99.0.2 -r 200 -D 3 --json '
               "--no-run-dir")
    doc = json.loads(done.out)
    total = doc["total"]
    assert done.code == 3, done
    assert total["tx_refused"] > 300
    assert total["asked_packets"] == 600
    assert "port tx0" in done.out or "refused units" in done.out


def test_descriptor_limit(me):
    done = me.run("sh", "-c", 'ulimit -n 16; exec "$SPATE" send '
                  + " ".join(f"udp://127.0.0.1:{6000 + i}" for i in range(40))
                  + " -D 1 --no-run-dir")
    assert done.code == 77, done
    assert "ulimit -n" in done.err


def test_soft_descriptor_limit_is_raised(me):
    """100 ports with their control ports, where the soft limit is 64."""
    done = me.run("sh", "-c", 'ulimit -Sn 64; exec "$SPATE" recv udp://127.0.0.1:6400-6499 '
                  "-D 0.2 --no-run-dir")
    assert done.code == 0, done
    assert done.err.count("ready udp://") == 100, done


def test_full_disk(me):
    done = me.run("spate", "send", "udp://127.0.0.1:5995", "-r", "100", "-D", "1", "--no-control",
                  "--run-dir", "/dev/full/run", "--json")
    assert done.code == 74, done
    assert json.loads(done.out)["total"]["tx_packets"] == 100
    done = me.run("sh", "-c", 'exec "$SPATE" send udp://127.0.0.1:5995 -D 1 --no-control '
                  "--no-run-dir >/dev/full")
    assert done.code == 74, done


class Liar(threading.Thread):
    """Something else that owns the control port."""

    def __init__(self, what):
        super().__init__(daemon=True)
        self.what = what
        self.server = socket.create_server(("127.0.0.1", 0))
        self.port = self.server.getsockname()[1]

    def run(self):
        try:
            peer, _ = self.server.accept()
            if self.what:
                peer.sendall(self.what)
            peer.settimeout(8)
            while peer.recv(4096):
                pass
        except OSError:
            pass


@pytest.mark.parametrize("what", [b"", b"HTTP/1.1 400 Bad Request\r\n\r\n" * 40, b"\x00" * 7,
                                  random.Random(7).randbytes(4096)],
                         ids=["nothing", "http", "few", "noise"])
def test_control_peer_talks_nonsense(me, what):
    liar = Liar(what)
    liar.start()
    begun = time.monotonic()
    done = me.run("spate", "send", f"udp://127.0.0.1:{liar.port}", "-r", "100", "-D", "1", "--json",
                  "--no-run-dir")
    assert time.monotonic() - begun < 4
    doc = json.loads(done.out)
    assert done.code == 0, done
    assert doc["total"]["tx_packets"] == 100
    assert doc["total"]["rx_packets"] is None
    assert "unknown" in " ".join(r["text"] for r in doc["verdict"]["remarks"])
    liar.server.close()


def test_thousand_senders(me):
    """20 senders with 50 streams to 50 ports each: 1,000 sources, all accounted for."""
    rx = me.start("spate", "recv", "udp://127.0.0.1:6100-6149", "--json", "--no-run-dir")
    rx.read_until("ready", stream="stderr")
    urls = [f"udp://127.0.0.1:{6100 + i}" for i in range(50)]
    senders = [me.start("spate", "send", *urls, "-r", "5", "--size", "64", "-D", "3", "--json",
                        "--no-run-dir") for _ in range(20)]
    sent = 0
    for s in senders:
        done = s.wait(60)
        total = json.loads(done.out)["total"]
        assert done.code == 0, done
        assert total["tx_packets"] == 750
        assert total["rx_unique"] == 750, done
        sent += total["tx_packets"]
    time.sleep(0.3)
    rx.signal(signal.SIGINT)
    doc = json.loads(rx.wait(30).out)
    assert doc["total"]["rx_unique"] == sent
    assert len(doc["flows"]) == 1000
    assert all(f["rx_unique"] == 15 and f["lost"] == 0 for f in doc["flows"])


@pytest.mark.parametrize("cores", [1, 2])
@pytest.mark.parametrize("rate", ["paced", "max"])
def test_two_receiving_workers_count_exactly(me, cores, rate):
    """16 streams to one port: super-datagrams of many flows, which end now with one and now with
    another. Each flow is counted by one worker: nothing is reordered or doubled on loopback."""
    rx = me.start("spate", "recv", "udp://127.0.0.1:6180", "--cores", "2", "--json",
                  "--no-run-dir")
    rx.read_until("ready", stream="stderr")
    if rate == "max":
        urls = ["udp://127.0.0.1:6180?rate=max"] * 16
    else:
        urls = [f"udp://127.0.0.1:6180?rate={12500 + 977 * i}pps" for i in range(16)]
    done = me.run("spate", "send", *urls, "--size", "64", "-D", "1", "--cores", str(cores),
                  "--json", "--no-run-dir", timeout=40)
    rx.signal(signal.SIGINT)
    doc, seen = json.loads(done.out), json.loads(rx.wait(30).out)
    assert done.code in (0, 3), done  # 3: the machine is busy
    assert len(doc["streams"]) == len(seen["flows"]) == 16
    flows = sorted(seen["flows"], key=lambda f: f["id"])
    for s, f in zip(doc["streams"], flows):
        assert s["tx_packets"] > 0 and s["reordered"] == s["duplicates"] == s["corrupted"] == 0, s
        assert s["rx_unique"] + s["lost"] == s["tx_packets"], s
        assert f["rx_packets"] == f["rx_unique"] == s["rx_unique"], (s, f)
        assert f["tx_packets"] == s["tx_packets"] and f["lost"] == s["lost"], (s, f)
    # Each of the sender's workers has a socket, and each flow is listed with its own.
    assert len({f["src"] for f in flows}) == cores
    assert doc["total"]["lost_network"] == 0
    if cores == 2:
        assert [f["src"] for f in flows[::2]] == [flows[0]["src"]] * 8


def test_plain_lines(me):
    rx = me.start("spate", "recv", "-p", "5994", "--plain", "--no-run-dir")
    rx.read_until("ready", stream="stderr")
    done = me.run("spate", "send", "-t", "127.0.0.1", "-p", "5994", "-r", "200", "-D", "2",
                  "--plain", "--no-run-dir")
    line = re.compile(r"^\[\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\] Stats: (\d+) packets, (\d+) bytes, "
                      r"([\d.]+) pps, ([\d.]+) Mbps \(([\d.]+) Mbit/s decimal; Mbps above is "
                      r"1024\*1024\)$", re.M)
    found = line.findall(done.out)
    assert found and found[-1][0] == "400" and found[-1][1] == str(400 * 1024)
    assert abs(float(found[-1][3]) * 1.048576 - float(found[-1][4])) < 0.02
    assert "Traffic generation complete" in done.out
    rx.signal(signal.SIGINT)
    assert line.search(rx.wait().out)


@pytest.mark.parametrize("target", ["8.8.8.8", "[2001:4860:4860::8888]", "224.1.2.3", "[ff0e::1]",
                                    "[::ffff:8.8.8.8]", "[64:ff9b::808:808]", "255.255.255.255"])
def test_refused_without_a_packet(lab, target):
    """In a namespace that has no route at all: no socket is even connected."""
    done = lab('ip addr flush dev eth0; strace -f -o trace -e trace=%network '
               f'"$SPATE" send "udp://{target}:9" --rate 5kpps -D 1 --no-run-dir; code=$?; '
               "grep -E 'connect\\(|send(to|msg|mmsg)\\(' trace | grep -E 'AF_INET|sendmmsg' && "
               "exit 98; exit $code", hosts="h1")
    assert done.code == 77, done
    assert "consent" in done.err or "broadcast" in done.err, done


def test_same_seed_same_bytes(me, tmp_path):
    for name in ("a", "b"):
        done = me.run("spate", "send", "udp://192.0.2.7:5001", "--departure", "exponential", "--seed",
                      "42", "--rate", "1kpps", "-D", "2", "--out", str(tmp_path / name), "--json",
                      "--no-run-dir")
        assert done.code == 0, done
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()
    other = Path(me.spate).parent.parent / "build-clang" / "spate"
    if other.exists():
        done = me.run(str(other), "send", "udp://192.0.2.7:5001", "--departure", "exponential",
                      "--seed", "42", "--rate", "1kpps", "-D", "2", "--out", str(tmp_path / "c"),
                      "--no-run-dir")
        assert done.code == 0, done
        assert (tmp_path / "a").read_bytes() == (tmp_path / "c").read_bytes()


def test_dry_run_opens_nothing(me):
    url = me.run("spate", "send", "udp://10.1.1.2:5555", "--rate", "2Gbit/s", "--size", "1400",
                 "--dry-run")
    words = me.run("spate", "send", "-t", "10.1.1.2", "-p", "5555", "-r", "2Gbit/s", "--size", "1400",
                   "--protocol", "udp", "--dry-run")
    assert url.code == words.code == 0
    assert url.out == words.out
    assert re.search(r"^sha256 [0-9a-f]{64}$", url.out, re.M)


def test_last_unit_tells_without_control(me):
    """The flow's last unit says how many there were: nothing is unknown at the receiver."""
    for _ in range(5):
        recv = me.start("spate", "recv", "udp://127.0.0.1:6301", "--no-control", "-D", "3",
                        "--json")
        recv.read_until("ready", stream="stderr")
        send = me.run("spate", "send", "udp://127.0.0.1:6301", "--no-control", "-r", "500", "-D",
                      "1", "--json")
        report = json.loads(recv.wait().out)
        # On a machine that stalls at the end, the last unit is given up, not sent.
        if json.loads(send.out)["total"]["tx_packets"] == 500:
            break
    assert "unknown-tail" not in [r["code"] for r in report["verdict"]["remarks"]]
    total = report["total"]
    assert (total["tx_packets"], total["rx_unique"], total["lost"]) == (500, 500, 0)


def test_restarted_sender_is_named(me):
    """Same port and flow id, sequence from 0 again, stopped by a signal: an end is known only
    where the sender was behind, and so saw its last unit coming."""
    recv = me.start("spate", "recv", "udp://127.0.0.1:6302", "--no-control", "-D", "5", "--json")
    recv.read_until("ready", stream="stderr")
    sent = 0
    for _ in range(3):
        send = me.start("spate", "send", "udp://127.0.0.1:6302", "--no-control", "--seed", "5",
                        "--bind", "127.0.0.1:6303", "-r", "3kpps", "-D", "20", "--json")
        time.sleep(0.6)
        send.signal(signal.SIGINT)
        sent += json.loads(send.wait().out)["total"]["tx_packets"]
    report = json.loads(recv.wait().out)
    assert "sender-restarted" in [r["code"] for r in report["verdict"]["remarks"]]
    total = report["total"]
    assert len(report["flows"]) == 1
    assert total["tx_packets"] in (None, sent)
    assert (total["rx_unique"], total["lost"]) == (sent, 0)
    assert (total["duplicates"], total["reordered"], total["too_old"]) == (0, 0, 0)


def test_unstamped_beside_stamped(me):
    """Two streams share a source, one without stamps: nobody's are called damaged or copies."""
    recv = me.start("spate", "recv", "udp://127.0.0.1:6304", "-D", "3", "--json")
    recv.read_until("ready", stream="stderr")
    target = "udp://127.0.0.1:6304?size=64&rate=100"
    done = me.run("spate", "send", target, target + "&stamp=off", "-D", "1")
    assert done.code == 0, done
    total = json.loads(recv.wait().out)["total"]
    assert (total["rx_packets"], total["rx_unique"], total["untracked"]) == (200, 200, 100)
    assert (total["lost"], total["corrupted"], total["duplicates"]) == (0, 0, 0)


def test_a_receiver_says_what_it_knows(run_pair):
    """On a range, with control: own packets are counted, what only the sender knows is null."""
    p = run_pair("udp://10.99.0.2:5002 --rate 500 -D 1", recv="udp://:5001-5002")
    t = p.rx["total"]
    assert p.code == 0, p.done
    assert p.rx["streams"][0]["target"].endswith(":5001-5002")
    assert t["own_control"] > 0
    assert t["tx_packets"] == p.total["tx_packets"] == 500
    for key in ("asked_packets", "tx_bytes", "pending", "not_sent_late", "tx_refused", "asked_pps",
                "tx_pps", "tx_bps"):
        assert t[key] is None, key
    for part in (t, *p.rx["streams"], *p.rx["flows"]):
        assert part["rx_packets"] == part["rx_unique"] + part["corrupted"] + part["duplicates"]
        assert part["lost"] == part["dropped_receiver"] + part["lost_network"] + part["lost_unknown"]


def test_a_receiver_without_traffic_says_so(me):
    done = me.run("spate", "recv", "udp://127.0.0.1:5003", "-D", "0.3", "--no-run-dir", timeout=10)
    assert done.code == 0, done
    assert "nothing was received" in done.out
    assert "asked" not in done.out.split("not checked")[0].split("ledger")[1]
