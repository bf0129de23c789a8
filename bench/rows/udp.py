"""How many datagrams arrive: spate, iperf3 and ITGSend at full speed."""
from functools import partial

from lab import TARGET, Failed, have
from table import Side, alternate, better, fastest, short

SPATE_PORT, ITG_PORT = 5001, 9500


def spate(lab, host, size, send=()):
    """Received and verified by spate recv, a second of the sender's time."""
    url = f"udp://{TARGET[host]}:{SPATE_PORT}"
    before = lab.rx_packets("h2")
    with lab.start(host, lab.spate, "recv", url, "--json", "--no-run-dir", "-D",
                   f"{lab.seconds + 20:g}") as rx:
        rx.ready()
        tx = lab.run("h1", lab.spate, "send", url, "--rate", "max", "--size", size, "-D",
                     f"{lab.seconds:g}", "--json", "--no-run-dir", *send, ok=(0, 3))
        rx.stop()
    sent, got = tx.json(), rx.json()
    total = got["total"]
    if total["corrupted"]:
        raise Failed(f"{total['corrupted']} corrupted datagrams")
    tx_packets = sent["total"]["tx_packets"]
    return {"pps": total["rx_unique"] / lab.seconds,
            "gbps": total["rx_unique"] * size * 8e-9 / lab.seconds,
            "sent": tx_packets, "rx_pps": total["rx_pps"],
            "on_wire": (lab.rx_packets("h2") - before) / max(tx_packets, 1),
            "lost": 1 - total["rx_unique"] / max(tx_packets, 1),
            "cpu_s": tx.cpu_s + rx.cpu_s,
            "tx_cores": tx.cpu_s / lab.seconds, "rx_cores": rx.cpu_s / lab.seconds,
            "bounded_by": sent["verdict"]["bounded_by"]}


def iperf3(lab, host, size, flags):
    with lab.start(host, "iperf3", "-s", "-1", "-J") as rx:
        lab.wait_listening(host, 5201)
        tx = lab.run("h1", "iperf3", "-c", TARGET[host], "-u", "-b", "0", "-l", size, "-t",
                     f"{lab.seconds:g}", "-J", *flags)
        rx.wait(5)
    end = rx.json()["end"]
    packets = sum(s["udp"]["packets"] - s["udp"]["lost_packets"] for s in end["streams"])
    return {"pps": packets / lab.seconds, "gbps": packets * size * 8e-9 / lab.seconds,
            "sent": tx.json()["end"]["sum"]["packets"],
            "lost": end["sum"]["lost_packets"] / max(end["sum"]["packets"], 1),
            "cpu_s": tx.cpu_s + rx.cpu_s,
            "tx_cores": tx.cpu_s / lab.seconds, "rx_cores": rx.cpu_s / lab.seconds}


def itg(lab, host, size, flags):
    """Without logs, which would slow it down: the kernel counts what ITGRecv reads."""
    with lab.start(host, "ITGRecv") as rx:
        lab.wait_listening(host, 9000)
        before = lab.udp_counters(host)
        tx = lab.run("h1", "ITGSend", "-a", TARGET[host], "-rp", ITG_PORT, "-T", "UDP", "-C",
                     "10000000", "-c", size, "-t", int(lab.seconds * 1000), *flags)
        after = lab.udp_counters(host)
        rx.kill()
    packets = after["InDatagrams"] - before["InDatagrams"]
    lost = after["RcvbufErrors"] - before["RcvbufErrors"]
    return {"pps": packets / lab.seconds, "gbps": packets * size * 8e-9 / lab.seconds,
            "cpu_s": tx.cpu_s + rx.cpu_s, "lost": lost / max(packets + lost, 1),
            "tx_cores": tx.cpu_s / lab.seconds, "rx_cores": rx.cpu_s / lab.seconds}


IPERF3_FLAGS = ((), ("-P", "2"), ("-A", "0,1"), ("-P", "2", "-A", "0,1"))
ITG_FLAGS = ((), ("-poll",))


# Does the receiver's interface join neighbours before the socket (GRO), as network cards' drivers
# do? veth does so for UDP only when the sender's end has no TCP segmentation offload.
GRO = {"on": ({"tso": "off"}, {"gro": "on"}), "off": ({"tso": "on"}, {"gro": "off"})}


def with_gro(lab, word, run):
    for host, switches in zip(("h1", "h2"), GRO[word]):
        lab.offload(host, **switches)
    try:
        return run()
    finally:
        for host, switches in zip(("h1", "h2"), GRO["off"]):
            lab.offload(host, **switches)


def peers(lab, host, size, gro=("off",)):
    """Each peer that is installed, with its fastest flags."""
    def side(name, run, flags, base, word):
        text = " ".join((base, str(size), *flags)) + (f", gro {word}" if len(gro) > 1 else "")
        return Side(name, partial(with_gro, lab, word, partial(run, lab, host, size, flags)),
                    text)

    found = []
    if have("iperf3"):
        more = ()
        if "--gsro" in lab.text("h1", "iperf3", "--help"):
            more = (("--gsro",), ("--gsro", "-P", "2"))
        found.append(fastest(lab, [side("iperf3", iperf3, f, "-u -b 0 -l", word)
                              for f in IPERF3_FLAGS + more for word in gro], "pps"))
    if have("ITGSend"):
        found.append(fastest(lab, [side("ITGSend", itg, f, "-T UDP -C 10000000 -c", word)
                              for f in ITG_FLAGS for word in gro], "pps"))
    return found


def limit(side):
    """The side of spate that had no time left, as far as its CPU time tells."""
    tx, rx, lost = side.median("tx_cores"), side.median("rx_cores"), side.median("lost")
    if tx is None:
        return None
    text = f"sender {tx:.2f} cores, receiver {rx:.2f} cores, {100 * lost:.1f} % lost"
    if lost > 0.02:
        return f"the receiver does not keep up ({text})"
    if tx > 0.9:
        return f"the sender's core is full ({text})"
    return f"neither core is full: other work on the machine, or waiting ({text})"


def contest(lab, table, mine, others, what, key, unit, target, more=()):
    """mine against others; more are measured and shown beside, but not judged."""
    sides = [mine, *more, *others]
    alternate(lab, sides)
    table.sides(sides, key, unit, (("lost", "lost"), ("tx cores", "tx_cores"),
                                   ("rx cores", "rx_cores")))
    best = better(others, key)
    ratio = None
    if best and mine.samples:
        ratio = mine.median(key) / best.median(key)
    table.verdict(f"{what}, ratio to the better peer", ratio, ">=", target, limit(mine),
                  basis=f"({best.name})" if best else "(no peer is installed)")


def spate_side(lab, host, size, send=(), gro="off", name="spate", flags=""):
    return Side(name, partial(with_gro, lab, gro, partial(spate, lab, host, size, send)),
                " ".join(("--rate max --size", str(size), *send)) + flags)


def wire(lab, table):
    """UDP 64 B, every segment its own packet on the wire, received and verified"""
    table.row("udp-wire", wire.__doc__)
    table.note("sender: ethtool -K eth0 tx-udp-segmentation off. 'gro on': receiver gro on, "
               "sender tso off; 'gro off': as veth is by default. Peers take what suits them")
    lab.offload("h1", tx_udp_segmentation="off")
    try:
        mine = spate_side(lab, "h2", 64, gro="on", flags=", gro on")
        plain = spate_side(lab, "h2", 64, name="spate", flags=", gro off")
        contest(lab, table, mine, peers(lab, "h2", 64, ("off", "on")), "64 B", "pps",
                "packets/s", 2.5, (plain,))
    finally:
        lab.offload("h1", tx_udp_segmentation="on")
    if mine.samples and plain.samples:
        table.note(f"interface counter at the receiver for each segment sent: gro on "
                   f"{mine.median('on_wire'):.5f}, gro off {plain.median('on_wire'):.5f} "
                   f"({short(mine.median('sent'))} segments a run)")
    table.verdict("interface packets a segment", mine.median("on_wire"), ">=", 0.9999)


def super_packets(lab, table):
    """UDP with super-packets kept (offloaded: never single packets on a wire)"""
    table.row("udp-super", super_packets.__doc__)
    for host, path in (("h1", "loopback"), ("h2", "veth")):
        for size, key, unit, target in ((64, "pps", "packets/s", 20), (1400, "gbps", "Gbit/s", 8)):
            table.line(f"  offloaded, {path}, {size} B:")
            contest(lab, table, spate_side(lab, host, size), peers(lab, host, size),
                    f"offloaded, {path}, {size} B", key, unit, target)


def no_gso(lab, table):
    """UDP 64 B without offload: --no-gso, a datagram is a message to the kernel"""
    table.row("udp-no-gso", no_gso.__doc__)
    contest(lab, table, spate_side(lab, "h2", 64, ("--no-gso",)), peers(lab, "h2", 64),
            "--no-gso, 64 B", "pps", "packets/s", 1)


ROWS = {"udp-wire": wire, "udp-super": super_packets, "udp-no-gso": no_gso}
