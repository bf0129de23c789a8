"""Frames on an interface by AF_PACKET, across processes: the ledger, what goes wrong, both roads."""
import json
import os

import pytest

ROADS = ["auto", "yes", "no"]


def documents(me):
    return json.loads((me.home / "tx").read_text()), json.loads((me.home / "rx").read_text())


def flow(me, recv, send, during="", after=""):
    """recv in h2, send from h1 over frames on eth0; (exit status of each, their documents)."""
    done = me.lab(f"""
        "$SPATE" lab exec h2 -- "$SPATE" recv --interface eth0 --transport packet {recv} \
            --no-run-dir --json >rx 2>rxerr & rx=$!
        until grep -q '^ready' rxerr || ! kill -0 $rx; do sleep 0.05; done
        "$SPATE" send udp://10.99.0.2:9000 --transport packet --interface eth0 {send} \
            --no-run-dir --json >tx 2>txerr & tx=$!
        {during}
        wait $tx; echo tx $?
        {after}
        wait $rx; echo rx $?""", timeout=40)
    codes = dict(line.split() for line in done.out.splitlines() if line[:2] in ("tx", "rx"))
    return {k: int(v) for k, v in codes.items()}, *documents(me)


@pytest.mark.parametrize("ring", ROADS)
def test_what_is_sent_is_received(me, ring):
    codes, tx, rx = flow(me, f"udp://10.99.0.2:9000 -D 4 --set ring={ring}",
                         f"-r 20k --size 60 -D 1 --best-effort --set ring={ring}")
    assert codes == {"tx": 0, "rx": 0}
    assert tx["total"]["tx_packets"] + tx["total"]["not_sent_late"] == 20000
    assert rx["total"]["rx_packets"] == rx["total"]["rx_unique"] == tx["total"]["tx_packets"]
    assert rx["total"]["corrupted"] == 0
    sent, got = tx["transports"][0]["road"], rx["transports"][0]["road"]
    assert ("TPACKET_V2 ring" in sent) == (ring != "no"), sent
    assert ("TPACKET_V3 ring" in got) == (ring != "no"), got


@pytest.mark.parametrize("ring", ["yes", "no"])
def test_every_frame_is_accounted_for(me, ring):
    """A receiver that is stopped for a while: what it does not get, its kernel has counted."""
    codes, tx, rx = flow(
        me, f"udp://10.99.0.2:9000 -D 6 --set ring={ring} --set rcvbuf=1Mi",
        f"-r 100k --size 60 -D 2 --best-effort --set ring={ring}",
        during="""sleep 0.7; p=$(ps -eo pid,args | awk '/[s]pate recv --interface/ {print $1}')
            kill -STOP $p; sleep 0.8; kill -CONT $p""")
    assert codes["rx"] == 0
    total, port = rx["total"], rx["transports"][0]
    assert total["rx_packets"] == total["rx_unique"] < tx["total"]["tx_packets"]
    assert port["rx_dropped"] > 0
    assert (port["rx_frozen"] > 0) == (ring == "yes")
    assert total["rx_packets"] + port["rx_dropped"] == tx["total"]["tx_packets"]
    assert total["dropped_receiver"] == port["rx_dropped"]


def test_two_workers_share_what_comes(me):
    codes, tx, rx = flow(me, "udp://10.99.0.2:9000 -D 4 --cores 2",
                         "-r 2k --size 60 -D 1 --streams 4 --cores 2 --best-effort")
    assert codes == {"tx": 0, "rx": 0}
    assert rx["total"]["rx_unique"] == tx["total"]["tx_packets"] > 0
    assert rx["total"]["reordered"] == rx["total"]["duplicates"] == 0
    assert "PACKET_FANOUT" in rx["transports"][0]["road"]


def test_super_datagrams_are_what_they_stand_for(me):
    """A socket's super-packets cross a veth whole; a receiver of frames counts what is in them."""
    done = me.lab("""
        "$SPATE" lab exec h2 -- "$SPATE" recv udp://10.99.0.2:9000 --interface eth0 \
            --transport packet -D 4 --no-run-dir --json >rx 2>rxerr & rx=$!
        until grep -q '^ready' rxerr; do sleep 0.05; done
        "$SPATE" send udp://10.99.0.2:9000 -r max --size 100 --count 20000 --no-run-dir --json \
            --no-control >tx 2>txerr
        wait $rx""", timeout=40)
    assert done.code == 0, done
    tx, rx = documents(me)
    assert tx["total"]["tx_packets"] == 20000
    port = rx["transports"][0]
    if tuple(map(int, os.uname().release.split(".")[:2])) >= (6, 2):  # older ones do not tell
        assert port["rx_units"] == tx["transports"][0]["tx_units"]
        assert rx["total"]["rx_unique"] + port["rx_dropped"] == 20000
    assert tx["transports"][0]["offloaded"] and port["offloaded"]
    assert rx["total"]["corrupted"] == 0


GONE = {
    "down": "ip link set eth0 down",
    "removed": "ip link del eth0",
}


@pytest.mark.parametrize("how", GONE)
def test_a_sender_whose_interface_goes(me, how):
    codes, tx, _ = flow(me, "udp://10.99.0.2:9000 -D 4", "-r 1k --size 60 -D 3 --no-control",
                        during=f"sleep 1; {GONE[how]}")
    assert codes["tx"] == 3
    total = tx["total"]
    assert total["asked_packets"] == 3000 == (total["tx_packets"] + total["tx_refused"]
                                              + total["not_sent_late"])
    assert 0 < total["tx_packets"] < 2500
    seconds = [r["at_ns"] / 1e9 for r in tx["verdict"]["remarks"]
               if "interface eth0 is down or gone" in r["text"]]
    assert seconds and seconds[0] < 3.5  # it went at 1 s or later
    assert tx["duration_ns"] > 2.9e9


@pytest.mark.parametrize("ring", ["yes", "no"])
def test_a_receiver_whose_interface_goes(me, ring):
    """It says so, runs to its end, and has what came before."""
    codes, _, rx = flow(me, f"udp://10.99.0.2:9000 -D 4 --set ring={ring}",
                        "-r 1k --size 60 -D 3 --no-control",
                        during='sleep 1; "$SPATE" lab exec h2 -- ip link del eth0')
    assert codes["rx"] == 0
    assert rx["total"]["rx_packets"] > 0
    remarks = [r["text"] for r in rx["verdict"]["remarks"]]
    assert any("port rx0: interface eth0 is down or gone" in t for t in remarks), remarks
    assert rx["duration_ns"] > 3.5e9


def test_another_name_is_the_same_interface(me):
    codes, tx, rx = flow(me, "udp://10.99.0.2:9000 -D 5", "-r 1k --size 60 -D 3 --no-control",
                         during="""sleep 1; ip link set eth0 down; ip link set eth0 name other
                             ip link set other up""")
    assert tx["total"]["tx_packets"] == rx["total"]["rx_packets"] > 1000


@pytest.mark.parametrize("words, code, sentence", [
    (["--set", "ring=maybe"], 2, "auto"),
    (["--interface", "nosuch0"], 77, "there is no interface nosuch0"),
])
def test_what_cannot_be_opened(me, words, code, sentence):
    done = me.lab(f"""timeout 5 "$SPATE" send udp://10.99.0.2:9000 --transport packet \
        --interface eth0 -D 1 --no-run-dir {' '.join(words)}""")
    assert done.code == code, done
    assert sentence in done.err


def test_an_ordinary_user_is_told_the_way_out(me):
    """Without CAP_NET_RAW."""
    done = me.lab("""setpriv --bounding-set=-all --inh-caps=-all --ambient-caps=-all -- \
        timeout 5 "$SPATE" send udp://10.99.0.2:9000 --transport packet --interface eth0 -D 1 \
        --no-run-dir""")
    assert done.code == 77, done
    assert "CAP_NET_RAW" in done.err and "setcap cap_net_raw+ep" in done.err


def test_a_filter_runs_in_the_kernel(me):
    codes, tx, rx = flow(me, "--filter 'udp port 9001' -D 8",
                         "udp://10.99.0.2:9001 -r 500 --size 60 -D 1 --no-control --best-effort")
    assert codes == {"tx": 0, "rx": 0}
    there = [s["tx_packets"] for s in tx["streams"]]
    assert rx["total"]["rx_packets"] == rx["transports"][0]["rx_units"] == there[1] > 0
