"""BGP sessions of a reproduction into real routers and collectors."""
import collections
import json
import re
import shutil
import signal
import time

import pytest

import wire
from peers import (ACK, DATA, NFACCTD, PUSH, SYN, Network, compare, ended, lines_of, pmacct,
                   segment, sent, text_of, wait_for, write_pcap)

REPRODUCER = DATA / "traffic-reproducer"
CASES = DATA / "pmacct-tests"


@pytest.fixture
def network(me, tmp_path):
    (tmp_path / "examples").symlink_to(REPRODUCER)
    n = Network(me, tmp_path, ["192.168.100.1/32", "192.168.100.2/32", "cafe::1/128"])
    yield n
    n.stop()


def test_reference_figures(network):
    """The example's file, unchanged; what upstream's tool makes pmbgpd say."""
    out = network.folder / "bgp.json"
    d = pmacct(network, "pmbgpd", {
        "bgp_daemon_ip": "0.0.0.0", "bgp_daemon_port": "179", "bgp_daemon_max_peers": "64",
        "bgp_daemon_as": "65000", "bgp_daemon_id": "127.0.0.1", "bgp_daemon_msglog_file": out})
    resets = network.watch_resets(179)
    done = network.run("spate", "replay", "-t", "examples/config/bgp-traffic.yml", "--no-run-dir",
                       "--json", timeout=120)
    assert done.code == 0, done
    doc = json.loads(done.out)
    assert doc["total"]["asked_packets"] == doc["total"]["tx_packets"] == 4
    wait_for(lambda: ended(out), "the session's end in the collector's log")
    assert sum(m.get("log_type") == "update" for m in lines_of(out)) == 38
    assert "Remote AS: 12429 HoldTime: 180" in text_of(d.log)
    assert resets() == []


def test_pmacct_case_300(network):
    """pmacct-test-automation's case, its files unchanged. The Debian version knows no IPv6 next hops of
    IPv4 routes (RFC 8950) and writes no line for the end of a table; the routes go when the session
    ends. Both are looked for in what came to its port."""
    case = network.folder / "case"
    shutil.copytree(CASES / "300-BGP-IPv6-CISCO-extNH_enc", case)
    out = network.folder / "bgp.json"
    pmacct(network, "nfacctd", {
        **NFACCTD, "bgp_daemon": "true", "bgp_daemon_ip": "::", "bgp_daemon_port": "179",
        "bgp_daemon_max_peers": "600", "bgp_daemon_as": "65543", "bgp_daemon_id": "127.0.0.1",
        "nfacctd_net": "bgp", "nfacctd_as": "bgp", "bgp_daemon_msglog_file": out})
    taken = network.capture(179)
    p = network.start("spate", "replay", "-t", "traffic-reproducer-00.yml", "--run-dir",
                      network.folder / "run", "-q", cwd=case)
    total = -1

    def quiet():
        nonlocal total
        before, total = total, sent(network.folder / "run")
        return before == total > 1

    wait_for(quiet, "the last message", step=5)
    p.signal(signal.SIGINT)
    done = p.wait(60)
    assert done.code == 130, done
    wait_for(lambda: ended(out), "the session's end in the collector's log")


    def same(m):
        return {k: v for k, v in m.items() if k != "timestamp" and
                (k != "bgp_nexthop" or m["afi"] != 1)}

    expected = case / "output-bgp-00.json"
    more, less = compare(out, expected, same)
    assert {m.get("log_type", m["event_type"]) for m in more} == {"delete", "log_close"}
    assert [m["log_type"] for m in less] == ["end-of-rib"] * 2
    # What it does not write is on the wire.
    updates = [m for kind, m in wire.bgp(wire.said(taken())) if kind == 2]
    assert collections.Counter(r for u in updates for r in wire.routes(u)) == \
        wire.logged(lines_of(expected))
    assert sorted(filter(None, map(wire.end_of_rib, updates))) == \
        wire.logged_ends(lines_of(expected)) == [(1, 128), (2, 128)]


# ---- routers ----

AS, ROUTER = 12429, "192.168.100.1"


def bird(network):
    conf, ctl = network.folder / "bird.conf", network.folder / "bird.ctl"
    conf.write_text(f"""
router id 10.9.9.9;
debug protocols {{ states, events }};
protocol device {{ }}
protocol bgp collector {{
    local 127.0.0.1 as 65000;
    neighbor {ROUTER} as {AS};
    multihop;
    passive on;
    hold time 9;
    ipv4 {{ import all; export none; }};
}}
""")
    network.daemon("bird", "-f", "-c", conf, "-s", ctl, "-P", network.folder / "bird.pid",
                   log=network.folder / "router.log")
    network.wait_listening(179)

    def ask():
        text = network.run("birdc", "-s", ctl, "show", "protocols", "all", "collector").out
        routes = re.search(r"Routes:\s+(\d+) imported", text)
        return "Established" in text, int(routes[1]) if routes else 0
    return ask


def frr(network):
    run = network.folder / "frr"
    run.mkdir()
    run.chmod(0o777)
    conf = run / "bgpd.conf"
    conf.write_text(f"""
log file {network.folder}/router.log debugging
debug bgp neighbor-events
router bgp 65000
 bgp router-id 10.9.9.9
 no bgp ebgp-requires-policy
 no bgp default ipv4-unicast
 neighbor {ROUTER} remote-as {AS}
 neighbor {ROUTER} passive
 neighbor {ROUTER} ebgp-multihop
 neighbor {ROUTER} disable-connected-check
 neighbor {ROUTER} timers 3 9
 address-family ipv4 unicast
  neighbor {ROUTER} activate
 exit-address-family
""")
    network.daemon("/usr/lib/frr/bgpd", "-f", conf, "-i", run / "bgpd.pid", "--vty_socket", run,
                   "-z", run / "zserv.api", "-Z", "-S", "-P", "0", "-u", "root", "-g", "root",
                   "-l", "127.0.0.1", log=network.folder / "frr.out")
    network.wait_listening(179)

    def ask():
        text = network.run("vtysh", "--vty_socket", run, "-c",
                           "show bgp ipv4 unicast summary json").out
        peer = json.loads(text).get("peers", {}).get(ROUTER, {}) if text.strip() else {}
        return peer.get("state") == "Established", peer.get("pfxRcd", 0)
    return ask


def gobgp(network):
    conf = network.folder / "gobgpd.toml"
    conf.write_text(f"""
[global.config]
  as = 65000
  router-id = "10.9.9.9"
  port = 179
  local-address-list = ["127.0.0.1"]
[[neighbors]]
  [neighbors.config]
    peer-as = {AS}
    neighbor-address = "{ROUTER}"
  [neighbors.transport.config]
    passive-mode = true
  [neighbors.ebgp-multihop.config]
    enabled = true
    multihop-ttl = 64
  [neighbors.timers.config]
    hold-time = 9
  [[neighbors.afi-safis]]
    [neighbors.afi-safis.config]
      afi-safi-name = "ipv4-unicast"
""")
    network.daemon("gobgpd", "-f", conf, "--api-hosts", "127.0.0.1:50051", "-l", "debug",
                   log=network.folder / "router.log")
    network.wait_listening(179)

    def ask():
        text = network.run("gobgp", "neighbor", ROUTER, "-j").out
        state = json.loads(text).get("state", {}) if text.startswith("{") else {}
        rib = network.run("gobgp", "neighbor", ROUTER, "adj-in", "-j").out
        try:
            routes = len(json.loads(rib))
        except json.JSONDecodeError:
            routes = 0
        return state.get("session_state") == 6, routes
    return ask


def exabgp(network):
    log, conf = network.folder / "router.log", network.folder / "exabgp.conf"
    routes = network.folder / "routes"
    script = network.folder / "write.py"
    script.write_text(f"""#!/usr/bin/python3
import os, select
with open("{routes}", "ab", 0) as out:
    while select.select([0], [], []):
        octets = os.read(0, 65536)
        if not octets:
            break
        out.write(octets)
""")
    script.chmod(0o755)
    conf.write_text(f"""
process writer {{
    run {script};
    encoder json;
}}
neighbor {ROUTER} {{
    router-id 10.9.9.9;
    local-address 127.0.0.1;
    local-as 65000;
    peer-as {AS};
    hold-time 9;
    passive true;
    listen 179;
    family {{ ipv4 unicast; }}
    api {{
        processes [ writer ];
        neighbor-changes;
        receive {{ parsed; update; }}
    }}
}}
""")
    network.daemon("exabgp", conf, log=log, env={
        "exabgp.daemon.drop": "false", "exabgp.daemon.user": "root", "exabgp.tcp.bind": "127.0.0.1",
        "exabgp.tcp.port": "179", "exabgp.log.level": "DEBUG", "exabgp.log.all": "true",
        "exabgp.log.destination": "stdout", "exabgp.api.cli": "false"})
    network.wait_listening(179)

    def ask():
        up, prefixes = False, set()
        for line in text_of(routes).splitlines():
            try:
                n = json.loads(line).get("neighbor", {})
            except json.JSONDecodeError:
                continue
            if n.get("state"):
                up = n["state"] == "up"
            update = n.get("message", {}).get("update", {})
            for hop in update.get("announce", {}).get("ipv4 unicast", {}).values():
                prefixes |= {p["nlri"] for p in hop}
        return up, len(prefixes)
    return ask


ROUTERS = {"bird2": bird, "frr": frr, "gobgpd": gobgp, "exabgp": exabgp}


def marked(kind, body):
    return b"\xff" * 16 + (19 + len(body)).to_bytes(2, "big") + bytes([kind]) + body


def bgp_open(asn=AS, hold=180):
    caps = bytes([1, 4, 0, 1, 0, 1]) + bytes([65, 4]) + asn.to_bytes(4, "big")
    return marked(1, bytes([4]) + asn.to_bytes(2, "big") + hold.to_bytes(2, "big") +
                  bytes([10, 1, 1, 1, len(caps) + 2, 2, len(caps)]) + caps)


def bgp_update(prefixes):
    path = bytes([2, 1]) + AS.to_bytes(4, "big")
    attrs = bytes([0x40, 1, 1, 0]) + bytes([0x40, 2, len(path)]) + path + \
        bytes([0x40, 3, 4, 192, 168, 100, 1])
    nlri = b"".join(bytes([24, 203, p >> 8, p & 255]) for p in prefixes)
    return marked(2, b"\0\0" + len(attrs).to_bytes(2, "big") + attrs + nlri)


KEEPALIVE = marked(4, b"")


SRC, DST = (198, 51, 100, 7), (198, 51, 100, 8)


def synthetic(path):
    """An OPEN in the SYN, port number 20, a pure ACK with Ethernet padding, a segment that comes
    twice, another out of order: 30 prefixes in 3 messages."""
    parts = [bgp_open(), KEEPALIVE + bgp_update(range(10)), bgp_update(range(10, 20)),
             bgp_update(range(20, 30))]
    at = [1]
    for p in parts:
        at.append(at[-1] + len(p))

    def seg(i, flags=PUSH | ACK):
        return segment(SRC, DST, 20, 179, at[i] - (1 if flags & SYN else 0), flags, parts[i])

    write_pcap(path, [(0, seg(0, SYN)), (1.0, segment(SRC, DST, 20, 179, at[1], ACK, b"", 6)),
                      (1.1, seg(1)), (1.2, seg(3)), (1.3, seg(2)), (1.4, seg(2)),
                      (1.5, segment(SRC, DST, 20, 179, at[4], ACK, b"", 6))])
    return sum(map(len, parts))


def config(path, pcap, src, **more):
    path.write_text(f"""
pcap: {pcap}
no_sync: true
network:
  map:
  - src_ip: {src}
    repro_ip: {ROUTER}
bgp:
  select:
    tcp:
      dport: [179]
  collector:
    ip: 127.0.0.1
    port: 179
""" + "".join(f"{k}: {v}\n" for k, v in more.items()))
    return path


@pytest.mark.parametrize("router", ROUTERS)
def test_routers(network, router):
    """Established, every prefix there, held for more than twice the hold time of 9 s, and ended
    without a reset."""
    octets = synthetic(network.folder / "syn.pcap")
    cfg = config(network.folder / "cfg.yml", network.folder / "syn.pcap", "198.51.100.7",
                 keep_open="true")
    ask = ROUTERS[router](network)
    resets = network.watch_resets(179)
    p = network.start("spate", "replay", "-t", cfg, "--run-dir", network.folder / "run", "--json")
    wait_for(lambda: ask() == (True, 30), f"30 prefixes in {router}")
    until = time.monotonic() + 20
    while time.monotonic() < until:
        assert ask() == (True, 30)
        time.sleep(1)
    p.signal(signal.SIGINT)
    done = p.wait(60)
    assert done.code == 130, done
    wait_for(lambda: not ask()[0], f"{router} notices the end")
    doc = json.loads(done.out)
    total = doc["total"]
    assert total["tx_bytes"] == octets
    assert total["asked_packets"] == total["tx_packets"]
    assert resets() == []
    log = text_of(network.folder / "router.log").lower()
    assert "reset by peer" not in log and "hold timer expired" not in log


def test_peer_says_no(network):
    """A NOTIFICATION ends the session, and its code is in the report: here a wrong AS."""
    synthetic(network.folder / "syn.pcap")
    cfg = config(network.folder / "cfg.yml", network.folder / "syn.pcap", "198.51.100.7")
    conf = network.folder / "bird.conf"
    bird(network)
    network.end(network.started[-1])
    conf.write_text(conf.read_text().replace(f"as {AS};", "as 64999;"))
    network.daemon("bird", "-f", "-c", conf, "-s", network.folder / "bird.ctl", "-P",
                   network.folder / "bird.pid", log=network.folder / "router.log")
    network.wait_listening(179)
    done = network.run("spate", "replay", "-t", cfg, "--no-run-dir", "--json", timeout=120)
    assert done.code == 3, done
    remarks = json.dumps(json.loads(done.out)["verdict"]["remarks"])
    assert "192.168.100.1 has failed" in remarks and "(code 2/2)" in remarks
