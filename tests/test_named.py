"""Runs in the background: start, poll, stop, list."""
import json
import os
import signal
import time

import pytest


@pytest.fixture
def place(tmp_path):
    """The environment of a user whose runtime folder is the test's own."""
    folder = tmp_path / "runtime"
    folder.mkdir(mode=0o700)
    return {"XDG_RUNTIME_DIR": str(folder)}


def own_place(user):
    """The same for whoever the user is."""
    folder = user.home / "runtime"
    assert user.run("mkdir", "-m", "700", str(folder)).code == 0
    return {"XDG_RUNTIME_DIR": str(folder)}


def numbers(text):
    """S1's lines: {"Sent": 5, ...}; what is unknown is None."""
    return {k: None if v == "unknown" else int(v)
            for k, v in (line.split("=") for line in text.split())}


LAB = r"""
set -e
far() { $SPATE lab exec h2 -- "$@"; }
far $SPATE start rx recv udp://:5001 2>/dev/null
$SPATE start tx send udp://10.99.0.2:5001 --mode continuous -r 500
for i in 1 2; do
    sleep 0.4
    $SPATE poll tx --plain
    far $SPATE poll rx --plain
    echo --
done
$SPATE list --json > list.json
$SPATE stop tx --plain
far $SPATE stop rx --plain
$SPATE list
"""


def test_a_life_over_a_lab(user):
    """Over veth with its offloads on: counts only grow, and at the end all that was sent is there."""
    done = user.lab(LAB, timeout=60, env=own_place(user))
    assert done.code == 0, done
    first, second, last = (numbers(part) for part in done.out.split("--\n"))
    assert set(first) == {"Sent", "Received", "Corrupted"}
    for key in first:
        assert first[key] <= second[key] <= last[key], done
    assert 0 < first["Sent"] < second["Sent"] < last["Sent"]
    assert last["Sent"] == last["Received"] and last["Corrupted"] == 0


def test_lines_are_those_of_each_side(me, place):
    done = me.run("sh", "-ec", """
        $SPATE start rx recv udp://127.0.0.1:5001
        $SPATE start tx send udp://127.0.0.1:5001 --count 100 -r 1000
        sleep 1
        $SPATE poll tx --plain; $SPATE stop tx --plain; $SPATE stop rx --plain""", env=place)
    assert done.code == 0, done
    assert done.out.split() == ["Sent=100", "Received=0", "Sent=100", "Received=0",
                                "Received=100", "Corrupted=0"]
    assert "ready udp://127.0.0.1:5001" in done.err  # of the start


def test_a_senders_answers(me, place):
    done = me.run("sh", "-ec", """
        $SPATE start rx recv http://127.0.0.1:8080
        $SPATE start tx send http://127.0.0.1:8080 --count 50 -r 500
        sleep 1; $SPATE stop tx --plain; $SPATE stop rx --plain""", env=place)
    assert done.code == 0, done
    assert done.out.split() == ["Sent=50", "Received=50", "Received=50", "Corrupted=0"]


def test_two_starts_of_one_name(me, place):
    """At once: one wins, the other hears that there is one."""
    argv = ["spate", "start", "one", "recv", "udp://127.0.0.1:0"]
    argv[-1] = "udp://127.0.0.1:5001"
    both = [me.start(*argv[:-1], f"udp://127.0.0.1:{5001 + i}", env=place) for i in range(2)]
    done = [p.wait() for p in both]
    assert sorted(d.code for d in done) == [0, 2], done
    lost = next(d for d in done if d.code == 2)
    assert "a run 'one' is there already" in lost.err
    assert me.run("spate", "stop", "one", env=place).code == 0
    again = me.run(*argv, env=place)
    assert again.code == 0, again
    assert me.run("spate", "stop", "one", env=place).code == 0


def poll(me, name, place):
    done = me.run("spate", "poll", name, env=place)
    return done.code, json.loads(done.out), done


def test_killed(me, place):
    """kill -9: what it told last is there, and the name is free again."""
    assert me.run("spate", "start", "victim", "send", "udp://127.0.0.1:5001", "--mode",
                  "continuous", "-r", "100", env=place).code == 0
    _, state, _ = poll(me, "victim", place)
    os.kill(state["pid"], signal.SIGKILL)
    deadline = time.monotonic() + 10
    while poll(me, "victim", place)[1]["state"] != "killed":
        assert time.monotonic() < deadline
    code, state, done = poll(me, "victim", place)
    assert code == 1 and "was killed" in done.err and state["sent"] >= 0
    started = me.run("spate", "start", "victim", "recv", "udp://127.0.0.1:5001", env=place)
    assert started.code == 0, started
    assert poll(me, "victim", place)[1]["state"] == "running"
    assert me.run("spate", "stop", "victim", env=place).code == 0
    assert me.run("spate", "list", env=place).out == ""
    assert os.listdir(place["XDG_RUNTIME_DIR"] + "/spate/named") == []


def test_ends_by_itself(me, place):
    """Final counts and the run's own exit status, from poll and stop; then it is gone."""
    done = me.run("spate", "start", "brief", "send", "udp://127.0.0.1:5001", "--count", "20",
                  "-r", "1000", env=place)
    assert done.code == 0, done
    deadline = time.monotonic() + 20
    while poll(me, "brief", place)[1]["state"] == "running":
        assert time.monotonic() < deadline
    code, state, _ = poll(me, "brief", place)
    assert state["received"] is None  # nobody answers a sender of datagrams
    assert code == 0 and state["sent"] == 20 and state["exit_code"] == 0
    with open(state["folder"] + "/report.json", encoding="utf-8") as f:
        assert json.load(f)["total"]["tx_packets"] == 20
    done = me.run("spate", "stop", "brief", "--plain", env=place)
    assert done.code == 0 and done.out.startswith("Sent=20\n")
    done = me.run("spate", "stop", "brief", env=place)
    assert done.code == 2 and "no run 'brief' is there" in done.err


def test_an_error_is_the_starts(me, place):
    done = me.run("spate", "start", "x", "send", "udp://127.0.0.1", "--interface", "nope0",
                  env=place)
    assert done.code == 77 and "there is no interface nope0" in done.err
    done = me.run("spate", "start", "x", "send", "udp://127.0.0.1", "--rate", "fast", env=place)
    assert done.code == 2 and "--rate" in done.err
    assert me.run("spate", "list", env=place).out == ""
    assert os.listdir(place["XDG_RUNTIME_DIR"] + "/spate/named") == []


@pytest.mark.parametrize("name", ["a.b", "../x", "/tmp/x", "a b", "", "-a", "x" * 33])
def test_wrong_names(me, place, name):
    done = me.run("spate", "start", "--" if name == "-a" else name, "recv", env=place)
    assert done.code == 2, done
    for command in ("poll", "stop"):
        done = me.run("spate", command, "--", name, env=place)
        assert done.code == 2, done


def test_wrong_words(me, place):
    for words, want in ((["x"], "which run?"), (["x", "snd"], "did you mean 'send'"),
                        (["x", "send", "udp://127.0.0.1", "--dry-run"], "starts nothing")):
        done = me.run("spate", "start", *words, env=place)
        assert done.code == 2 and want in done.err, done
    assert me.run("spate", "poll", env=place).code == 2
    assert me.run("spate", "list", "x", env=place).code == 2


def test_one_that_does_not_answer(me, place):
    """It is said so, with the way out; and nobody else is hurt."""
    assert me.run("spate", "start", "deaf", "recv", "udp://127.0.0.1:5001", env=place).code == 0
    pid = poll(me, "deaf", place)[1]["pid"]
    os.kill(pid, signal.SIGSTOP)
    try:
        done = me.run("spate", "stop", "deaf", env=place, timeout=40)
        assert done.code == 1, done
        assert f"kill -9 {pid}" in done.err
        again = me.run("spate", "start", "deaf", "recv", "udp://127.0.0.1:5002", env=place)
        assert again.code == 2
    finally:
        os.kill(pid, signal.SIGCONT)
    done = me.run("spate", "stop", "deaf", env=place)  # the SIGTERM had come
    assert done.code in (0, 130), done


SCENARIO = """
spate: 1
streams:
  - {name: s, from: tx, to: rx, profile: {mode: continuous, rate: 200}}
ports:
  tx: {}
  rx: {bind: 127.0.0.1}
"""


def test_a_scenario(me, place, tmp_path):
    """`run` by name: three lines, the counts of the last second, and an end that is no
    interruption."""
    file = tmp_path / "s.yaml"
    file.write_text(SCENARIO)
    done = me.run("spate", "start", "all", "run", str(file), env=place, timeout=40)
    assert done.code == 0, done
    time.sleep(2.2)
    first = numbers(me.run("spate", "poll", "all", "--plain", env=place).out)
    done = me.run("spate", "stop", "all", "--plain", env=place, timeout=40)
    assert done.code == 0, done
    last = numbers(done.out)
    assert 0 < first["Sent"] < last["Sent"] == last["Received"] and last["Corrupted"] == 0
    assert 0 < first["Received"] <= last["Received"]


def test_list(me, place):
    for i in range(2):
        assert me.run("spate", "start", f"r{i}", "recv", f"udp://127.0.0.1:{5001 + i}",
                      env=place).code == 0
    runs = json.loads(me.run("spate", "list", "--json", env=place).out)["runs"]
    assert [r["name"] for r in runs] == ["r0", "r1"]
    assert all(r["state"] == "running" and os.path.isdir(r["folder"]) for r in runs)
    text = me.run("spate", "list", env=place).out.splitlines()
    assert len(text) == 2 and runs[0]["folder"] in text[0]
    for i in range(2):
        assert me.run("spate", "stop", f"r{i}", env=place).code == 0


def test_it_is_confined(me, place):
    """As any other run: no capabilities, no new privileges, system calls filtered."""
    assert me.run("spate", "start", "r", "recv", "udp://127.0.0.1:5001", env=place).code == 0
    pid = poll(me, "r", place)[1]["pid"]
    with open(f"/proc/{pid}/status", encoding="utf-8") as f:
        status = {k: v.strip() for k, v in (line.split(":", 1) for line in f)}
    assert status["NoNewPrivs"] == "1" and status["Seccomp"] == "2"
    assert int(status["CapEff"], 16) == 0
    assert me.run("spate", "stop", "r", env=place).code == 0
