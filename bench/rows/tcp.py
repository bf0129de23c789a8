"""Bulk data over TCP: spate against iperf3."""
from functools import partial

from lab import TARGET, have
from rows.udp import limit
from table import Side, alternate, better

PORT = 5001
PATHS = (("loopback", "h1"), ("veth", "h2"))


def figures(lab, received, tx, rx):
    return {"gbps": received * 8e-9 / lab.seconds, "cpu_s": tx.cpu_s + rx.cpu_s,
            "s_per_gb": (tx.cpu_s + rx.cpu_s) / max(received * 1e-9, 1e-9), "lost": 0,
            "tx_cores": tx.cpu_s / lab.seconds, "rx_cores": rx.cpu_s / lab.seconds}


def spate(lab, host, streams):
    url = f"tcp://{TARGET[host]}:{PORT}"
    with lab.start(host, lab.spate, "recv", url, "--json", "--no-run-dir", "-D",
                   f"{lab.seconds + 20:g}") as rx:
        rx.ready()
        tx = lab.run("h1", lab.spate, "send", url, "--rate", "max", "--streams", streams, "-D",
                     f"{lab.seconds:g}", "--json", "--no-run-dir")
        rx.stop()
    return figures(lab, rx.json()["total"]["rx_bytes"], tx, rx)


def iperf3(lab, host, flags):
    with lab.start(host, "iperf3", "-s", "-1", "-J") as rx:
        lab.wait_listening(host, 5201)
        tx = lab.run("h1", "iperf3", "-c", TARGET[host], "-t", f"{lab.seconds:g}", "-J", *flags)
        rx.wait(5)
    return figures(lab, rx.json()["end"]["sum_received"]["bytes"], tx, rx)


def sides(lab, host, streams):
    found = [Side("spate", partial(spate, lab, host, streams), f"--rate max --streams {streams}")]
    if have("iperf3"):
        many = ("-P", str(streams)) if streams > 1 else ()
        large = (*many, "-l", "1M")
        # spate takes reno on loopback by itself.
        for flags in (many, large, *([(*large, "-C", "reno")] if host == "h1" else [])):
            found.append(Side("iperf3", partial(iperf3, lab, host, flags), " ".join(flags)))
    alternate(lab, found)
    return found


def ratio(mine, other, key):
    return mine.median(key) / other.median(key) if mine.samples and other.samples else None


def show(lab, table, path, host, streams):
    table.line(f"  {path}:")
    found = sides(lab, host, streams)
    table.sides(found, "gbps", "Gbit/s", (("CPU s/GB", "s_per_gb"), ("tx cores", "tx_cores"),
                                          ("rx cores", "rx_cores")))
    return found if len(found) > 1 else None


def one(lab, table):
    """TCP bulk, one stream"""
    table.row("tcp-bulk", one.__doc__)
    for path, host in PATHS:
        found = show(lab, table, path, host, 1)
        if not found:
            table.verdict(f"{path}, ratio to iperf3", None, ">=", None)
            continue
        mine, plain, *large = found
        if path == "loopback":
            best = better(large, "gbps")
            table.verdict("loopback, ratio to iperf3 with large blocks",
                          ratio(mine, best, "gbps") if best else None, ">=", 1, limit(mine),
                          basis=f"({best.flags})" if best else "")
            table.verdict("loopback, ratio to iperf3", ratio(mine, plain, "gbps"), ">=", 1.9,
                          limit(mine))
        elif (ratio(mine, plain, "gbps") or 0) >= 1.1:
            table.verdict("veth, ratio to iperf3", ratio(mine, plain, "gbps"), ">=", 1.1)
        else:
            table.verdict("veth, CPU a byte, ratio to iperf3", ratio(mine, plain, "s_per_gb"),
                          "<=", 0.8, limit(mine))


def four(lab, table):
    """TCP bulk, four streams"""
    table.row("tcp-bulk-4", four.__doc__)
    for path, host in PATHS:
        found = show(lab, table, path, host, 4)
        table.verdict(f"{path}, ratio to iperf3 -P 4",
                      ratio(found[0], found[1], "gbps") if found else None, ">=", 1.5,
                      limit(found[0]) if found else None)


ROWS = {"tcp-bulk": one, "tcp-bulk-4": four}
