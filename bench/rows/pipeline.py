"""What spate itself costs a packet, without a network.

Everything is a difference of two runs of different length, so that the start costs nothing."""
import re
from functools import partial

from lab import TARGET, Failed, have
from table import Side, alternate, short

SHORT, LONG = 1_000_000, 11_000_000
FEW, MANY = 20_000, 120_000
STREAMS, TOTAL_PPS, START_S, END_S = 100_000, 1_000_000, 1, 11
SEND_NS, RECEIVE_NS, STREAMS_RATIO = 30, 40, 3
TARGET_URL = f"udp://{TARGET['h2']}:5001"


def send(lab, transport, *more):
    run = lab.run("h1", lab.spate, "send", "--transport", transport, "--size", 64, "--json",
                  "--no-run-dir", *more, timeout=120, ok=(0, 3))
    total = run.json()["total"]
    if transport == "loop" and total["rx_unique"] != total["tx_packets"]:
        raise Failed(f"{total['rx_unique']} of {total['tx_packets']} packets came back")
    return run, total["tx_packets"]


def ns_a_packet(lab, transport, brief, longer):
    """CPU time of the process, its start not counted."""
    (a, n), (b, m) = (send(lab, transport, *flags) for flags in (brief, longer))
    if m <= n:
        raise Failed("the longer run sent no more")
    return {"ns": (b.cpu_s - a.cpu_s) * 1e9 / (m - n), "packets": m - n,
            "cpu_s": a.cpu_s + b.cpu_s}


def counted(way, packets):
    """The flags of a run of so many packets."""
    flags, streams = WAYS[way]
    return [*flags, TARGET_URL, "-D", 0, "--count", packets // streams]


def instructions(lab, transport, way):
    seen = []
    for n in (FEW, MANY):
        run = lab.run("h1", "valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null",
                      lab.spate, "send", "--transport", transport, "--size", 64, "--json",
                      "--no-run-dir", *counted(way, n), timeout=120, ok=(0, 3))
        found = re.search(r"Collected\s*:\s*(\d+)", run.err.read_text())
        if not found:
            raise Failed("callgrind said nothing")
        seen.append((int(found.group(1)), run.json()["total"]["tx_packets"]))
    return (seen[1][0] - seen[0][0]) / max(seen[1][1] - seen[0][1], 1)


# Flags, and streams. In real time, where waiting counts, instructions mean nothing.
WAYS = {
    "full speed": (("--rate", "max"), 1),
    "bursts of 32": (("--virtual", "--rate", "100kpps", "--streams", 32), 32),
    "one at a time": (("--virtual", "--rate", "1Mpps"), 1),
}


def pipeline(lab, table):
    """Pipeline cost at 64 B with the null and loop transports"""
    table.row("pipeline", pipeline.__doc__)
    for way, (flags, _) in WAYS.items():
        null, loop = (Side(t, partial(ns_a_packet, lab, t, counted(way, SHORT),
                                      counted(way, LONG)),
                           f"{way}: --transport {t} " + " ".join(map(str, flags)))
                      for t in ("null", "loop"))
        alternate(lab, [null, loop])
        table.sides([null, loop], "ns", "ns/packet")
        why = "CPU time only"
        if have("valgrind") and "--virtual" in flags:
            count = {t: instructions(lab, t, way) for t in ("null", "loop")}
            why += f": {count['null']:.0f} instructions a packet to send, " \
                   f"{count['loop'] - count['null']:.0f} to receive and verify"
            table.note(f"callgrind, {way}: instructions a packet: null {count['null']:.0f}, "
                       f"loop {count['loop']:.0f}")
        receive = None
        if null.samples and loop.samples:
            receive = loop.median("ns") - null.median("ns")
        table.verdict(f"{way}: send", null.median("ns"), "<=", SEND_NS, why, " ns")
        table.verdict(f"{way}: receive and verify", receive, "<=", RECEIVE_NS, why, " ns")


def targets(lab):
    """Rates from half to one and a half of the mean, so that the streams do not march in step."""
    path = lab.where / "targets"
    mean = TOTAL_PPS / STREAMS
    path.write_text("".join(f"{TARGET_URL}?rate={mean * (0.5 + i / STREAMS):.4f}\n"
                            for i in range(STREAMS)))
    return path


def streams(lab, table):
    """100,000 paced streams in one worker against one, virtual time"""
    table.row("streams", streams.__doc__)
    path = targets(lab)
    each = TOTAL_PPS // STREAMS

    def side(name, flags, text):
        runs = ([*flags, "--virtual", "-D", d] for d in (START_S, END_S))
        return Side(name, partial(ns_a_packet, lab, "null", *runs), text)

    one = side("1", [TARGET_URL, "--rate", TOTAL_PPS], f"--rate {TOTAL_PPS}")
    step = side("in step", [TARGET_URL, "--streams", STREAMS, "--rate", each],
                f"--streams {STREAMS} --rate {each}")
    many = side("spread", ["--targets", path], f"{STREAMS} streams of 5 to 15 pps")
    alternate(lab, [one, step, many])
    table.sides([one, step, many], "ns", "ns/packet")
    ratio = None
    if one.samples and many.samples:
        ratio = many.median("ns") / one.median("ns")
    table.verdict("cost a packet of the spread streams, ratio to one stream", ratio, "<=",
                  STREAMS_RATIO, "memory: a stream's state is not in the cache when its turn "
                  "comes; the once-a-second look at every stream is in it, too")


ROWS = {"pipeline": pipeline, "streams": streams}
