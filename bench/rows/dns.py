"""DNS queries a second, answers matched: spate and dnsperf against the same nsd, its rate limit off, and
against a reflector that turns queries into answers. Loopback."""
import re
import shutil
import signal
import socket
import time
from contextlib import contextmanager
from functools import partial

from lab import TARGET, Failed, have
from table import Side, alternate

PORT, NAME = 5353, "www.example.com"
WHERE = TARGET["h1"]
ZONE = """$ORIGIN example.com.
$TTL 60
@ IN SOA ns hostmaster 1 3600 600 86400 60
@ IN NS ns
ns IN A 192.0.2.1
www IN A 192.0.2.80
"""
NSD = """
server:
  ip-address: {where}@{port}
  username: ""
  database: ""
  pidfile: "{dir}/pid"
  xfrdfile: "{dir}/xfrd"
  zonelistfile: "{dir}/list"
  zonesdir: "{dir}"
  server-count: 1
  rrl-ratelimit: 0
remote-control:
  control-enable: no
zone:
  name: example.com
  zonefile: {dir}/zone
"""
QUERY = b"\0\1\1\0\0\1\0\0\0\0\0\0\3www\7example\3com\0\0\1\0\1"


def nsd_path():
    return shutil.which("nsd", path="/usr/sbin:/sbin")


def wait_answer(seconds=5):
    end = time.monotonic() + seconds
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        s.settimeout(0.1)
        while time.monotonic() < end:
            try:
                s.sendto(QUERY, (WHERE, PORT))
                if s.recv(512)[2] & 0x80:
                    return
            except OSError:
                time.sleep(0.05)
    raise Failed("no name server answers")


@contextmanager
def nsd(lab):
    where = lab.fresh()
    (where / "zone").write_text(ZONE)
    (where / "conf").write_text(NSD.format(dir=where, where=WHERE, port=PORT))
    with lab.start("h1", nsd_path(), "-d", "-c", where / "conf") as server:
        wait_answer()
        yield server


@contextmanager
def reflector(lab):
    with lab.start("h1", lab.helper("bench-reflect"), WHERE, PORT) as server:
        wait_answer()
        yield server


def run_dnsperf(lab, flags):
    names = lab.fresh() / "names"
    names.write_text(f"{NAME} A\n")
    done = lab.run("h1", "dnsperf", "-s", WHERE, "-p", PORT, "-d", names, "-l",
                   max(1, round(lab.seconds)), *flags)
    text = done.out.read_text()
    found = re.search(r"Queries completed:\s+(\d+)", text)
    took = re.search(r"Run time \(s\):\s+([\d.]+)", text)
    if not found or not took:
        raise Failed(f"dnsperf: {text}")
    n = int(found[1])
    return {"qps": n / float(took[1]), "cpu_us": 1e6 * done.cpu_s / max(n, 1),
            "cpu_s": done.cpu_s, "lost": float(re.search(r"lost:\s+(\d+)", text)[1])}


def run_spate(lab, rate):
    done = lab.run("h1", lab.spate, "send", f"dns://{WHERE}:{PORT}", "--domain", NAME, "--rate",
                   rate, "-D", f"{lab.seconds:g}", "--json", "--no-run-dir", "--best-effort",
                   ok=(0, 3))
    total = done.json()["total"]
    return {"qps": total["rx_unique"] / lab.seconds, "lost": total["lost"],
            "cpu_us": 1e6 * done.cpu_s / max(total["rx_unique"], 1), "cpu_s": done.cpu_s}


def row(lab, table, name, title, server, target, limit):
    table.row(name, title)
    gone = [p for p in ("dnsperf",) if not have(p)] + ([] if nsd_path() else ["nsd"])
    if gone:
        table.verdict(f"the row ({', '.join(gone)} is not installed)", None, ">=", None)
        return
    with server(lab):
        mine = Side("spate", partial(run_spate, lab, "max"), "send dns:// -r max")
        peer = Side("dnsperf", partial(run_dnsperf, lab, ("-q", 2000, "-c", 4)),
                    "-q 2000 -c 4")
        alternate(lab, [mine, peer])
    table.sides([mine, peer], "qps", "answers/s",
                (("client CPU us an answer", "cpu_us"), ("lost", "lost")))
    a, b = mine.median("qps"), peer.median("qps")
    table.verdict("answers, ratio to dnsperf", a / b if a and b else None, ">=", target, limit)


def with_nsd(lab, table):
    """DNS queries over UDP to nsd, answers matched by id"""
    row(lab, table, "dns-nsd", with_nsd.__doc__, nsd, 1.3, "nsd's core")


def with_reflector(lab, table):
    """DNS queries over UDP to a reflector, answers matched by id"""
    row(lab, table, "dns-reflect", with_reflector.__doc__, reflector, 3.0,
        "the reflector's core")


ROWS = {"dns-nsd": with_nsd, "dns-reflect": with_reflector}
