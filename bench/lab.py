"""Processes in the two hosts of the lab, what they cost, and the kernel's counters."""
import json
import os
import shutil
import signal
import subprocess
import tempfile
import time

# An ordinary user: no capability is left, whatever the lab's namespaces would allow.
ORDINARY = ["setpriv", "--bounding-set=-all", "--inh-caps=-all", "--ambient-caps=-all", "--"]
TARGET = {"h1": "127.0.0.1", "h2": "10.99.0.2"}


class Failed(Exception):
    """A run that gave no figure. Says why."""


def tail(path, lines=6):
    return "\n".join(path.read_text(errors="replace").splitlines()[-lines:])


class Process:
    """A command in a host, under bench-cost."""

    def __init__(self, lab, host, argv, privileged=False):
        self.argv = [str(a) for a in argv]
        self.dir = lab.fresh()
        self.out, self.err, self.bill = (self.dir / n for n in ("out", "err", "cost"))
        command = [lab.helper("bench-cost"), self.bill]
        command += ([] if privileged else ORDINARY) + self.argv
        with open(self.out, "wb") as out, open(self.err, "wb") as err:
            self.child = subprocess.Popen([*lab.enter(host), *map(str, command)], stdout=out,
                                          stderr=err, stdin=subprocess.DEVNULL)

    def wait(self, seconds, ok=(0,)):
        try:
            rc = self.child.wait(timeout=seconds)
        except subprocess.TimeoutExpired:
            self.kill()
            raise Failed(f"{self.argv[0]} did not end in {seconds:.0f} s") from None
        if rc not in ok:
            raise Failed(f"{' '.join(self.argv)}: exit {rc}: {tail(self.err)}")
        return self

    def stop(self, seconds=10, sig=signal.SIGINT, ok=(0, 130)):
        if self.child.poll() is None:
            self.child.send_signal(sig)
        return self.wait(seconds, ok)

    def kill(self):
        if self.child.poll() is None:
            self.child.send_signal(signal.SIGTERM)
            try:
                self.child.wait(timeout=2)
            except subprocess.TimeoutExpired:
                self.child.kill()
                self.child.wait()

    def ready(self, word="ready", seconds=10):
        end = time.monotonic() + seconds
        while word not in self.err.read_text(errors="replace"):
            if self.child.poll() is not None or time.monotonic() > end:
                self.kill()
                raise Failed(f"{' '.join(self.argv)}: not ready: {tail(self.err)}")
            time.sleep(0.02)
        return self

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.kill()

    def json(self):
        try:
            return json.loads(self.out.read_text())
        except ValueError:
            raise Failed(f"{' '.join(self.argv)}: no JSON: {tail(self.err)}") from None

    @property
    def cost(self):
        return json.loads(self.bill.read_text())

    @property
    def cpu_s(self):
        return self.cost["user_s"] + self.cost["sys_s"]

    @property
    def cores(self):
        """CPU seconds a second of its life; a receiver also lives before and after the test."""
        return self.cpu_s / max(self.cost["wall_s"], 1e-9)


class Lab:
    def __init__(self, spate, helpers, where, seconds, runs, wait):
        self.spate, self.helpers, self.where = spate, helpers, where
        self.seconds, self.runs = seconds, runs
        self.patience = Patience(wait)

    def fresh(self):
        return type(self.where)(tempfile.mkdtemp(dir=self.where))

    def helper(self, name):
        return self.helpers / name

    def enter(self, host):
        return [] if host == "h1" else [self.spate, "lab", "exec", host, "--"]

    def start(self, host, *argv, **kw):
        return Process(self, host, argv, **kw)

    def run(self, host, *argv, timeout=None, ok=(0,), **kw):
        with Process(self, host, argv, **kw) as p:
            return p.wait(timeout or self.seconds + 20, ok)

    def text(self, host, *argv):
        """What a short command prints, "" if it fails."""
        done = subprocess.run([*self.enter(host), *argv], stdout=subprocess.PIPE,
                              stderr=subprocess.DEVNULL, text=True, timeout=10, check=False)
        return done.stdout if done.returncode == 0 else ""

    def offload(self, host, **switches):
        """ethtool -K eth0: tx_udp_segmentation="off"."""
        words = [w for k, v in switches.items() for w in (k.replace("_", "-"), v)]
        done = subprocess.run([*self.enter(host), "ethtool", "-K", "eth0", *words],
                              stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
                              timeout=10, check=False)
        if done.returncode:
            raise Failed(f"ethtool -K eth0 {' '.join(words)}: {done.stderr.strip()}")

    def rx_packets(self, host, interface="eth0"):
        for line in self.text(host, "cat", "/proc/net/dev").splitlines():
            name, _, figures = line.partition(":")
            if name.strip() == interface:
                return int(figures.split()[1])
        raise Failed(f"no {interface} in {host}")

    def udp_counters(self, host):
        lines = [line.split()[1:] for line in
                 self.text(host, "cat", "/proc/net/snmp").splitlines()
                 if line.startswith("Udp:")]
        return dict(zip(lines[0], map(int, lines[1])))

    def wait_listening(self, host, port, seconds=5):
        """Until a TCP socket listens on port: state 0A."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            for table in ("/proc/net/tcp", "/proc/net/tcp6"):
                for line in self.text(host, "cat", table).splitlines()[1:]:
                    field = line.split()
                    if field[3] == "0A" and int(field[1].rsplit(":", 1)[1], 16) == port:
                        return
            time.sleep(0.05)
        raise Failed(f"nobody listens on TCP port {port} of {host}")


class Patience:
    """Waits until the rest of the machine is quiet, all in all for so long."""

    WINDOW_S, BUSY_CORES = 0.15, 0.3

    def __init__(self, seconds):
        self.left = seconds

    def wait(self):
        while self.left > 0:
            before = sum(busy_s())
            time.sleep(self.WINDOW_S)
            if sum(busy_s()) - before < self.BUSY_CORES * self.WINDOW_S:
                return
            self.left -= self.WINDOW_S


def have(program):
    return shutil.which(program) is not None


def busy_s():
    """Seconds that each CPU of the machine has worked."""
    tick = os.sysconf("SC_CLK_TCK")
    busy = []
    with open("/proc/stat", encoding="ascii") as f:
        for line in f:
            if line.startswith("cpu") and line[3].isdigit():
                v = list(map(int, line.split()[1:9]))
                busy.append((sum(v) - v[3] - v[4]) / tick)
    return busy
