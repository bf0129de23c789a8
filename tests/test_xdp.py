"""Frames by XDP on a veth: AF_XDP, made in the kernel, counted there. Loading programs is root's,
of the host and not of a namespace."""
import json
import os
import subprocess

import pytest

root = pytest.mark.skipif(os.geteuid() != 0, reason="programs in XDP are root's")
VARIED = "ip(src=10.99.7.0/24,dst=10.99.0.2)/udp(sport=1024..1123,dport=9000)"


def documents(home, *names):
    return [json.loads((home / name).read_text()) for name in names]


def send_to(me, receiver, sender, code=0, before=""):
    """A receiver in h2, a sender in h1; their documents."""
    done = me.lab(f"""{before}
        "$SPATE" lab exec h2 -- "$SPATE" recv --interface eth0 udp://10.99.0.2:9000 --json \\
            --no-run-dir -D 15 {receiver} >recv.json 2>recv.err & r=$!
        until grep -q ready recv.err; do sleep 0.05; done
        "$SPATE" send --interface eth0 --no-control --json --no-run-dir {sender} >send.json \\
            2>send.err; code=$?
        sleep 0.5
        kill -INT $r; wait $r
        exit $code""", timeout=60)
    assert done.code == code, (me.home / "send.err").read_text() + done.err + (
        me.home / "send.json").read_text()
    return documents(me.home, "send.json", "recv.json")


@root
@pytest.mark.parametrize("receiver", ["", "--set rx=count"])
@pytest.mark.parametrize("sender", ["", "--set live=no"])
def test_nothing_is_unaccounted(me, receiver, sender):
    sent, got = send_to(me, f"--transport xdp {receiver}",
                        f"--transport xdp {sender} -r max -D 1 --size 60 --best-effort "
                        "udp://10.99.0.2:9000")  # a starved receiver may make the link refuse some
    port = got["transports"][0]
    assert sent["total"]["tx_packets"] > 1000
    assert sent["transports"][0]["road"].startswith("AF_XDP" if sender else "XDP live frames")
    assert port["road"].startswith("XDP, counted" if receiver else "AF_XDP")
    assert got["total"]["corrupted"] == 0
    assert (got["total"]["rx_unique"] + port["rx_dropped"] + sent["transports"][0]["tx_dropped"]
            == sent["total"]["tx_packets"])
    if receiver and not sent["transports"][0]["tx_dropped"]:
        assert got["total"]["lost"] == 0


@root
def test_a_limited_run_ends_at_its_count(me):
    sent, got = send_to(me, "--transport xdp --set rx=count",
                        "--transport xdp -r max --count 100001 --size 60 udp://10.99.0.2:9000")
    assert sent["total"]["tx_packets"] == 100001
    assert got["total"]["rx_unique"] == 100001
    assert got["total"]["lost"] == 0  # the last one is marked: nothing is unknown


@root
def test_counted_ones_are_limited_too(me):
    done = me.lab("""
        "$SPATE" lab exec h2 -- "$SPATE" recv --interface eth0 udp://10.99.0.2:9000 --json \\
            --transport xdp --set rx=count --count 12345 --no-run-dir >recv.json 2>recv.err & r=$!
        until grep -q ready recv.err; do sleep 0.05; done
        "$SPATE" send --interface eth0 --transport xdp -r max --count 20000 --size 60 \\
            --no-control --no-run-dir udp://10.99.0.2:9000 >send.txt 2>send.err
        wait $r""", timeout=60)
    assert done.code == 0, done
    assert documents(me.home, "recv.json")[0]["total"]["rx_packets"] == 12345


def capture(me, words, name, gro="off"):
    done = me.lab(f"""
        "$SPATE" lab exec h2 -- sh -c 'ethtool -K eth0 gro {gro}; tcpdump -Z root -i eth0 -Q in \\
            -nn -U --immediate-mode -s 256 -w {name} -B 65536 "udp port 9000" 2>tcpdump.err &
            echo $! >pid
            wait' &
        until grep -q listening tcpdump.err 2>/dev/null; do sleep 0.05; done
        "$SPATE" send --interface eth0 --no-run-dir --no-control --json --seed 7 {words} \\
            >send.json 2>send.err; code=$?
        sleep 0.5
        "$SPATE" lab exec h2 -- sh -c 'kill -TERM $(cat pid)'
        wait
        rm -f tcpdump.err
        exit $code""", timeout=60)
    assert done.code == 0, (me.home / "send.err").read_text() + done.err
    return me.home / name


def frames(path):
    data = path.read_bytes()
    at, found = 24, []
    while at < len(data):
        n = int.from_bytes(data[at + 8:at + 12], "little")
        found.append(data[at + 16:at + 16 + n])
        at += 16 + n
    return found


@root
def test_the_same_frames_by_each_road(me):
    words = f"--packet '{VARIED}' --size 100 --no-stamp --count 500"
    packet = frames(capture(me, f"--transport packet -r 20000 {words}", "packet.pcap"))
    af_xdp = frames(capture(me, f"--transport xdp -r 20000 {words}", "af_xdp.pcap"))
    live = frames(capture(me, f"--transport xdp -r max {words}", "live.pcap", gro="on"))
    road = json.loads((me.home / "send.json").read_text())["transports"][0]["road"]
    assert road == "XDP live frames"
    assert len(packet) == 500
    assert af_xdp == packet
    assert live == packet


@root
def test_live_frames_are_valid(me):
    path = capture(me, f"--transport xdp -r max --packet '{VARIED}' --size 61 --count 2000",
                   "live.pcap", gro="on")
    out = subprocess.run(
        ["tshark", "-r", str(path), "-T", "fields", "-o", "ip.check_checksum:TRUE", "-o",
         "udp.check_checksum:TRUE", "-e", "ip.src", "-e", "udp.srcport", "-e",
         "ip.checksum.status", "-e", "udp.checksum.status", "-e", "data.data"],
        check=True, capture_output=True, text=True, timeout=60).stdout
    rows = [line.split("\t") for line in out.splitlines()]
    assert [(r[0], int(r[1])) for r in rows] == [
        (f"10.99.7.{i // 100 % 256}", 1024 + i % 100) for i in range(2000)]
    assert {tuple(r[2:4]) for r in rows} == {("1", "1")}
    assert [int(r[4][-12:-4], 16) for r in rows] == list(range(2000))  # the stamp's sequence


@root
def test_killed_it_leaves_nothing(me):
    done = me.lab("""
        "$SPATE" recv --interface eth0 --transport xdp udp://10.99.0.1:9000 2>recv.err & r=$!
        until grep -q ready recv.err; do sleep 0.05; done
        ip link show eth0 | grep -c xdp
        kill -9 $r; wait $r
        sleep 0.5
        ip link show eth0 | grep -c xdp || true""")
    first, last = done.out.split()
    assert first != "0" and last == "0", done


@root
@pytest.mark.parametrize("rate", ["max", "20kpps"])
def test_the_interface_goes(me, rate):
    done = me.lab(f"""
        "$SPATE" lab exec h2 -- ethtool -K eth0 gro on
        "$SPATE" send --interface eth0 --transport xdp -r {rate} -D 3 --size 60 --no-control \\
            --json --no-run-dir udp://10.99.0.2:9000 >send.json 2>send.err & s=$!
        sleep 1.5
        ip link del eth0
        wait $s""", timeout=40)
    total = json.loads((me.home / "send.json").read_text())["total"]
    assert done.code == 3, done
    assert total["tx_packets"] > 0
    assert total["asked_packets"] == (total["tx_packets"] + total["tx_refused"] +
                                      total["not_sent_late"])


def test_without_rights_it_says_which(user):
    if user.name == "root":
        user.prefix = ["setpriv", "--bounding-set=-all", "--inh-caps=-all", "--ambient-caps=-all"]
    done = user.run("spate", "recv", "--interface", "lo", "--transport", "xdp", "udp://:9000")
    assert done.code == 77, done
    assert "CAP_BPF" in done.err and "CAP_NET_ADMIN" in done.err
    done = user.run("spate", "send", "--interface", "lo", "--transport", "xdp", "--no-control",
                    "-D", "1", "udp://127.0.0.1:9000")
    assert done.code == 77, done
    assert "CAP_NET_RAW" in done.err


@root
def test_auto_takes_what_can_be_had(me):
    done = me.lab("""
        "$SPATE" send --interface eth0 --transport auto -r 1000 -D 1 --no-control --no-run-dir \\
            udp://10.99.0.2:9000 -v
        setpriv --bounding-set=-bpf,-sys_admin --inh-caps=-all "$SPATE" recv --interface eth0 \\
            --transport auto -D 1 --no-run-dir udp://10.99.0.1:9000""", timeout=30)
    assert "transport xdp, the fastest" in done.err
    assert "transport packet instead of xdp: loading a BPF program needs" in done.err
    assert done.code == 0, done


@root
@pytest.mark.parametrize("transport", ["xdp", "auto"])
@pytest.mark.parametrize("words", ["-r 500", "-r 500 --no-stamp", "-r 500 --streams 2",
                                   "-r max"])
def test_answers_to_echo_requests(me, transport, words):
    """AF_XDP sends, an AF_PACKET socket hears what the other kernel answers."""
    done = me.lab(f"""
        "$SPATE" lab exec h2 -- sysctl -qw net.ipv4.icmp_ratelimit=0 \\
            net.ipv4.icmp_msgs_per_sec=1000000
        "$SPATE" send --protocol icmp -t 10.99.0.2 --interface eth0 --transport {transport} \\
            --size 100 --count 100 {words} --no-run-dir --json""", timeout=30)
    assert done.code == 0, done
    doc = json.loads(done.out)
    total = doc["total"]
    n = 200 if "--streams" in words else 100
    assert doc["transports"][0]["transport"] == "xdp"
    assert doc["transports"][0]["road"].startswith("AF_XDP")  # each waits for its answer
    assert (total["tx_packets"], total["rx_unique"], total["lost"]) == (n, n, 0)
    assert total["corrupted"] == 0 and total["rtt_ns"]["n"] <= n
    if "--no-stamp" not in words:
        assert total["rtt_ns"]["n"] == n and total["rtt_ns"]["min"] > 0
