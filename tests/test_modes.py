"""Modes: when packets leave, from captures; in virtual time to the nanosecond, and at the far end
of a lab."""
import json
import struct

import pytest

S = 1_000_000_000
MS = 1_000_000


def read_pcap(path):
    """[(ns, bytes)] of a capture, without anybody's help."""
    data = path.read_bytes()
    magic = struct.unpack_from("<I", data)[0]
    unit = {0xA1B23C4D: 1, 0xA1B2C3D4: 1000}[magic]
    at, out = 24, []
    while at < len(data):
        sec, part, caplen, _ = struct.unpack_from("<IIII", data, at)
        out.append((sec * S + part * unit, data[at + 16:at + 16 + caplen]))
        at += 16 + caplen
    return out


def times_of(packets):
    return [t - packets[0][0] for t, _ in packets]


@pytest.fixture
def out(me, tmp_path):
    """out(*words): what would be sent: (ns since the first, report)."""
    def run(*words, code=0):
        file = tmp_path / "out.pcap"
        done = me.run("spate", "send", "udp://10.1.1.2", *words, "--out", str(file), "--json")
        assert done.code == code, done
        packets = read_pcap(file)
        report = json.loads(done.out)
        assert report["total"]["asked_packets"] == report["total"]["tx_packets"] == len(packets)
        return times_of(packets), report, packets

    return run


def burst(count, gap, pause, n):
    period = (count - 1) * gap + pause
    return [b * period + i * gap for b in range(n) for i in range(count)]


CASES = [
    # S3's words, with its constants
    (["--mode", "burst", "-D", "11"], burst(10, 10 * MS, 5 * S, 3)),
    (["--mode", "exponential-backoff", "-D", "4"],
     [0, 100 * MS, 300 * MS, 700 * MS, 1500 * MS, 3100 * MS, 3200 * MS, 3400 * MS, 3800 * MS]),
    (["--mode", "continuous", "-D", "5"], [i * S for i in range(5)]),
    (["--mode", "rate-limited", "-D", "1"], [i * MS for i in range(1000)]),
    # S1's
    (["--mode", "standard", "--count", "25"], [i * 10 * MS for i in range(25)]),
    (["--mode", "burst", "--burst-count", "10", "--burst-interval", "10", "--bursts", "4"],
     burst(10, 0, 10 * S, 4)),
    # the rest
    (["--steps", "10@0,0@1s,4pps@2s,0@3s"],
     [i * 100 * MS for i in range(10)] + [2 * S + i * 250 * MS for i in range(4)]),
    (["--mode", "onoff", "-r", "4", "--on-time", "1s", "--off-time", "2s", "-D", "6"],
     [i * 250 * MS for i in range(4)] + [3 * S + i * 250 * MS for i in range(4)]),
    (["-r", "2", "--ramp-up", "1s", "-D", "3"], [0, S, 1500 * MS, 2 * S, 2500 * MS]),
    # limits: the first that is reached wins
    (["--mode", "burst", "--burst-count", "7", "--burst-interval", "1s", "--count", "10"],
     burst(7, 0, S, 2)[:10]),
    (["--mode", "burst", "--burst-count", "7", "--burst-interval", "1s", "--bytes", "9000"],
     burst(7, 0, S, 2)[:8]),
    (["--mode", "backoff", "-D", "1s"], [0, 100 * MS, 300 * MS, 700 * MS]),
]


@pytest.mark.parametrize("words,want", CASES, ids=lambda v: " ".join(v) if v and
                         isinstance(v[0], str) else "")
def test_times(out, words, want):
    got, _, _ = out(*words)
    assert got == want


def test_ramp(out):
    """Departure k is where the integral is k: 5 t^2 packets after t seconds."""
    got, report, _ = out("--ramp-to", "100pps", "--ramp-time", "10s")
    assert len(got) == 500
    for k, t in enumerate(got):
        assert 5 * t * t <= k * S * S < 5 * (t + 1) * (t + 1)
    assert report["streams"][0]["asked_pps"] is None


def test_trace(out, tmp_path):
    file = tmp_path / "trace"
    file.write_text("# time, size\n0, 100\n10ms, 600\n10ms, 60\n1.5, 1400\n")
    got, report, packets = out("--trace", str(file))
    assert got == [0, 10 * MS, 10 * MS, 1500 * MS]
    assert [len(p) for _, p in packets] == [100, 600, 60, 1400]
    assert report["total"]["tx_bytes"] == 2160


def test_wrong_traces(me, tmp_path):
    file = tmp_path / "trace"
    file.write_text("0\n2\n1\n")
    done = me.run("spate", "send", "udp://127.0.0.1", "--trace", str(file))
    assert done.code == 65 and f"{file}:3: " in done.err, done
    done = me.run("spate", "send", "udp://127.0.0.1", "--trace", str(file) + "x")
    assert done.code == 66 and str(file) + "x" in done.err, done
    done = me.run("spate", "send", "udp://127.0.0.1", "--mode", "burst", "-r", "5")
    assert done.code == 2 and "bursts have no rate" in done.err


def test_random(me):
    """What is drawn is printed, and the same words again give the same plan."""
    first = me.run("spate", "send", "-t", "127.0.0.1", "--mode", "random", "--dry-run")
    assert first.code == 0, first
    seed = first.err.split("--seed ")[1].split(":")[0]
    again = me.run("spate", "send", "-t", "127.0.0.1", "--mode", "random", "--seed", seed,
                   "--dry-run")
    assert again.out == first.out and again.err == first.err


SCENARIO = """
spate: 1
ports:
  tx: {}
  rx: {bind: 127.0.0.1}
streams:
  - {name: a, from: tx, to: rx, size: 100,
     profile: {mode: burst, burst_count: 10, burst_interval: 200ms, bursts: 4}}
  - {name: b, from: tx, to: rx, size: 100, steps: [100pps@0, 0@500ms]}
expect: ["tx_packets of a == 40", "tx_packets of b == 50", "lost == 0"]
"""


def test_scenario(me, tmp_path):
    file = tmp_path / "s.yaml"
    file.write_text(SCENARIO)
    done = me.run("spate", "run", str(file), timeout=40)
    assert done.code == 0, done


LAB = r"""
set -e
$SPATE lab exec h2 -- timeout 20 tcpdump --immediate-mode -U -c 20 -w - -i eth0 udp port 5001 \
    >far.pcap 2>tcpdump.log &
for i in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do
    grep -q listening tcpdump.log && break
    sleep 0.2
done
$SPATE send udp://10.99.0.2 --mode burst --burst-count 5 --burst-gap 20ms --burst-interval 300ms \
    --bursts 4 --size 64 --no-control --no-run-dir --json > report.json
wait $!
"""


def test_bursts_at_the_far_end(me, tmp_path):
    """All of them, one pause a burst, and none before its time: late ones there may be."""
    done = me.lab(LAB, timeout=60)
    assert done.code == 0, done
    times = times_of(read_pcap(tmp_path / "far.pcap"))
    want = burst(5, 20 * MS, 300 * MS, 4)
    assert len(times) == 20
    assert json.loads((tmp_path / "report.json").read_text())["total"]["tx_packets"] == 20
    late = [t - w for t, w in zip(times, want)]
    first_late = -min(late)  # by so much the first one itself was late
    assert first_late < 200 * MS and max(late) < 200 * MS, late
    pauses = [b - a for a, b in zip(times, times[1:]) if b - a > 150 * MS]
    assert len(pauses) == 3
