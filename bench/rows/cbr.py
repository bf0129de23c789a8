"""Constant rates: how far the gaps are off, by the far end's kernel time stamps."""
import struct
from functools import partial

from lab import TARGET, have
from table import Side, alternate, short

PORT, SIZE = 9000, 64
OWN_P50_NS, CORES, RATE_ERROR = 200, 0.6, 1e-4


def metered(lab, rate, send, sink=True):
    """send() while bench-arrivals takes the time of each packet in h2."""
    words = ["sink"] if sink else []
    with lab.start("h2", lab.helper("bench-arrivals"), "eth0", PORT, rate,
                   f"{lab.seconds + 8:g}", *words, privileged=True) as meter:
        meter.ready()
        tx = send()
        far = meter.wait(lab.seconds + 12).json()
    gap = far.get("gap_error_ns", {})
    error = far.get("rate_error")
    return tx, {"packets": far["packets"], "drops": far["drops"], "pps": far.get("pps"),
                "ks": far.get("ks_exponential"),
                "p50": gap.get("p50"), "p99": gap.get("p99"), "max": gap.get("max"),
                "rate_error": error, "rate_off": None if error is None else abs(error),
                "tx_cores": tx.cores, "cpu_s": tx.cpu_s + meter.cpu_s}


def spate(lab, rate):
    tx, far = metered(lab, rate, lambda: lab.run(
        "h1", lab.spate, "send", f"udp://{TARGET['h2']}:{PORT}", "--rate", rate, "--size",
        SIZE, "-D", f"{lab.seconds:g}", "--json", "--no-run-dir", "--no-control", ok=(0, 3)))
    own = tx.json()["total"]
    far.update({"own_p50": own["gap_error_ns"]["p50"], "own_p99": own["gap_error_ns"]["p99"],
                "late_p50": own["late_ns"]["p50"], "late_p99": own["late_ns"]["p99"],
                "not_sent_late": own["not_sent_late"]})
    return far


def checksum(header):
    s = sum(struct.unpack("!10H", header))
    s = (s & 0xffff) + (s >> 16)
    return ~(s + (s >> 16)) & 0xffff


def capture(lab, rate):
    """A capture of equal frames with SIZE bytes of UDP payload, one every 1/rate."""
    mac = bytes.fromhex(lab.text("h2", "cat", "/sys/class/net/eth0/address")
                        .strip().replace(":", ""))
    ends = bytes([10, 99, 0, 1, 10, 99, 0, 2])
    ip = bytearray(struct.pack("!BBHHHBBH8s", 0x45, 0, 28 + SIZE, 0, 0, 64, 17, 0, ends))
    ip[10:12] = struct.pack("!H", checksum(ip))
    frame = mac + b"\2\0\0\0\0\1\x08\0" + bytes(ip)
    frame += struct.pack("!HHHH", PORT, PORT, 8 + SIZE, 0) + bytes(SIZE)
    path = lab.where / f"cbr-{rate}.pcap"
    with open(path, "wb") as f:
        f.write(struct.pack("<IHHiIII", 0xa1b23c4d, 2, 4, 0, 0, 65535, 1))
        for i in range(int(rate * lab.seconds)):
            f.write(struct.pack("<IIII", i // rate, i % rate * 10**9 // rate, len(frame),
                                len(frame)) + frame)
    return path


def tcpreplay(lab, rate, path):
    _, far = metered(lab, rate, lambda: lab.run(
        "h1", "tcpreplay", "-q", "-i", "eth0", "-K", "--timer=gtod", f"--pps={rate}", path,
        privileged=True))
    return far


def itg(lab, rate):
    with lab.start("h2", "ITGRecv") as rx:
        lab.wait_listening("h2", 9000)
        _, far = metered(lab, rate, lambda: lab.run(
            "h1", "ITGSend", "-a", TARGET["h2"], "-rp", PORT, "-T", "UDP", "-C", rate, "-c",
            SIZE, "-t", int(lab.seconds * 1000), "-poll"), sink=False)
        rx.kill()
    far["cpu_s"] += rx.cpu_s
    return far


def sides_for(lab, rate):
    sides = [Side("spate", partial(spate, lab, rate), f"--rate {rate} --size {SIZE}")]
    if have("tcpreplay"):
        sides.append(Side("tcpreplay", partial(tcpreplay, lab, rate, capture(lab, rate)),
                          f"-K --timer=gtod --pps={rate}, with CAP_NET_RAW"))
    if have("ITGSend"):
        sides.append(Side("ITGSend", partial(itg, lab, rate), f"-C {rate} -poll"))
    return sides


def show(table, sides):
    table.sides(sides, "p99", "ns p99", (("p50", "p50"), ("max", "max"), ("rate error",
                                         "rate_error"), ("cores", "tx_cores")))
    mine = sides[0]
    if mine.samples:
        table.note("spate's own clock: gap error p50 "
                   f"{short(mine.median('own_p50'))} ns, p99 {short(mine.median('own_p99'))} "
                   f"ns; late p50 {short(mine.median('late_p50'))} ns, p99 "
                   f"{short(mine.median('late_p99'))} ns")


def limit(side):
    worst = side.values("max")
    lost = side.values("not_sent_late")
    if not worst:
        return None
    text = f"longest hole {short(max(worst) / 1e3)} us, {max(lost or [0])} packets given up"
    if max(worst) > 1e6:
        return f"the sender was off its core for milliseconds: other work there ({text})"
    return f"the cost of a send and interrupts on the sender's core ({text})"


def drifting(best, why):
    """What a peer gains that takes each gap from the packet before."""
    if not best or best.median("rate_off") < 1e-2:
        return why
    return (f"{why}; {best.name} is {best.median('rate_off'):.1%} off the rate: it takes each "
            "gap from its last packet, so a disturbance spoils one gap; on an absolute "
            "schedule, which keeps the rate, it spoils two")


def judge(table, sides, rate, rate_error, accuracy):
    mine, peers = sides[0], [p for p in sides[1:] if p.samples]
    why = limit(mine)
    if accuracy:
        best = min(peers, key=lambda p: p.median("p99"), default=None)
        table.verdict("own gap error p50", mine.median("own_p50"), "<=", OWN_P50_NS, why, " ns")
        ratio = None
        if best and mine.samples:
            ratio = mine.median("p99") / best.median("p99")
        table.verdict("far end's p99, ratio to the best peer", ratio, "<=", 1,
                      drifting(best, why),
                      basis=f"({best.name})" if best else "")
    if rate == 10000:
        table.verdict("CPU of the sender", mine.median("tx_cores"), "<=", CORES,
                      "spinning before each departure", " cores")
    table.verdict("rate error", mine.median("rate_off"), "<=", rate_error, why)


def cbr(lab, table, name, title, rate, rate_error=RATE_ERROR, accuracy=True):
    table.row(name, title)
    lab.offload("h1", tx_udp_segmentation="off")
    try:
        sides = sides_for(lab, rate)
        alternate(lab, sides)
    finally:
        lab.offload("h1", tx_udp_segmentation="on")
    show(table, sides)
    judge(table, sides, rate, rate_error, accuracy)


def cbr_10k(lab, table):
    """CBR 10 kpps over veth: gap error by the far end's kernel time stamps"""
    cbr(lab, table, "cbr-10k", cbr_10k.__doc__, 10000)


def cbr_100k(lab, table):
    """CBR 100 kpps over veth: gap error by the far end's kernel time stamps"""
    cbr(lab, table, "cbr-100k", cbr_100k.__doc__, 100000)


def cbr_500k(lab, table):
    """CBR 500 kpps over veth: rate error"""
    cbr(lab, table, "cbr-500k", cbr_500k.__doc__, 500000, 1e-3, False)


ROWS = {"cbr-10k": cbr_10k, "cbr-100k": cbr_100k, "cbr-500k": cbr_500k}
