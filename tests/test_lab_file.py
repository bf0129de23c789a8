"""Labs from files, and labs with a name: what they are, who gets in, and that nothing is left."""
import json
import os
import re
import resource
import shutil
import signal
import subprocess
import time
from pathlib import Path

import pytest

from test_lab import all_netns, family, readable_netns, stat_of

PING = "ping -c 1 -W 2 -n -q"

CAMPUS = """\
lab:
  name: campus
  hosts: [h1, h2, h3]
  routers: [r1, r2]
  bridges: [sw]
  links:
    - {name: l1, ends: [h1, r1], addresses: [10.1.0.1/24, 10.1.0.254/24]}
    - {name: core, ends: [r1, r2], delay: 3ms, via: forwarder}
    - {ends: [r2, sw]}
    - {ends: [sw, h2], via: forwarder}
    - {ends: [h3, sw]}
    - {ends: [h1, h2], addresses: [fd11::1/64, fd11::2/64]}
"""


@pytest.fixture
def campus(user):
    return put(user, "campus.yaml", CAMPUS)


def put(user, name, text):
    path = user.home / name
    path.write_text(text)
    path.chmod(0o644)
    return path


def run(user, path, script, **options):
    return user.run("spate", "lab", "run", path, "--", "sh", "-c", script, **options)


# ---- what a file makes ----

def test_everything_in_one(user, campus):
    done = run(user, campus, f"""
        ip -br addr; echo --; {PING} 10.99.1.2 && {PING} 10.99.2.2 && {PING} 10.99.2.3 && echo far
        {PING} fd11::2 && echo near
        "$SPATE" lab exec h3 -- sh -c '{PING} 10.1.0.1 && {PING} 10.99.2.2' && echo back
        "$SPATE" lab exec r1 -- cat /proc/sys/net/ipv4/ip_forward
        "$SPATE" lab exec h2 -- cat /proc/sys/net/ipv4/ip_forward""")
    assert done.code == 0, done
    addresses, rest = done.out.split("--\n", 1)
    assert "10.1.0.1/24 fe80::" in addresses and "fd11::1/64" in addresses, done
    assert "fd99" not in addresses, done
    assert [w for w in ("far", "near", "back") if w + "\n" in rest] == ["far", "near", "back"], done
    assert rest.split()[-2:] == ["1", "0"], done


def test_both_families_through_routers(user):
    path = put(user, "line.yaml", "lab: {hosts: [a, b], routers: [r1, r2, r3], links: ["
               "{ends: [a, r1]}, {ends: [r1, r2]}, {ends: [r2, r3]}, {ends: [r3, b]}]}\n")
    done = run(user, path, f'{PING} 10.99.3.2 && {PING} fd99:0:0:3::2 && "$SPATE" lab exec b -- '
               f"{PING} fd99::1 && ping -c 1 -n -t 3 10.99.3.2 | grep -c 'Time to live exceeded'")
    assert done.code == 0, done


def test_bridge_with_bad_ports(user):
    """Each port of a bridge may be a link of its own kind."""
    path = put(user, "lan.yaml", "lab: {hosts: [a, b, c], bridges: [x, y], links: [{ends: [a, x], "
               "delay: 10ms}, {ends: [x, y], delay: 20ms}, {ends: [b, y]}, {ends: [c, x]}]}\n")
    done = run(user, path, f"for n in 2 3; do {PING} 10.99.0.$n >/dev/null; {PING} 10.99.0.$n | "
               "sed -n 's!^rtt.*= \\([0-9]*\\)\\..*!\\1!p'; done")
    to_b, to_c = map(int, done.out.split())
    assert 60 <= to_b < 90 and 20 <= to_c < 50, done


def test_as_a_part_of_a_scenario(user):
    path = put(user, "s.yaml", "spate: 1\nname: mine\nstreams: []\n" + CAMPUS)
    assert run(user, path, "true").code == 0


def test_many(user):
    hosts = [f"h{i}" for i in range(40)]
    path = put(user, "many.yaml", json.dumps({"lab": {"hosts": hosts, "routers": ["r"], "links": [
        {"ends": [h, "r"]} for h in hosts]}}))
    done = run(user, path, f"{PING} 10.99.39.1 && ip route | wc -l", timeout=60)
    assert done.code == 0 and done.out.split()[-1] == "40", done


def test_link_from_inside_needs_root(user):
    path = put(user, "l.yaml", "lab: {hosts: [a, b], links: [{name: l, ends: [a, b], loss: 1%}]}\n")
    done = run(user, path, '"$SPATE" lab link l delay=1ms && "$SPATE" lab link l --json | '
               'grep -c \'"delay": "1ms"\'; setpriv --reuid=65534 --regid=65534 --clear-groups '
               '"$SPATE" lab link l delay=2ms')
    assert done.out == "2\n", done
    # Where a lab has one user only, nobody else can be.
    assert "does not answer" in done.err or "setpriv" in done.err, done


# ---- wrong files ----

WRONG = {
    "no lab": ("hosts: [a]\n", "1:1", "the file begins with 'lab:'"),
    "empty": ("", "1:1", "there is no lab here"),
    "not YAML": ("lab: {hosts: [a\n", "2:1", "close the list with ]"),
    "tab": ("lab:\n\thosts: [a]\n", "2:1", "spaces and not with tabs"),
    "no hosts": ("lab: {}\n", "1:6", "hosts: [h1, h2]"),
    "typo": ("lab:\n  hots: [a]\n", "2:3", "did you mean 'hosts'"),
    "type": ("lab:\n  hosts: {a: 1}\n", "2:10", "a list"),
    "twice": ("lab:\n  hosts: [a]\n  hosts: [b]\n", "3:3", "given twice"),
    "unknown end": ("lab:\n  hosts: [left, right]\n  links: [{ends: [left, rihgt]}]\n", "3:25",
                    "did you mean 'right'"),
    "rate": ("lab: {hosts: [a, b], links: [{ends: [a, b], rate: fast}]}\n", "1:51", "2Gbit/s"),
    "NaN": ("lab: {hosts: [a, b], links: [{ends: [a, b], loss: .nan}]}\n", "1:51", "1% or 0.01"),
    "negative": ("lab: {hosts: [a, b], links: [{ends: [a, b], delay: -1ms}]}\n", "1:52", "500ms"),
    "public address": ("lab: {hosts: [a, b], links: [{ends: [a, b], "
                       "addresses: [1.1.1.1/24, 1.1.1.2/24]}]}\n", "1:57", "private"),
    "two networks": ("lab: {hosts: [a, b], links: [{ends: [a, b], "
                     "addresses: [10.0.0.1/24, 10.0.1.2/24]}]}\n", "1:56", "the same"),
    "ring": ("lab: {hosts: [a], bridges: [x, y], links: [{ends: [x, y]}, {ends: [y, x]}]}\n",
             "1:60", "leave it out"),
    "netem asked for too much": ("lab: {hosts: [a, b], links: [{ends: [a, b], via: netem, "
                                 "loss_every: 3}]}\n", "1:50", "netem cannot do"),
    "veth asked for anything": ("lab: {hosts: [a, b], links: [{ends: [a, b], via: veth, "
                                 "loss_every: 3}]}\n", "1:50", "write forwarder"),
    "bomb": ("a: &a [1,1,1,1,1,1,1,1,1,1]\n" + "".join(
        f"{chr(98 + i)}: &{chr(98 + i)} [{','.join(['*' + chr(97 + i)] * 10)}]\n"
        for i in range(20)), "5:", "cut it into smaller ones"),
    "deep": ("lab: " + "[" * 100000, "1:", "make it flatter"),
    "large": ("#" * (2 << 20), "", "cut it into smaller ones"),
    "many keys": ("lab:\n" + "".join(f" k{i}: 1\n" for i in range(60000)), "", "cut it into"),
    "cycle": ("lab: &a {hosts: *a}\n", "1:17", "write the value out"),
    "two documents": ("lab: {hosts: [a]}\n---\nlab: {hosts: [a]}\n", "2:1", "a file of its own"),
    "tag": ("lab: !!python/object:os.system {}\n", "1:6", "leave it out"),
}


@pytest.mark.parametrize("what", WRONG)
def test_wrong_files(me, what):
    text, place, remedy = WRONG[what]
    path = put(me, "wrong.yaml", text)
    times = []
    for _ in range(3):
        start = time.monotonic()
        done = me.run("spate", "lab", "run", path, "--", "true")
        times.append(time.monotonic() - start)
    assert done.code == 65 and not done.out and done.err.count("\n") == 1, done
    assert f"wrong.yaml:{place}" in done.err and remedy in done.err, done
    # The best of three: others may be using the processors.
    assert min(times) < 0.5, times


def test_memory_of_wrong_files(me):
    """No file costs more than 16 MiB above what a small one does."""
    def peak(text):
        path = put(me, "m.yaml", text)
        read, write = os.pipe()
        pid = os.fork()
        if not pid:
            os.dup2(write, 2)
            os.execv(me.spate, [str(me.spate), "lab", "run", str(path), "--", "true"])
        _, _, usage = os.wait4(pid, 0)
        os.close(read)
        os.close(write)
        return usage.ru_maxrss

    small = peak("lab: 1\n")
    assert small < resource.getrusage(resource.RUSAGE_SELF).ru_maxrss + 100_000
    for what, (text, _, _) in WRONG.items():
        assert peak(text) - small < 16 * 1024, what


def test_missing_file(me):
    done = me.run("spate", "lab", "run", "no.yaml", "--", "true")
    assert done.code == 66 and "no.yaml: No such file" in done.err, done


def test_binary_file(me):
    (me.home / "latin.yaml").write_bytes(b"lab: {hosts: [\xe9]}\n")
    done = me.run("spate", "lab", "run", "latin.yaml", "--", "true")
    assert done.code == 65 and "latin.yaml:1:15: byte 0xe9 is not UTF-8" in done.err, done


# ---- labs with a name ----

@pytest.fixture
def named(user):
    """named(*words): spate lab with a folder for names of its own; labs are ended at the end."""
    folder = user.home / "run"
    folder.mkdir()
    if os.geteuid() == 0 and user.prefix:
        os.chown(folder, 65534, 65534)
    env = {"XDG_RUNTIME_DIR": str(folder)}

    def lab(*words, **options):
        return user.run("spate", "lab", *words, env=env, **options)

    lab.env = env
    yield lab
    lab("down", "--all")
    assert not list((folder / "spate" / "labs").glob("*")) if folder.exists() else True


def test_up_exec_list_down(user, named, campus):
    up = named("up", campus)
    assert up.code == 0 and re.match(r"lab campus is up, held by process \d+\n", up.out), up
    again = named("up", campus)
    assert again.code == 2 and "spate lab down campus" in again.err, again
    assert named("up", campus, "--name", "second").code == 0
    # Which one?
    done = named("exec", "h1", "--", "true")
    assert done.code == 2 and "campus, second" in done.err, done
    done = named("exec", "campus", "h1", "--", "sh", "-c",
                 f'{PING} 10.99.2.2 >/dev/null; echo $?; pwd; "$SPATE" lab exec h3 -- hostname -I; '
                 "exit 7")
    assert (done.code, done.out.splitlines()[:2]) == (7, ["0", str(user.home)]), done
    assert "10.99.2.3" in done.out, done
    doc = json.loads(named("list", "--json").out)
    assert [x["name"] for x in doc["labs"]] == ["campus", "second"]
    lab = doc["labs"][0]
    assert {n["name"]: n["kind"] for n in lab["nodes"]} == {
        "h1": "host", "h2": "host", "h3": "host", "r1": "router", "r2": "router", "sw": "bridge"}
    assert [(x["name"], x["via"]) for x in lab["links"]] == [
        ("l1", "veth"), ("core", "forwarder"), ("l3", "veth"), ("l4", "forwarder"),
        ("l5", "veth"), ("l6", "veth")]
    assert lab["links"][1]["there"]["counts"]["frames_out"] > 0
    assert lab["links"][0]["there"]["counts"] is None
    assert "link core: r1 - r2, forwarder" in named("list").out
    assert named("down", "second").code == 0
    # Now there is only one.
    assert named("exec", "r1", "--", "true").code == 0
    assert named("link", "core", "delay=30ms").code == 0
    assert "delay=30ms" in named("link", "campus", "core").out
    assert named("down").code == 0
    done = named("down")
    assert done.code == 2 and "no lab is up" in done.err, done


def test_up_that_fails(user, named, campus):
    """Its name is free at once, and nothing else is left."""
    done = user.run("unshare", "-Ur", "sh", "-c", f"""
        echo 3 >/proc/sys/user/max_net_namespaces || exit 9
        "$SPATE" lab up {campus}; echo $?; ls "$XDG_RUNTIME_DIR/spate/labs"
        echo 100 >/proc/sys/user/max_net_namespaces
        "$SPATE" lab up {campus} >/dev/null && "$SPATE" lab down; echo $?""", env=named.env)
    assert done.out.split() == ["77", "0"] and "max_net_namespaces" in done.err, done


@pytest.mark.parametrize("words,says", [
    (["up"], "which file"), (["up", "x.yaml", "--", "true"], "runs no command"),
    (["exec", "a", "b", "c", "--", "true"], "unexpected"), (["exec", "no", "h", "--", "true"],
                                                            "no lab 'no' is up"),
    (["exec", "../x", "h", "--", "true"], "no lab '../x' is up"), (["link"], "which link"),
    (["link", "l"], "no lab is up"), (["down", "x"], "no lab 'x' is up"),
    (["list", "x"], "takes no names"), (["up", "x.yaml", "--name", "a/b"], "x.yaml"),
    (["run", "--hosts", "a,b", "x.yaml", "--", "true"], "give one of them"),
])
def test_wrong_words(user, named, words, says):
    done = named(*words)
    assert done.code in (2, 66) and says in done.err and not done.out, done


def test_commands_of_a_named_lab(user, named, campus):
    assert named("up", campus).code == 0
    for words, code, says in ((["exec", "h9", "--", "true"], 2, "no host 'h9'"),
                              (["exec", "h1", "--", "/nonexistent"], 127, "/nonexistent"),
                              (["exec", "h1", "--", "/etc/passwd"], 126, "/etc/passwd"),
                              (["exec", "h1", "--", "sh", "-c", "kill -9 $$"], 137, ""),
                              (["link", "l1", "loss=1%"], 2, "plain wire"),
                              (["link", "coer"], 2, "did you mean 'core'")):
        done = named(*words)
        assert done.code == code and says in done.err, (words, done)
    p = user.start("spate", "lab", "exec", "h1", "--", "cat", env=named.env,
                   stdin=subprocess.PIPE)
    p.popen.stdin.write("text\n")
    p.popen.stdin.close()
    p.popen.stdin = None
    assert p.wait().out == "text\n"
    # A signal to who waits arrives once, and the command's answer is the answer.
    p = user.start("spate", "lab", "exec", "h1", "--", "sh", "-c",
                   "trap 'echo got; exit 5' TERM INT; echo up; while :; do sleep 0.05; done",
                   env=named.env)
    p.read_until("up")
    kill(user, p.pid, signal.SIGTERM)
    done = p.wait(5)
    assert (done.code, done.out) == (5, "got\n"), done


def kill(user, pid, number):
    if user.prefix and os.geteuid() != 0:
        user.run("kill", f"-{int(number)}", str(pid))
    else:
        os.kill(pid, number)


class Held:
    """A named lab with something running in it, and what must be gone afterwards."""

    def __init__(self, user, named, campus):
        self.user = user
        out = named("up", campus).out
        self.holder = int(out.split()[-1])
        self.p = user.start("spate", "lab", "exec", "h2", "--", "sh", "-c",
                            "sleep 1000 & echo up; sleep 1000; :", env=named.env)
        self.p.read_until("up")
        deadline = time.monotonic() + 5
        while time.monotonic() < deadline:
            self.family = {**family(self.holder), **family(self.p.pid)}
            if [s[2] for s in map(stat_of, self.family) if s].count("sleep") == 2:
                break
            time.sleep(0.02)
        self.shell = next(p for p in self.family if (stat_of(p) or (0, 0, ""))[2] == "sh")
        self.family.pop(self.p.pid)
        self.netns = readable_netns(user, self.family) - {os.readlink("/proc/self/ns/net")}
        assert len(self.netns) == 6, self.netns

    def pid_of(self, command):
        return next(p for p in self.family if (stat_of(p) or (0, 0, ""))[2] == command)

    def assert_gone(self, within=3):
        deadline = time.monotonic() + within
        while time.monotonic() < deadline:
            alive = [p for p, start in self.family.items()
                     if (stat_of(p) or (0, 0))[1] == start]
            if not alive and not self.netns & all_netns():
                return
            time.sleep(0.02)
        raise AssertionError(([stat_of(p) for p in alive], self.netns & all_netns()))


@pytest.mark.parametrize("which", ["lab=campus", "lab:init", "lab:h1", "lab:r2", "lab:core"])
def test_nothing_left_after_kill_9(user, named, campus, which):
    held = Held(user, named, campus)
    kill(user, held.pid_of(which), signal.SIGKILL)
    held.assert_gone()
    # Where init is left it asks first.
    assert held.p.wait(5).code in ((137,) if which in ("lab=campus", "lab:init") else (137, 143))
    # The name is free again, whoever left it.
    assert json.loads(named("list", "--json").out)["labs"] == []
    assert named("up", campus).code == 0
    assert not subprocess.run(["ip", "-br", "link", "show", "type", "veth"], capture_output=True,
                              text=True, check=False).stdout


def test_nothing_left_after_sigterm(user, named, campus):
    held = Held(user, named, campus)
    kill(user, held.holder, signal.SIGTERM)
    held.assert_gone()
    held.p.wait(5)


def test_nothing_left_after_down(user, named, campus):
    held = Held(user, named, campus)
    assert named("down").code == 0
    held.assert_gone(within=0.5)
    held.p.wait(5)


def test_kill_9_of_exec_takes_its_command(user, named, campus):
    """... and only that."""
    held = Held(user, named, campus)
    kill(user, held.p.pid, signal.SIGKILL)
    deadline = time.monotonic() + 3
    while stat_of(held.shell) and time.monotonic() < deadline:
        time.sleep(0.02)
    assert not stat_of(held.shell)
    assert named("exec", "h2", "--", "true").code == 0


def test_kill_9_while_it_is_made(user, campus):
    """At any moment of a lab's making its command can be killed, and nothing is left."""
    for i in range(12):
        p = user.start("spate", "lab", "run", campus, "--", "sleep", "1000")
        time.sleep(0.006 * i)
        whole = family(p.pid)
        kill(user, p.pid, signal.SIGKILL)
        p.wait(5)
        whole.update(family(p.pid))
        deadline = time.monotonic() + 3
        left = whole
        while left and time.monotonic() < deadline:
            left = [q for q, start in whole.items() if (stat_of(q) or (0, 0))[1] == start]
        assert not left, (i, [stat_of(q) for q in left])


def test_run_killed_with_its_forwarders(user, campus):
    p = user.start("spate", "lab", "run", campus, "--", "sh", "-c", "echo up; sleep 1000; :")
    p.read_until("up")
    whole = family(p.pid)
    lab = next(q for q in whole if (stat_of(q) or (0, 0, ""))[2] == "spate")
    assert sum((stat_of(q) or (0, 0, ""))[2] in ("lab:core", "lab:l4") for q in whole) == 2
    kill(user, lab, signal.SIGKILL)
    p.wait(5)
    deadline = time.monotonic() + 3
    left = whole
    while left and time.monotonic() < deadline:
        left = [q for q, start in whole.items() if (stat_of(q) or (0, 0))[1] == start]
    assert not left, [stat_of(q) for q in left]


GARBAGE = """
import os, socket, sys
silent = []
for size in (0, 1, 100, 4000):
    s = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    s.connect(sys.argv[1])
    if size:
        s.send(os.urandom(size))
    silent.append(s)
print("said", flush=True)
sys.stdin.read()
"""


def test_garbage_to_the_holder(user, named, campus):
    """What is no order is nobody's; who says nothing holds nobody up."""
    assert named("up", campus).code == 0
    path = Path(named.env["XDG_RUNTIME_DIR"]) / "spate" / "labs" / "campus"
    p = user.start("/usr/bin/python3", "-c", GARBAGE, path, stdin=subprocess.PIPE)
    p.read_until("said")
    start = time.monotonic()
    assert named("exec", "h1", "--", "true").code == 0
    assert time.monotonic() - start < 5
    assert p.popen.poll() is None


def test_folder_of_somebody_else(user, named, campus):
    folder = Path(named.env["XDG_RUNTIME_DIR"]) / "spate"
    (folder / "labs").mkdir(parents=True)
    (folder / "labs").chmod(0o777)
    done = named("up", campus)
    assert done.code == 74 and "XDG_RUNTIME_DIR" in done.err, done
    shutil.rmtree(folder)


# ---- users ----

SUBID = """
    set -e
    echo "$NAME:100000:65536" >{home}/subid; chmod 644 {home}/subid
    mount --bind {home}/subid /etc/subuid; mount --bind {home}/subid /etc/subgid
    exec setpriv --reuid=65534 --regid=65534 --clear-groups "$SPATE" lab run -- sh -c \
        'cat /proc/self/uid_map; setpriv --reuid=1000 --regid=1000 --clear-groups id -u'"""


def test_subuid_ranges(public_spate, me):
    """An ordinary user's lab has as many users as /etc/subuid gives."""
    if os.geteuid() != 0 or not Path("/usr/bin/newuidmap").exists():
        pytest.skip("needs root, to give an ordinary user a range, and newuidmap")
    for path in ("/etc/subuid", "/etc/subgid"):
        assert Path(path).exists()
    me.home.chmod(0o755)
    done = me.run("unshare", "-m", "sh", "-c", SUBID.format(home=me.home), cwd="/",
                  env={"NAME": "nobody", "SPATE": str(public_spate)})
    assert done.code == 0, done
    assert done.out.split() == ["0", "65534", "1", "1", "100000", "65536", "1000"], done


def test_doctor_tells(me):
    rows = {r["name"]: r for r in json.loads(me.run("spate", "doctor", "--json").out)["checks"]}
    assert rows["forwarder"]["state"] in ("ok", "missing")
    assert rows["subuid"]["state"] in ("ok", "limited")
    assert rows["netem"]["state"] == "ok" or "forwarder" in rows["netem"]["use"]


# ---- the examples ----

EXAMPLES = Path(__file__).resolve().parent.parent / "examples" / "labs"
TRIED = {
    "office": (f"{PING} 10.20.0.2 && {PING} fd20::2", " 0% packet loss"),
    "lan": ("ping -c 20 -i 0.2 -n -q -W 1 10.99.0.4", "20 packets transmitted"),
    "exact": ('"$SPATE" lab exec rx -- "$SPATE" recv -D 20 --no-run-dir >/dev/null 2>ready & '
              "until grep -q '^ready' ready; do sleep 0.05; done; "
              '"$SPATE" send udp://10.99.0.2:5001 --rate 1kpps --count 1001 --no-run-dir --quiet; '
              'kill $!; "$SPATE" lab link l', "lost 100 duplicated 180\n"),
}


def test_every_example_is_tried():
    assert {p.stem for p in EXAMPLES.glob("*")} == set(TRIED)


@pytest.mark.parametrize("name", TRIED)
def test_examples(user, name):
    script, says = TRIED[name]
    path = put(user, name + ".yaml", (EXAMPLES / f"{name}.yaml").read_text())
    done = run(user, path, script)
    assert done.code == 0 and says in done.out, done
