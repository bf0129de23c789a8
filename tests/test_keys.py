"""Keys, TLS, pairing, leases and test segments: two hosts of a lab with public addresses on a wire
that leads nowhere."""
import os
import re
import resource
import shutil
import signal
import socket
import stat
import subprocess
import time

import pytest

PUBLIC = ("ip addr add 8.8.4.1/24 dev eth0; "
          "$SPATE lab exec h2 -- ip addr add 8.8.4.2/24 dev eth0; ")
# In h2, in the background, until it says so; $1 are more words.
RECV = ("recv() { XDG_CONFIG_HOME=$PWD/there $SPATE lab exec h2 -- $SPATE recv -p 5001 "
        "--no-run-dir \"$@\" 2>rx.err >rx.out & rx=$!; "
        "for i in $(seq 100); do grep -q ready rx.err && break; sleep 0.05; done; }; "
        "send() { $SPATE send udp://8.8.4.2:5001 --no-run-dir \"$@\"; echo code $?; }; "
        "code() { sed -n 's/^pairing code \\([^ ]*\\) .*/\\1/p' rx.err; }; ")
# Both sides know each other.
KNOWN = ("export XDG_CONFIG_HOME=$PWD/here; mine=$($SPATE key make); "
         "theirs=$(XDG_CONFIG_HOME=$PWD/there $SPATE key make); "
         "$SPATE key trust far $theirs; XDG_CONFIG_HOME=$PWD/there $SPATE key trust near $mine; ")


def codes(done):
    return [int(c) for c in re.findall(r"^code (\d+)$", done.out, re.M)]


# ---- spate key ----

def test_key_words(me, tmp_path):
    env = {"XDG_CONFIG_HOME": str(tmp_path / "config")}

    def key(*words):
        return me.run("spate", "key", *words, env=env)

    assert key("show").code == 66
    assert key("list").out == ""
    made = key("make")
    assert made.code == 0 and re.fullmatch(r"[A-Za-z0-9+/]{43}=\n", made.out), made
    assert key("show").out == made.out
    assert key("make").code == 2
    folder = tmp_path / "config" / "spate"
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert stat.S_IMODE((folder / "key").stat().st_mode) == 0o600
    assert key("trust", "me", made.out.strip()).code == 2  # one's own
    other = "mW3ZBO9bPpsnrGyJ2xJ4bHhHxqE6E3cUvs0aBrYhb9I="
    assert key("trust", "lab-7", other).code == 0
    assert key("trust", "lab-8", other).code == 2
    assert key("trust", "lab 9", other).code == 2
    assert key("trust", "lab-9", "nonsense").code == 2
    assert key("trust", "lab-9").code == 2
    assert key("list").out == f"lab-7  {other}\n"
    assert stat.S_IMODE((folder / "trusted").stat().st_mode) == 0o600
    assert key("forget", "lab").code == 2
    assert key("forget", "lab-7").code == 0
    assert key("list").out == ""
    assert "did you mean show" in key("shwo").err
    assert key().code == 2


def test_a_key_that_others_can_read_is_not_used(me, tmp_path):
    env = {"XDG_CONFIG_HOME": str(tmp_path)}
    assert me.run("spate", "key", "make", env=env).code == 0
    (tmp_path / "spate" / "key").chmod(0o644)
    done = me.run("spate", "key", "show", env=env)
    assert done.code == 77 and "chmod 600" in done.err, done
    # who did not ask for keys is not held up
    done = me.run("spate", "send", "udp://127.0.0.1:5990", "--count", "1", "--no-run-dir", env=env)
    assert done.code == 0, done
    done = me.run("spate", "send", "udp://127.0.0.1:5990", "--count", "1", "--no-run-dir",
                  "--key", str(tmp_path / "spate" / "key"), env=env)
    assert done.code == 77, done


@pytest.mark.parametrize("words, says", [
    (("--pair", "nonsense"), "not a pairing code"),
    (("--trust", "nobody"), "no key is trusted under the name 'nobody'"),
    (("--trust", "x", "--no-control"), "do not go together"),
    (("--key", ""), "nothing is named"),
])
def test_wrong_words(me, tmp_path, words, says):
    done = me.run("spate", "send", "udp://127.0.0.1:5990", "--count", "1", "--no-run-dir", *words,
                  env={"XDG_CONFIG_HOME": str(tmp_path)})
    assert done.code == 2 and says in done.err, done


def test_wrong_lease(me):
    for value in ("10Mbit/s", "-1", "nan", "x", "0.5"):
        done = me.run("spate", "recv", "--lease", value, "-D", "1", "--no-run-dir")
        assert done.code == 2 and "packets a second" in done.err, done


# ---- pairing and leases ----

def test_pair_then_lease(user):
    """As root and as an ordinary user: refused, paired and sent, known from then on."""
    done = user.lab(PUBLIC + RECV + "export XDG_CONFIG_HOME=$PWD/here; recv --pair -D 8; "
                    "send -r 5000 -D 1; send -r 5000 -D 1 --pair $(code); send -r 5000 -D 1; "
                    "send -r 5000 -D 1 --pair $(code); cat rx.err; $SPATE key list; "
                    "XDG_CONFIG_HOME=$PWD/there $SPATE key list; kill $rx; wait", timeout=60)
    assert codes(done) == [77, 0, 0, 77], done
    assert "spate key make" in done.err and "--pair" in done.err
    assert done.out.count("is trusted as") == 1, done
    assert len(re.findall(r"^[\w.-]+  [A-Za-z0-9+/]{43}=$", done.out, re.M)) == 2
    assert "received 5,000" in done.out


def test_a_wrong_code_voids_the_right_one(lab):
    done = lab(PUBLIC + RECV + "export XDG_CONFIG_HOME=$PWD/here; recv --pair -D 6; "
               "send --count 1 --pair 0000-0000-0000; send --count 1 --pair $(code); "
               "send -r 5000 -D 1; cat rx.err; kill $rx; wait; ls here/spate there/spate", timeout=40)
    assert codes(done) == [77, 77, 77], done
    assert "with a wrong code" in done.out
    assert "trusted\n" not in done.out


def test_private_networks_need_no_key(lab):
    done = lab(RECV.replace("8.8.4.2", "10.99.0.2") + "recv -D 4; send -r 5000 -D 1; kill $rx; wait",
               timeout=30)
    assert codes(done) == [0] and "received 5,000" in done.out, done


def test_keys_only(lab):
    """recv --trust: no session without a key, in private networks either; send --trust shows one."""
    done = lab(RECV.replace("8.8.4.2", "10.99.0.2") + KNOWN + "recv --trust near -D 8; "
               "send -r 1000 -D 1; send -r 1000 -D 1 --trust far; kill $rx; wait", timeout=40)
    assert codes(done) == [0, 0], done
    first, second = done.out.split("code 0\n")[:2]
    assert "unknown" in first and "received 1,000" in second, done


def test_the_receiver_gives_less_or_nothing(lab):
    done = lab(PUBLIC + RECV + KNOWN + "recv --lease 0 -D 10; send -r 5000 -D 1; kill $rx; wait $rx; "
               "recv --lease 100 -D 10; send -r 5000 -D 4; kill $rx; wait", timeout=40)
    assert codes(done) == [77, 3], done
    assert "gives no leases" in done.err
    # 100 a second, for 30 s, are sent within the first second; then it is over
    sent = int(re.search(r"asked +[\d,]+ = +([\d,]+) sent", done.out)[1].replace(",", ""))
    assert 2900 <= sent <= 3200, done
    assert "sending stopped: the lease for 8.8.4.2:5001 allows" in " ".join(done.out.split())


def test_the_receiver_is_killed(lab):
    """Mid-lease, without a goodbye: the sender stops within seconds and says why."""
    begin = time.monotonic()
    done = lab(PUBLIC + RECV + KNOWN + "recv -D 60; (sleep 2; kill -9 $rx "
               "$(ps -o pid= --ppid $rx)) & send -r 5000 -D 40; kill %1; wait", timeout=40)
    assert time.monotonic() - begin < 25
    assert codes(done) == [3], done
    text = " ".join(done.out.split())
    assert "sending stopped: the lease for 8.8.4.2:5001 is over and the receiver there " \
           "ended its control session during the run" in text, done
    sent = int(re.search(r"asked +[\d,]+ = +([\d,]+) sent", done.out)[1].replace(",", ""))
    assert 5000 < sent < 100000, done


def test_no_socket_before_consent(lab):
    """With keys, and nobody there: TCP asks, and no UDP packet leaves."""
    done = lab(PUBLIC + RECV + KNOWN + "strace -f -o trace -e trace=%network $SPATE send "
               "udp://8.8.4.2:5001 -r 5000 -D 1 --no-run-dir; echo code $?; "
               "grep -E 'SOCK_DGRAM.*AF_INET|AF_INET.*SOCK_DGRAM' trace; grep -c SOCK_STREAM trace",
               timeout=30)
    assert codes(done) == [77], done
    assert "SOCK_DGRAM" not in done.out, done
    assert "does not answer on its control port" in done.err


# ---- strangers ----

def test_silent_connections(me, tmp_path):
    """10,000 that say nothing: at most 1 KiB each, gone after 3 s, and a sender is served."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard < 12000:
        pytest.skip("too few descriptors")
    env = {"XDG_CONFIG_HOME": str(tmp_path)}
    assert me.run("spate", "key", "make", env=env).code == 0
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, 12000), hard))
    try:
        rx = me.start("spate", "recv", "udp://127.0.0.1:5991", "-D", "40", "--no-run-dir", env=env)
        rx.read_until("ready", stream="stderr")

        def anonymous():
            status = open(f"/proc/{rx.pid}/smaps_rollup", encoding="ascii").read()
            return int(re.search(r"^Anonymous: +(\d+) kB", status, re.M)[1])

        before = anonymous()
        silent = []
        for i in range(10000):
            s = socket.create_connection(("127.0.0.1", 5991))
            if i % 2:
                s.send(b"\x16\x03\x01"[:i % 4])  # the beginning of a TLS hello
            silent.append(s)
        grown = anonymous() - before
        assert grown < 10000, f"{grown} KiB for 10,000 connections"
        done = me.run("spate", "send", "udp://127.0.0.1:5991", "--count", "100", "-r", "1000",
                      "--no-run-dir")
        assert done.code == 0 and "received 100" in done.out, done
        deadline = time.monotonic() + 15
        for s in silent:
            s.settimeout(max(deadline - time.monotonic(), 0.01))
            try:
                assert s.recv(100) == b""  # closed, and not a word
            except ConnectionResetError:
                pass
            s.close()
        rx.signal(signal.SIGINT)
        assert rx.wait().code == 130
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def test_garbage(me, tmp_path):
    """Whatever a stranger says first, a receiver with keys closes without a word and goes on."""
    env = {"XDG_CONFIG_HOME": str(tmp_path)}
    assert me.run("spate", "key", "make", env=env).code == 0
    rx = me.start("spate", "recv", "udp://127.0.0.1:5992", "--pair", "-D", "30", "--no-run-dir", env=env)
    rx.read_until("ready", stream="stderr")
    head = b"spCT\x01"
    for text in (os.urandom(208), b"\x00" * 208, head + b"\x11" + b"\xff" * 202,
                 head + b"\x11" + b"\0" * 10 + b"\0\0\0\0" + b"k" * 32 + b"\0" * 156,
                 head + b"\x12" + b"\0" * 202, b"GET / HTTP/1.1\r\n" * 13, os.urandom(100000)):
        with socket.create_connection(("127.0.0.1", 5992)) as s:
            s.settimeout(10)
            try:
                s.sendall(text)
                assert s.recv(100) == b""
            except (ConnectionResetError, BrokenPipeError):
                pass
    # half a TLS hello after a pairing's beginning: 3 s, then the end; the code is still good
    with socket.create_connection(("127.0.0.1", 5992)) as s:
        s.settimeout(10)
        s.sendall(head + b"\x11" + b"\0" * 10 + b"\0\0\0\1" + b"k" * 32 + b"\0" * 156)
        s.sendall(b"\x16\x03\x01\x01\x00\x01\x00")
        assert s.recv(100) == b""
    code = re.search(r"pairing code (\S+)", rx.read_until("pairing code", stream="stderr"))[1]
    done = me.run("spate", "send", "udp://127.0.0.1:5992", "--count", "10", "--pair", code,
                  "--no-run-dir", env={"XDG_CONFIG_HOME": str(tmp_path / "other")})
    assert done.code == 0 and "received 10" in done.out, done
    rx.signal(signal.SIGINT)
    assert rx.wait().code == 130


# ---- test segments ----

FRAMES = ("frames() { $SPATE send udp://8.8.4.2:5001 --transport packet --interface eth0 -D 1 "
          "--no-run-dir \"$@\"; echo code $?; }; ping -c1 -W2 8.8.4.2 >/dev/null; ")


def test_a_veth_of_this_host(user):
    """Frames into a namespace of this host need no lease; over a default route, or by sockets,
    they do."""
    done = user.lab(PUBLIC + RECV + FRAMES + "frames -r 20k; ip route add default via 10.99.0.2; "
                    "frames -r 20k; ip route del default; send -r 20k -D 1 --interface eth0",
                    timeout=40)
    assert codes(done) == [0, 77, 77], done
    assert "eth0 was used as a test segment" in " ".join(done.out.split())


@pytest.mark.skipif(os.geteuid() != 0, reason="mounts over /etc")
def test_a_segment_file(lab, tmp_path):
    """The bridge of three hosts is no veth into another namespace that the first can name; root's
    file makes its port a segment."""
    etc = tmp_path / "etc"
    shutil.copytree("/etc", etc, symlinks=True, ignore_dangling_symlinks=True,
                    ignore=lambda d, names: [n for n in names if d == "/etc" and n not in (
                        "hosts", "nsswitch.conf", "passwd", "group", "resolv.conf",
                        "ld.so.cache")])
    folder = etc / "spate" / "segments.d"
    folder.mkdir(parents=True)
    for d in (etc, etc / "spate", folder):
        d.chmod(0o755)
    segment = folder / "one"

    def run(text, *words, mode=0o644):
        segment.write_text(text)
        segment.chmod(mode)
        # an interface that is not a veth: macvlan on it
        script = ("ip link add link eth0 name seg0 type macvlan mode bridge; "
                  "ip addr add 8.8.4.1/24 dev seg0; ip link set seg0 up; "
                  "$SPATE lab exec h2 -- ip addr add 8.8.4.2/24 dev eth0; "
                  "ping -c1 -W3 8.8.4.2 >/dev/null; "
                  f"unshare -m sh -c 'mount --bind {etc} /etc; exec $SPATE send udp://8.8.4.2:5001 "
                  f"--transport packet --interface seg0 -D 1 --best-effort --no-run-dir {' '.join(words)}'")
        return lab(script, timeout=30)

    good = "interface seg0\nprefix 8.8.4.0/24\nceiling 20kpps\nuntil 2099-01-01\n"
    done = run(good, "-r", "20k")
    assert done.code == 0, done
    assert "seg0 was used as a test segment (/etc/spate/segments.d/one)" in " ".join(done.out.split())
    done = run(good, "-r", "20001")
    assert done.code == 77 and "more than its ceiling" in done.err, done
    assert run(good.replace("2099", "2020"), "-r", "20k").code == 77
    assert run(good.replace("8.8.4.0/24", "8.8.5.0/24"), "-r", "20k").code == 77
    assert run(good.replace("seg0", "seg1"), "-r", "20k").code == 77
    done = run(good, "-r", "20k", mode=0o666)
    assert done.code == 77 and "does not count" in done.err, done
    done = run("interface seg0\nprefix 8.8.4.0/24\nceilling 1\n", "-r", "20k")
    assert done.code == 65 and "segments.d/one:3:1: unknown word; did you mean ceiling" in done.err
    done = run(good.replace("prefix 8.8.4.0/24", "mac 02:00:00:00:00:01"), "-r", "20k")
    assert done.code == 77 and "does not permit" in done.err, done
