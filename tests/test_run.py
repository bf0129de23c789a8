"""Scenarios over several agents: the examples, agents that die, what is refused, what is left."""
import json
import os
import re
import resource
import signal
import subprocess
import time
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

EXAMPLES = sorted((Path(__file__).resolve().parent.parent / "examples").glob("*.yaml"))
TWO = """\
spate: 1
name: two
hosts: {sender: {local: true}, receiver: {local: true}}
ports:
  tx0: {host: sender}
  rx0: {host: receiver, port: %(port)d}
streams:
  - {name: s, from: tx0, to: rx0, size: 100, rate: 500pps, duration: %(duration)s}
"""


def write(me, text, name="test.yaml"):
    path = me.prefix and Path("/tmp") / name or Path(me.home) / name
    path.write_text(text)
    return path


def agents_of(pid):
    """The agents below a process: pid -> what its standard input says it is for."""
    out = subprocess.run(["ps", "-o", "pid=,args=", "--ppid", str(pid)], capture_output=True,
                         text=True, check=False).stdout
    return [int(line.split()[0]) for line in out.splitlines() if "agent --stdio" in line]


def wait_for_agents(pid, n):
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        found = agents_of(pid)
        if len(found) == n:
            return found
        time.sleep(0.02)
    raise AssertionError(f"not {n} agents: {agents_of(pid)}")


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda p: p.stem)
def test_examples(me, path):
    done = me.run("spate", "run", path, "--no-live", timeout=60)
    assert done.code == 0, done
    assert "verdict: valid" in done.out
    assert "NOT MET" not in done.out


def test_there_are_ten_examples():
    assert len(EXAMPLES) >= 10
    for path in EXAMPLES:
        assert path.read_text().startswith("#"), f"{path} says not what it is for"


def test_report_of_two_hosts(me, run_json, runs):
    path = write(me, TWO % {"port": 5701, "duration": "1500ms"} +
                 "expect: [loss == 0, tx_packets of s == 750, p99(delay) < 1s]\n")
    code, doc = run_json("run", path)
    assert code == 0
    total = doc["total"]
    assert total["tx_packets"] == total["rx_unique"] == 750
    assert doc["command"] == "run" and doc["name"] == "two"
    hosts = {h["name"]: h for h in doc["hosts"]}
    assert hosts["sender"]["tx_packets"] == 750 and hosts["sender"]["sends"]
    assert hosts["receiver"]["rx_packets"] == 750
    assert all(h["state"] == "done" for h in doc["hosts"])
    # Under sanitizers a process cannot be confined more than this.
    assert all(h["sandbox"].startswith("no capabilities, no new pri") for h in hosts.values())
    assert 0 < hosts["sender"]["first_tx_ns"] < 10**9
    assert [e["met"] for e in doc["expectations"]] == [True, True, True]
    folder = Path(doc["folder"])
    plan = json.loads((folder / "plan.json").read_text())
    assert {p["host"] for p in plan["parts"]} == {"sender", "receiver"}
    assert json.loads((folder / "report.json").read_text())["total"]["tx_packets"] == 750
    events = [json.loads(line) for line in (folder / "events.jsonl").open()]
    assert events[0]["event"] == "start" and events[-1]["event"] == "end"


CONNS = """\
spate: 1
hosts: {sender: {local: true}, receiver: {local: true}}
ports:
  tx0: {host: sender}
  sink: {host: receiver, port: 5730}
  web: {host: receiver, port: 5731}
receivers: [{from: web, protocol: https, delay: 20ms}]
streams:
  - {name: bulk, from: tx0, to: sink, protocol: tcp, rate: 8Mbit/s, duration: 10s}
  - {name: loop, from: tx0, to: web, rate: max, connections: 2, duration: 400ms, insecure: yes}
stages:
  - {at: 500ms, set: {bulk: {rate: 24Mbit/s}}, start: [loop]}
  - {at: 1s, stop: [bulk]}
  - {at: 1500ms, start: [bulk, loop]}
  - {at: 2s, stop: [bulk]}
run: {best_effort: yes}
"""


def test_stages_of_connections(me, run_json):
    """Bulk data and a closed loop come and go at their times, over real sockets."""
    code, doc = run_json("run", write(me, CONNS))
    bulk, loop = doc["streams"][:2]
    assert code == 0, doc["verdict"]
    assert bulk["name"] == "bulk" and loop["name"] == "loop"
    # 0.5 s at 1 MB/s and 1 s at 3 MB/s, less what a busy machine did not send.
    assert 1_500_000 < bulk["tx_bytes"] <= 3_600_000
    assert bulk["rx_bytes"] == bulk["tx_bytes"]
    # Two connections, 20 ms a request, twice 0.4 s.
    assert 4 < loop["tx_packets"] <= 2 * 2 * 21
    assert loop["rx_unique"] == loop["tx_packets"] and not loop["errors"]["tls"]
    assert 1.4e9 < doc["duration_ns"] < 4e9


def test_agents_are_confined(me):
    """By the kernel's word, every thread; and not where somebody asked for that."""
    path = write(me, TWO % {"port": 5713, "duration": "2s"})
    run = me.start("spate", "run", path, "--no-run-dir", "--json")
    agents = wait_for_agents(run.pid, 2)
    time.sleep(1)
    for pid in agents:
        for task in Path(f"/proc/{pid}/task").iterdir():
            status = dict(re.findall(r"^(\w+):\s*(.*)$", (task / "status").read_text(), re.M))
            assert int(status["CapEff"], 16) == int(status["CapPrm"], 16) == 0
            assert status["NoNewPrivs"] == "1" and status["Seccomp"] == "2"
    done = run.wait()
    assert done.code == 0 and json.loads(done.out)["total"]["lost"] == 0, done
    run = me.start("spate", "run", path, "--no-run-dir", "--json", "--no-sandbox")
    assert all(h["sandbox"] is None for h in json.loads(run.wait().out)["hosts"])


def test_unmet_expectation(me, tmp_path):
    path = write(me, TWO % {"port": 5702, "duration": "300ms"} +
                 "expect: [tx_packets == 150, 'tx_packets < 10', rx_pps > 1Mpps]\n")
    done = me.run("spate", "run", path, "--no-run-dir", "--junit", tmp_path / "j.xml")
    assert done.code == 5, done
    assert done.out.count("NOT MET") == 2
    suite, = ET.parse(tmp_path / "j.xml").getroot()
    assert suite.get("tests") == "4" and suite.get("failures") == "2"
    assert suite.get("errors") == "0"
    assert len(suite.findall("./testcase/failure")) == 2


def test_sender_killed(me):
    """The sender's agent is killed: named, exit 6, and what the receiver counted is there."""
    path = write(me, TWO % {"port": 5703, "duration": "8s"})
    run = me.start("spate", "run", path, "--json", "--no-run-dir")
    agents = wait_for_agents(run.pid, 2)
    time.sleep(2.6)
    os.kill(max(agents), signal.SIGKILL)  # senders are started last
    began = time.monotonic()
    done = run.wait()
    assert done.code == 6, done
    assert time.monotonic() - began < 4
    doc = json.loads(done.out)
    lost = [h for h in doc["hosts"] if h["state"] == "lost"]
    assert [h["name"] for h in lost] == ["sender"]
    assert "signal 9" in lost[0]["why"]
    assert any("host sender was lost" in r["text"] for r in doc["verdict"]["remarks"])
    receiver = next(h for h in doc["hosts"] if h["name"] == "receiver")
    assert receiver["state"] == "done" and receiver["rx_packets"] > 500


def test_receiver_killed(me):
    """Policy continue: the sender goes on to its planned end. Policy abort: it stops."""
    path = write(me, TWO % {"port": 5704, "duration": "4s"})
    for policy, least, most in (("continue", 2000, 2000), ("abort", 500, 1990)):
        run = me.start("spate", "run", path, "--json", "--no-run-dir", "--on-loss", policy)
        agents = wait_for_agents(run.pid, 2)
        time.sleep(1.5)
        os.kill(min(agents), signal.SIGKILL)
        done = run.wait()
        assert done.code == 6, done
        doc = json.loads(done.out)
        assert [h["name"] for h in doc["hosts"] if h["state"] == "lost"] == ["receiver"]
        sent = doc["total"]["tx_packets"] + doc["total"]["not_sent_late"]
        assert least <= sent <= most, policy
        assert doc["total"]["lost"] is None  # nobody says what the rest came to


def test_agent_stopped(me):
    """An agent that says nothing is remarked on within 3 s."""
    path = write(me, TWO % {"port": 5705, "duration": "6s"})
    run = me.start("spate", "run", path, "--json", "--no-run-dir")
    agents = wait_for_agents(run.pid, 2)
    time.sleep(1)
    os.kill(min(agents), signal.SIGSTOP)
    time.sleep(4)
    os.kill(min(agents), signal.SIGCONT)
    done = run.wait()
    doc = json.loads(done.out)
    mute = [r for r in doc["verdict"]["remarks"] if r["code"] == "mute"]
    assert any("no word from host receiver" in r["text"] for r in mute), doc["verdict"]
    assert doc["total"]["tx_packets"] + doc["total"]["not_sent_late"] == 3000


def test_interrupted(me):
    path = write(me, TWO % {"port": 5706, "duration": "30s"})
    run = me.start("spate", "run", path, "--json", "--no-run-dir")
    wait_for_agents(run.pid, 2)
    time.sleep(1.5)
    run.signal(signal.SIGINT)
    done = run.wait()
    assert done.code == 130, done
    doc = json.loads(done.out)
    assert doc["interrupted"] and doc["total"]["tx_packets"] > 300
    assert doc["total"]["tx_packets"] == doc["total"]["rx_unique"]


def below(pid):
    """Every process below one, with its start time, so that a number used again is another."""
    out = subprocess.run(["ps", "-eo", "pid=,ppid=,lstart="], capture_output=True, text=True,
                         check=True).stdout
    parent, start = {}, {}
    for line in out.splitlines():
        p, q, when = line.split(None, 2)
        parent[int(p)], start[int(p)] = int(q), when
    found, grown = {pid}, True
    while grown:
        more = {p for p, q in parent.items() if q in found} - found
        found |= more
        grown = bool(more)
    return {(p, start.get(p)) for p in found - {pid}}, {(p, w) for p, w in start.items()}


@pytest.mark.parametrize("where", ["local", "lab"])
def test_killed_leaves_nothing(me, where):
    text = TWO % {"port": 5707, "duration": "30s"}
    if where == "lab":
        text = "lab: {hosts: [h1, h2], links: [{ends: [h1, h2], delay: 1ms}]}\n" + text.replace(
            "sender: {local: true}, receiver: {local: true}",
            "sender: {lab: h1}, receiver: {lab: h2}")
        text += "capture: [{host: receiver, interface: eth0, filter: udp, file: a.pcap}]\n"
    run = me.start("spate", "run", write(me, text), "--json", "--run-dir", "k")
    time.sleep(2.5)
    assert run.popen.poll() is None, run.wait()
    mine, _ = below(run.pid)
    assert len(mine) >= (2 if where == "local" else 5)
    os.kill(run.pid, signal.SIGKILL)
    run.popen.wait(10)
    deadline = time.monotonic() + 5
    while mine & below(1)[1] and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not mine & below(1)[1]
    events = (Path(me.home) / "k" / "events.jsonl").read_text().splitlines()
    assert len(events) >= 2 and all(json.loads(line) for line in events)
    if where == "lab":  # all but the last moment; at least half of it on any machine
        assert len(frames_of(Path(me.home) / "k" / "a.pcap")) > 400


def test_not_prepared(me, tmp_path):
    """A port that somebody has: the run does not start, and says why and where."""
    path = write(me, TWO % {"port": 5708, "duration": "1s"})
    recv = me.start("spate", "recv", "-p", "5708", "-D", "10", "--no-run-dir")
    recv.read_until("ready", stream="stderr")
    done = me.run("spate", "run", path, "--no-run-dir", "--junit", tmp_path / "j.xml")
    assert done.code == 1, done
    assert "host receiver" in done.err and "5708" in done.err
    suite, = ET.parse(tmp_path / "j.xml").getroot()
    assert suite.get("errors") == "1" and "5708" in suite.find("testcase/error").get("message")
    assert done.out == ""
    recv.signal(signal.SIGINT)
    recv.wait()


def test_wrong_files(me):
    path = write(me, "spate: 1\nstreams:\n  - {target: 10.0.0.1, rat: 5}\n")
    done = me.run("spate", "run", path)
    assert done.code == 65
    assert "test.yaml:3:" in done.err and "did you mean 'rate'" in done.err
    path = write(me, TWO % {"port": 5709, "duration": "1s"} +
                 "lab: {hosts: [h1, h2], links: [{ends: [h1, h3]}]}\n")
    done = me.run("spate", "run", path)
    assert done.code == 65 and "h3" in done.err
    done = me.run("spate", "run", "no-such-file.yaml")
    assert done.code == 66
    done = me.run("spate", "run")
    assert done.code == 2
    done = me.run("spate", "run", path, "--repeats", "0")
    assert done.code == 2


PIECES = {
    "main.yaml": "include: parts/both.yaml\nspate: 1\nname: whole\nseed: 7\n"
                 "streams: [{name: b, from: out, to: in, size: 100, rate: 50pps, count: 10}]\n",
    "parts/both.yaml": "include: [hosts.yaml, ports.yaml]\nspate: 1\nname: part\n"
                       "streams: [{name: a, from: out, to: in, size: 100, rate: 50pps, count: 5}]\n",
    "parts/hosts.yaml": "hosts: {left: {local: true}, right: {local: true}}\n",
    "parts/ports.yaml": "ports: {out: {host: left}}\nexpect: [rx_unique == 15]\n",
    "parts/more.yaml": "ports: {in: {host: right, port: 5712}}\n",
}


def test_include(me):
    """A scenario in pieces is the scenario in one file; what is wrong is said of the right piece."""
    folder = Path(me.home) / "s"
    (folder / "parts").mkdir(parents=True)

    def put(**changed):
        for name, text in {**PIECES, **changed}.items():
            (folder / name).write_text(text)
        return me.run("spate", "run", "s/main.yaml", "--no-run-dir")

    done = put(**{"parts/both.yaml": PIECES["parts/both.yaml"].replace("ports.yaml",
                                                                       "ports.yaml, more.yaml")})
    assert done.code == 0 and "name: part" not in done.out, done
    (folder / "one.yaml").write_text(
        "spate: 1\nname: whole\nseed: 7\nhosts: {left: {local: true}, right: {local: true}}\n"
        "ports: {out: {host: left}, in: {host: right, port: 5712}}\nstreams:\n"
        "  - {name: a, from: out, to: in, size: 100, rate: 50pps, count: 5}\n"
        "  - {name: b, from: out, to: in, size: 100, rate: 50pps, count: 10}\n")
    one = me.run("spate", "run", "s/one.yaml", "--dry-run")
    assert one.code == 0 and one.out == me.run("spate", "run", "s/main.yaml", "--dry-run").out
    for changed, place, what in (
            ({}, "s/parts/both.yaml:4:36", "there is no port 'in'"),
            ({"parts/ports.yaml": "include: ../main.yaml\n"}, "s/parts/ports.yaml:1:10",
             "takes in itself"),
            ({"parts/hosts.yaml": "include: hosts.yaml\n"}, "s/parts/hosts.yaml:1:10",
             "takes in itself"),
            ({"parts/hosts.yaml": "include: none.yaml\n"}, "s/parts/hosts.yaml:1:10",
             "No such file"),
            ({"parts/hosts.yaml": "include: {a: b}\n"}, "s/parts/hosts.yaml:1:10",
             "a value is expected"),
            ({"parts/hosts.yaml": "- x\n"}, "s/parts/hosts.yaml:1:1", "a map"),
            ({"parts/hosts.yaml": "hosts: [\n"}, "s/parts/hosts.yaml:2:1", "not YAML"),
            ({"parts/hosts.yaml": "hosts: {left: {locl: true}}\n"}, "s/parts/hosts.yaml:1:16",
             "did you mean 'local'"),
            ({"parts/ports.yaml": "hosts: {left: {local: true}}\n"}, "s/parts/ports.yaml:1:9",
             "'left' is in s/parts/hosts.yaml:1:15 too"),
            ({"parts/hosts.yaml": "expct: []\n"}, "s/parts/hosts.yaml:1:1",
             "did you mean 'expect'")):
        done = put(**changed)
        assert done.code == 65 and f"{place}: " in done.err and what in done.err, (changed, done)


def test_wrong_files_from_outside(me):
    """Every wrong file of the corpus: refused with 65, its place, and one sentence, before anything
    starts, with little work."""
    corpus = Path(__file__).resolve().parent.parent / "fuzz" / "corpus" / "scenario"
    wrong = sorted(corpus.glob("wrong-*"))
    assert len(wrong) >= 60
    slow = []
    for path in wrong:
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        done = me.run("spate", "run", path, "--no-run-dir")
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        assert done.code == 65, (path, done)
        assert re.match(rf"spate run: {re.escape(str(path))}:\d+:\d+: .", done.err), (path, done)
        assert done.err.count("\n") == 1 and done.out == ""
        if after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime >= 0.1:
            slow.append(path.name)
    # CPU time of a process, and still: a neighbour's pressure on caches shows in one or the other.
    assert len(slow) <= 2, slow


def test_repeats(me, tmp_path):
    path = write(me, TWO % {"port": 5710, "duration": "200ms"} + "expect: [lost == 0]\n")
    done = me.run("spate", "run", path, "--repeats", "3", "--json", "--run-dir", "r",
                  "--junit", tmp_path / "j.xml")
    assert done.code == 0, done
    doc = json.loads(done.out)
    assert doc["repeats"] == 3 and doc["exit_codes"] == [0, 0, 0]
    assert doc["metrics"]["tx_packets"] == {"median": 100, "min": 100, "max": 100,
                                            "spread": 0, "values": [100, 100, 100]}
    for i in "123":
        assert (Path(me.home) / "r" / i / "report.json").exists()
    suites = ET.parse(tmp_path / "j.xml").getroot()
    assert [(s.get("name"), s.get("tests"), s.get("failures")) for s in suites] == [
        (f"two #{i}", "2", "0") for i in "123"]
    # Two sets of runs against each other, for the same reader.
    done = me.run("spate", "run", path, "--repeats", "6", "--run-dir", "a", "--no-live")
    slower = write(me, path.read_text().replace("500pps", "400pps"), "slower.yaml")
    me.run("spate", "run", slower, "--repeats", "6", "--run-dir", "b", "--no-live")
    compare = ["spate", "compare", *[f"a/{i}" for i in range(1, 7)], "--with",
               *[f"b/{i}" for i in range(1, 7)], "--junit", tmp_path / "c.xml"]
    assert me.run(*compare).code == 0
    done = me.run(*compare, "--fail-worse")
    assert done.code == 5, done
    suite, = ET.parse(tmp_path / "c.xml").getroot()
    worse = {c.get("name") for c in suite if c.find("failure") is not None}
    assert {"sent pps", "received pps"} <= worse and "loss" not in worse
    assert me.run(*compare[:-1], "/no/such/place.xml").code == 74


def test_dry_run_is_a_command_lines_plan(me):
    path = write(me, "spate: 1\nname: send\nstreams: [{target: '10.1.1.2:5555', rate: 5kpps}]\n")
    a = me.run("spate", "run", path, "--dry-run")
    b = me.run("spate", "send", "udp://10.1.1.2:5555", "-r", "5kpps", "--dry-run")
    assert a.code == b.code == 0
    assert a.out.splitlines()[1] == b.out.splitlines()[1]


def frames_of(path):
    done = subprocess.run(["tshark", "-r", path, "-T", "fields", "-e", "frame.time_epoch"],
                          capture_output=True, text=True, check=False)
    return [float(t) for t in done.stdout.split()]


def test_captures(user):
    """Root and an ordinary user: both ends of a link that drops each tenth packet."""
    example = Path(user.home) / "capture.yaml"
    example.write_text((EXAMPLES[0].parent / "capture.yaml").read_text())
    example.chmod(0o644)
    began = time.time()
    done = user.run("spate", "run", example, "--run-dir", Path(user.home) / "r", "--no-live")
    assert done.code == 0, done
    copy = Path("/tmp") / f"spate-capture-{os.getpid()}.pcap"
    for host, n in (("left", 2000), ("right", 1800)):
        assert re.search(rf"capture {host}.pcap: {n:,} frames of eth0 on host\s+{host}, 0\s+dropped",
                         done.out), done
        copy.write_bytes((Path(user.home) / "r" / f"{host}.pcap").read_bytes())
        times = frames_of(copy)
        copy.unlink()
        assert len(times) == n and times == sorted(times)
        assert began < times[0] and times[-1] < time.time() and times[-1] - times[0] > 1.9


def test_captures_that_cannot_be(user):
    """Nothing is sent, and the sentence says where and why."""
    text = TWO % {"port": 5711, "duration": "1s"} + "capture: [{host: sender, %s}]\n"
    path = Path(user.home) / "c.yaml"

    def run(capture, *more):
        path.write_text(text % capture)
        path.chmod(0o644)
        return user.run("spate", "run", path, *more)

    done = run("interface: no-such, file: a.pcap")
    assert done.code == 77 and "host sender: capture of no-such" in done.err, done
    assert done.out == ""
    done = run("interface: lo, file: a.pcap, filter: 'udp prot 5'")
    assert done.code == 65 and "c.yaml:9:" in done.err and "pcap-filter" in done.err
    assert run("interface: lo, file: a.pcap", "--no-run-dir").code == 2
    done = run("interface: lo, file: a.pcap", "--run-dir", str(Path(user.home) / "q"))
    if user.name == "root":
        assert done.code == 0, done
        assert (Path(user.home) / "q" / "a.pcap").exists()
    else:
        assert done.code == 77 and "as root, or in a lab" in done.err, done


NETNS = """\
spate: 1
hosts: {space: {netns: /proc/%d/ns/net}}
ports: {out: {}, in: {bind: 127.0.0.1}}
streams: [{name: s, from: out, to: in, rate: 500pps, size: 100, duration: 600ms}]
expect: [rx_unique == 300]
"""


def test_network_namespace(user):
    """Root enters it; an ordinary user is told what to do."""
    space = user.start("unshare", *([] if user.name == "root" else ["-Ur"]), "-n", "sh", "-c",
                       "ip link set lo up; echo up; exec sleep 30")
    space.read_until("up")
    pid = space.pid
    if user.prefix:  # sudo or setpriv may stand between
        below_it = [p for p, _ in below(pid)[0]]
        pid = max(below_it) if below_it else pid
    path = Path("/tmp") / f"spate-netns-{pid}.yaml"
    path.write_text(NETNS % pid)
    path.chmod(0o644)
    try:
        done = user.run("spate", "run", path, "--no-run-dir")
    finally:
        path.unlink()
    if user.name == "root":
        assert done.code == 0, done
    else:
        assert done.code == 77, done
        assert "host space" in done.err and "a lab does not" in done.err


# ---- the agent itself ----

class Agent:
    def __init__(self, user):
        self.p = user.start("spate", "agent", "--stdio", stdin=subprocess.PIPE)

    def tell(self, **message):
        self.raw(json.dumps(message) + "\n")

    def raw(self, text):
        self.p.popen.stdin.write(text)
        self.p.popen.stdin.flush()

    def hear(self):
        line = self.p.popen.stdout.readline()
        return json.loads(line) if line else None

    def ask(self, **message):
        self.tell(**message)
        return self.hear()


def a_plan(me, *words):
    out = me.run("spate", "send", *words, "--dry-run").out.splitlines()
    return out[0], out[1].split()[1]


def test_agent_obeys(me):
    plan, sha256 = a_plan(me, "-t", "127.0.0.1", "-p", "9", "-r", "1000", "-D", "2", "--name",
                          "n", "--no-control", "--best-effort")
    a = Agent(me)
    hello = a.ask(type="hello", protocol=1)
    assert "udp" in hello["features"] and "lo" in hello["interfaces"]
    clock = a.ask(type="clock", t1=7)
    assert clock["t1"] == 7 and clock["t2"] <= clock["t3"] <= time.monotonic_ns()
    assert a.ask(type="prepare", plan=plan, sha256="0" * 64)["type"] == "failed"
    a.tell(type="quit")
    assert a.p.wait().code == 0
    a = Agent(me)
    a.ask(type="hello", protocol=1)
    assert a.ask(type="prepare", plan=plan, sha256=sha256) == {"type": "ready", "listening": []}
    t0 = time.monotonic_ns() + 50_000_000
    assert a.ask(type="arm", t0_ns=t0)["type"] == "armed"
    stream = json.loads(plan)["streams"][0]["name"]
    a.tell(type="command", action="set", stream=stream, rate="3kpps", at_ns=500_000_000)
    a.tell(type="command", action="stop", stream=stream, at_ns=1_500_000_000)
    m = a.hear()
    while m["type"] != "done":
        assert m["type"] in ("sample", "remark"), m
        m = a.hear()
    c = m["result"]["total"]["c"]
    assert c["asked_packets"] == 500 + 3000
    assert c["tx_packets"] + c["not_sent_late"] == 3500
    assert m["result"]["total"]["first_tx_ns"] >= t0
    a.tell(type="quit")
    assert a.p.wait().code == 0


@pytest.mark.parametrize("line", [
    "garbage\n", "\n", "[1]\n", '{"type":"sample"}\n', '{"type":"nothing"}\n', "\0\0\0\n",
    '{"type":"hello","protocol":1,"protocol":1}\n', "[" * 100000 + "\n"])
def test_agent_refuses(me, line):
    a = Agent(me)
    a.raw(line)
    m = a.hear()
    assert m["type"] == "failed" and m["exit"] == 65
    a.p.popen.stdin.close()
    assert a.p.popen.wait(10) in (0, 65)


def test_agent_order(me):
    a = Agent(me)
    assert "hello comes first" in a.ask(type="arm", t0_ns=1)["text"]
    assert "another version" in a.ask(type="hello", protocol=99)["text"]
    a.ask(type="hello", protocol=1)
    assert "not the moment" in a.ask(type="arm", t0_ns=1)["text"]
    assert "nothing runs" in a.ask(type="command", action="stop", stream="s")["text"]
    plan, _ = a_plan(me, "-t", "10.0.0.1", "--out", "x.pcap")
    failed = a.ask(type="prepare", plan=plan)
    assert failed["exit"] == 77 and "a peer may not name a file" in failed["text"]
    a.p.popen.stdin.close()
    assert a.p.popen.wait(10) == 0


def test_agent_goes_with_its_controller(me):
    plan, _ = a_plan(me, "-t", "127.0.0.1", "-p", "9", "-D", "60", "--no-control")
    a = Agent(me)
    a.ask(type="hello", protocol=1)
    a.ask(type="prepare", plan=plan)
    assert a.ask(type="arm", t0_ns=time.monotonic_ns())["type"] == "armed"
    a.p.popen.stdin.close()
    began = time.monotonic()
    a.p.popen.wait(10)
    assert time.monotonic() - began < 5
