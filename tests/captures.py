"""Captures that are put together packet by packet, and read back, without a library."""
import socket
import struct

ETHERNET, RAW = 1, 101
SECOND = 10**9
T0 = 1_700_000_000 * SECOND


def write(path, packets, link=ETHERNET):
    """packets: (time in ns, octets) or (time, octets, original length); classic pcap, ns."""
    with open(path, "wb") as f:
        f.write(struct.pack("<IHHiIII", 0xa1b23c4d, 2, 4, 0, 0, 262144, link))
        for t, data, *more in packets:
            f.write(struct.pack("<IIII", t // SECOND, t % SECOND, len(data),
                                more[0] if more else len(data)) + data)
    return path


def read(path):
    """[(time in ns, octets)] of a classic pcap of this byte order."""
    data = path.read_bytes()
    magic, = struct.unpack_from("<I", data)
    unit = {0xa1b23c4d: 1, 0xa1b2c3d4: 1000}[magic]
    at, out = 24, []
    while at + 16 <= len(data):
        s, frac, n, _ = struct.unpack_from("<IIII", data, at)
        if at + 16 + n > len(data):
            break
        out.append((s * SECOND + frac * unit, data[at + 16:at + 16 + n]))
        at += 16 + n
    return out


def udp(i, size=60, src="10.99.0.1", dst="10.99.0.2", sport=40000, dport=9000):
    """An Ethernet frame of a UDP datagram whose payload begins with i."""
    head = struct.pack(">BBHHHBBH4s4s", 0x45, 0, size - 14, i & 0xffff, 0, 64, 17, 0,
                       socket.inet_aton(src), socket.inet_aton(dst))
    sum_ = sum(struct.unpack(">10H", head))
    while sum_ >> 16:
        sum_ = (sum_ & 0xffff) + (sum_ >> 16)
    head = head[:10] + struct.pack(">H", sum_ ^ 0xffff) + head[12:]
    payload = struct.pack(">I", i) + bytes((i + k) & 255 for k in range(size - 46))
    return (bytes.fromhex("0200000000020200000000010800") + head +
            struct.pack(">HHHH", sport, dport, size - 34, 0) + payload)


def arp(i):
    return (b"\xff" * 6 + bytes.fromhex("0200000000010806" "0001080006040001" "020000000001") +
            bytes([10, 99, 0, 1]) + bytes(6) + bytes([10, 99, 0, i & 255])).ljust(60, b"\0")
