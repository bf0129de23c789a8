"""Sends frames, for tests of receivers: craft.py INTERFACE SOURCE TARGET WORD...; a WORD is
COUNTxKIND[:key=value,...]. Kinds: udp (through a socket: the kernel leaves the checksum to the
interface), rawudp, tcp, echo, sctp, arp. Keys: sport, dport, flags (of TCP), damage (ip, l4: that
checksum is wrong; length: the lengths lie), more (1: more fragments), size (of the payload)."""
import random
import socket
import struct
import sys


def inet_sum(data):
    if len(data) % 2:
        data += b"\0"
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xffff) + (total >> 16)
    return ~total & 0xffff


def crc32c(data):
    crc = 0xffffffff
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (0x82f63b78 if crc & 1 else 0)
    return crc ^ 0xffffffff


def l4_of(kind, key, src, dst):
    payload = bytes(random.randrange(256) for _ in range(int(key.get("size", 40))))
    sport, dport = int(key.get("sport", 1000)), int(key.get("dport", 8000))
    if kind == "rawudp":
        head, at, proto = struct.pack("!HHHH", sport, dport, 8 + len(payload), 0), 6, 17
    elif kind == "tcp":
        head = struct.pack("!HHIIBBHHH", sport, dport, 1, 1, 0x50, int(key.get("flags", 24)),
                           1000, 0, 0)
        at, proto = 16, 6
    elif kind == "echo":
        head, at, proto = struct.pack("!BBHHH", 8, 0, 0, 7, 1), 2, 1
    else:
        head = struct.pack("!HHII", sport, dport, 0, 0)
        return 132, head[:8] + struct.pack("<I", crc32c(head + payload)) + payload, 8
    pseudo = b"" if proto == 1 else src + dst + struct.pack("!HH", proto, len(head + payload))
    check = inet_sum(pseudo + head + payload) or 0xffff
    return proto, head[:at] + struct.pack("!H", check) + head[at + 2:] + payload, at


def frame_of(kind, key, src, dst):
    macs = b"\xff" * 6 + b"\x02\0\0\0\0\x09"
    if kind == "arp":
        return macs + struct.pack("!HHHBBH", 0x806, 1, 0x800, 6, 4, 1) + macs[6:] + src + \
            b"\0" * 6 + dst
    proto, body, at = l4_of(kind, key, src, dst)
    if key.get("damage") == "l4":
        body = body[:at] + bytes([body[at] ^ 0x5a]) + body[at + 1:]
    length = 20 + len(body) + (100 if key.get("damage") == "length" else 0)
    head = struct.pack("!BBHHHBBH", 0x45, 0, length, 0, 0x2000 if key.get("more") else 0, 64,
                       proto, 0) + src + dst
    check = inet_sum(head) ^ (0x5a5a if key.get("damage") == "ip" else 0)
    return macs + b"\x08\0" + head[:10] + struct.pack("!H", check) + head[12:] + body


def main():
    interface, source, target = sys.argv[1:4]
    raw = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
    raw.bind((interface, 0))
    udp = {}
    for word in sys.argv[4:]:
        what, _, keys = word.partition(":")
        count, _, kind = what.partition("x")
        key = dict(pair.split("=") for pair in keys.split(",") if pair)
        sport = int(key.get("sport", 1000))
        if kind == "udp" and sport not in udp:
            udp[sport] = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            udp[sport].bind((source, sport))
        for _ in range(int(count)):
            if kind == "udp":
                udp[sport].sendto(b"x" * int(key.get("size", 40)),
                                  (target, int(key.get("dport", 8000))))
            else:
                raw.send(frame_of(kind, key, socket.inet_aton(source), socket.inet_aton(target)))


if __name__ == "__main__":
    main()
