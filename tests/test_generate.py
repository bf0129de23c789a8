"""Telemetry without a capture, into real collectors: what they store is what the truth says, and what
was kept from them is missing by name."""
import json
import subprocess

import pytest

from collector import DAEMON, NFACCTD, nfcapd, pmacct, score, truth_of

FLOWS = ["ipfix", "netflow9", "netflow5"]
FIELDS = ("src", "dst", "src_port", "dst_port", "proto")


def complete(me, folder, output, unit, expected):
    code, doc = score(me, folder, output)
    assert code == 0 and doc["complete"], doc
    assert doc["unit"] == unit and doc["expected"] == doc["found"] == expected, doc
    assert doc["missing"] == doc["extra"] == doc["wrong"] == 0


@pytest.mark.parametrize("protocol", FLOWS)
def test_nfcapd_stores_every_record(lab, me, tmp_path, protocol):
    doc = nfcapd(lab, tmp_path, protocol, "--count 200 -r 500 --flows 15 --cardinality 700")
    truth = truth_of(tmp_path)
    assert doc["total"]["tx_packets"] == 200 and len(truth) == 3000
    assert len({tuple(t[f] for f in FIELDS) for t in truth}) == 700
    complete(me, tmp_path, "stored.csv", "record", 3000)
    log = (tmp_path / "nfcapd.log").read_text()
    assert "Flows: 3000," in log and "Sequence Errors: 0, Bad Packets: 0" in log


@pytest.mark.parametrize("protocol", ["ipfix", "netflow9"])
def test_ipv6_and_several_domains(lab, me, tmp_path, protocol):
    nfcapd(lab, tmp_path, protocol, "--count 120 -r 500 --sources 2001:db8:1::/64 "
           "--destinations 2001:db8:2::/64 --observation-domains 3 --template-packets 5")
    truth = truth_of(tmp_path)
    assert {t["exporter"] for t in truth} == {1, 2, 3}
    complete(me, tmp_path, "stored.csv", "record", len(truth))
    assert "Sequence Errors: 0" in (tmp_path / "nfcapd.log").read_text()


@pytest.mark.parametrize("protocol", FLOWS)
def test_nfacctd_adds_up_every_record(lab, me, tmp_path, protocol):
    pmacct(lab, tmp_path, "nfacctd", NFACCTD.format(port=9996, dir=tmp_path), protocol,
           "--count 100 -r 500 --cardinality 300")
    truth = truth_of(tmp_path)
    complete(me, tmp_path, "stored.json", "flow",
             len({tuple(t[f] for f in FIELDS) for t in truth}))


def test_what_was_dropped_is_missing_by_name(lab, me, tmp_path):
    """Every tenth message does not reach the collector: the fourth, the fourteenth, ..."""
    nfcapd(lab, tmp_path, "netflow5", "--count 100 -r 300 --flows 5 --cardinality 100000", before="""
        nft add table inet lossy
        nft 'add chain inet lossy in { type filter hook input priority 0; }'
        nft add rule inet lossy in udp dport 9995 numgen inc mod 10 3 drop""")
    truth = truth_of(tmp_path)
    gone = [t for i, t in enumerate(truth) if i // 5 % 10 == 3]
    code, doc = score(me, tmp_path, "stored.csv", "--all")
    assert code == 5 and not doc["complete"]
    assert (doc["expected"], doc["found"], doc["missing"]) == (500, 450, 50)
    assert doc["extra"] == doc["wrong"] == 0
    named = {(" ".join(m["key"].split()[:10]), m["packets"], m["bytes"])
             for m in doc["listed"]["missing"]}
    assert named == {(" ".join(f"{f} {t[f]}" for f in FIELDS), t["packets"], t["bytes"])
                     for t in gone}


def test_only_what_left_is_true(lab, tmp_path):
    """The kernel refuses every fifth message. What is left has numbers without gaps."""
    done = lab("""
        export PATH=$PATH:/usr/sbin:/sbin
        nft add table inet strict
        nft 'add chain inet strict out { type filter hook output priority 0; }'
        nft add rule inet strict out udp dport 9 numgen inc mod 5 2 drop
        tcpdump -i lo -U -w cap.pcap 'udp dst port 9' 2>tcpdump.log & t=$!
        i=0; until grep -q listening tcpdump.log; do
            i=$((i+1)); [ $i -lt 300 ] || exit 99; sleep 0.05; done
        "$SPATE" send --protocol netflow9 -t 127.0.0.1 -p 9 --flows 3 --count 60 -r 300 \
            --template-packets 7 --no-gso --no-run-dir --json --truth truth.jsonl >tx.json
        sleep 1; kill $t; wait $t""", timeout=60)
    total = json.loads((tmp_path / "tx.json").read_text())["total"]
    assert (total["tx_refused"], total["tx_packets"]) == (12, 48), done
    assert len(truth_of(tmp_path)) == 3 * total["tx_packets"]
    seen = dissect(tmp_path / "cap.pcap", 9, "cflow.sequence")
    assert [int(s) for s in seen] == list(range(total["tx_packets"]))


def dissect(pcap, port, *fields):
    """tshark's fields of each message; nothing in it is malformed."""
    show = [x for f in fields for x in ("-e", f)]
    base = ["tshark", "-r", str(pcap), "-d", f"udp.port=={port},cflow"]
    wrong = subprocess.run(base + ["-Y", "_ws.malformed || _ws.expert.severity >= 6291456"],
                           capture_output=True, text=True, timeout=60, check=True)
    assert wrong.stdout == ""
    return subprocess.run(base + ["-T", "fields", *show], capture_output=True, text=True,
                          timeout=60, check=True).stdout.split()


@pytest.mark.parametrize("protocol", FLOWS)
def test_tshark_understands_every_message(lab, me, tmp_path, protocol):
    sampling = "--sampling 100"
    nfcapd(lab, tmp_path, protocol, f"--count 60 -r 300 {sampling}", before="""
        tcpdump -i lo -U -w cap.pcap 'udp dst port 9995' 2>tcpdump.log & t=$!
        trap 'sleep 1; kill $t; wait $t' EXIT
        i=0; until grep -q listening tcpdump.log; do
            i=$((i+1)); [ $i -lt 300 ] || exit 99; sleep 0.05; done""")
    version = {"ipfix": "10", "netflow9": "9", "netflow5": "5"}[protocol]
    assert dissect(tmp_path / "cap.pcap", 9995, "cflow.version") == [version] * 60
    octets = dissect(tmp_path / "cap.pcap", 9995, "cflow.octets")
    # v9 and IPFIX: tshark needs the template, which is in the first message.
    counts = [int(n, 0) for line in octets for n in line.split(",")]
    assert counts == [t["bytes"] for t in truth_of(tmp_path)]


def test_the_same_seed_says_the_same(me, tmp_path):
    texts = []
    for seed in (5, 5, 6):
        me.run("spate", "send", "--protocol", "ipfix", "-t", "127.0.0.1", "--transport", "null",
               "--count", 50, "-r", 1000, "--seed", seed, "--no-run-dir", "--truth", "t.jsonl")
        texts.append((tmp_path / "t.jsonl").read_text())
    assert texts[0] == texts[1] != texts[2] and texts[0]


def test_truth_on_a_full_disk(me, tmp_path):
    done = me.run("spate", "send", "--protocol", "ipfix", "-t", "127.0.0.1", "--transport",
                  "null", "--count", 200, "-r", "2000", "--no-run-dir", "--truth", "/dev/full")
    assert done.code == 74 and "--truth /dev/full: it could not be written: No space" in done.err


def test_truth_of_what_nobody_stores(me):
    done = me.run("spate", "send", "-t", "127.0.0.1", "--count", "1", "--truth", "t.jsonl")
    assert done.code == 2 and "ipfix, netflow9, netflow5, bgp and bmp" in done.err


BIRD = """log "{dir}/bird.log" all;
router id 10.9.0.2;
protocol device {{ }}
protocol bgp x {{
  local 127.0.0.1 port 9996 as {as_};
  neighbor 127.0.0.1 as 64496;
  passive; multihop;
  ipv4 {{ import all; export none; next hop keep; }};
  ipv6 {{ import all; export none; next hop keep; }};
}}
"""


@pytest.mark.parametrize("as_", [65001, 64496])
def test_bird_has_the_whole_table(lab, tmp_path, as_):
    """Held past the hold time, and ended by a word."""
    (tmp_path / "bird.conf").write_text(BIRD.format(dir=tmp_path, as_=as_))
    done = lab(f"""
        export PATH=$PATH:/usr/sbin:/sbin
        bird -f -c bird.conf -s bird.ctl -P bird.pid >bird.out 2>&1 & n=$!
        i=0; until ss -Hlnt | grep -q ':9996 '; do
            i=$((i+1)); [ $i -lt 300 ] || exit 99; sleep 0.05; done
        "$SPATE" send --protocol bgp -t 127.0.0.1 -p 9996 --prefixes 20000 --family both \
            --next-hop 127.0.0.1 --hold 3s -D 12 --no-run-dir --json >tx.json 2>tx.err & s=$!
        sleep 9
        birdc -s bird.ctl show protocols x >state
        birdc -s bird.ctl show route count >count
        wait $s; code=$?
        sleep 0.5; kill $n; wait $n; exit $code""", timeout=60)
    assert done.code == 0, f"{done}\n{(tmp_path / 'tx.err').read_text()}"
    assert "Established" in (tmp_path / "state").read_text()
    assert "Total: 40000 of 40000 routes for 40000 networks" in (tmp_path / "count").read_text()
    log = (tmp_path / "bird.log").read_text()
    assert "Received: Administrative shutdown" in log
    assert "Hold timer expired" not in log
    doc = json.loads((tmp_path / "tx.json").read_text())
    assert doc["total"]["tx_refused"] == 0 and doc["streams"][0]["unit"] == "message"


def test_pmbgpd_logs_every_prefix(lab, me, tmp_path):
    pmacct(lab, tmp_path, "pmbgpd", DAEMON.format(kind="bgp", port=9996, dir=tmp_path) +
           "bgp_daemon_as: 65001\nbgp_daemon_id: 10.9.9.9\n", "bgp",
           "--prefixes 3000 --family both -D 5")
    complete(me, tmp_path, "stored.json", "route", 6000)


def test_churn_ends_as_the_truth_says(lab, me, tmp_path):
    pmacct(lab, tmp_path, "pmbgpd", DAEMON.format(kind="bgp", port=9996, dir=tmp_path) +
           "bgp_daemon_as: 64496\nbgp_daemon_id: 10.9.9.9\n", "bgp",
           "--prefixes 500 --churn --update-rate 200 -D 5")
    truth = truth_of(tmp_path)
    log = [json.loads(line) for line in (tmp_path / "stored.json").open()]
    assert sum(line.get("log_type") == "withdraw" for line in log) > 0
    assert len(truth) == 500
    code, doc = score(me, tmp_path, "stored.json")
    assert code == 0 and doc["expected"] == sum(t["state"] == "announced" for t in truth), doc


def test_pmbmpd_logs_every_peer_and_prefix(lab, me, tmp_path):
    pmacct(lab, tmp_path, "pmbmpd", DAEMON.format(kind="bmp", port=9996, dir=tmp_path), "bmp",
           "--prefixes 1000 --family both --peers 3 --stats-every 1s -D 5")
    complete(me, tmp_path, "stored.json", "route", 6000)
    kinds = [json.loads(line).get("bmp_msg_type") for line in (tmp_path / "stored.json").open()]
    assert kinds.count("init") == kinds.count("term") == 1
    assert kinds.count("peer_up") == kinds.count("peer_down") == 3
    assert kinds.count("stats") >= 3


def test_a_session_has_no_rate(me):
    done = me.run("spate", "send", "--protocol", "bgp", "-t", "127.0.0.1", "-r", "50",
                  "--no-run-dir")
    assert done.code == 2 and "--update-rate" in done.err


SCENARIO = """spate: 1
name: telemetry
ports:
  flows: {transport: udp}
  routes: {transport: tcp}
  plain: {transport: udp}
streams:
  - {name: f, from: flows, target: "127.0.0.1:9995", protocol: ipfix, count: 40, rate: 200}
  - {name: r, from: routes, target: "127.0.0.1:9996", protocol: bmp, prefixes: 4000, peers: 2, duration: 3s}
  - {name: u, from: plain, target: "127.0.0.1:9", count: 20, rate: 100}
"""


def test_a_scenario_has_a_truth(me, tmp_path):
    """Of several kinds of streams, over the channel of the agents; more than one message of it."""
    (tmp_path / "s.yaml").write_text(SCENARIO)
    sink = me.start("spate", "recv", "tcp://127.0.0.1:9996", "--no-run-dir", "-D", "60")
    sink.read_until("ready", stream="stderr")
    done = me.run("spate", "run", "s.yaml", "--truth", "t.jsonl", "--no-run-dir", "--json",
                  timeout=60)
    sink.kill()
    assert done.code == 0, done
    total = {s["name"]: s["tx_packets"] for s in json.loads(done.out)["streams"]}
    lines = [json.loads(line) for line in (tmp_path / "t.jsonl").open()]
    kinds = [line["kind"] for line in lines]
    assert kinds.count("flow") >= total["f"] > 0
    routes = [(t["peer"], t["prefix"]) for t in lines if t["kind"] == "route"]
    assert len(routes) == len(set(routes)) == 8000
    done = me.run("spate", "run", "s.yaml", "--truth", "/dev/full", "--no-run-dir", timeout=60)
    assert done.code == 74 and "--truth /dev/full: it could not be written: No space" in done.err


def test_a_scenario_without_a_truth(me, tmp_path):
    (tmp_path / "s.yaml").write_text(
        "spate: 1\nname: x\nports: {a: {}, b: {port: 5013}}\n"
        "streams: [{name: s, from: a, to: b, count: 5}]\n")
    done = me.run("spate", "run", "s.yaml", "--truth", "t.jsonl", "--no-run-dir")
    assert done.code == 2 and "ipfix, netflow9, netflow5, bgp and bmp have a truth" in done.err
    assert not (tmp_path / "t.jsonl").exists()
