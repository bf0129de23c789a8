"""Raw frames of 60 bytes over veth by XDP: made in the kernel, or through AF_XDP. As root only:
loading a program is the host's root's, whatever namespace it is in."""
import os
from functools import partial

from lab import TARGET, Failed, have
from rows import raw
from table import Side, alternate, fastest, short

LIVE = ("--transport", "xdp")
AF_XDP = ("--transport", "xdp", "--set", "live=no")
PACKET = ("--transport", "packet")
VARIED = ("--packet", raw.VARIED)
TO = (f"udp://{TARGET['h2']}:{raw.PORT}",)
RECV_XDP = ("--transport", "xdp")
COUNT = ("--transport", "xdp", "--set", "rx=count")


def may(table):
    with open("/proc/self/uid_map", encoding="ascii") as f:
        if f.read().split()[1:] == ["0", "4294967295"] and os.geteuid() == 0:
            return True
    table.note(f"not measured: programs in XDP are root's; sudo tools/bench {' '.join(ROWS)}")
    return False


def testpmd(lab, mode, *more):
    """As raw.testpmd, on AF_XDP."""
    return ["--vdev=net_af_xdp0,iface=eth0" if w.startswith("--vdev") else w
            for w in raw.testpmd(lab, mode, *more)]


def with_gro(lab, run):
    """The far end of a veth takes redirected frames when it joins packets itself."""
    lab.offload("h2", gro="on")
    try:
        return run()
    finally:
        lab.offload("h2", gro="off")


def trafgens(lab):
    return [Side("trafgen", partial(lambda f: raw.flood(lab, raw.trafgen(lab, f)), flags),
                 " ".join(("--cpus 1", *flags))) for flags in ((), ("-q",))]


def testpmds(lab):
    txonly = ("txonly", f"--txpkts={raw.SIZE}", "--txonly-multi-flow",
              f"--eth-peer=0,{raw.mac(lab, 'h2')}", f"--tx-ip=10.99.1.1,{TARGET['h2']}",
              f"--tx-udp=1024,{raw.PORT}")
    return [Side("testpmd", partial(raw.flood, lab, testpmd(lab, *txonly, f"--burst={burst}")),
                 f"net_af_xdp, txonly, multi-flow, burst {burst}") for burst in (64, 256)]


def peers(lab):
    found = []
    if have("trafgen"):
        found.append(fastest(lab, trafgens(lab), "pps"))
    if have("dpdk-testpmd"):
        found.append(fastest(lab, testpmds(lab), "pps"))
    return found


def ratios(table, mine, others, least):
    for peer in others:
        ratio = None
        if mine.samples and peer.samples:
            ratio = mine.median("pps") / peer.median("pps")
            table.note(f"CPU a frame, {peer.name} to {mine.name}: "
                       f"{short(peer.median('cpu_ns') / mine.median('cpu_ns'))}")
        if peer.name in least:
            table.verdict(f"{mine.name}, ratio to {peer.name}", ratio, ">=", least[peer.name],
                          "the kernel's own work a frame")


COLUMNS = (("CPU ns a frame", "cpu_ns"), ("cores", "cores"))


def drop(lab, table):
    """60-byte frames into a peer that drops in XDP, every packet with its own sequence, source
    port and source address"""
    table.row("raw-drop", drop.__doc__)
    if not may(table):
        return
    raw.route(lab)
    with lab.start("h2", lab.helper("bench-drop"), "eth0", privileged=True) as sink:
        sink.ready()
        live = Side("live frames", partial(raw.flood, lab, raw.sender(lab, LIVE, VARIED, lab.seconds + 5)),
                    " ".join(LIVE))
        others = peers(lab)
        alternate(lab, [live, *others])
    table.sides([live, *others], "pps", "frames/s", COLUMNS)
    ratios(table, live, others, {"testpmd": 8, "trafgen": 10})


def stack(lab, table):
    """60-byte frames by XDP out of veth into a peer stack that receives"""
    table.row("xdp-out", stack.__doc__)
    if not may(table):
        return
    raw.route(lab)
    with lab.start("h2", raw.sys.executable, "-c", raw.SINK) as sink:
        sink.ready()
        flood = partial(raw.flood, lab)
        mine = [Side("AF_XDP", partial(flood, raw.sender(lab, AF_XDP, VARIED, lab.seconds + 5)), " ".join(AF_XDP)),
                Side("live frames", partial(with_gro, lab, partial(flood, raw.sender(lab, LIVE, VARIED, lab.seconds + 5))),
                     " ".join(LIVE)),
                Side("packet", partial(flood, raw.sender(lab, PACKET, VARIED, lab.seconds + 5)), " ".join(PACKET))]
        others = peers(lab)
        alternate(lab, [*mine, *others])
    table.sides([*mine, *others], "pps", "frames/s", COLUMNS)
    ratios(table, mine[0], others, {"testpmd": 1.0})
    best = max((s for s in mine if s.samples), key=lambda s: s.median("pps"), default=None)
    rival = max((s for s in others if s.samples), key=lambda s: s.median("pps"), default=None)
    if best and rival:
        table.verdict(f"best road ({best.name}), ratio to {rival.name}",
                      best.median("pps") / rival.median("pps"), ">=", 1.5,
                      "the far stack's own work a frame")


def load(lab, receive, words):
    """What receive() gives while spate sends as fast as it can."""
    with receive() as rx:
        tx = lab.run("h1", *raw.sender(lab, words, TO, lab.seconds), ok=(0, 3),
                     privileged=True)
        raw.time.sleep(0.3)
        rx.stop(ok=(0, 130))
    return tx.json()["total"]["tx_packets"], rx


def spate_in(lab, words, by):
    def start():
        rx = lab.start("h2", lab.spate, "recv", f"udp://{TARGET['h2']}:{raw.PORT}",
                       "--interface", "eth0", *words, "--no-control", "--json", "--no-run-dir",
                       "-D", f"{lab.seconds + 20:g}", privileged=True)
        return rx.ready()

    sent, rx = load(lab, start, by)
    doc = rx.json()
    total, port = doc["total"], doc["transports"][0]
    if total["corrupted"]:
        raise Failed(f"{total['corrupted']} corrupted frames")
    return raw.received(lab, rx, sent, total["rx_packets"], port["rx_dropped"])


def tcpdump_in(lab, by):
    def start():
        rx = lab.start("h2", "env", f"LD_PRELOAD={lab.helper('bench-stay.so')}", "sh", "-c",
                       'exec tcpdump "$@" > /dev/null', "sh", "-Z", "root", "-ni", "eth0",
                       "-B", "65536", "-s", "64", "-w", "-", f"udp dst port {raw.PORT}",
                       privileged=True)
        return rx.ready("listening on")

    sent, rx = with_gro(lab, lambda: load(lab, start, by))
    text = rx.err.read_text()
    return raw.received(lab, rx, sent, raw.figure(text, r"(\d+) packets? captured"),
                        raw.figure(text, r"(\d+) packets? dropped by kernel"))


def come_in(lab, table):
    """60-byte frames in over veth by XDP, stamps verified, while live frames are sent at full
    speed"""
    table.row("xdp-in", come_in.__doc__)
    if not may(table):
        return
    mine = [Side("AF_XDP", partial(spate_in, lab, RECV_XDP, LIVE), " ".join(RECV_XDP)),
            Side("XDP", partial(spate_in, lab, COUNT, LIVE), " ".join(COUNT))]
    others = []
    if have("tcpdump"):
        others.append(Side("tcpdump", partial(tcpdump_in, lab, LIVE),
                           "-B 65536 -s 64 -w - > /dev/null"))
    alternate(lab, [*mine, *others])
    table.sides([*mine, *others], "pps", "frames/s",
                (("lost", "lost"), ("CPU ns a frame", "cpu_ns"), ("unaccounted", "unaccounted")))
    for side in mine:
        worst = max(map(abs, side.values("unaccounted")), default=None)
        table.verdict(f"{side.name}: frames unaccounted for", worst, "<=", 0)
    for peer in others:
        if peer.samples and mine[0].samples:
            table.verdict("AF_XDP, ratio to tcpdump",
                          mine[0].median("pps") / peer.median("pps"), ">=", 5)
    if mine[1].samples:
        table.verdict("XDP: share of the live frames that is lost", mine[1].median("lost"), "<=",
                      0)


ROWS = {"raw-drop": drop, "xdp-out": stack, "xdp-in": come_in}
