"""Files that spate writes: whole or not at all, and never through a link that somebody put there."""
import json
import os
import re
import stat
import subprocess
import time

import pytest

import captures
import malformed
from test_extract import KEEPALIVE, Conn, bgp_open, update, write_pcap

GOOD = malformed.pcap(*[malformed.GOOD] * 5)


def bgp_capture(path, n=20):
    c = Conn("192.0.2.1", 40000, "192.0.2.9", 179)
    return write_pcap(path, [c.syn(), c.segment(bgp_open()), c.segment(KEEPALIVE)] +
                      [c.segment(update(i % 250)) for i in range(n)])


def in_capture(me):
    (me.home / "in.pcap").write_bytes(GOOD)
    bgp_capture(me.home / "bgp.pcap")


# What writes which file: words, and the names that it makes.
WRITERS = {
    "rewrite": (["capture", "rewrite", "in.pcap", "out.pcap", "--ttl", "3"], ["out.pcap"]),
    "extract": (["capture", "extract", "bgp.pcap", "--out", "."],
                ["traffic.pcap", "traffic-reproducer.yml", "traffic-info.json"]),
    "record": (["lab", "run", "--", "sh", "-c",  # where everybody may
                'exec "$SPATE" capture record -i lo -D 100ms --out out.pcap'], ["out.pcap"]),
    "send": (["send", "udp://127.0.0.1:9", "--count", "5", "--out", "out.pcap", "--no-run-dir",
              "-q"], ["out.pcap"]),
    "truth": (["send", "--protocol", "ipfix", "-t", "127.0.0.1", "--count", "5", "-r", "100",
               "--truth", "out.jsonl", "--no-run-dir", "-q"], ["out.jsonl"]),
}


@pytest.mark.parametrize("name", sorted(WRITERS))
def test_links_are_replaced(me, name):
    words, files = WRITERS[name]
    in_capture(me)
    victim = me.home / "victim"
    victim.write_text("precious")
    for f in files:
        (me.home / f).symlink_to(victim)
    done = me.run("spate", *words, timeout=30)
    assert done.code in (0, 3), done
    assert victim.read_text() == "precious"
    for f in files:
        assert stat.S_ISREG(os.lstat(me.home / f).st_mode), f
        assert (me.home / f).stat().st_size
    assert not list(me.home.glob(".spate-*"))


def test_dangling_links_make_nothing_elsewhere(me):
    in_capture(me)
    (me.home / "out.pcap").symlink_to(me.home / "elsewhere")
    assert me.run("spate", *WRITERS["rewrite"][0]).code == 0
    assert not (me.home / "elsewhere").exists()
    assert stat.S_ISREG(os.lstat(me.home / "out.pcap").st_mode)


def test_what_was_there_stays_until_the_end(me):
    """Damage before the first packet, and a place that takes nothing."""
    (me.home / "bad.pcap").write_bytes(b"no capture at all")
    (me.home / "out.pcap").write_text("before")
    done = me.run("spate", "capture", "rewrite", "bad.pcap", "out.pcap")
    assert done.code == 65 and (me.home / "out.pcap").read_text() == "before", done
    done = me.run("spate", "capture", "rewrite", "missing.pcap", "out.pcap")
    assert done.code == 66 and (me.home / "out.pcap").read_text() == "before", done
    assert not list(me.home.glob(".spate-*"))


def test_the_good_part_of_a_damaged_capture_is_written(me):
    (me.home / "in.pcap").write_bytes(GOOD[:-3])
    done = me.run("spate", "capture", "rewrite", "in.pcap", "out.pcap")
    assert done.code == 65 and "packet 5" in done.err
    assert (me.home / "out.pcap").stat().st_size == 24 + 4 * (16 + len(malformed.GOOD))


def test_devices_and_pipes(me):
    in_capture(me)
    plain = me.run("sh", "-c", '"$SPATE" capture rewrite in.pcap /dev/stdout --json 2>&1 >f.pcap |'
                   " cat; head -c 4 f.pcap | od -An -tx1")
    assert "4d 3c b2 a1" in plain.out, plain
    piped = me.run("sh", "-c", "mkfifo p; (cat p >got) & "
                   '"$SPATE" capture rewrite in.pcap p >/dev/null && wait && stat -c %F p')
    assert piped.out.strip() == "fifo", piped
    assert (me.home / "got").stat().st_size == 24 + 5 * (16 + len(malformed.GOOD))
    done = me.run("spate", "capture", "rewrite", "in.pcap", "/dev/full")
    assert done.code == 74 and "/dev/full" in done.err, done
    assert me.run("spate", "capture", "rewrite", "in.pcap", "/dev/null").code == 0
    assert stat.S_ISCHR(os.lstat("/dev/null").st_mode)


def test_a_full_disk_leaves_nothing(me):
    """The folder is on a disk of its own, of 256 KiB."""
    bgp_capture(me.home / "bgp.pcap", 20000)
    done = me.run("unshare", "-rm", "sh", "-c", """
        mkdir disk; mount -t tmpfs -o size=256k t disk && echo before >disk/traffic.pcap &&
        "$SPATE" capture extract bgp.pcap --out disk --tcp-payload-size 1 2>err
        echo $?; ls -A disk; cat disk/traffic.pcap""", timeout=60)
    assert done.out.split() == ["74", "traffic.pcap", "before"], (done,
                                                                 (me.home / "err").read_text())
    assert "disk/traffic.pcap: No space left on device" in (me.home / "err").read_text()


def test_killed_in_the_middle(me):
    """What was there is still there; a part has a name that says what it is."""
    (me.home / "out.pcap").write_text("before")
    p = me.start("spate", "capture", "rewrite", "-", "out.pcap", stdin=subprocess.PIPE)
    p.popen.stdin.buffer.write(GOOD)
    p.popen.stdin.flush()
    deadline = time.monotonic() + 20
    while not list(me.home.glob(".spate-*.part")) and time.monotonic() < deadline:
        time.sleep(0.02)
    p.kill()
    p.wait()
    assert (me.home / "out.pcap").read_text() == "before"
    assert len(list(me.home.glob(".spate-*.part"))) == 1
    assert me.run("spate", "capture", "rewrite", "-", "out.pcap").code == 65


def test_folders_that_were_made_for_nothing_go(me):
    in_capture(me)
    done = me.run("spate", "capture", "extract", "in.pcap", "--out", "a/b//c/")
    assert done.code == 65 and not (me.home / "a").exists(), done
    (me.home / "a").mkdir()
    done = me.run("spate", "capture", "extract", "in.pcap", "--out", "a/b")
    assert done.code == 65 and list((me.home / "a").iterdir()) == [], done
    done = me.run("spate", "capture", "extract", "bgp.pcap", "--out", f"{me.home}/a/../x//y")
    assert done.code == 0 and len(list((me.home / "x" / "y").iterdir())) == 3, done


# ---- hostile captures are read by a process that can do nothing else ----

def status(pid):
    with open(f"/proc/{pid}/status", encoding="ascii") as f:
        return dict(re.findall(r"^(\w+):\s*(.*)$", f.read(), re.M))


@pytest.mark.parametrize("words", [
    ["summary", "-"],
    ["extract", "-", "--out", "x"],
    ["rewrite", "-", "x.pcap"],
    ["score", "truth.jsonl", "/dev/stdin"],
], ids=lambda w: w[0])
def test_confined_while_reading(me, words):
    (me.home / "truth.jsonl").write_text("{}\n")
    p = me.start("spate", "capture", *words, stdin=subprocess.PIPE)
    deadline = time.monotonic() + 20
    while status(p.pid)["Seccomp"] != "2" and time.monotonic() < deadline:
        time.sleep(0.02)
    now = status(p.pid)
    assert now["Seccomp"] == "2" and now["NoNewPrivs"] == "1", now
    assert int(now["CapEff"], 16) == 0


def test_names_in_filters_are_looked_up_before(me):
    in_capture(me)
    for words in (["--filter", "udp port domain"], ["--filter", "host localhost"]):
        done = me.run("spate", "capture", "summary", "--json", *words, "in.pcap", "bgp.pcap")
        assert done.code == 0, done
        assert json.loads(done.out)["packets"] == 0


def test_what_cannot_be_replayed_destroys_nothing(me):
    in_capture(me)
    (me.home / "keep.pcap").write_bytes(GOOD)
    done = me.run("spate", "replay", "in.pcap", "missing.pcap", "--out", "keep.pcap", "--no-run-dir")
    assert done.code == 66 and "missing.pcap" in done.err, done
    assert (me.home / "keep.pcap").read_bytes() == GOOD
    assert not list(me.home.glob(".spate-*"))


@pytest.mark.parametrize("how", ["--plain", "-q"])
def test_a_status_has_a_reason_where_no_report_is(me, how):
    (me.home / "cut.pcap").write_bytes(GOOD[:-1])
    done = me.run("spate", "replay", "cut.pcap", "--out", "out.pcap", "--no-run-dir", how)
    assert done.code == 65, done
    assert "cut.pcap: packet " in done.err and "the file ends in the middle of it" in done.err, done


def test_a_replay_ends_where_its_disk_is_full(me):
    """What counts as sent and is in no file is counted, and a loop without an end ends there."""
    in_capture(me)
    done = me.run("unshare", "-rm", "sh", "-c", """
        mkdir disk; mount -t tmpfs -o size=64k t disk &&
        "$SPATE" replay in.pcap --loop 0 --out disk/x.pcap --json --no-run-dir >x.json; code=$?
        cp disk/x.pcap .; exit $code""", timeout=60)
    assert done.code == 74, done
    doc = json.loads((me.home / "x.json").read_text())
    there = len(list(captures.read(me.home / "x.pcap")))
    assert 0 < there == doc["total"]["tx_packets"] - doc["transports"][0]["tx_dropped"]
    assert "No space left on device" in json.dumps(doc["verdict"]["remarks"])
