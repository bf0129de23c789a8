"""Poisson departures: how far what arrives is from the law, by the far end's kernel time stamps."""
from functools import partial

from lab import TARGET, have
from table import Side, alternate, short

from rows.cbr import PORT, SIZE, limit, metered

KS, RATE_ERROR = 0.05, 1e-3


def spate(lab, rate):
    """A Poisson process of n packets is 1/sqrt(n) off its rate by chance: the rate's error is what
    arrived of what the schedule held."""
    def send():
        return lab.run("h1", lab.spate, "send", f"udp://{TARGET['h2']}:{PORT}", "--rate", rate,
                       "--size", SIZE, "-D", f"{lab.seconds:g}", "--departure", "exponential",
                       "--seed", 7, "--json", "--no-run-dir", "--no-control", ok=(0, 3))
    tx, far = metered(lab, rate, send)
    own = tx.json()["total"]
    far.update({"own_ks": own["ks_departure"], "not_sent_late": own["not_sent_late"],
                "nominal": far["rate_off"], "ks": far["ks"],
                "rate_off": abs(far["packets"] / own["asked_packets"] - 1)})
    return far


def itg(lab, rate):
    with lab.start("h2", "ITGRecv") as rx:
        lab.wait_listening("h2", 9000)
        _, far = metered(lab, rate, lambda: lab.run(
            "h1", "ITGSend", "-a", TARGET["h2"], "-rp", PORT, "-T", "UDP", "-E", rate, "-c",
            SIZE, "-t", int(lab.seconds * 1000), "-poll"), sink=False)
        rx.kill()
    far["cpu_s"] += rx.cpu_s
    far["nominal"] = far["rate_off"]
    return far


def sides_for(lab, rate):
    sides = [Side("spate", partial(spate, lab, rate),
                  f"--rate {rate} --size {SIZE} --departure exponential")]
    if have("ITGSend"):
        sides.append(Side("ITGSend", partial(itg, lab, rate), f"-E {rate} -poll"))
    return sides


def judge(table, sides):
    mine = sides[0]
    if not mine.samples:
        return
    table.note(f"spate's own figure: KS {short(mine.median('own_ks'))}; its rate is off by "
               f"{mine.median('nominal'):.2%} of the nominal one, as a random process may be")
    table.verdict("KS distance at the far end", mine.median("ks"), "<=", KS, limit(mine))
    table.verdict("rate error (arrived of asked)", mine.median("rate_off"), "<=", RATE_ERROR,
                  limit(mine))
    for peer in sides[1:]:
        if peer.samples:
            table.note(f"{peer.name}: KS {short(peer.median('ks'))}, rate "
                       f"{peer.median('nominal'):.1%} off")


def poisson(lab, table, name, title, rate):
    table.row(name, title)
    lab.offload("h1", tx_udp_segmentation="off")
    try:
        sides = sides_for(lab, rate)
        alternate(lab, sides)
    finally:
        lab.offload("h1", tx_udp_segmentation="on")
    table.sides(sides, "ks", "KS", (("rate error", "rate_off"), ("cores", "tx_cores")))
    judge(table, sides)


def poisson_10k(lab, table):
    """Poisson departures, 10 kpps over veth: distance from the law by the far end's time stamps"""
    poisson(lab, table, "poisson-10k", poisson_10k.__doc__, 10000)


def poisson_50k(lab, table):
    """Poisson departures, 50 kpps over veth: distance from the law by the far end's time stamps"""
    poisson(lab, table, "poisson-50k", poisson_50k.__doc__, 50000)


ROWS = {"poisson-10k": poisson_10k, "poisson-50k": poisson_50k}
