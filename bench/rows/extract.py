"""Clean sessions out of a capture: how long the example of traffic-reproducer takes."""
import shutil
from functools import partial
from pathlib import Path

from table import Side, alternate

EXAMPLE = (Path(__file__).resolve().parent.parent.parent / "tests" / "data" /
           "traffic-reproducer" / "pcap_processing" / "ipfix-bgp.pcap")
PACKETS, TARGET_MS = 806, 50


def extract(lab, source):
    out = lab.where / "extracted"
    run = lab.run("h1", lab.spate, "capture", "extract", source, "--protocol", "bgp,ipfix",
                  "--filter", "src host 198.51.100.44 and (tcp dst port 179 or udp dst port 9992)",
                  "--out", out)
    shutil.rmtree(out)
    return {"ms": run.cost["wall_s"] * 1e3, "cpu_ms": run.cpu_s * 1e3, "cpu_s": run.cpu_s}


def row(lab, table):
    """Extraction of the sessions of ipfix-bgp (806 packets, 2.4 MB)"""
    table.row("extract", row.__doc__)
    side = Side("spate", partial(extract, lab, EXAMPLE), "capture extract")
    alternate(lab, [side])
    table.sides([side], "ms", "ms", (("CPU ms", "cpu_ms"),))
    ms = side.median("ms") if side.samples else None
    if ms:
        table.note(f"{ms / PACKETS * 1e3:.1f} us a packet of the capture, start of the process "
                   "and the folder's three files included")
    table.verdict("sessions of ipfix-bgp", ms, "<=", TARGET_MS, "start of the process", " ms")


ROWS = {"extract": row}
