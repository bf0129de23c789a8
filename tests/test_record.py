"""spate capture record: frames of an interface into a file, in labs."""
import json
import os
import re
import signal
import struct
import subprocess

import pytest

RECORD = '"$SPATE" lab exec h2 -- "$SPATE" capture record --interface eth0'
READY = "until grep -q '^ready eth0' err || ! kill -0 $rec; do sleep 0.05; done"


def lines(path, *fields, options=()):
    argv = ["tshark", "-r", str(path), "-T", "fields", *options]
    for f in fields:
        argv += ["-e", f]
    return subprocess.run(argv, capture_output=True, text=True, timeout=60,
                          check=True).stdout.split("\n")[:-1]


def send(count, more=""):
    return (f'"$SPATE" send udp://10.99.0.2:9000 --count {count} -r 2000 --size 100 '
            f'--no-control --no-run-dir -q {more} >/dev/null 2>&1')


def test_counts_and_ends_by_itself(me):
    done = me.lab(f"""
        {RECORD} --filter 'udp port 9000' --count 50 --snap 60 --out seen.pcapng --json \
            >out 2>err & rec=$!
        {READY}
        {send(80)}
        wait $rec; echo $?""")
    assert done.out.split() == ["0"], (done, (me.home / "err").read_text())
    told = json.loads((me.home / "out").read_text())
    assert told["frames"] == 50 and told["bytes"] == 50 * 60 and told["dropped"] == 0
    assert told["ended_by"] == "count"
    seen = lines(me.home / "seen.pcapng", "frame.len", "frame.cap_len", "udp.dstport")
    assert seen == ["142\t60\t9000"] * 50
    # The interface's name and its statistics are in the file.
    said = subprocess.run(["capinfos", str(me.home / "seen.pcapng")], capture_output=True,
                          text=True, timeout=30, check=True).stdout
    assert "Name = eth0" in said and "Number of stat entries = 1" in said
    stats = pcapng_stats(me.home / "seen.pcapng")
    assert stats == {4: 50, 5: 0}


def pcapng_stats(path):
    """{option: value} of the last block, which has the interface's statistics."""
    data = path.read_bytes()
    size = struct.unpack_from("<I", data, len(data) - 4)[0]
    block = data[-size:]
    assert struct.unpack_from("<I", block)[0] == 5
    found, at = {}, 20
    while True:
        code, n = struct.unpack_from("<HH", block, at)
        if code == 0:
            return found
        found[code] = struct.unpack_from("<Q", block, at + 4)[0]
        at += 4 + (n + 3 & ~3)


@pytest.mark.parametrize("sig,name", [(signal.SIGINT, "INT"), (signal.SIGTERM, "TERM")])
def test_a_signal_ends_it_cleanly(me, sig, name):
    done = me.lab(f"""
        "$SPATE" capture record --interface eth0 --filter udp --out seen.pcap >out 2>err & rec=$!
        {READY}
        {send(30)}
        kill -{name} $rec
        wait $rec; echo $?""")
    assert done.out.split() == ["130"], (done, (me.home / "err").read_text())
    assert (me.home / "out").read_text().startswith("30 frames")
    assert "dropped 0; stopped" in (me.home / "out").read_text()
    assert len(lines(me.home / "seen.pcap", "frame.number")) == 30


def test_time_ends_it(me):
    done = me.lab('"$SPATE" capture record -i eth0 --filter "port 1" -D 300ms -w none.pcapng --json',
                  timeout=30)
    assert done.code == 0, done
    told = json.loads(done.out)
    assert told["ended_by"] == "duration" and told["frames"] == 0
    assert told["duration_ns"] >= 300_000_000
    assert lines(me.home / "none.pcapng", "frame.number") == []


def test_tags_are_in_the_frames(me):
    done = me.lab(f"""
        {RECORD} --filter 'vlan 77' --count 5 --out seen.pcap >out 2>err & rec=$!
        {READY}
        "$SPATE" send --packet 'eth(dst=ff:ff:ff:ff:ff:ff)/vlan(vlan=77)/ip(dst=10.99.0.2)/udp()/"hi"' \
            --interface eth0 --count 5 -r 100 --no-run-dir -q >senderr 2>&1
        timeout 10 tail --pid=$rec -f /dev/null
        kill $rec 2>/dev/null
        wait $rec; echo $?""", timeout=40)
    assert done.out.split() == ["0"], (done, (me.home / "err").read_text(),
                                       (me.home / "senderr").read_text())
    assert lines(me.home / "seen.pcap", "vlan.id") == ["77"] * 5


def test_a_full_disk(me):
    done = me.lab(f"""
        (ulimit -f 64; trap '' XFSZ; exec "$SPATE" capture record --interface eth0 --filter udp \
            --out small.pcap) >out 2>err & rec=$!
        {READY}
        {send(2000, "--size 400")}
        timeout 15 tail --pid=$rec -f /dev/null
        kill -KILL $rec 2>/dev/null
        wait $rec; echo $?""", timeout=40)
    assert done.out.split() == ["74"], (done, (me.home / "err").read_text())
    assert "small.pcap: cannot be written" in (me.home / "err").read_text()
    size = os.path.getsize(me.home / "small.pcap")
    kept = lines(me.home / "small.pcap", "frame.len")
    assert 0 < len(kept) < 2000 and size <= 64 * 1024
    assert size == 24 + sum(16 + int(n) for n in kept)
    # What was lost with the file is counted.
    assert f"{len(kept):,} frames" in (me.home / "out").read_text()


@pytest.mark.parametrize("words,code,says", [
    ("--out x.pcap", 2, "--interface"),
    ("--interface eth0", 2, "--out"),
    ("--interface nope0 --out x.pcap", 77, "nope0"),
    ("--interface eth0 --out x.pcap --filter 'udp prot 5'", 2, "filter"),
    ("--interface eth0 --out /nowhere/x.pcap", 74, "/nowhere/x.pcap"),
    ("--interface eth0 --out x.pcap --snap 0", 2, "--snap: '0' is no length from 1 to 4 GiB"),
    ("--interface eth0 --out x.pcap --rotate 5", 2, "--rotate: '5' is neither a size"),
    ("--interface eth0 --out x.pcap --rotate 0s", 2, "--rotate"),
    ("--interface eth0 --out x.pcap --keep 2", 2, "--keep"),
    ("--interface eth0 --out - --rotate 1MB", 2, "standard output is no file"),
    ("--interface eth0 --out nowhere/x.pcap --rotate 1MB", 74, "nowhere/x.pcap"),
    ("--interface eth0 --out x.pcap more", 2, "more"),
])
def test_what_is_wrong_is_said(me, words, code, says):
    done = me.lab(f'"$SPATE" capture record {words}')
    assert done.code == code and says in done.err, done


def test_not_everybody_may(user):
    done = user.run("spate", "capture", "record", "--interface", "lo", "--out", "x.pcap", "-D",
                    "100ms")
    assert done.code == (0 if user.name == "root" else 77), done


def test_loopback_is_seen_once(me):
    """The device shows each frame as it goes and as it comes."""
    done = me.lab("""
        "$SPATE" capture record --interface lo --filter icmp --out seen.pcapng --json \\
            >out 2>err & rec=$!
        until grep -q '^ready lo' err || ! kill -0 $rec; do sleep 0.05; done
        ping -q -c 3 -i 0.2 127.0.0.1 >/dev/null
        sleep 0.3
        kill -INT $rec; wait $rec; echo $?""")
    assert done.out.split() == ["130"], done
    kinds = lines(me.home / "seen.pcapng", "icmp.type")
    assert kinds == ["8", "0"] * 3


def ring(me):
    return sorted(p.name for p in me.home.glob("seen*.pcap"))


def test_rotation_by_size_keeps_the_newest(me):
    done = me.lab(f"""
        {RECORD} --filter 'udp port 9000' --count 100 --out seen.pcap --rotate 2kB --keep 3 \
            --json >out 2>err & rec=$!
        {READY}
        {send(130)}
        wait $rec; echo $?""")
    assert done.out.split() == ["0"], (done, (me.home / "err").read_text())
    assert json.loads((me.home / "out").read_text())["frames"] == 100
    # 158 octets a frame: 12 fit into 2,000 beside the header of 24. 9 files, of which 3 stay.
    assert ring(me) == [f"seen-0000{i}.pcap" for i in (7, 8, 9)]
    kept = [len(lines(me.home / n, "frame.number")) for n in ring(me)]
    assert kept == [12, 12, 4]
    assert all((me.home / n).stat().st_size <= 2000 for n in ring(me))


def test_rotation_by_time(me):
    done = me.lab(f"""
        {RECORD} --filter 'udp port 9000' --count 40 --out seen.pcap --rotate 1s >out 2>err & rec=$!
        {READY}
        {send(20)}
        sleep 1.2
        {send(20)}
        wait $rec; echo $?""", timeout=40)
    assert done.out.split() == ["0"], (done, (me.home / "err").read_text())
    files = ring(me)
    assert len(files) >= 2 and files[0] == "seen-00001.pcap"
    times = [[float(t) for t in lines(me.home / n, "frame.time_epoch")] for n in files]
    assert sum(map(len, times)) == 40
    assert all(t[-1] - t[0] < 1 for t in times)


def test_into_another_program(me):
    done = me.lab(f"""
        ({RECORD} --filter 'udp port 9000' --count 20 --out - 2>err | tshark -r - -T fields \
            -e frame.interface_name -e udp.dstport >told 2>/dev/null; echo done >over) &
        until grep -q '^ready eth0' err; do sleep 0.05; done
        {send(30)}
        until [ -e over ]; do sleep 0.05; done
        cat told""", timeout=40)
    assert done.out.splitlines() == ["eth0\t9000"] * 20, (done, (me.home / "err").read_text())
    assert "20 frames, 2,840 bytes" in (me.home / "err").read_text()
    assert not (me.home / "-").exists()


@pytest.mark.parametrize("name", ["seen.pcap", "seen.pcapng"])
def test_killed_it_leaves_what_came(me, name):
    """What is older than a fifth of a second is in the file, whole."""
    done = me.lab(f"""
        {RECORD} --filter 'udp port 9000' --out {name} >out 2>err & rec=$!
        {READY}
        {send(50)}
        size=0
        until [ $(stat -c %s {name}) -gt 7000 ]; do sleep 0.05; done
        pid=$(cat /proc/$rec/task/$rec/children); kill -KILL ${{pid:-$rec}} $rec 2>/dev/null
        wait $rec; echo $?""", timeout=40)
    assert done.out.split() == ["137"], (done, (me.home / "err").read_text())
    said = subprocess.run(["tshark", "-r", str(me.home / name), "-T", "fields", "-e",
                           "frame.number"], capture_output=True, text=True, timeout=60,
                          check=False)
    assert said.returncode == 0 and not re.search("cut short|damaged", said.stderr), said
    assert 40 <= len(said.stdout.splitlines()) <= 50
