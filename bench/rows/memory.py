"""Peak resident memory of sender and receiver."""
from functools import partial

from lab import TARGET
from table import Side, alternate

STREAMS, CONNECTIONS, TOTAL_PPS, SECONDS = 10_000, 1_000, 20_000, 2
PEAK_MIB, STREAM_BYTES = 64, 1024


def peaks(lab, word, streams):
    url = f"{word}://{TARGET['h1']}:5001"
    with lab.start("h1", lab.spate, "recv", url, "--json", "--no-run-dir", "-D", "60") as rx:
        rx.ready()
        tx = lab.run("h1", lab.spate, "send", url, "--streams", streams, "--rate",
                     TOTAL_PPS // streams, "--size", 64, "-D", SECONDS, "--json",
                     "--no-run-dir", timeout=60, ok=(0, 3))
        rx.stop()
    return {"tx_mib": tx.cost["rss_kib"] / 1024, "rx_mib": rx.cost["rss_kib"] / 1024,
            "cpu_s": tx.cpu_s + rx.cpu_s, "flows": len(rx.json()["flows"])}


def compare(lab, table, word, streams, limits):
    one = Side("1", partial(peaks, lab, word, 1), f"1 stream, {TOTAL_PPS} pps, loopback")
    many = Side(str(streams), partial(peaks, lab, word, streams), f"--streams {streams}")
    alternate(lab, [one, many])
    for key, who, limit in (("tx_mib", "sender", limits[0]), ("rx_mib", "receiver", limits[1])):
        table.sides([one, many], key, "MiB")
        table.verdict(f"{who}, one stream", one.median(key), "<=", PEAK_MIB, unit=" MiB")
        added = None
        if one.samples and many.samples:
            added = (many.median(key) - one.median(key)) * 2**20 / (streams - 1)
        table.verdict(f"{who}, each further stream", added, "<=", limit, unit=" B")


def memory(lab, table):
    """Peak memory: one stream, and what each of 10,000 adds"""
    table.row("memory", memory.__doc__)
    compare(lab, table, "udp", STREAMS, (STREAM_BYTES, STREAM_BYTES))


def connections(lab, table):
    """Peak memory over TCP: one connection, and what each of 1,000 adds (the program's own)"""
    table.row("memory-tcp", connections.__doc__)
    compare(lab, table, "tcp", CONNECTIONS, (8192, 4096))


ROWS = {"memory": memory, "memory-tcp": connections}
