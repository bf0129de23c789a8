"""Receivers of frames: what a filter passes, damaged ones, exact ends, flows, captures."""
import json
import subprocess
from pathlib import Path

import pytest

CRAFT = Path(__file__).resolve().parent / "craft.py"


@pytest.fixture
def receive(me):
    """receive([recv's words], [craft.py's words]): h1 sends to a receiver in h2, which has
    begun. (exit status, its standard output, its standard error)."""
    def run(recv, craft, after="", timeout=30):
        words = " ".join(f"'{w}'" for w in recv)
        done = me.lab(f"""
            "$SPATE" lab exec h2 -- "$SPATE" recv {words} --no-run-dir >out 2>err & pid=$!
            until grep -q '^ready' err || ! kill -0 $pid; do sleep 0.05; done
            /usr/bin/python3 {CRAFT} eth0 10.99.0.1 10.99.0.2 {" ".join(craft)}
            {after or 'wait $pid; code=$?'}
            exit $code""", timeout=timeout)
        return done.code, (me.home / "out").read_text(), (me.home / "err").read_text()

    return run


# h1 cannot signal what runs in h2, so that runs end by themselves.
UNTIL = ["-D", "3"]


def totals(out):
    doc = json.loads(out)
    return doc, [doc["total"][k] for k in ("rx_packets", "rx_unique", "corrupted")]


def test_five_damaged_among_a_thousand(receive):
    """A partial checksum on a veth is not damage; a damaged packet is received, too."""
    code, out, err = receive(
        ["--interface", "eth0", "--filter", "udp port 8000", "--checksum", "--count", "1000",
         "-D", "20", "--plain"],
        ["500xudp", "2xrawudp:damage=l4", "2xrawudp:damage=ip", "1xrawudp:damage=length",
         "495xudp"])
    assert code == 0, err
    assert "ready packet://eth0" in err
    assert out.splitlines()[-2:] == ["Received=1000", "Corrupted=5"], out
    assert "Stats: 1000 packets" in out


@pytest.mark.parametrize("words,expected", [
    (["--filter", "udp port 8000"], (7, None)),
    (["--filter", "udp port 8000", "--checksum"], (7, 1)),
    (["--filter", "tcp", "--checksum"], (9, 2)),
    (["--filter", "tcp", "--count-as", "contrail", "--checksum"], (4, 1)),
    (["--filter", "icmp", "--checksum"], (3, 1)),
    (["--filter", "ip proto 132", "--checksum"], (4, 1)),
    (["--filter", "ip host 10.99.0.2", "--count-as", "contrail"], (4 + 6 + 3, None)),
    (["--checksum", "--protocol", "tcp", "-p", "81"], (3, 1)),
    (["--checksum", "--protocol", "icmp"], (3, 1)),
    (["--checksum", "-p", "8000"], (6, 1)),
], ids=lambda p: " ".join(p) if isinstance(p, list) else "")
def test_what_counts(receive, words, expected):
    code, out, err = receive(["--interface", "eth0", *words, *UNTIL, "--json"], [
        "3xudp", "2xrawudp", "1xrawudp:damage=l4", "1xrawudp:more=1",
        "3xtcp", "1xtcp:damage=l4", "1xtcp:flags=2", "1xtcp:dport=22",
        "2xtcp:dport=81,flags=16", "1xtcp:dport=81,damage=ip,flags=16",
        "2xecho", "1xecho:damage=l4", "3xsctp", "1xsctp:damage=l4", "2xarp"])
    assert code == 0, err
    doc, (received, unique, corrupted) = totals(out)
    assert (received, corrupted) == expected
    assert unique == received - (corrupted or 0)
    assert doc["verdict"]["result"] != "not trusted"


def test_flows_are_5_tuples(receive):
    code, out, err = receive(
        ["--interface", "eth0", "--filter", "udp port 8000 or tcp port 8000 or arp", *UNTIL,
         "--json"],
        ["30xudp:sport=2000,size=100", "20xudp:sport=2001", "5xtcp:sport=2000", "4xecho"])
    assert code == 0, err
    doc, (received, _, corrupted) = totals(out)
    flows = {(f["src"], f["dst"], f["proto"]): f for f in doc["flows"]
             if f["proto"] != "arp"}
    assert {k: f["rx_packets"] for k, f in flows.items()} == {
        ("10.99.0.1:2000", "10.99.0.2:8000", "udp"): 30,
        ("10.99.0.1:2001", "10.99.0.2:8000", "udp"): 20,
        ("10.99.0.1:2000", "10.99.0.2:8000", "tcp"): 5}
    first = flows["10.99.0.1:2000", "10.99.0.2:8000", "udp"]
    assert first["rx_bytes"] == 30 * 142 and first["rx_pps"] > 0 and first["unit"] == "frame"
    assert corrupted is None and first["corrupted"] is None  # nobody looked


def test_more_flows_than_room(receive):
    """What finds no room is counted together."""
    code, out, err = receive(
        ["--interface", "eth0", "--filter", "udp port 8000", "--max-flows", "8", *UNTIL,
         "--json"],
        [f"10xrawudp:sport={n}" for n in range(3000, 3020)])
    assert code == 0, err
    doc, (received, _, _) = totals(out)
    assert received == 200
    assert sum(f["rx_packets"] for f in doc["flows"]) == 10 * len(doc["flows"])
    assert len(doc["flows"]) <= 8


def test_the_count_is_exact(receive):
    """However many more there are, and however many come at a time."""
    code, out, err = receive(
        ["--interface", "eth0", "--filter", "udp port 8000", "--count", "333", "-D", "20",
         "--json"], ["5000xrawudp"])
    assert code == 0, err
    doc, (received, _, _) = totals(out)
    assert received == 333
    assert doc["duration_ns"] < 15e9


def test_what_came_before_the_end_is_counted(me):
    """A scenario's receivers are told to end when the last sender has ended: what the kernel has
    not shown by then is waited for."""
    path = me.home / "frames.yaml"
    path.write_text("""
spate: 1
name: frames
lab: {hosts: [tx, rx]}
hosts: {tx: {lab: tx}, rx: {lab: rx}}
ports:
  tx0: {host: tx}
  rx0: {host: rx, transport: packet, interface: eth0, port: 8000}
receivers: [{from: rx0, filter: udp port 8000, checksum: true}]
streams: [{from: tx0, to: rx0, rate: 2000, count: 400}]
capture: [{host: rx, interface: eth0, filter: udp port 8000, file: rx.pcapng}]
""")
    for _ in range(4):
        done = me.run("spate", "run", path, "--json", timeout=30)
        doc = json.loads(done.out)
        assert [h["rx_packets"] for h in doc["hosts"] if h["name"] == "rx"] == [400], done
        info = subprocess.run(["capinfos", "-c", "-t", Path(doc["folder"]) / "rx.pcapng"],
                              capture_output=True, text=True, timeout=20, check=True).stdout
        assert "pcapng" in info and info.rstrip().endswith(" 400"), info


@pytest.mark.parametrize("port,receivers", [
    (", filter: udp port 8000", ""),
    ("", "receivers: [{from: rx0, filter: udp port 8000, checksum: true}]"),
])
def test_a_port_with_a_filter_has_no_number(me, port, receivers):
    """Crafted packets of many sizes, close to each other, arrive whole."""
    path = me.home / "filter.yaml"
    path.write_text(f"""
spate: 1
name: filter
lab: {{hosts: [tx, rx]}}
hosts: {{tx: {{lab: tx}}, rx: {{lab: rx}}}}
ports:
  tx0: {{host: tx, transport: packet, interface: eth0}}
  rx0: {{host: rx, transport: packet, interface: eth0{port}}}
{receivers}
streams:
  - {{from: tx0, to: rx0, packet: "ip(src=10.1.1.0/24,dst=10.99.0.2)/udp(dport=8000)",
     size: 'uniform(60,1400)',
     profile: {{mode: burst, burst_count: 50, burst_interval: 100ms, bursts: 4}}}}
""")
    done = me.run("spate", "run", path, "--json", timeout=30)
    doc = json.loads(done.out)
    assert [h["rx_packets"] for h in doc["hosts"] if h["name"] == "rx"] == [200], done


def test_stamped_frames_beside_others(me):
    """spate's own are verified, the rest of the interface's traffic is counted."""
    done = me.lab(f"""
        "$SPATE" lab exec h2 -- "$SPATE" recv --interface eth0 --checksum --filter udp -D 4 \
            --no-run-dir --json >out 2>err & pid=$!
        until grep -q '^ready' err; do sleep 0.05; done
        /usr/bin/python3 {CRAFT} eth0 10.99.0.1 10.99.0.2 20xudp 1xrawudp:damage=l4
        "$SPATE" send udp://10.99.0.2:5001 --count 400 -r 2000 --no-control --no-run-dir >sent
        wait $pid""", timeout=30)
    assert done.code == 0, done
    doc, (received, unique, corrupted) = totals((me.home / "out").read_text())
    assert (received, unique, corrupted) == (421, 420, 1)
    stamped = [f for f in doc["flows"] if f["lost"] is not None]
    assert [(f["rx_unique"], f["lost"], f["proto"], f["dst"]) for f in stamped] == \
        [(400, 0, "udp", "10.99.0.2:5001")]


def test_damaged_frames_after_a_run_from_the_same_ports(me):
    """The run has told how much it sent; what comes later is damaged all the same."""
    frame = "ip(dst=10.99.0.2%s)/udp(sport=7,dport=8000%s)/raw(len=30)"
    done = me.lab(f"""
        "$SPATE" lab exec h2 -- "$SPATE" recv --interface eth0 --checksum \
            --filter 'udp port 8000' --count 300 -D 20 --no-run-dir --json >out 2>err & pid=$!
        until grep -q '^ready' err; do sleep 0.05; done
        "$SPATE" send --packet '{frame % ("", "")}' --count 295 -r 2000 --no-run-dir >sent
        "$SPATE" send --packet '{frame % ("", ",chksum=0x1234")}' --count 3 --no-run-dir >>sent
        "$SPATE" send --packet '{frame % (",chksum=0x1234", "")}' --count 2 --no-run-dir >>sent
        wait $pid""", timeout=40)
    assert done.code == 0, done
    _, counts = totals((me.home / "out").read_text())
    assert counts == [300, 295, 5]


@pytest.mark.parametrize("name", ["seen.pcapng", "seen.pcap"])
def test_capture(receive, me, name):
    code, out, err = receive(
        ["--interface", "eth0", "--filter", "udp port 8000", "--checksum", "--count", "100",
         "-D", "20", "--capture", name, "--json"], ["95xudp", "5xrawudp:damage=l4"])
    assert code == 0, err
    doc, counts = totals(out)
    assert counts == [100, 95, 5]
    assert any("100 frames" in r["text"] for r in doc["verdict"]["remarks"]
               if r["code"] == "capture"), doc["verdict"]
    info = subprocess.run(["capinfos", "-M", "-t", "-c", "-E", "-r", me.home / name],
                          capture_output=True, text=True, timeout=20, check=True).stdout
    assert "Number of packets:   100" in info and "ether" in info, info
    assert ("pcapng" in info) == name.endswith("pcapng"), info
    ports = subprocess.run(["tshark", "-r", me.home / name, "-T", "fields", "-e", "udp.dstport",
                            "-e", "frame.time_epoch"], capture_output=True, text=True,
                           timeout=30, check=True).stdout.split("\n")
    assert len(ports) == 101 and all(p.startswith("8000\t") for p in ports[:-1])
    times = [float(p.split("\t")[1]) for p in ports[:-1]]
    assert times == sorted(times)


def test_a_full_disk_ends_no_run(receive):
    code, out, err = receive(
        ["--interface", "eth0", "--filter", "udp port 8000", "--count", "50", "-D", "20",
         "--capture", "/dev/full", "--json"], ["50xudp"])
    assert code == 74, err
    doc, (received, _, _) = totals(out)
    assert received == 50 and doc["exit_code"] == 74


@pytest.mark.parametrize("words,code,says", [
    ("recv --interface lo --filter 'udp prot 5'", 2, "filter 'udp prot 5'"),
    ("recv udp://:5001 --transport udp --checksum", 2, "checksum is for frames"),
    ("recv --filter udp", 2, "interface"),
    ("recv --interface lo --filter udp --count-as contrial", 2, "contrial"),
    ("recv --interface lo --checksum --protocol http", 2, "of frames"),
    ("recv -p 5001 --capture f.pcap", 2, "--interface"),
    ("recv --interface lo --capture f/", 2, "no name"),
    ("recv --interface lo --capture /nowhere/f.pcapng", 74, "/nowhere/f.pcapng"),
    ("recv --interface none0 --checksum", 77, "none0"),
])
def test_wrong_words(me, words, code, says):
    done = me.run("sh", "-c", f"exec \"$SPATE\" {words} -D 1 --no-run-dir")
    assert done.code == code and says in done.err, done


def test_a_socket_stays_a_socket(me):
    """A URL on an interface is a socket's, only an interface's name is its frames."""
    plans = [json.loads(me.run("spate", *w.split(), "--dry-run").out.splitlines()[0])
             for w in ("recv udp://:5001 --interface lo", "recv -p 5001 --interface lo",
                       "recv --interface lo", "recv udp://:5001 --interface lo --checksum")]
    assert [p["ports"][0]["transport"] for p in plans] == ["udp", "udp", "packet", "packet"]
    assert [p["ports"][0]["port"] for p in plans] == [5001, 5001, 0, 5001]


@pytest.mark.parametrize("url", ["udp://10.99.0.2:8000", "udp://:8000"])
def test_a_listener_keeps_the_kernel_quiet(me, url):
    """Without one, the kernel says that nobody listens; with one it says nothing."""
    done = me.lab(f"""
        "$SPATE" lab exec h2 -- "$SPATE" recv --interface eth0 --filter "udp port 8000" \
            --listener {url} -D 3 --no-run-dir --json >out 2>err & pid=$!
        until grep -q '^ready' err; do sleep 0.05; done
        "$SPATE" send udp://10.99.0.2:8000 --count 100 -r 1000 --no-control --no-run-dir --json >a
        wait $pid
        "$SPATE" send udp://10.99.0.2:8000 --count 100 -r 1000 --no-control --no-run-dir --json >b
        """, timeout=30)
    doc, (received, _, _) = totals((me.home / "out").read_text())
    assert received == 100, done
    quiet, loud = (json.loads((me.home / n).read_text())["total"]["errors"]["unreachable"]
                   for n in "ab")
    assert quiet == 0 and loud > 0


def test_a_tcp_listener_takes_all_that_is_sent(me):
    """The kernel shakes hands and acknowledges, for an address that is not the filter's; the
    frames are what counts."""
    me.home.joinpath("tcp.py").write_text("""
import socket
s = socket.create_connection(("10.99.0.2", 8000), 5)
s.sendall(b"x" * 20000000)
s.shutdown(socket.SHUT_WR)
assert s.recv(1) == b""
""")
    done = me.lab("""
        "$SPATE" lab exec h2 -- "$SPATE" recv --interface eth0 --filter "tcp dst port 8000" \
            --listener tcp://:8000 --checksum -D 5 --no-run-dir --json >out 2>err & pid=$!
        until grep -q '^ready' err; do sleep 0.05; done
        /usr/bin/python3 tcp.py; code=$?
        wait $pid
        exit $code""", timeout=30)
    assert done.code == 0, done
    doc, (received, _, corrupted) = totals((me.home / "out").read_text())
    assert doc["total"]["rx_bytes"] >= 20000000 and received > 100 and corrupted == 0
