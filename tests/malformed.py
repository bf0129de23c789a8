"""Makes damaged and odd captures: each is (name, octets, what is expected, packets), in the words of
data/malformed/manifest.tsv. What holds for the files there must hold for these, which differ in
place, length and order."""
import random
import struct
import zlib

MICRO, NANO = 0xa1b2c3d4, 0xa1b23c4d
MACS = bytes.fromhex("020000000002020000000001")
A, B = bytes([198, 18, 0, 1]), bytes([198, 18, 0, 2])
A6, B6 = bytes.fromhex("20010db8" + "00" * 11 + "01"), bytes.fromhex("20010db8" + "00" * 11 + "02")
FIN, SYN, RST, PSH, ACK = 1, 2, 4, 8, 16


def checksum(octets):
    octets += b"\0" * (len(octets) % 2)
    total = sum(struct.unpack(f"!{len(octets) // 2}H", octets))
    while total >> 16:
        total = (total & 0xffff) + (total >> 16)
    return ~total & 0xffff


def eth(payload, kind=0x0800, src=MACS[6:]):
    return MACS[:6] + src + struct.pack("!H", kind) + payload


def ip4(payload, proto=17, src=A, dst=B, total=None, first=0x45, frag=0, ttl=64, ident=1,
        options=b""):
    total = 20 + len(options) + len(payload) if total is None else total
    head = struct.pack("!BBHHHBBH4s4s", first, 0, total, ident, frag, ttl, proto, 0, src, dst)
    head += options
    return head[:10] + struct.pack("!H", checksum(head)) + head[12:] + payload


def ip6(payload, following=17, src=A6, dst=B6, length=None, hops=64):
    length = len(payload) if length is None else length
    return struct.pack("!IHBB", 6 << 28, length, following, hops) + src + dst + payload


def udp(payload=b"x" * 20, sport=4000, dport=5000, length=None):
    return struct.pack("!HHHH", sport, dport, 8 + len(payload) if length is None else length,
                       0) + payload


def tcp(payload=b"", seq=1000, ack=1, flags=ACK, sport=4000, dport=5000, offset=5, options=b""):
    return struct.pack("!HHIIBBHHH", sport, dport, seq & 0xffffffff, ack & 0xffffffff,
                       offset << 4, flags, 65535, 0, 0) + options + payload


GOOD = eth(ip4(udp()))


class Pcap:
    """A classic file. order: < or >."""

    def __init__(self, link=1, magic=MICRO, order="<", snaplen=65535, zone=0, version=(2, 4)):
        self.order, self.t = order, 0
        self.octets = struct.pack(order + "IHHiIII", magic, *version, zone, 0, snaplen, link)

    def add(self, data, orig=None, captured=None, fraction=None, seconds=1700000000, more=b""):
        self.t += 1000
        self.octets += struct.pack(self.order + "IIII", seconds,
                                   self.t if fraction is None else fraction,
                                   len(data) if captured is None else captured,
                                   len(data) if orig is None else orig) + more + data
        return self


def pcap(*packets, **how):
    f = Pcap(**how)
    for p in packets:
        f.add(p)
    return f.octets


def block(kind, body, order="<", length=None, end=None):
    body += b"\0" * (-len(body) % 4)
    length = 12 + len(body) if length is None else length
    return struct.pack(order + "II", kind, length) + body + struct.pack(
        order + "I", length if end is None else end)


def option(code, value, order="<"):
    return struct.pack(order + "HH", code, len(value)) + value + b"\0" * (-len(value) % 4)


def section(order="<", **how):
    return block(0x0a0d0d0a, struct.pack(order + "IHHq", 0x1a2b3c4d, 1, 0, -1), order, **how)


def interface(link=1, snaplen=65535, options=b"", order="<"):
    return block(1, struct.pack(order + "HHI", link, 0, snaplen) + options, order)


def packet(data=GOOD, number=0, t=1700000000000000, options=b"", order="<", captured=None, **how):
    body = struct.pack(order + "IIIII", number, t >> 32, t & 0xffffffff,
                       len(data) if captured is None else captured, len(data))
    return block(6, body + data + b"\0" * (-len(data) % 4) + options, order, **how)


def container(r):
    """Classic files."""
    n = r.randrange(1, 6)
    good = [GOOD] * n
    whole = pcap(*good)
    for order in "<>":
        for magic in (MICRO, NANO):
            yield "good", pcap(*good, order=order, magic=magic), "ok", n
    yield "no-packets", pcap(), "ok", 0
    for cut in (0, 1, 3, 4, r.randrange(5, 23), 23):
        yield f"header-cut-{cut}", whole[:cut], "reject", 0
    for magic in (0, 0xffffffff, r.getrandbits(32) | 1, MICRO ^ 0x100):
        yield "magic", pcap(*good, magic=magic), "reject", 0
    for link in range(147, 163):
        yield f"link-{link}", pcap(*good, link=link), "reject", 0
    record = 16 + len(GOOD)
    for cut in sorted(r.sample(range(1, record), 8)):
        yield f"record-cut-{cut}", pcap(GOOD, *good)[:-cut], "prefix", n
        yield f"first-cut-{cut}", pcap(GOOD)[:-cut], "reject", 0
    for length in (262145, 1 << 28, 1 << 31, (1 << 32) - 1):
        f = Pcap()
        for p in good:
            f.add(p)
        yield f"captured-{length}", f.add(GOOD, captured=length).add(GOOD).octets, "prefix", n
    for more in (1, r.randrange(2, 60)):
        f = Pcap().add(GOOD).add(GOOD, orig=len(GOOD) - more).add(GOOD)
        yield "above-original", f.octets, "odd", 3
    for fraction in (1000000, r.randrange(1000001, 1 << 32)):
        yield "fraction", Pcap().add(GOOD, fraction=fraction).add(GOOD).octets, "odd", 2
    yield "nanosecond-fraction", Pcap(magic=NANO).add(GOOD, fraction=10**9).octets, "odd", 1
    for back in (1, 60, 86400, 30 * 365 * 86400):
        f = Pcap().add(GOOD).add(GOOD, seconds=1700000000 - back).add(GOOD)
        yield f"back-{back}", f.octets, "odd", 3
    yield "onwards", Pcap().add(GOOD, seconds=1).add(GOOD).octets, "odd", 2
    for snaplen in (0, 1 << 31, (1 << 32) - 1):
        yield f"snaplen-{snaplen}", pcap(*good, snaplen=snaplen), "odd", n
    yield "above-snaplen", pcap(GOOD, GOOD, snaplen=len(GOOD) - r.randrange(1, 20)), "odd", 2
    for left in (0, 1, r.randrange(2, 14), 13):
        yield f"ethernet-{left}", pcap(GOOD, GOOD[:left], GOOD), "odd", 3
    f = Pcap(magic=0xa1b2cd34)
    for p in good:
        f.add(p, more=bytes(8))
    yield "kuznetzov", f.octets, "odd", n
    zipped = zlib.compressobj(wbits=31)
    stream = zipped.compress(whole) + zipped.flush()
    yield "gzip", stream, "ok", n
    yield "gzip-header-cut", stream[:8], "reject", 0


def pcapng(r):
    n = r.randrange(1, 5)
    for order in "<>":
        head = section(order) + interface(order=order)
        one = packet(order=order)
        yield "good", head + one * n, "ok", n
        cut = r.randrange(1, len(one))
        yield "cut", head + one * n + one[:-cut], "prefix", n
        yield "interface", head + one * n + packet(number=r.randrange(1, 1 << 32), order=order), \
            "prefix", n
        yield "ends-differ", head + one * n + packet(order=order, end=r.randrange(0, 100, 4)) + \
            one, "prefix", n
        yield "too-long", head + one * n + packet(order=order, captured=len(GOOD) + 5), "prefix", n
        for length in (0, 4, 8, 11):
            yield "short", head + one * n + struct.pack(order + "III", 6, length, length), \
                "prefix", n
        yield "unknown", head + block(r.randrange(100, 2000), bytes(4 * r.randrange(9)),
                                      order) * r.randrange(1, 50) + one, "odd", 1
        yield "unknown-last", head + one + block(0x7777, b"", order), "odd", 1
        yield "custom", head + block(0xbad, bytes(12), order) + one * n, "odd", n
        yield "statistics", head + one * n + block(5, bytes(12), order), "ok", n
        yield "names", head + block(4, bytes(4), order) + one * n, "ok", n
        yield "comment", head + packet(order=order, options=option(1, b"hello", order)), "ok", 1
        yield "drops", head + one + packet(order=order, options=option(
            4, struct.pack(order + "Q", r.randrange(1, 99)), order)), "odd", 2
        yield "errors", head + packet(order=order, options=option(
            2, struct.pack(order + "I", r.randrange(1, 1 << 16) << 16), order)), "odd", 1
        yield "option-lies", head + one + packet(order=order, options=struct.pack(
            order + "HH", 1, r.randrange(5, 65536))), "odd", 2
        yield "simple", head + block(3, struct.pack(order + "I", len(GOOD)) + GOOD, order), "odd", 1
    for bad in (13, 29, r.randrange(0, 28)):
        yield f"section-{bad}", section(length=bad) + interface() + packet(), "reject", 0
    for resolution in (64 | 0x80, 0xff, 20, 0x7f):
        yield f"resolution-{resolution}", section() + interface(
            options=option(9, bytes([resolution]))) + packet(), "reject", 0
    for resolution in (0, 3, 6, 9, 0x80, 0x80 | 20):
        yield f"resolution-{resolution}", section() + interface(
            options=option(9, bytes([resolution]))) + packet(t=r.randrange(1, 1000)), "ok", 1
    yield "two-sections", section() + interface() + packet() + section(">") + \
        interface(order=">") + packet(order=">"), "ok", 2
    yield "no-interface", section() + packet(), "reject", 0
    yield "private-link", section() + interface(link=r.randrange(147, 163)) + packet(), "reject", 0
    yield "no-limit", section() + interface(snaplen=0) + packet(), "ok", 1


def odd_packets(r):
    """Packets that are odd, each between two that are not."""
    k = r.randrange(1, 20)
    udp6 = struct.pack("!HHHH", 4000, 5000, 28, 0xffff) + b"x" * 20
    yield from {
        "ip4-total-short": eth(ip4(udp(), total=r.randrange(0, 20))),
        "ip4-total-long": eth(ip4(udp(), total=48 + k)),
        "ip4-header-short": eth(ip4(udp(), first=0x40 + r.randrange(0, 5))),
        "ip4-header-long": eth(ip4(b"", first=0x4f)),
        "ip4-version": eth(ip4(udp(), first=(r.choice([0, 1, 2, 3, 5, 7, 15]) << 4) + 5)),
        "ip4-cut": eth(ip4(udp())[:k]),
        "ip4-checksum": eth(ip4(udp())[:10] + bytes([k, 77]) + ip4(udp())[12:]),
        "ip4-ttl-0": eth(ip4(udp(), ttl=0)),
        "ip4-source-broadcast": eth(ip4(udp(), src=b"\xff" * 4)),
        "ip4-source-group": eth(ip4(udp(), src=bytes([224 + r.randrange(16), 1, 2, 3]))),
        "ip4-source-reserved": eth(ip4(udp(), src=bytes([240 + r.randrange(15), 1, 2, 3]))),
        "ip4-no-destination": eth(ip4(udp(), dst=bytes(4))),
        "ip4-reserved-flag": eth(ip4(udp(), frag=0x8000)),
        "ip4-option-length": eth(ip4(udp(), first=0x46, options=bytes([7, r.choice([0, 1, 5]), 0, 0]))),
        "ip4-fragment-alone": eth(ip4(udp(), frag=0x2000)),
        "ip4-fragment-far": eth(ip4(udp(), frag=0x1ffe)),
        "land": eth(ip4(tcp(flags=SYN, sport=k, dport=k), 6, src=A, dst=A)),
        "udp-cut": eth(ip4(udp(b"")[:r.randrange(1, 8)])),
        "udp-length-below": eth(ip4(udp(length=r.randrange(0, 28)))),
        "udp-length-above": eth(ip4(udp(length=28 + k))),
        "udp-to-0": eth(ip4(udp(dport=0))),
        "tcp-cut": eth(ip4(tcp()[:k], 6)),
        "tcp-offset-below": eth(ip4(tcp(offset=r.randrange(0, 5)), 6)),
        "tcp-offset-above": eth(ip4(tcp(offset=r.randrange(6, 16)), 6)),
        "tcp-syn-fin": eth(ip4(tcp(flags=SYN | FIN), 6)),
        "tcp-syn-rst": eth(ip4(tcp(flags=SYN | RST), 6)),
        "tcp-nothing": eth(ip4(tcp(flags=0), 6)),
        "tcp-christmas": eth(ip4(tcp(flags=FIN | PSH | 32), 6)),
        "tcp-option": eth(ip4(tcp(flags=SYN, offset=6, options=bytes([2, r.choice([0, 1, 9]), 0, 0])), 6)),
        "tcp-from-0": eth(ip4(tcp(flags=SYN, sport=0), 6)),
        "icmp-cut": eth(ip4(bytes(r.randrange(1, 8)), 1)),
        "ip6-cut": eth(ip6(b"")[:r.randrange(1, 40)], 0x86dd),
        "ip6-length": eth(ip6(udp6, length=28 + k), 0x86dd),
        "ip6-version": eth(bytes([0x50]) + ip6(udp6)[1:], 0x86dd),
        "ip6-hops-0": eth(ip6(udp6, hops=0), 0x86dd),
        "ip6-source-group": eth(ip6(udp6, src=b"\xff" + A6[1:]), 0x86dd),
        "ip6-route-0": eth(ip6(bytes([17, 0, 0, 0, 0, 0, 0, 0]) + udp6, 43), 0x86dd),
        "ip6-segments": eth(ip6(bytes([17, 0, r.randrange(1, 5), 255, 0, 0, 0, 0]) + udp6, 43), 0x86dd),
        "ip6-chain": eth(ip6(bytes([60, 0, 1, 4, 0, 0, 0, 0]) * r.randrange(10, 120) +
                             bytes([17, 0, 1, 4, 0, 0, 0, 0]) + udp6, 60), 0x86dd),
        "ip6-extension-long": eth(ip6(bytes([17, 200, 1, 4, 0, 0, 0, 0]) + udp6, 60), 0x86dd),
        "ip6-option": eth(ip6(bytes([17, 0, 30, r.randrange(5, 256), 0, 0, 0, 0]) + udp6, 0), 0x86dd),
        "ip6-hop-by-hop-late": eth(ip6(bytes([0, 0, 1, 4, 0, 0, 0, 0]) + bytes([17, 0, 1, 4, 0, 0, 0, 0]) +
                                       udp6, 60), 0x86dd),
        "vlan-cut": eth(bytes(r.randrange(0, 4)), 0x8100),
        "vlan-many": eth(b"\x00\x01\x81\x00" * r.randrange(2, 40) + b"\x00\x01\x08\x00" + ip4(udp()), 0x8100),
        "mpls-many": eth(bytes([0, 1, 0, 64]) * r.randrange(12, 40) + bytes([0, 1, 1, 64]) + ip4(udp()), 0x8847),
        "mpls-endless": eth(bytes([0, 1, 0, 64]) * r.randrange(1, 9), 0x8847),
        "length-8023": eth(b"\xaa\xaa\x03\0\0\0\x08\0" + ip4(udp()), r.randrange(200, 1500)),
        "length-nothing": eth(ip4(udp()), r.randrange(1501, 1536)),
        "source-group": eth(ip4(udp()), src=b"\x01" + MACS[7:]),
        "arp-cut": eth(bytes([0, 1, 8, 0, 6, 4, 0, 1]) + bytes(r.randrange(0, 20)), 0x0806),
        "dns-cut": eth(ip4(udp(bytes(r.randrange(0, 12)), dport=53))),
        "dns-loop": eth(ip4(udp(bytes.fromhex("000701000001000000000000c00c00010001"), dport=53))),
        "dns-name": eth(ip4(udp(bytes.fromhex("00070100000100000000000005") + b"ab", dport=53))),
    }.items()


def packets(r):
    for name, p in odd_packets(r):
        yield name, pcap(GOOD, p, GOOD), "odd", 3
    good = {
        "vlan": eth(b"\x00\x05\x08\x00" + ip4(udp()), 0x8100),
        "qinq": eth(b"\x00\x05\x81\x00\x00\x06\x08\x00" + ip4(udp()), 0x88a8),
        "mpls": eth(bytes([0, 1, 0, 64]) + bytes([0, 1, 1, 64]) + ip4(udp()), 0x8847),
        "padded": eth(ip4(udp(b"x"))) + bytes(r.randrange(1, 30)),
        "tcp-syn": eth(ip4(tcp(flags=SYN), 6)),
        "snap": eth(b"\xaa\xaa\x03\0\0\0\x08\0" + ip4(udp()), 8 + len(ip4(udp()))),
        "icmp": eth(ip4(bytes([8, 0, 0, 0, 0, 1, 0, 1]) + bytes(20), 1)),
        "options": eth(ip4(udp(), first=0x46, options=bytes([7, 4, 4, 0]))),
        "dns": eth(ip4(udp(bytes.fromhex("00070100000100000000000001610000010001"), dport=53))),
    }
    for name, p in good.items():
        yield name, pcap(GOOD, p, GOOD), "ok", 3
    whole = udp(bytes(2000))
    parts = [eth(ip4(whole[i:i + 1000], frag=(0x2000 if i < 2000 else 0) | i // 8))
             for i in (0, 1000, 2000)]
    yield "fragments", pcap(*parts), "ok", 3
    r.shuffle(parts)
    yield "fragments-shuffled", pcap(*parts), "ok", 3
    yield "fragment-missing", pcap(*parts[:2]), "odd", 2
    yield "fragments-overlap", pcap(eth(ip4(whole[:1000], frag=0x2000)),
                                    eth(ip4(whole[1000 - 8 * r.randrange(1, 90):2008], frag=100)),
                                    GOOD), "odd", 3


def conversation(r, change):
    """A TCP connection whose segments, [seq, octets, flags], change() alters."""
    base = r.choice([r.getrandbits(32), 0xffffff00])
    segments, seq = [], base + 1
    for _ in range(r.randrange(4, 9)):
        n = r.randrange(2, 300)
        segments.append([seq, bytes(r.randrange(97, 123) for _ in range(n)), ACK | PSH])
        seq += n
    first = [[base, b"", SYN]]
    first, segments, last = change(r, first, segments, [[seq, b"", FIN | ACK]])
    done = [eth(ip4(tcp(data, s, flags=f), 6)) for s, data, f in first + segments + last]
    return pcap(*done), len(done)


def streams(r):
    def plain(r, a, s, z):
        return a, s, z

    def keep_alive(r, a, s, z):
        return a, s + [[z[0][0] - 1, b"", ACK]], z

    def swapped(r, a, s, z):
        i = r.randrange(len(s) - 1)
        s[i], s[i + 1] = s[i + 1], s[i]
        return a, s, z

    def repeated(r, a, s, z):
        i = r.randrange(len(s))
        return a, s[:i + 1] + [s[i]] + s[i + 1:], z

    def overlapping(r, a, s, z):
        i = r.randrange(1, len(s))
        return a, s[:i] + [[s[i][0] - 1, b"?" + s[i][1], ACK]] + s[i + 1:], z

    def missing(r, a, s, z):
        del s[r.randrange(len(s) - 1)]
        return a, s, z

    def headless(r, a, s, z):
        return [], s, z

    def after_fin(r, a, s, z):
        return a, s, z + [[z[0][0] + 1, b"more", ACK]]

    def far(r, a, s, z):
        return a, s + [[z[0][0] + r.randrange(2 << 20, 1 << 30), b"stray", ACK]], z

    def reset(r, a, s, z):
        return a, s, [[z[0][0], b"", RST]]

    def again(r, a, s, z):
        return a, s, z + [[a[0][0] + 99999, b"", SYN]]

    for change in (plain, keep_alive):
        octets, n = conversation(r, change)
        yield change.__name__, octets, "ok", n
    for change in (swapped, repeated, overlapping, missing, headless, after_fin, far, reset,
                   again):
        octets, n = conversation(r, change)
        yield change.__name__, octets, "odd", n


def zstd(octets, window=0x58, size=None, kind=0, count=1):
    """A frame (RFC 8878) of one block that is not compressed, or (kind 1) of so many octets of one
    value."""
    length = len(octets) if size is None else size
    one = struct.pack("<I", (length << 3) | kind << 1)[:3] + octets
    last = struct.pack("<I", (length << 3) | kind << 1 | 1)[:3] + octets
    return b"\x28\xb5\x2f\xfd\0" + bytes([window]) + one * (count - 1) + last


def gzip(octets, level=6):
    z = zlib.compressobj(level, wbits=31)
    return z.compress(octets) + z.flush()


def compressed(r):
    """What is inside of gzip and zstd: cut, damaged, nested, huge."""
    n = r.randrange(30, 60)
    noise = [eth(ip4(udp(r.randbytes(200)))) for _ in range(n)]
    plain = pcap(*noise)
    stored = gzip(plain, 0)
    yield "zstd", zstd(plain), "ok", n
    yield "gzip-twice", gzip(plain) + gzip(b""), "ok", n
    yield "zstd-then-frames", zstd(plain[:200]) + zstd(plain[200:]), "ok", n
    yield "gzip-in-gzip", gzip(gzip(plain)), "reject", 0
    yield "zstd-in-gzip", gzip(zstd(plain)), "reject", 0
    yield "gzip-in-zstd", zstd(gzip(plain)), "reject", 0
    for cut in (1, 4, 8, r.randrange(9, 200)):
        whole = (len(stored) - cut - 10 - 5 - 24) // (16 + len(noise[0]))
        yield f"gzip-cut-{cut}", stored[:-cut], "prefix", min(whole, n)
    yield "gzip-head-alone", stored[:r.randrange(10, 20)], "reject", 0
    yield "zstd-head-alone", zstd(plain)[:r.randrange(5, 9)], "reject", 0
    yield "zstd-window", zstd(plain, window=0xf8), "reject", 0
    yield "zstd-block", zstd(plain, kind=3), "reject", 0
    yield "zstd-magic", b"\x28\xb5\x2f\xfd", "reject", 0
    trailer = bytearray(stored)
    trailer[-8 + r.randrange(8)] ^= 1 + r.randrange(255)
    yield "gzip-trailer", bytes(trailer), "prefix", n
    yield "gzip-then-garbage", stored + r.randbytes(40), "prefix", n
    # Bombs: 32 MiB out of some KiB; the zeros are empty packets of 1970, or one that never ends.
    zeros = 1 << 17
    yield "zstd-bomb", zstd(b"\0", size=zeros, kind=1, count=256), "reject", 0
    yield "gzip-bomb", gzip(bytes(1 << 25), 9), "reject", 0
    yield "gzip-bomb-record", gzip(plain + struct.pack("<IIII", 1, 1, 1 << 30, 1 << 30) +
                                   bytes(1 << 24)), "prefix", n


def ng_options(r):
    """Lengths of blocks and options, and the extremes of an interface's words."""
    for order in "<>":
        head = section(order) + interface(order=order)
        one = packet(order=order)
        for length in (13, 14, 15, len(one) + r.choice([1, 2, 3])):
            yield f"unaligned-{length}", head + one + packet(order=order, length=length) + one, \
                "prefix", 1
        for length in (1 << 24, 1 << 31, (1 << 32) - 4, (1 << 32) - 1):
            yield f"giant-{length}", head + one + packet(order=order, length=length) + one, \
                "prefix", 1
        yield "interface-short", section(order) + block(1, b"\0\1\0", order) + one, "reject", 0
        yield "packet-short", head + one + block(6, bytes(4 * r.randrange(0, 5)), order), \
            "prefix", 1
        yield "tsresol-long", section(order) + interface(order=order, options=option(
            9, bytes([6] * r.choice([2, 5, 8])), order)) + one, "odd", 1
        yield "offset", section(order) + interface(order=order, options=option(
            14, struct.pack(order + "q", r.choice([-1, 1]) * r.randrange(1, 10**9)), order)) + \
            packet(order=order), "ok", 1
        yield "section-magic", struct.pack(order + "III", 0x0a0d0d0a, 28, r.getrandbits(24)) + \
            bytes(12) + struct.pack(order + "I", 28), "reject", 0
        yield "section-version", block(0x0a0d0d0a, struct.pack(
            order + "IHHq", 0x1a2b3c4d, r.randrange(2, 9), 0, -1), order) + \
            interface(order=order) + one, "reject", 0


def all_of(seed):
    for family in (container, pcapng, packets, streams, compressed, ng_options):
        for name, *rest in family(random.Random(f"{seed} {family.__name__}")):
            yield (f"{family.__name__}-{name}", *rest)
