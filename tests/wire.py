"""What a session said, from a capture at its collector: octets to messages to routes, by nobody's codec but
this one (RFC 4271, 4364, 4659, 4724, 4760, 7854, 8277, 8950), for what a collector does not write down."""
import collections
import ipaddress
import subprocess

Route = collections.namedtuple("Route", "afi prefix next_hop")


def said(pcap):
    """All octets of whoever opened the first connection, as tshark puts them together."""
    text = subprocess.run(["tshark", "-r", pcap, "-q", "-z", "follow,tcp,raw,0"], timeout=60,
                          capture_output=True, text=True, check=True).stdout
    rows = text.split("Node 1:")[1].split("\n")[1:]
    return b"".join(bytes.fromhex(r) for r in rows if r and r[0] not in "\t=")


def bgp(octets):
    """(type, message) of each; nothing is left over."""
    while octets:
        assert octets[:16] == b"\xff" * 16
        n = int.from_bytes(octets[16:18], "big")
        assert 19 <= n <= len(octets)
        yield octets[18], octets[:n]
        octets = octets[n:]


def bmp(octets):
    """(type, header of the peer, what it carries) of each."""
    while octets:
        n = int.from_bytes(octets[1:5], "big")
        assert octets[0] == 3 and 6 <= n <= len(octets)
        yield octets[5], octets[6:48], octets[48:n]
        octets = octets[n:]


def distinguisher(b):
    """As pmacct writes it."""
    kind, rest = int.from_bytes(b[:2], "big"), b[2:]
    if kind == 1:
        return f"1:{ipaddress.ip_address(rest[:4])}:{int.from_bytes(rest[4:], 'big')}"
    n = 2 if kind == 0 else 4
    return f"{kind}:{int.from_bytes(rest[:n], 'big')}:{int.from_bytes(rest[n:], 'big')}"


def attributes(update):
    """Withdrawn prefixes, attributes by type, prefixes."""
    body = update[19:]
    n = int.from_bytes(body[:2], "big")
    withdrawn, body = body[2:2 + n], body[2 + n:]
    n = int.from_bytes(body[:2], "big")
    attrs, nlri, found = body[2:2 + n], body[2 + n:], {}
    while attrs:
        head = 4 if attrs[0] & 0x10 else 3
        n = int.from_bytes(attrs[2:head], "big")
        found[attrs[1]] = attrs[head:head + n]
        attrs = attrs[head + n:]
    return withdrawn, found, nlri


def prefixes(octets, afi, safi):
    while octets:
        bits, octets = octets[0], octets[1:]
        used = 0
        if safi in (4, 128):
            while not octets[used + 2] & 1:
                used += 3
            used += 3
        used += 8 if safi == 128 else 0
        n = (bits + 7) // 8
        size = 4 if afi == 1 else 16
        address = octets[used:n].ljust(size, b"\0")
        yield f"{ipaddress.ip_address(address)}/{bits - 8 * used}"
        octets = octets[n:]


def hop_of(octets, safi):
    """The global one; a distinguisher of zeros is before that of a VPN."""
    skip = 8 if safi == 128 else 0
    octets = octets[skip:]
    return plain(ipaddress.ip_address(octets[:4] if len(octets) == 4 else octets[:16]))


def plain(address):
    """An IPv4 address is one however it is written."""
    address = ipaddress.ip_address(address)
    return str(getattr(address, "ipv4_mapped", None) or address)


def routes(update):
    _, attrs, nlri = attributes(update)
    for prefix in prefixes(nlri, 1, 1):
        yield Route(1, prefix, plain(ipaddress.ip_address(attrs[3])))
    if 14 in attrs:
        reach = attrs[14]
        afi, safi, n = int.from_bytes(reach[:2], "big"), reach[2], reach[3]
        hop = hop_of(reach[4:4 + n], safi)
        for prefix in prefixes(reach[5 + n:], afi, safi):
            yield Route(afi, prefix, hop)


def end_of_rib(update):
    """The family that it ends (RFC 4724 2), or None."""
    withdrawn, attrs, nlri = attributes(update)
    if withdrawn or nlri:
        return None
    if not attrs:
        return 1, 1
    if set(attrs) == {15} and len(attrs[15]) == 3:
        return int.from_bytes(attrs[15][:2], "big"), attrs[15][2]
    return None


def logged(lines):
    """The same of a collector's log."""
    return collections.Counter(Route(m["afi"], m["ip_prefix"], plain(m["bgp_nexthop"]))
                               for m in lines if m.get("log_type") == "update")


def logged_ends(lines):
    return sorted((m["afi"], m["safi"]) for m in lines if m.get("log_type") == "end-of-rib")
