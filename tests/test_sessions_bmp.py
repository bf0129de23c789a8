"""BMP sessions of a reproduction into real collectors."""
import collections
import json
import shutil
import signal

import pytest

import wire
from peers import (DATA, NFACCTD, Network, compare, ended, lines_of, pmacct, sent,
                   text_of, wait_for)

REPRODUCER = DATA / "traffic-reproducer"
CASES = DATA / "pmacct-tests"


@pytest.fixture
def network(me, tmp_path):
    """With the addresses of the examples; their folder is examples/, as the files say."""
    (tmp_path / "examples").symlink_to(REPRODUCER)
    n = Network(me, tmp_path, ["192.168.100.1/32", "192.168.100.2/32", "cafe::1/128"])
    yield n
    n.stop()


def kinds(path):
    return collections.Counter(m["bmp_msg_type"] for m in lines_of(path) if "bmp_msg_type" in m)


def replay(network, cfg, *words, timeout=120, code=0):
    done = network.run("spate", "replay", "-t", cfg, "--no-run-dir", "--json", *words,
                       timeout=timeout)
    assert done.code == code, done
    return json.loads(done.out)


def bmpd(network, **more):
    out = network.folder / "bmp.json"
    pmacct(network, "pmbmpd", {"bmp_daemon_ip": "::", "bmp_daemon_port": "1790",
                               "bmp_daemon_max_peers": "64", "bmp_daemon_msglog_file": out,
                               **more})
    return out


REFERENCE = {"init": 1, "peer_up": 18, "route_monitor": 84, "rpat": 6}


def test_reference_figures(network):
    """The example's file, unchanged; what upstream's tool makes pmbmpd say."""
    out = bmpd(network)
    resets = network.watch_resets(1790)
    doc = replay(network, "examples/config/bmp-traffic.yml")
    assert doc["total"]["asked_packets"] == doc["total"]["tx_packets"] == 9
    assert doc["streams"][0]["name"] == "bmp"
    wait_for(lambda: sum(kinds(out).values()) >= 109, "the collector's log")
    wait_for(lambda: any(m["event_type"] == "log_close" for m in lines_of(out)), "the end")
    assert kinds(out) == REFERENCE
    text = text_of(out)
    assert "Huawei" in text and '"192.168.100.1"' in text
    assert resets() == []


def test_pmacct_case_200(network):
    """pmacct-test-automation's case, its files unchanged: the log of each message as expected there.
    The Debian version writes no line for the end of a table, and one for the session's end; that end
    and the distinguisher of the router's own table are looked for in what came to its port."""
    case = network.folder / "case"
    shutil.copytree(CASES / "200-BMP-HUAWEI-locrib_instance", case)
    out = network.folder / "bmp.json"
    pmacct(network, "nfacctd", {
        **NFACCTD, "bmp_daemon": "true", "bmp_daemon_ip": "0.0.0.0", "bmp_daemon_port": "1790",
        "bmp_daemon_max_peers": "600", "nfacctd_net": "bmp", "nfacctd_as": "bmp",
        "bmp_daemon_msglog_file": out})
    taken = network.capture(1790)
    done = network.run("spate", "replay", "-t", "traffic-reproducer-00.yml", "--no-run-dir", "-q",
                       cwd=case, timeout=120)
    assert done.code == 0, done
    wait_for(lambda: ended(out), "the session's end in the collector's log")
    expected = case / "output-bmp-00.json"
    more, less = compare(out, expected)
    assert [m["event_type"] for m in more] == ["log_close"]
    assert [m["log_type"] for m in less] == ["end-of-rib"] * 2
    # What it does not write is on the wire: the end of a table, and whose table it is.
    messages = list(wire.bmp(wire.said(taken())))
    updates = [u for kind, _, u in messages if kind == 0]
    assert collections.Counter(r for u in updates for r in wire.routes(u)) == \
        wire.logged(lines_of(expected))
    assert sorted(filter(None, map(wire.end_of_rib, updates))) == \
        wire.logged_ends(lines_of(expected)) == [(1, 1), (2, 1)]
    tables = {m["rd"] for m in lines_of(expected) if m.get("is_loc") and m.get("rd")}
    assert {wire.distinguisher(peer[2:10]) for kind, peer, _ in messages
            if kind < 4 and peer[0] == 3} == tables != set()


def test_segmented_scenario(network):
    """Nine captures of one session (and IPFIX between): over one connection, which stays open until
    somebody stops it."""
    out = bmpd(network, bmp_daemon_port="1791")
    p = network.start("spate", "replay", "-t",
                      "examples/config/ipfix-bmp-scenario-segmented.yml", "--run-dir",
                      network.folder / "run", "--json")
    seen = -1

    def quiet():
        nonlocal seen
        before, seen = seen, sent(network.folder / "run")
        return before == seen > 0

    wait_for(quiet, "the last message", step=25, timeout=300)
    assert not ended(out)
    p.signal(signal.SIGINT)
    done = p.wait(60)
    assert done.code == 130, done
    doc = json.loads(done.out)
    wait_for(lambda: ended(out), "the session's end")
    assert sum(m["event_type"] == "log_init" for m in lines_of(out)) == 1
    for stream in doc["streams"]:
        assert stream["asked_packets"] == stream["tx_packets"] > 0


def test_collector_restarts(network):
    """With --reconnect the session begins again with its opening; without it it fails, and is
    named."""
    settings = {"bmp_daemon_ip": "127.0.0.1", "bmp_daemon_port": "1790",
                "bmp_daemon_max_peers": "64"}
    cfg = network.folder / "slow.yml"
    text = (REPRODUCER / "config/bmp-traffic.yml").read_text()
    cfg.write_text(text.replace("time_factor: 1 ", "time_factor: 30 ").replace(
        "ip: localhost", "ip: 127.0.0.1"))
    for words, code in ((["--reconnect", "60s"], 0), ([], 3)):
        first, second = (network.folder / f"{n}-{code}.json" for n in ("first", "second"))
        d = pmacct(network, "pmbmpd", {**settings, "bmp_daemon_msglog_file": first},
                   name=f"first-{code}")
        p = network.start("spate", "replay", "-t", cfg, "--run-dir",
                          network.folder / f"run-{code}", "--json", *words)
        wait_for(lambda: sent(network.folder / f"run-{code}") > 1, "the first messages")
        network.end(d, signal.SIGKILL)
        d = pmacct(network, "pmbmpd", {**settings, "bmp_daemon_msglog_file": second},
                   name=f"second-{code}")
        done = p.wait(120)
        assert done.code == code, done
        remarks = json.dumps(json.loads(done.out)["verdict"]["remarks"])
        if code:
            assert "192.168.100.1 has failed" in remarks
            assert not kinds(second)
        else:
            wait_for(lambda: kinds(second)["rpat"] == 6, "the rest of the session")
            assert kinds(second)["init"] == 1 and kinds(second)["peer_up"]
            assert "begun again" in remarks
        network.end(d, signal.SIGKILL)


def test_nobody_listens(network):
    doc = replay(network, "examples/config/bmp-traffic.yml", code=69)
    assert doc["total"]["errors"]["refused"] == 1
    assert doc["total"]["tx_packets"] == 0
    assert "192.168.100.1 has failed" in json.dumps(doc["verdict"]["remarks"])
