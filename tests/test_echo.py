"""Echo requests by spate, answered by the kernel of another namespace: counts, round trips, loss,
copies, errors."""
import json

import pytest

LAB = """\
lab:
  hosts: [tx, rx]
  links:
    - name: l
      ends: [tx, rx]
"""
ROUTED = """\
lab:
  hosts: [tx, rx]
  routers: [r]
  links:
    - {name: a, ends: [tx, r], addresses: [10.1.0.1/24, 10.1.0.254/24]}
    - {name: b, ends: [r, rx], addresses: [10.2.0.254/24, 10.2.0.1/24]}
"""
V4 = "ip(dst=10.99.0.2)/icmp(type=8)"
V6 = "ipv6(dst=fd99::2)/icmp6(type=128)"


@pytest.fixture
def ping(me):
    """ping(packet, [send's words], {settings of the link}): the sender's document."""
    def run(packet, words, settings=None, lab=LAB, code=0):
        path = me.home / "lab.yaml"
        path.write_text(lab + "".join(f"      {k}: {v}\n" for k, v in (settings or {}).items()))
        words = " ".join(words)
        done = me.run("spate", "lab", "run", path, "--", "sh", "-c",
                      f"\"$SPATE\" send --packet '{packet}' --interface eth0 --no-run-dir "
                      f"{words} --json", timeout=40)
        assert done.code == code, done
        return json.loads(done.out)

    return run


def counts(doc):
    return {k: doc["total"][k] for k in ("tx_packets", "rx_packets", "rx_unique", "lost",
                                         "duplicates", "corrupted", "in_flight")}


def all_came(n, **more):
    return {"tx_packets": n, "rx_packets": n, "rx_unique": n, "lost": 0, "duplicates": 0,
            "corrupted": 0, "in_flight": 0, **more}


@pytest.mark.parametrize("packet", [V4, V6], ids=["v4", "v6"])
@pytest.mark.parametrize("words", [["--size", "100"], ["--size", "62"],
                                   ["--size", "100", "--no-stamp"], ["--size", "74", "--stamp", "short"],
                                   ["--size", "1400", "--cores", "2", "--streams", "4"]],
                         ids=["native", "tiny", "unstamped", "short", "streams"])
def test_a_hundred(ping, packet, words):
    doc = ping(packet, ["--count", "100", "-r", "1000", *words])
    n = 400 if "--streams" in words else 100
    assert counts(doc) == all_came(n)
    assert doc["total"]["delay_ns"]["p50"] is None
    rtt = doc["total"]["rtt_ns"]
    if "short" in words:
        assert rtt["p50"] is None  # it says nothing of time
    elif "--size" in words and ("--no-stamp" in words or "62" in words):
        assert rtt["n"] is None or 0 < rtt["n"] <= 100  # those that were alone
    else:
        assert 0 < rtt["min"] <= rtt["p50"] <= rtt["max"] and rtt["n"] == n
        assert all(s["rtt_ns"]["n"] == 100 for s in doc["streams"])
    assert doc["verdict"]["result"] != "not trusted", doc["verdict"]


def test_round_trips_bound_nothing(ping):
    """2,000 a second, each answered after 200 ms: 400 are under way at a time, and the last are
    waited for."""
    doc = ping(V4, ["--size", "100", "--count", "2000", "-r", "2000"],
               {"via": "forwarder", "delay": "100ms"})
    assert counts(doc) == all_came(2000)
    assert doc["total"]["tx_pps"] > 100  # one at a time would be 5
    assert doc["total"]["rtt_ns"]["min"] >= 200e6


def test_loss_is_what_was_not_answered(ping):
    """A fifth is lost on each way: 64 % come back, give or take five standard deviations."""
    doc = ping(V4, ["--size", "100", "--count", "2000", "-r", "4000"],
               {"via": "forwarder", "loss": "20%"})
    t = doc["total"]
    assert abs(t["rx_unique"] - 1280) < 5 * (2000 * 0.64 * 0.36) ** 0.5
    assert t["lost"] == t["lost_unknown"] == 2000 - t["rx_unique"]
    assert t["in_flight"] == 0 and t["duplicates"] == 0


def test_copies_and_order(ping):
    """Both ways have them: each tenth frame there twice, and of 1,100 answers each tenth again."""
    doc = ping(V4, ["--size", "100", "--count", "1000", "-r", "2000"],
               {"via": "forwarder", "duplicate_every": 10, "only": "icmp"})
    assert counts(doc) == all_came(1000, rx_packets=1210, duplicates=210)


@pytest.mark.parametrize("packet", [V4, V6], ids=["v4", "v6"])
def test_sequence_numbers_tell_answers_apart(ping, packet):
    """Without a stamp, and with twenty under way at a time: each is timed."""
    packet = packet.replace(")/icmp(type=8)", ")/icmp(type=8,id=9,seq=0..65535)").replace(
        "type=128", "type=128,id=9,seq=0..65535") + '/"ping"'
    doc = ping(packet, ["--count", "500", "-r", "1000"], {"via": "forwarder", "delay": "10ms",
                                                          "duplicate_every": 100})
    t = doc["total"]
    assert (t["tx_packets"], t["rx_unique"], t["lost"]) == (500, 500, 0)
    assert t["rx_packets"] == 500 + t["duplicates"] and t["duplicates"] >= 8
    assert t["rtt_ns"]["n"] == 500 and t["rtt_ns"]["min"] >= 20e6


def test_one_stream_to_many(ping):
    """Answers from wherever are the one stream's: of two targets in turn one is there."""
    doc = ping("ip(dst=[10.99.0.2,10.99.0.3])/icmp(type=8)",
               ["-t", "10.99.0.2", "--size", "100", "--count", "50", "-r", "500"])
    assert counts(doc) == all_came(50, rx_packets=25, rx_unique=25, lost=25)


def test_errors_are_counted(ping):
    """A router says that their time is over."""
    doc = ping("ip(dst=10.2.0.1,ttl=1)/icmp(type=8)", ["--size", "100", "--count", "5", "-r",
                                                       "2"], lab=ROUTED)
    t = doc["total"]
    assert t["tx_packets"] == t["lost"] == 5
    assert t["errors"]["unreachable"] == 5 and t["rx_packets"] == 0
    doc = ping("ip(dst=10.2.0.1)/icmp(type=8)", ["--size", "100", "--count", "50", "-r", "500"],
               lab=ROUTED)
    assert counts(doc) == all_came(50)
