"""What spate itself costs a packet, without a network.

Everything is a difference of two runs of different length, so that the start costs nothing."""
import re
from functools import partial

from lab import TARGET, Failed, have
from table import Side, alternate, short

SHORT, LONG = 1_000_000, 11_000_000
FEW, MANY = 20_000, 120_000
STREAMS = 100_000
SEND_NS, RECEIVE_NS, STREAMS_RATIO = 30, 40, 3


def command(lab, transport, count, *more):
    return [lab.spate, "send", f"udp://{TARGET['h2']}:5001", "--transport", transport,
            "--size", 64, "--count", count, "-D", 0, "--json", "--no-run-dir", *more]


def packets(run):
    return run.json()["total"]["tx_packets"]


def ns_a_packet(lab, transport, short_count, long_count, *more):
    """CPU time of the process, its start not counted."""
    runs = [lab.run("h1", *command(lab, transport, n, *more), timeout=120, ok=(0, 3))
            for n in (short_count, long_count)]
    more_packets = packets(runs[1]) - packets(runs[0])
    if more_packets <= 0:
        raise Failed("the longer run sent no more")
    return {"ns": (runs[1].cpu_s - runs[0].cpu_s) * 1e9 / more_packets,
            "packets": more_packets}


def instructions(lab, transport, *more):
    counted = []
    for n in (FEW, MANY):
        run = lab.run("h1", "valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null",
                      *command(lab, transport, n, *more), timeout=120, ok=(0, 3))
        found = re.search(r"Collected\s*:\s*(\d+)", run.err.read_text())
        if not found:
            raise Failed("callgrind said nothing")
        counted.append((int(found.group(1)), packets(run)))
    return (counted[1][0] - counted[0][0]) / max(counted[1][1] - counted[0][1], 1)


WAYS = {
    "max": ("--rate", "max"),
    "virtual": ("--virtual", "--rate", "1Mpps"),
}


def pipeline(lab, table):
    """Pipeline cost at 64 B with the null and loop transports"""
    table.row("pipeline", pipeline.__doc__)
    for way, flags in WAYS.items():
        null = Side("null", partial(ns_a_packet, lab, "null", SHORT, LONG, *flags),
                    "--transport null " + " ".join(flags))
        loop = Side("loop", partial(ns_a_packet, lab, "loop", SHORT, LONG, *flags),
                    "--transport loop " + " ".join(flags))
        alternate(lab, [null, loop])
        table.sides([null, loop], "ns", "ns/packet")
        count = {}
        if have("valgrind"):
            for side in (null, loop):
                try:
                    count[side.name] = instructions(lab, side.name, *flags)
                except Failed as e:
                    table.note(f"callgrind, {side.name}: {e}")
            table.note("instructions a packet by callgrind: " + ", ".join(
                f"{name} {short(n)}" for name, n in count.items()))
        receive = None
        if null.samples and loop.samples:
            receive = loop.median("ns") - null.median("ns")
        why = "CPU only: see the instruction counts" if count else None
        table.verdict(f"{way}: send", null.median("ns"), "<=", SEND_NS, why, " ns")
        table.verdict(f"{way}: receive and verify", receive, "<=", RECEIVE_NS, why, " ns")


def streams(lab, table):
    """100,000 paced streams in one worker against one, virtual time"""
    table.row("streams", streams.__doc__)
    one = Side("1", partial(ns_a_packet, lab, "null", SHORT, LONG, "--virtual", "--rate",
                            "1Mpps"), "--rate 1Mpps")
    many = Side("100000", partial(ns_a_packet, lab, "null", SHORT // STREAMS,
                                  LONG // STREAMS, "--virtual", "--rate", "10pps",
                                  "--streams", STREAMS), f"--rate 10pps --streams {STREAMS}")
    alternate(lab, [one, many])
    table.sides([one, many], "ns", "ns/packet")
    ratio = None
    if one.samples and many.samples:
        ratio = many.median("ns") / one.median("ns")
    table.verdict("cost a packet, ratio to one stream", ratio, "<=", STREAMS_RATIO,
                  "memory: state of a stream is not in the cache when its turn comes")


ROWS = {"pipeline": pipeline, "streams": streams}
