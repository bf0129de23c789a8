"""What crafting a packet costs, without a network and without a transport."""
import json
import re
from functools import partial

from lab import Failed, have
from table import Side, alternate

PACKETS, FEW, MANY, TARGET_NS = 20_000_000, 64_000, 640_000, 40

# Packets, and their sizes as frames; the first is judged: three fields that vary, and the stamp.
PACKETS_OF = {
    "three fields": ("ip(src=10.1.0.0/16,dst=10.0.0.2,id=0..65535)"
                     "/udp(sport=1024..65535,dport=9)", 60),
    "plain udp": ("ip(dst=10.0.0.2)/udp(dport=9)", 60),
    "random fields": ("ip(src=random,dst=10.0.0.2,id=random)/udp(sport=random,dport=9)", 60),
    "tcp options": ("ip(src=10.1.0.0/16,dst=10.0.0.2)/tcp(sport=1024..65535,dport=80..90,flags=S,"
                    "options=[MSS=1460,NOP,WScale=7])", 80),
    "ipv6": ("ipv6(src=fd00::/112,dst=fd99::2)/udp(sport=1024..65535,dport=9)", 80),
}


def craft(lab, name):
    expression, size = PACKETS_OF[name]
    run = lab.run("h1", lab.helper("bench-craft"), expression, size, PACKETS, timeout=60)
    return {"ns": json.loads(run.out.read_text())["ns"], "cpu_s": run.cpu_s}


def instructions(lab, name):
    expression, size = PACKETS_OF[name]
    seen = []
    for n in (FEW, MANY):
        run = lab.run("h1", "valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null",
                      lab.helper("bench-craft"), expression, size, n, timeout=120)
        found = re.search(r"Collected\s*:\s*(\d+)", run.err.read_text())
        if not found:
            raise Failed("callgrind said nothing")
        seen.append(int(found.group(1)))
    return (seen[1] - seen[0]) / (MANY - FEW)


def row(lab, table):
    """Crafting a packet with three varied fields and stamp, no I/O"""
    table.row("craft", row.__doc__)
    sides = [Side(name, partial(craft, lab, name), PACKETS_OF[name][0]) for name in PACKETS_OF]
    alternate(lab, sides)
    table.sides(sides, "ns", "ns/packet")
    why = "CPU time"
    if have("valgrind"):
        count = instructions(lab, "three fields")
        why += f": {count:.0f} instructions a packet"
        table.note(f"callgrind: {count:.0f} instructions a packet with three fields")
    judged = sides[0]
    table.verdict("three varied fields and stamp",
                  judged.median("ns") if judged.samples else None, "<=", TARGET_NS, why, " ns")


ROWS = {"craft": row}
