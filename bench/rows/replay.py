"""A capture sent again: at its recorded times, and as fast as can be, against tcpreplay."""
import struct
import sys
from functools import partial

from lab import have
from rows import cbr, raw
from table import Side, alternate

DRIFT_MS, TOP = 0.1, 1.3


def drift_ms(far, rate):
    """How much later, or sooner, the last packet came than the first one and the capture say."""
    if not far["pps"]:
        return None
    gaps = far["packets"] - 1
    return abs(gaps / far["pps"] - gaps / rate) * 1e3


def timed(lab, rate, argv):
    tx, far = cbr.metered(lab, rate, lambda: lab.run("h1", *argv, privileged=True, ok=(0, 3)))
    far["drift_ms"] = drift_ms(far, rate)
    return tx, far


def spate(lab, rate, path, words):
    tx, far = timed(lab, rate, [lab.spate, "replay", path, "--interface", "eth0", "--json",
                                "--no-run-dir", *words])
    total = tx.json()["total"]
    far.update({"own_p50": total["gap_error_ns"]["p50"], "own_p99": total["gap_error_ns"]["p99"],
                "late_p50": total["late_ns"]["p50"], "late_p99": total["late_ns"]["p99"],
                "not_sent_late": total["not_sent_late"]})
    return far


def tcpreplay(lab, rate, path):
    return timed(lab, rate, ["tcpreplay", "-q", "-i", "eth0", "-K", "--timer=gtod", path])[1]


def at_its_times(lab, table, name, title, rate):
    table.row(name, title)
    path = cbr.capture(lab, rate)
    ours = [Side("spate", partial(spate, lab, rate, path, ()), "sleeps where it can"),
            Side("spate, spinning", partial(spate, lab, rate, path, ("--spin", "always")),
                 "--spin always, as tcpreplay does")]
    sides = list(ours)
    if have("tcpreplay"):
        sides.append(Side("tcpreplay", partial(tcpreplay, lab, rate, path),
                          "-K --timer=gtod, with CAP_NET_RAW"))
    alternate(lab, sides)
    table.sides(sides, "p99", "ns p99", (("p50", "p50"), ("max", "max"),
                                         ("drift ms", "drift_ms"), ("cores", "tx_cores")))
    for mine in ours:
        why = cbr.limit(mine)
        if len(sides) > len(ours) and sides[-1].samples and mine.samples:
            table.verdict(f"{mine.name}: far end's p99, ratio to tcpreplay",
                          mine.median("p99") / sides[-1].median("p99"), "<=", 1, why)
        table.verdict(f"{mine.name}: drift at the end", mine.median("drift_ms"), "<=", DRIFT_MS,
                      why, " ms")


def replay_1k(lab, table):
    """A capture of 1 kpps at its recorded times over veth, by the far end's kernel time stamps"""
    at_its_times(lab, table, "replay-1k", replay_1k.__doc__, 1000)


def replay_20k(lab, table):
    """A capture of 20 kpps at its recorded times over veth, by the far end's kernel time stamps"""
    at_its_times(lab, table, "replay-20k", replay_20k.__doc__, 20000)


def replay_100k(lab, table):
    """A capture of 100 kpps at its recorded times over veth, by the far end's kernel time stamps"""
    at_its_times(lab, table, "replay-100k", replay_100k.__doc__, 100000)


def small_frames(lab, n):
    """n frames of raw.SIZE octets, each with an IP id of its own."""
    ends = bytes([10, 99, 0, 1, 10, 99, 0, 2])
    mac = bytes.fromhex(raw.mac(lab, "h2").replace(":", ""))
    path = lab.where / "small.pcap"
    with open(path, "wb") as f:
        f.write(struct.pack("<IHHiIII", 0xa1b23c4d, 2, 4, 0, 0, 65535, 1))
        for i in range(n):
            ip = bytearray(struct.pack("!BBHHHBBH8s", 0x45, 0, raw.SIZE - 14, i & 0xffff, 0, 64,
                                       17, 0, ends))
            ip[10:12] = struct.pack("!H", cbr.checksum(ip))
            frame = mac + b"\2\0\0\0\0\1\x08\0" + bytes(ip)
            frame += struct.pack("!HHHH", raw.PORT, raw.PORT, raw.SIZE - 34, 0)
            frame += bytes(raw.SIZE - len(frame))
            f.write(struct.pack("<IIII", i // 1000, i % 1000 * 10**6, len(frame), len(frame)) +
                    frame)
    return path


def top(lab, table):
    """A capture of 60-byte packets out of veth as fast as can be, again and again"""
    table.row("replay-top", top.__doc__)
    path = small_frames(lab, 100000)
    mine = [lab.spate, "replay", path, "--interface", "eth0", "--topspeed", "--loop", "0", "--json",
            "--no-run-dir", "--duration", f"{lab.seconds + 5:g}"]
    roads = {"packet": ("--preload-pcap",), "packet, from the file": (),
             "xdp": ("--preload-pcap", "--transport", "xdp")}
    if not raw_root():
        del roads["xdp"]
    with lab.start("h2", sys.executable, "-c", raw.SINK) as sink:
        sink.ready()
        sides = [Side(name, partial(raw.flood, lab, [*mine, *words]), " ".join(words))
                 for name, words in roads.items()]
        if have("tcpreplay"):
            argv = ["tcpreplay", "-q", "-K", "-t", "-l", "0", "-i", "eth0", path]
            sides.append(Side("tcpreplay", partial(raw.flood, lab, argv), "-K -t -l 0"))
        alternate(lab, sides)
    table.sides(sides, "pps", "frames/s", (("CPU ns a frame", "cpu_ns"), ("cores", "cores")))
    peer = sides[-1] if have("tcpreplay") and sides[-1].samples else None
    for side in sides[:-1] if peer else ():
        if side.samples:
            table.verdict(f"{side.name}, ratio to tcpreplay",
                          side.median("pps") / peer.median("pps"), ">=", TOP,
                          "the kernel's own work a frame")


def raw_root():
    """Programs in XDP are the host's root's."""
    with open("/proc/self/uid_map", encoding="ascii") as f:
        return f.read().split()[1:] == ["0", "4294967295"]


ROWS = {"replay-1k": replay_1k, "replay-20k": replay_20k, "replay-100k": replay_100k,
        "replay-top": top}
