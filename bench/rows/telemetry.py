"""Telemetry without a capture: flow records a second into a UDP socket, and BGP UPDATEs a second into
a speaker. No peer generates either; the figure and what bounds it."""
import shutil
from contextlib import contextmanager
from functools import partial

from lab import TARGET, have
from table import Side, alternate, short

PORT, BGP_PORT = 4739, 1790
PREFIXES = 1_000_000
BIRD = """router id 10.9.0.2;
protocol device {{}}
protocol bgp x {{
  local {where} port {port} as 65001;
  neighbor {where} as 64496;
  passive; multihop;
  ipv4 {{ import {keep}; export none; next hop keep; }};
}}
"""


def records(lab, transport):
    run = lab.run("h1", lab.spate, "send", "--protocol", "ipfix", "-t", TARGET["h2"], "-p", PORT,
                  "--transport", transport, "--rate", "max", "--flows", 19, "-D",
                  f"{lab.seconds:g}", "--json", "--no-run-dir", "--best-effort", ok=(0, 3))
    total = run.json()["total"]
    n = 19 * total["tx_packets"]
    return {"rps": 19 * total["tx_pps"], "cpu_ns": 1e9 * run.cpu_s / max(n, 1), "cpu_s": run.cpu_s}


def ipfix(lab, table):
    """IPFIX records generated to a UDP socket, 19 a message, one core"""
    table.row("ipfix", ipfix.__doc__)
    with lab.start("h2", lab.spate, "recv", f"udp://:{PORT}", "--json", "--no-run-dir") as sink:
        sink.ready()
        wire = Side("into a socket", partial(records, lab, "udp"), "send --protocol ipfix -r max")
        made = Side("made only", partial(records, lab, "null"), "--transport null")
        alternate(lab, [wire, made])
        sink.stop()
    table.sides([wire, made], "rps", "records/s", (("CPU ns a record", "cpu_ns"),))
    a, b = wire.median("cpu_ns"), made.median("cpu_ns")
    if a and b:
        table.note(f"bounded by the sender's core: {b:.0f} ns to make a record, {a - b:.0f} ns "
                   "its part of the kernel's way")


@contextmanager
def bird(lab, keep):
    where = lab.fresh()
    (where / "conf").write_text(BIRD.format(where=TARGET["h1"], port=BGP_PORT, keep=keep))
    with lab.start("h1", shutil.which("bird", path="/usr/sbin:/sbin:/usr/bin"), "-f", "-c",
                   where / "conf", "-s", where / "ctl", "-P", where / "pid",
                   privileged=True) as speaker:
        lab.wait_listening("h1", BGP_PORT)
        yield speaker


def updates(lab, keep):
    with bird(lab, keep):
        run = lab.run("h1", lab.spate, "send", "--protocol", "bgp", "-t", TARGET["h1"], "-p",
                      BGP_PORT, "--prefixes", PREFIXES, "-D",
                      f"{max(lab.seconds, 5):g}", "--json", "--no-run-dir", "--best-effort",
                      ok=(0, 3), timeout=60)
    total = run.json()["total"]
    return {"ups": total["tx_pps"], "cpu_us": 1e6 * run.cpu_s / max(total["tx_packets"], 1),
            "updates": total["tx_packets"], "cpu_s": run.cpu_s}


def bgp(lab, table):
    """BGP UPDATEs generated to bird, a table of a million prefixes, loopback"""
    table.row("bgp-table", bgp.__doc__)
    if not have("bird"):
        table.verdict("the row (bird2 is not installed)", None, ">=", None)
        return
    refuses = Side("bird filters all", partial(updates, lab, "none"), "send --protocol bgp")
    keeps = Side("bird keeps all", partial(updates, lab, "all"), "the same")
    alternate(lab, [refuses, keeps])
    table.sides([refuses, keeps], "ups", "UPDATEs/s", (("CPU us an UPDATE", "cpu_us"),))
    ups = refuses.median("ups")
    if ups:
        table.note(f"bounded by the peer, which reads as it can: {short(8 * ups)} prefixes/s, "
                   "eight an UPDATE; the sender waits for room in its socket")


ROWS = {"ipfix": ipfix, "bgp-table": bgp}
