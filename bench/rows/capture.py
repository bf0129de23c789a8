"""What is in a capture of 1 GB, against capinfos and tshark: time and peak memory."""
import random
import struct
from functools import partial

from lab import Failed, have
from table import Side, alternate

OCTETS, FLOWS, LIMIT_S = 1_000_000_000, 2000, 300
MEMORY_MIB = 64
# capinfos without its digests, which take ten times as long.
CAPINFOS = "-c -s -d -u -e -y -i -z -x"


def checksum(head):
    total = sum(struct.unpack("!10H", head))
    total = (total & 0xffff) + (total >> 16)
    return ~(total + (total >> 16)) & 0xffff


def ip4(flow, proto, length):
    head = struct.pack("!BBHHHBBH4s4s", 0x45, 0, length, 0, 0x4000, 64, proto, 0,
                       bytes((10, 0, flow >> 8, flow & 255)), bytes((10, 1, 0, flow % 200 + 1)))
    return head[:10] + struct.pack("!H", checksum(head)) + head[12:]


def make(path):
    """Three TCP segments in four packets, of many streams in turn, most of them full; the rest UDP."""
    r = random.Random(1)
    seq = [r.getrandbits(32) for _ in range(FLOWS)]
    ethernet, payload = bytes.fromhex("0200000000020200000000010800"), bytes(1448)
    heads, t, size = {}, 1_700_000_000_000_000_000, 24
    with open(path, "wb", buffering=1 << 22) as out:
        out.write(struct.pack("<IHHiIII", 0xa1b23c4d, 2, 4, 0, 0, 262144, 1))
        while size < OCTETS:
            k = r.randrange(FLOWS)
            udp = k % 4 == 0
            n = r.choice((64, 300, 1200) if udp else (60, 200, 1448, 1448, 1448, 1448))
            if (k, n) not in heads:
                heads[k, n] = ethernet + ip4(k, 17 if udp else 6, 20 + (8 if udp else 20) + n)
            if udp:
                l4 = struct.pack("!HHHH", 20000 + k, 9000, 8 + n, 0)
            else:
                l4 = struct.pack("!HHIIBBHHH", 20000 + k, 9001, seq[k], 1, 0x50, 0x10, 65535, 0, 0)
                seq[k] = (seq[k] + n) & 0xffffffff
            frame = heads[k, n] + l4 + payload[:n]
            t += 10_000
            out.write(struct.pack("<IIII", t // 10**9, t % 10**9, len(frame), len(frame)) + frame)
            size += 16 + len(frame)


def cost(lab, *argv):
    run = lab.run("h1", *argv, timeout=LIMIT_S)
    return {"s": run.cost["wall_s"], "cpu_s": run.cpu_s, "mib": run.cost["rss_kib"] / 1024}


def once(side):
    """tshark takes a minute."""
    if have("tshark"):
        side.sample()
    else:
        side.errors.append("tshark is not installed")


def row(lab, table):
    """Summary of a capture of 1 GB: a million packets, 2,000 flows"""
    table.row("summary", row.__doc__)
    path = lab.where / "big.pcap"
    try:
        make(path)
        spate = Side("spate", partial(cost, lab, lab.spate, "capture", "summary", "--json", path),
                     "capture summary --json")
        infos = Side("capinfos", partial(cost, lab, "capinfos", *CAPINFOS.split(), path), CAPINFOS)
        shark = Side("tshark", partial(cost, lab, "tshark", "-q", "-z", "conv,ip", "-r", path),
                     "-q -z conv,ip")
        alternate(lab, [spate, infos] if have("capinfos") else [spate])
        once(shark)
    except OSError as e:
        raise Failed(f"{path}: {e}") from None
    finally:
        path.unlink(missing_ok=True)
    table.sides([spate, infos, shark], "s", "s", (("CPU s", "cpu_s"), ("MiB", "mib")))
    mine, other, slow = (s.median("cpu_s") for s in (spate, infos, shark))
    table.verdict("CPU time, of capinfos'", mine and other and mine / other, "<=", 2)
    table.verdict("CPU time of tshark, of spate's", mine and slow and slow / mine, ">=", 20)
    table.verdict("peak memory", spate.median("mib"), "<=", MEMORY_MIB, unit=" MiB")


ROWS = {"summary": row}
