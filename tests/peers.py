"""Collectors and routers that sessions are replayed into, each in a network of the test's own: their
configuration, when they are ready, what they say."""
import os
import signal
import subprocess
import time
from pathlib import Path

DATA = Path(__file__).resolve().parent / "data"
PATIENCE = 60  # s; a loaded machine is slow, and only a failure waits so long


def wait_for(what, why, timeout=PATIENCE, step=0.05):
    """Polls what() until it is true, and returns that."""
    deadline = time.monotonic() + timeout
    while True:
        got = what()
        if got:
            return got
        if time.monotonic() > deadline:
            raise AssertionError(f"{why}: not in {timeout} s")
        time.sleep(step)


def text_of(path):
    try:
        return Path(path).read_text(errors="replace")
    except FileNotFoundError:
        return ""


class Network:
    """A network namespace with addresses on its loopback."""

    def __init__(self, user, folder, addresses=()):
        self.user, self.folder, self.started = user, folder, []
        own = [] if os.geteuid() == 0 else ["-U", "-r"]
        script = "ip link set lo up; " + "".join(
            f"ip address add {a} dev lo nodad; " if ":" in a else f"ip address add {a} dev lo; "
            for a in addresses) + "echo ready; exec sleep 900"
        self.holder = user.start("unshare", *own, "-n", "sh", "-c", script)
        self.holder.read_until("ready", timeout=PATIENCE)
        self.enter = ["nsenter", "-t", self.holder.pid, "-n"]
        if own:
            self.enter += ["-U", "--preserve-credentials"]

    def start(self, *argv, **options):
        p = self.user.start(*self.enter, *argv, **options)
        self.started.append(p)
        return p

    def run(self, *argv, timeout=PATIENCE, **options):
        return self.start(*argv, **options).wait(timeout)

    def daemon(self, *argv, log, env=None):
        """A server whose words go to a file."""
        out = open(log, "a")
        argv = [str(a) for a in [*self.enter, *argv]]
        p = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=out,
                             stderr=subprocess.STDOUT, start_new_session=True,
                             cwd=self.folder, env=self.user.env(**(env or {})))
        out.close()
        p.log = Path(log)
        self.started.append(p)
        return p

    def listening(self, port, proto="tcp"):
        """Does somebody wait for connections there?"""
        found = False
        for name in (proto, proto + "6"):
            table = text_of(f"/proc/{self.holder.pid}/net/{name}")
            for line in table.splitlines()[1:]:
                cols = line.split()
                found |= cols[1].endswith(f":{port:04X}") and cols[3] == "0A"
        return found

    def wait_listening(self, port):
        wait_for(lambda: self.listening(port), f"nobody listens on port {port}")

    def resets(self):
        """RST segments that this network's TCP has sent so far."""
        lines = text_of(f"/proc/{self.holder.pid}/net/snmp").splitlines()
        names, values = [x.split() for x in lines if x.startswith("Tcp:")]
        return int(values[names.index("OutRsts")])

    def end(self, process, number=signal.SIGTERM):
        """Ends a daemon and what it has started."""
        try:
            os.killpg(process.pid, number)
            process.wait(10)
        except (ProcessLookupError, subprocess.TimeoutExpired):
            pass
        try:
            os.killpg(process.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        try:
            process.wait(10)
        except (AssertionError, subprocess.TimeoutExpired):
            pass

    def stop(self):
        for p in self.started:
            if isinstance(p, subprocess.Popen):
                self.end(p, signal.SIGINT if p.poll() is None else signal.SIGKILL)


def pmacct(network, program, settings, name=None):
    """pmbmpd, pmbgpd or nfacctd with these settings; ready when it listens."""
    folder = network.folder
    name = name or program
    conf = folder / f"{name}.conf"
    settings = {"daemonize": "false", **settings}
    conf.write_text("".join(f"{k}: {v}\n" for k, v in settings.items()))
    p = network.daemon(program, "-f", conf, log=folder / f"{name}.log")
    port = settings.get("bmp_daemon_port") or settings.get("bgp_daemon_port")
    network.wait_listening(int(port))
    return p
