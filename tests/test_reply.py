"""Machines that answer for addresses that no kernel owns, and TCP that no kernel knows of, against
the kernel of the other host of a lab."""
import hashlib
import json
import struct
import textwrap

import pytest

OWN = "10.99.0.50,fd99::50"

ZONE = """\
$ORIGIN lab.test.
$TTL 300
@       IN SOA ns1 hostmaster ( 1 3600 ; refresh
            900 1w 60 )
        NS  ns1
        MX  10 mail
ns1     A   10.99.0.50
mail    60 IN A 10.99.0.6
        AAAA fd99::6
www     CNAME mail
txt     TXT "hello world" "second;part"
big     TXT """ + " ".join(f'"{c * 200}"' for c in "abcde") + """
*.wild  A   10.99.0.99
"""

# A client of h1: asks each NAME/TYPE of argv and prints rcode, flags and the answers' data.
ASK = """\
import socket, struct, sys
types = dict(A=1, NS=2, CNAME=5, SOA=6, MX=15, TXT=16, AAAA=28, SRV=33)
server, port, source, edns = sys.argv[1], int(sys.argv[2]), sys.argv[3], int(sys.argv[4])
s = socket.socket(socket.AF_INET6 if ":" in server else socket.AF_INET, socket.SOCK_DGRAM)
s.settimeout(3)
if source != "-":
    s.bind((source, 0))
for n, word in enumerate(sys.argv[5:]):
    name, kind = word.split("/")
    wire = b"".join(bytes([len(x)]) + x.encode() for x in name.split(".")) + b"\\0"
    ask = struct.pack(">6H", n, 0x100, 1, 0, 0, int(edns > 0)) + wire
    ask += struct.pack(">2H", types[kind], 1)
    if edns:
        ask += b"\\0" + struct.pack(">2HIH", 41, edns, 0, 0)
    s.sendto(ask, (server, port))
    got = s.recv(5000)
    i, flags, _, an, ns, _ = struct.unpack(">6H", got[:12])
    assert i == n and got[12:12 + len(wire) + 4] == ask[12:12 + len(wire) + 4]
    at, data = 12 + len(wire) + 4, []
    for _ in range(an):
        while got[at] & 0xc0 != 0xc0 and got[at]:
            at += got[at] + 1
        at += 2 if got[at] & 0xc0 == 0xc0 else 1
        length = struct.unpack(">H", got[at + 8:at + 10])[0]
        data.append(got[at + 10:at + 10 + length].hex())
        at += 10 + length
    print(word, flags & 15, int(flags >> 9 & 1), ns, len(got) - len(ask), *data)
"""


@pytest.fixture
def answering(me):
    """answering(words, script, *more): h2 receives with such words while a script runs in h1;
    (what the script printed, counts by machine, h2's document)."""
    def run(words, script, where=f"--interface eth0 --address {OWN}", timeout=40, code=0):
        (me.home / "ask.py").write_text(ASK)
        (me.home / "lab.zone").write_text(ZONE)
        done = me.lab(f"""
            "$SPATE" lab exec h2 -- "$SPATE" recv {where} --reply '{words}' --no-run-dir \
                --no-control --json >recv.json 2>ready & pid=$!
            until grep -q '^ready' ready; do sleep 0.05; done
            {textwrap.dedent(script)}
            code=$?
            kill $pid; wait $pid; exit $code""", timeout=timeout)
        assert done.code == code, (done, (me.home / "ready").read_text())
        document = json.loads((me.home / "recv.json").read_text())
        return done.out, {r["name"]: r["replies"] for r in document["replies"]}, document

    return run


def test_ping_and_neighbours(answering):
    out, counts, _ = answering("arp,nd,icmp,icmp6", """
        ping -q -c 5 -i 0.05 -W 2 10.99.0.50 && ping -q -6 -c 5 -i 0.05 -W 2 fd99::50 &&
        ip neigh show dev eth0""")
    assert out.count("5 received") == 2
    states = {line.split()[0]: line.split()[-1] for line in out.splitlines() if "lladdr" in line}
    assert states == {**states, "10.99.0.50": "REACHABLE", "fd99::50": "REACHABLE"}
    assert counts["icmp"] == counts["icmp6"] == 5
    assert counts["arp"] >= 1 and counts["nd"] >= 1


def test_silence_for_others(answering):
    out, counts, _ = answering("arp(10.99.0.60/30),icmp", """
        ping -q -c 2 -i 0.2 -W 1 10.99.0.51; ping -q -c 2 -i 0.1 -W 1 10.99.0.61; true""")
    assert "2 packets transmitted, 0 received" in out
    assert counts["icmp"] == 0  # not of .50
    assert counts["arp"] >= 1  # but .61 was asked for


def test_large_ping_checksum(answering, me):
    out, counts, _ = answering("arp,icmp", "ping -q -c 3 -i 0.05 -s 1400 -W 2 10.99.0.50")
    assert "3 received" in out and counts["icmp"] == 3


ECHO = """python3 -c '
import socket
for n in range(20):
    s = socket.socket(socket.{family}, socket.SOCK_DGRAM)
    s.settimeout(3)
    s.sendto(b"hello %d" % n, ("{to}", {port}))
    assert s.recvfrom(100) == (b"hello %d" % n, {whole}), n
'"""


def test_echo_over_frames(answering):
    _, counts, document = answering("arp,nd,echo", ECHO.format(
        family="AF_INET", to="10.99.0.50", port=7, whole='("10.99.0.50", 7)') + " && " +
        ECHO.format(family="AF_INET6", to="fd99::50", port=7, whole='("fd99::50", 7, 0, 0)'))
    assert counts["echo"] == 40
    assert document["replies"][2]["bytes"] > 0 and document["replies"][2]["refused"] == 0


def test_echo_over_sockets(answering):
    _, counts, document = answering("echo", ECHO.format(
        family="AF_INET", to="10.99.0.2", port=7, whole='("10.99.0.2", 7)'), where="udp://:7")
    assert counts["echo"] == 20
    assert document["total"]["rx_packets"] == 20  # beside counting


def test_dns_zone(answering, me):
    out, counts, _ = answering("arp,dns(zone=lab.zone,synth=10.200.0.0/16)", """
        dumpcap -q -i eth0 -w dns.pcapng -a duration:20 2>cap & cap=$!
        until grep -q File: cap; do sleep 0.05; done
        python3 ask.py 10.99.0.50 53 - 1232 www.lab.test/A WWW.lab.TEST/CNAME txt.lab.test/TXT \
            nope.lab.test/A a.b.wild.lab.test/A wild.lab.test/A lab.test/MX lab.test/NS \
            lab.test/SOA mail.lab.test/AAAA mail.lab.test/SRV example.com/A example.com/AAAA
        code=$?; sleep 0.3; kill -2 $cap; wait $cap; test $code = 0""")
    got = {line.split()[0]: line.split()[1:3] + line.split()[5:] for line in out.splitlines()}
    ip = bytes([10, 99, 0, 6]).hex()
    name = lambda *labels: b"".join(bytes([len(x)]) + x.encode() for x in labels).hex() + "00"
    assert got["www.lab.test/A"] == ["0", "0", name("mail", "lab", "test"), ip]
    assert got["WWW.lab.TEST/CNAME"] == ["0", "0", name("mail", "lab", "test")]
    assert got["txt.lab.test/TXT"] == ["0", "0", (b"\x0bhello world\x0bsecond;part").hex()]
    assert got["nope.lab.test/A"] == ["3", "0"]
    assert got["a.b.wild.lab.test/A"] == ["0", "0", bytes([10, 99, 0, 99]).hex()]
    assert got["wild.lab.test/A"] == ["0", "0"]
    assert got["lab.test/MX"] == ["0", "0", "000a" + name("mail", "lab", "test")]
    assert got["lab.test/NS"] == ["0", "0", name("ns1", "lab", "test")]
    assert got["lab.test/SOA"][2].endswith(struct.pack(">5I", 1, 3600, 900, 604800, 60).hex())
    assert got["mail.lab.test/AAAA"][2] == "fd99" + "0" * 27 + "6"
    assert got["mail.lab.test/SRV"] == ["0", "0"]
    assert got["example.com/A"][2].startswith("0ac8")
    assert got["example.com/AAAA"] == ["0", "0"]
    assert counts["dns"] == 13
    shown = me.run("tshark", "-r", "dns.pcapng", "-o", "udp.check_checksum:TRUE", "-Y",
                   "dns.flags.response == 1", "-T", "fields", "-e", "udp.checksum.status", "-e",
                   "_ws.malformed", timeout=60)
    assert [x.rstrip() for x in shown.out.splitlines()] == ["1"] * 13, shown


def test_dns_over_sockets_and_truncation(answering):
    out, counts, _ = answering("dns(zone=lab.zone)", """
        python3 ask.py 10.99.0.2 5353 - 0 www.lab.test/A big.lab.test/TXT example.com/A &&
        python3 ask.py fd99::2 5353 - 1232 big.lab.test/TXT""", where="udp://:5353")
    rows = [line.split() for line in out.splitlines()]
    assert rows[0][1:3] == ["0", "0"]
    assert rows[1][2] == "1" and len(rows[1]) == 5  # more than 512 bytes: come by TCP
    assert rows[2][1] == "5"  # in no zone of ours
    assert rows[3][2] == "0" and len(rows[3]) == 6
    assert counts["dns"] == 4


def test_no_amplifier(answering):
    """A public source gets never more bytes than it sent; one of the own network does."""
    out, _, _ = answering("arp,dns(zone=lab.zone)", """
        ip addr add 9.9.9.9/32 dev lo &&
        python3 ask.py 10.99.0.50 53 9.9.9.9 1232 txt.lab.test/TXT lab.test/SOA www.lab.test/A &&
        python3 ask.py 10.99.0.50 53 10.99.0.1 1232 txt.lab.test/TXT""")
    rows = [line.split() for line in out.splitlines()]
    for row in rows[:3]:
        assert row[2] == "1" and int(row[4]) <= 0, row
    assert rows[3][2] == "0" and int(rows[3][4]) > 0


def test_scripted_tcp(answering, me):
    out, counts, _ = answering('arp,tcp(greet="220 hi, you",data=bye,end=fin,last=79)', """
        dumpcap -q -i eth0 -w tcp.pcapng -a duration:20 2>cap & cap=$!
        until grep -q File: cap; do sleep 0.05; done
        python3 -c '
        import socket
        s = socket.create_connection(("10.99.0.50", 70), timeout=3)
        print(s.recv(100))
        s.sendall(b"x" * 1000000)
        s.shutdown(1)
        got = b""
        while True:
            d = s.recv(100)
            got += d
            if not d: break
        print(got)
        s = socket.socket(); s.settimeout(0.3)
        try: s.connect(("10.99.0.50", 80))
        except OSError as e: print(type(e).__name__)
        '; code=$?; sleep 0.3; kill -2 $cap; wait $cap; test $code = 0""")
    assert out.splitlines() == ["b'220 hi, you'", "b'bye'", "timeout"] or \
        out.splitlines() == ["b'220 hi, you'", "b'bye'", "TimeoutError"]
    assert counts["tcp"] > 3
    shown = me.run("tshark", "-r", "tcp.pcapng", "-o", "tcp.check_checksum:TRUE", "-Y",
                   "ip.src == 10.99.0.50 && tcp", "-T", "fields", "-e", "tcp.checksum.status",
                   "-e", "tcp.ack", timeout=60)
    rows = [line.split() for line in shown.out.splitlines()]
    assert rows and all(status == "1" for status, _ in rows)
    assert int(rows[-1][1]) == 1000002  # every byte, SYN and FIN


def test_tcp_refuses(answering):
    out, _, _ = answering("arp,tcp(syn=refuse)", """
        python3 -c '
        import socket
        try: socket.create_connection(("10.99.0.50", 70), timeout=3)
        except OSError as e: print(type(e).__name__)
        '""")
    assert out.split() == ["ConnectionRefusedError"]


def test_addresses_of_others(me):
    for words, address in (("arp", "8.8.8.8"), ("arp,icmp", "0.0.0.0/0"), ("nd", "2000::/3"),
                           ("arp(8.8.8.0/24)", "10.0.0.5"), ("echo(9.9.9.9,port=7)", "10.0.0.5")):
        done = me.run("spate", "recv", "--interface", "lo", "--address", address, "--reply",
                      words, "-D", "1", "--no-run-dir")
        assert done.code == 77 and "not of your own network" in done.err, (words, done)


def test_wrong_words(me):
    for words, want in (("arpp", "did you mean 'arp'"), ("arp(10.0.0.0/33)", "10.0.0.0/33"),
                        ("arp(zone=x)", "no setting"),
                        ("dns(ttl=x)", "ttl"), ("arp(", "bracket")):
        done = me.run("spate", "recv", "--interface", "lo", "--address", "127.0.0.1", "--reply",
                      words, "-D", "1", "--no-run-dir")
        assert done.code in (2, 66) and want in done.err, (words, done)
    done = me.run("spate", "recv", "udp://:5001", "--reply", "dns(zone=none.zone)", "-D", "1")
    assert done.code == 66 and "none.zone" in done.err
    done = me.run("spate", "recv", "udp://:5001", "--reply", "echo", "--address", "10.0.0.5")
    assert done.code == 2 and "--bind" in done.err
    done = me.run("spate", "recv", "udp://:5001", "--address", "10.0.0.5")
    assert done.code == 2 and "--reply" in done.err
    done = me.run("spate", "recv", "--interface", "lo", "--reply", "arp", "-D", "1")
    assert done.code == 2 and "no address" in done.err
    done = me.run("spate", "recv", "udp://127.0.0.1:5001", "--transport", "udp", "--reply", "arp")
    assert done.code == 2 and "frames" in done.err
    (me.home / "bad.zone").write_text("a A 10.0.0.1\nb A 10.0.0.300\n")
    done = me.run("spate", "recv", "udp://127.0.0.1:5001", "--reply", "dns(zone=bad.zone)")
    assert done.code == 65 and "bad.zone:2" in done.err


# ---- our own TCP ----

SERVER = """\
import hashlib, socket, sys
l = socket.socket(socket.AF_INET6)
l.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
l.bind(("::", 5001))
l.listen(20)
l.settimeout(20)
print("up", flush=True)
for _ in range(int(sys.argv[1])):
    c, a = l.accept()
    c.settimeout(10)
    h, n = hashlib.sha256(), 0
    try:
        while True:
            d = c.recv(65536)
            if not d: break
            h.update(d)
            n += len(d)
        print(n, h.hexdigest(), a[0], "end", flush=True)
    except OSError as e:
        print(n, h.hexdigest(), a[0], type(e).__name__, flush=True)
    c.close()
"""


@pytest.fixture
def to_server(me):
    """to_server(n, script): a script in h1, while plain sockets of h2 take n connections; (what
    they saw, what the script printed)."""
    def run(n, script, code=0):
        (me.home / "server.py").write_text(SERVER)
        done = me.lab(f"""
            "$SPATE" lab exec h2 -- python3 server.py {n} >server.txt & pid=$!
            until grep -q up server.txt; do sleep 0.05; done
            {textwrap.dedent(script)}
            code=$?
            wait $pid; exit $code""", timeout=50)
        assert done.code == code, done
        return [x.split() for x in (me.home / "server.txt").read_text().splitlines()[1:]], done

    return run


MEGABYTE = hashlib.sha256(b"spate!  " * (1 << 17)).hexdigest()
SEND = '"$SPATE" send {to} --transport utcp --no-run-dir --no-control --payload "spate!  " {more}'


@pytest.mark.parametrize("to, source, more", [
    ("tcp://10.99.0.2:5001", "::ffff:10.99.0.1", ""),
    ("tcp://[fd99::2]:5001", "fd99::1", ""),
    ("tcp://10.99.0.2:5001", "::ffff:10.99.0.77", "--bind 10.99.0.77"),
    ("tcp://[fd99::2]:5001", "fd99::77", "--bind fd99::77"),
])
def test_a_megabyte_arrives_whole(to_server, to, source, more):
    rows, _ = to_server(1, "nft list ruleset >before; " +
                        SEND.format(to=to, more=f"-r 20000 --size 1024 --count 1024 {more}") +
                        " >/dev/null && nft list ruleset >after && cmp before after")
    assert rows == [["1048576", MEGABYTE, source, "end"]]


def test_a_megabyte_over_a_lossy_link(me):
    """The same with every twentieth frame lost and some out of order, both ways."""
    (me.home / "server.py").write_text(SERVER)
    (me.home / "lab.yaml").write_text(
        "lab:\n  hosts: [h1, h2]\n  links:\n    - {name: l, ends: [h1, h2], via: forwarder, "
        "loss: 5%, reorder: 5%, delay: 2ms, duplicate: 2%}\n")
    done = me.run("spate", "lab", "run", "lab.yaml", "--", "sh", "-c", """
        "$SPATE" lab exec h2 -- python3 server.py 1 >server.txt & pid=$!
        until grep -q up server.txt; do sleep 0.05; done
        ping -c 20 -i 0.02 -q 10.99.0.2 >/dev/null
        """ + SEND.format(to="tcp://10.99.0.2:5001", more="-r 200 --size 1024 --count 1024 --json")
                  + " >send.json; code=$?; wait $pid; exit $code", timeout=60)
    assert done.code in (0, 3), done
    assert (me.home / "server.txt").read_text().split()[1:3] == ["1048576", MEGABYTE]
    document = json.loads((me.home / "send.json").read_text())
    assert document["total"]["tx_packets"] == 1024


def test_http_over_own_tcp(me):
    done = me.lab("""
        "$SPATE" lab exec h2 -- "$SPATE" recv http://:8080 --body 3000 --no-run-dir --json \
            >recv.json 2>ready & pid=$!
        until grep -q '^ready' ready; do sleep 0.05; done
        "$SPATE" send http://10.99.0.2:8080/ --transport utcp -r 200 --count 100 --no-run-dir \
            --json >keep.json &&
        "$SPATE" send http://10.99.0.2:8080/ --transport utcp -r 100 --count 300 --close \
            --no-run-dir --best-effort --json >close.json
        code=$?; kill $pid; wait $pid; exit $code""", timeout=40)
    assert done.code == 0, done
    for name, n in (("keep", 100), ("close", 300)):
        total = json.loads((me.home / f"{name}.json").read_text())["total"]
        assert total["tx_packets"] == total["rx_packets"] == n
        assert not any(total["errors"].values())


def test_refused(me):
    done = me.lab(SEND.format(to="tcp://10.99.0.2:5009", more="-r 100 --count 3 --json"))
    assert done.code == 69
    assert json.loads(done.out)["total"]["errors"]["refused"] == 3


def test_rules_are_gone_after_a_kill(to_server):
    rows, done = to_server(1, "nft list ruleset >before; " + SEND.format(
        to="tcp://10.99.0.2:5001", more="-r 100 -D 20") + """ >/dev/null 2>&1 & run=$!
        until nft list ruleset | grep -q 'tcp flags rst drop'; do sleep 0.05; done
        nft list ruleset; sleep 0.5
        kill -9 $run; wait $run
        kill $pid
        for i in 1 2 3 4 5 6 7 8 9 10; do
            nft list ruleset >after; cmp -s before after && break; sleep 0.1; done
        cmp before after""")
    assert "ip saddr 10.99.0.1 ip daddr 10.99.0.2" in done.out and "flags owner" in done.out
    assert rows == [] or rows[0][3] != "end"


def test_a_stale_table_is_removed(to_server):
    to_server(1, "nft add table inet spate-utcp-1 && nft add table inet other && " +
              SEND.format(to="tcp://10.99.0.2:5001", more="-r 100 --count 3") +
              " >/dev/null && test \"$(nft list tables)\" = 'table inet other'")


def test_without_the_right(user):
    done = user.run("spate", "send", "tcp://127.0.0.1:5099", "--transport", "utcp", "--count", "1",
                    "--no-run-dir")
    if user.name == "root":  # it may, but a kernel takes no frames from itself
        assert done.code == 2 and "--transport tcp" in done.err, done
    else:
        assert done.code == 77 and "CAP_NET" in done.err
