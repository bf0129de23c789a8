"""BMP sessions of a reproduction into real collectors."""
import collections
import json
import shutil
import signal

import pytest

from peers import DATA, Network, pmacct, text_of, wait_for

REPRODUCER = DATA / "traffic-reproducer"
CASES = DATA / "pmacct-tests"


@pytest.fixture
def network(me, tmp_path):
    """With the addresses of the examples; their folder is examples/, as the files say."""
    (tmp_path / "examples").symlink_to(REPRODUCER)
    n = Network(me, tmp_path, ["192.168.100.1/32", "192.168.100.2/32", "cafe::1/128"])
    yield n
    n.stop()


def lines_of(path):
    return [json.loads(line) for line in text_of(path).splitlines() if line.endswith("}")]


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
    before = network.resets()
    doc = replay(network, "examples/config/bmp-traffic.yml")
    assert doc["total"]["asked_packets"] == doc["total"]["tx_packets"] == 9
    assert doc["streams"][0]["name"] == "bmp"
    wait_for(lambda: sum(kinds(out).values()) >= 109, "the collector's log")
    wait_for(lambda: any(m["event_type"] == "log_close" for m in lines_of(out)), "the end")
    assert kinds(out) == REFERENCE
    text = text_of(out)
    assert "Huawei" in text and '"192.168.100.1"' in text
    assert network.resets() == before
