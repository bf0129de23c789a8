"""Raw frames of 60 bytes over veth, out and in. A road of spate's is a line in SEND or RECEIVE."""
import re
import sys
import time
from functools import partial

from lab import TARGET, Failed, have
from table import Side, alternate, better, fastest, short

PORT, SIZE = 9000, 60
PREFIX = "10.99.0.0/16"  # varied sources are in it, behind what the lab itself uses

# name -> more words of `spate send` and `spate recv`; the first is the road that is judged.
SEND = {
    "packet": ("--transport", "packet"),
    "sendmmsg": ("--transport", "packet", "--set", "ring=no"),
}
RECEIVE = {
    "packet": ("--transport", "packet"),
    "recvmmsg": ("--transport", "packet", "--set", "ring=no"),
}
LEAST = {"packet": ("trafgen", 1.0)}  # to be reached, as times a peer's figure

VARIED = f"ip(src=10.99.1.0/24,dst={TARGET['h2']})/udp(sport=1024..65535,dport={PORT})"

# What trafgen sends: the same fields vary, the IP checksum follows.
CONFIG = """{{ {dst} {src} c16(0x0800),
 0x45,0, c16(46), 0,0, 0,0, 64, 17, csumip(14,33), 10,99,1,dinc(1,254,1), 10,99,0,2,
 dinc(4,255,1),dinc(0,255,1), c16({port}), c16(26), 0,0,
 dinc(0,255,1),dinc(0,255,1),dinc(0,255,1),dinc(0,255,1), fill(0x41,14) }}"""

# A socket that takes nothing: its buffer is full, nobody answers with ICMP errors.
SINK = f"""import socket, time
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1)
s.bind(('{TARGET["h2"]}', {PORT}))
import sys; print('ready', file=sys.stderr, flush=True)
time.sleep(600)"""


def tx_packets():
    """Frames that left eth0 of h1, where the bench itself is."""
    with open("/proc/net/dev", encoding="ascii") as f:
        for line in f:
            name, _, figures = line.partition(":")
            if name.strip() == "eth0":
                return int(figures.split()[9])
    raise Failed("no eth0 in h1")


def mac(lab, host):
    words = lab.text(host, "ip", "-br", "link", "show", "eth0").split()
    return next(w for w in words if re.fullmatch(r"(..:){5}..", w))


def flood(lab, argv):
    """Frames a second out of eth0 in the middle of a run, and the CPU time each took."""
    first = tx_packets()
    with lab.start("h1", *argv, privileged=True) as p:
        end = time.monotonic() + 10
        while tx_packets() < first + 1000:
            if p.child.poll() is not None or time.monotonic() > end:
                p.kill()
                raise Failed(f"{argv[0]} sends nothing: {p.err.read_text()[-300:]}")
            time.sleep(0.02)
        time.sleep(0.2)
        before, start = tx_packets(), time.monotonic()
        time.sleep(lab.seconds)
        pps = (tx_packets() - before) / (time.monotonic() - start)
        p.stop(ok=(0, 3, 124, 130))
        return {"pps": pps, "cpu_s": p.cpu_s, "cores": p.cores,
                "cpu_ns": 1e9 * p.cpu_s / max(tx_packets() - first, 1)}


def sender(lab, words, target, seconds):
    return [lab.spate, "send", "--interface", "eth0", *words, *target, "--size", SIZE, "-r",
            "max", "--no-control", "--no-run-dir", "--json", "-D", f"{seconds:g}"]


def trafgen(lab, flags):
    path = lab.where / "raw.cfg"
    text = {k: "".join(f"0x{b}," for b in mac(lab, h).split(":"))
            for k, h in (("dst", "h2"), ("src", "h1"))}
    path.write_text(CONFIG.format(port=PORT, **text))
    # It sends from a child of its own, which only a signal to the group of processes ends.
    return ["env", "-C", lab.where, "timeout", "-s", "INT", "60", "trafgen", "--cpus", "1", "-o", "eth0", "-i", path, "-n", "0", *flags]


def testpmd(lab, mode, *more):
    return ["dpdk-testpmd", "-l", "0,1", "--no-huge", "-m", "512", "--no-shconf", "--no-pci",
            f"--file-prefix={lab.where.name}",
            "--vdev=net_af_packet0,iface=eth0,qdisc_bypass=1,framecnt=512", "--",
            f"--forward-mode={mode}", "--auto-start", "--stats-period", "1", "--no-mlockall",
            "--total-num-mbufs=8192", *more]


def peers(lab):
    found = []
    if have("trafgen"):
        sides = [Side("trafgen", partial(lambda f: flood(lab, trafgen(lab, f)), flags),
                      " ".join(("--cpus 1", *flags))) for flags in ((), ("-q",))]
        found.append(fastest(lab, sides, "pps"))
    if have("dpdk-testpmd"):
        argv = testpmd(lab, "txonly", f"--txpkts={SIZE}", "--txonly-multi-flow",
                       f"--eth-peer=0,{mac(lab, 'h2')}", f"--tx-ip=10.99.1.1,{TARGET['h2']}",
                       f"--tx-udp=1024,{PORT}")
        found.append(Side("testpmd", partial(flood, lab, argv),
                          "net_af_packet, txonly, multi-flow (the source address varies)"))
    return found


def route(lab):
    """The far end knows a way back to the varied sources, or its stack would drop them early."""
    with lab.start("h2", "ip", "route", "replace", PREFIX, "dev", "eth0", privileged=True) as p:
        p.wait(5)


def out(lab, table):
    """60-byte frames out of veth into a peer stack that receives: sequence, port, source vary"""
    table.row("raw-out", out.__doc__)
    table.note("spate's frames have stamps and UDP checksums, which the far stack verifies; "
               "trafgen's a counter and no UDP checksum; of testpmd's only the source varies")
    route(lab)
    with lab.start("h2", sys.executable, "-c", SINK) as sink:
        sink.ready()
        mine = [Side(name, partial(flood, lab, sender(lab, words, ("--packet", VARIED),
                                                      lab.seconds + 5)), " ".join(words))
                for name, words in SEND.items()]
        others = peers(lab)
        alternate(lab, [*mine, *others])
    table.sides([*mine, *others], "pps", "frames/s", (("CPU ns a frame", "cpu_ns"),
                                                      ("cores", "cores")))
    for side in mine:
        judge_out(table, side, others)


def judge_out(table, side, others):
    """Against each peer; a target where LEAST has one."""
    name, least = LEAST.get(side.name, (None, None))
    for peer in others:
        if not side.samples or not peer.samples:
            continue
        cpu = peer.median("cpu_ns") / side.median("cpu_ns")
        ratio = side.median("pps") / peer.median("pps")
        if peer.name == name:
            table.verdict(f"{side.name}, ratio to {peer.name}", ratio, ">=", least,
                          "the kernel's own work a frame: buffer, veth, the far stack",
                          basis=f"(by CPU time a frame {short(cpu)})")
        else:
            table.note(f"{side.name}, ratio to {peer.name} {short(ratio)}, by CPU time a frame "
                       f"{short(cpu)}")


def load(lab, receive):
    """What receive() gives while spate sends by `packet` as fast as it can."""
    with receive() as rx:
        tx = lab.run("h1", *sender(lab, SEND["packet"], (f"udp://{TARGET['h2']}:{PORT}",),
                                   lab.seconds), ok=(0, 3), privileged=True)
        time.sleep(0.3)
        rx.stop(ok=(0, 130))
    return tx.json()["total"]["tx_packets"], rx


def spate_in(lab, words):
    def start():
        rx = lab.start("h2", lab.spate, "recv", f"udp://{TARGET['h2']}:{PORT}", "--interface",
                       "eth0", *words, "--no-control", "--json", "--no-run-dir", "-D",
                       f"{lab.seconds + 20:g}", privileged=True)
        return rx.ready()

    sent, rx = load(lab, start)
    doc = rx.json()
    total, port = doc["total"], doc["transports"][0]
    if total["corrupted"]:
        raise Failed(f"{total['corrupted']} corrupted frames")
    return received(lab, rx, sent, total["rx_packets"], port["rx_dropped"])


def received(lab, rx, sent, got, dropped):
    return {"pps": got / lab.seconds, "cpu_s": rx.cpu_s, "lost": 1 - got / max(sent, 1),
            "cpu_ns": 1e9 * rx.cpu_s / max(got, 1),
            "unaccounted": None if dropped is None else sent - got - dropped}


def figure(text, pattern):
    found = re.findall(pattern, text)
    if not found:
        raise Failed(f"no figure like {pattern}: {text[-300:]}")
    return int(found[-1])


def tcpdump_in(lab, flags):
    def start():
        rx = lab.start("h2", "env", f"LD_PRELOAD={lab.helper('bench-stay.so')}", "sh", "-c",
                       'exec tcpdump "$@" > /dev/null', "sh", "-Z", "root", "-ni", "eth0", "-w",
                       "-", *flags, f"udp dst port {PORT}", privileged=True)
        return rx.ready("listening on")

    sent, rx = load(lab, start)
    text = rx.err.read_text()
    return received(lab, rx, sent, figure(text, r"(\d+) packets? captured"),
                    figure(text, r"(\d+) packets? dropped by kernel"))


def testpmd_in(lab):
    def start():
        rx = lab.start("h2", *testpmd(lab, "rxonly"), privileged=True)
        end = time.monotonic() + 10
        while "Press" not in rx.out.read_text() and "NIC statistics" not in rx.out.read_text():
            if rx.child.poll() is not None or time.monotonic() > end:
                rx.kill()
                raise Failed(f"testpmd does not start: {rx.out.read_text()[-300:]}")
            time.sleep(0.05)
        return rx

    sent, rx = load(lab, start)
    return received(lab, rx, sent, figure(rx.out.read_text(), r"RX-packets: (\d+)"), None)


def come_in(lab, table):
    """60-byte frames in over veth, stamps verified, while spate sends at full speed"""
    table.row("raw-in", come_in.__doc__)
    mine = [Side(name, partial(spate_in, lab, words), " ".join(words))
            for name, words in RECEIVE.items()]
    others = []
    if have("tcpdump"):
        sides = [Side("tcpdump", partial(tcpdump_in, lab, flags),
                      " ".join(("-w - > /dev/null", *flags)))
                 for flags in ((), ("-B", "65536", "-s", "64"))]
        others.append(fastest(lab, sides, "pps"))
    if have("dpdk-testpmd"):
        others.append(Side("testpmd", partial(testpmd_in, lab), "net_af_packet, rxonly"))
    alternate(lab, [*mine, *others])
    table.sides([*mine, *others], "pps", "frames/s",
                (("lost", "lost"), ("CPU ns a frame", "cpu_ns"), ("unaccounted", "unaccounted")))
    best = better(others, "pps")
    for side in mine:
        worst = max(map(abs, side.values("unaccounted")), default=None)
        table.verdict(f"{side.name}: frames unaccounted for", worst, "<=", 0)
    if best and mine[0].samples:
        table.note(f"{mine[0].name} to {best.name}: frames "
                   f"{short(mine[0].median('pps') / best.median('pps'))}, CPU a frame "
                   f"{short(mine[0].median('cpu_ns') / best.median('cpu_ns'))}")


ROWS = {"raw-out": out, "raw-in": come_in}
