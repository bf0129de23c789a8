"""Collectors and routers that sessions are replayed into, each in a network of the test's own: their
configuration, when they are ready, what they say."""
import collections
import json
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

    def watch_resets(self, port):
        """From now on; the call that comes back tells of the RST segments of that port."""
        log = self.folder / f"resets-{port}.log"
        dump = self.daemon("tcpdump", "-i", "lo", "-n", "-l", "--immediate-mode",
                           f"tcp port {port} and tcp[tcpflags] & (tcp-rst | tcp-syn) != 0", log=log)
        wait_for(lambda: "listening on" in text_of(log), "tcpdump")

        def resets():
            # What it shows it has seen in order: the connection itself is there.
            wait_for(lambda: "Flags [S]" in text_of(log), "tcpdump sees the connection")
            self.end(dump, signal.SIGINT)
            return [x for x in text_of(log).splitlines() if "Flags [R" in x]
        return resets

    def capture(self, port):
        """From now on all of that port; the call that comes back ends it and says where it is."""
        path, log = self.folder / f"port-{port}.pcap", self.folder / f"capture-{port}.log"
        dump = self.daemon("tcpdump", "-i", "lo", "-n", "-U", "-B", "16384", "-w", path,
                           f"tcp port {port}", log=log)
        wait_for(lambda: "listening on" in text_of(log), "tcpdump")

        def taken():
            self.end(dump, signal.SIGINT)
            assert "0 packets dropped by kernel" in text_of(log), text_of(log)
            return path
        return taken

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


def sent(folder):
    """Units that a run has sent so far, by its events; -1: it has not said."""
    events = text_of(Path(folder) / "events.jsonl").splitlines()
    for line in reversed(events):
        try:
            total = json.loads(line).get("total")
        except json.JSONDecodeError:
            continue
        if total:
            return total["tx_packets"]
    return -1


# ---- the log of pmacct's collectors ----

# What is the run's, or the collector's own, and not the message's.
STAMPS = {"seq", "timestamp_arrival", "timestamp_event", "bmp_router_port", "peer_tcp_port",
          "writer_id", "tag"}

# How the collector of the pmacct cases is set, but for Kafka.
NFACCTD = {"core_proc_name": "nfacctd_core", "timestamps_secs": "true",
           "timestamps_since_epoch": "true", "writer_id_string": "$proc_name",
           "plugins": "print[p]", "aggregate[p]": "dst_host", "print_output_file[p]": "/dev/null",
           "maps_index": "true", "pre_tag_label_encode_as_map": "true",
           "as_path_encode_as_array": "true", "bgp_comms_encode_as_array": "true",
           "nfacctd_ip": "127.0.0.1", "nfacctd_port": "9991"}


def lines_of(path):
    return [json.loads(line) for line in text_of(path).splitlines() if line.endswith("}")]


def ended(path):
    return any(m.get("event_type") == "log_close" for m in lines_of(path))


def canonical(m):
    """A line without stamps, and as both Avro (later versions) and plain JSON write it: what is not
    there is left out, lists are texts, IPv4 next hops are not mapped, a table of its own (loc-rib)
    has no distinguisher."""
    out = {}
    for k, v in m.items():
        if k in STAMPS or v in (None, [], "") or (k == "label" and isinstance(v, dict)):
            continue
        if k == "timestamp" and (m["event_type"] != "log" or m.get("bmp_msg_type") == "internal"):
            continue
        if m.get("is_loc") and k in ("rd", "rd_origin"):
            continue
        if isinstance(v, list):
            v = " ".join(map(str, v))
        if k == "bgp_nexthop":
            v = v.replace("::ffff:", "")
        out["label" if k == "mpls_label" else k] = v
    return out


def compare(got, expected, same=lambda m: m):
    """Lines that only one of two logs has: (got, expected)."""
    a, b = (collections.Counter(json.dumps(same(canonical(m)), sort_keys=True)
                                for m in lines_of(path)) for path in (got, expected))
    return ([json.loads(x) for x in (a - b).elements()],
            [json.loads(x) for x in (b - a).elements()])


# ---- captures ----

SYN, ACK, PUSH = 2, 0x10, 8


def segment(src, dst, sport, dport, seq, flags, data, pad=0):
    """An Ethernet frame of TCP over IPv4; pad: octets that are no part of the packet."""
    tcp = sport.to_bytes(2, "big") + dport.to_bytes(2, "big") + seq.to_bytes(4, "big") + \
        b"\0\0\0\1" + bytes([0x50, flags]) + b"\x20\0\0\0\0\0" + data
    ip = bytes([0x45, 0]) + (20 + len(tcp)).to_bytes(2, "big") + b"\0\1\x40\0\x40\6\0\0" + \
        bytes(src) + bytes(dst)
    return bytes(6) + bytes(6) + b"\x08\0" + ip + tcp + b"\0" * pad


def write_pcap(path, frames):
    """frames: (seconds, octets)"""
    with open(path, "wb") as f:
        f.write((0xa1b2c3d4).to_bytes(4, "little") + (2).to_bytes(2, "little") +
                (4).to_bytes(2, "little") + bytes(8) + (65535).to_bytes(4, "little") +
                (1).to_bytes(4, "little"))
        for t, octets in frames:
            us = round(t * 1e6) + 1_700_000_000_000_000
            f.write((us // 10**6).to_bytes(4, "little") + (us % 10**6).to_bytes(4, "little") +
                    2 * len(octets).to_bytes(4, "little") + octets)
