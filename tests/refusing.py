"""A peer that ends sessions: one thread, one connection after the other; when each came."""
import argparse
import json
import socket
import time

MARKER = b"\xff" * 16
KEEPALIVE = MARKER + b"\0\x13\4"
# AS 65001, 90 s, 10.0.0.1, 4-octet AS numbers
OPEN = MARKER + b"\0\x25\1\4\xfd\xe9\0\x5a\x0a\0\0\1\x08\2\6\x41\4\0\0\xfd\xe9"


def notification(code, sub, data=b""):
    return MARKER + (21 + len(data)).to_bytes(2, "big") + bytes([3, code, sub]) + data


def read_until(conn, n):
    """So many bytes at least, or the end."""
    got = b""
    while len(got) < n:
        more = conn.recv(65536)
        if not more:
            break
        got += more
    return got


def serve(conn, mode, count):
    """False: the connection is kept, and nothing more is said."""
    if mode == "silent":
        return False
    if mode == "bad-as":
        read_until(conn, 19)
        conn.sendall(notification(2, 2, b"\xfb\xf0"))
    elif mode == "bad-hold":
        read_until(conn, 19)
        conn.sendall(notification(2, 6))
    elif mode == "reset":
        conn.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
    elif mode in ("cease", "later"):
        read_until(conn, 19)
        conn.sendall(OPEN + KEEPALIVE)
        read_until(conn, 2000)
        if mode == "later" and count > 1:
            while read_until(conn, 1):
                pass
        else:
            conn.sendall(notification(6, 1))
    conn.close()
    return True


def main():
    p = argparse.ArgumentParser()
    p.add_argument("mode", choices=["silent", "close", "reset", "bad-as", "bad-hold", "cease",
                                    "later"])
    p.add_argument("port", type=int)
    p.add_argument("log")
    a = p.parse_args()
    s = socket.socket()
    s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    s.bind(("127.0.0.1", a.port))
    s.listen(100)
    kept = []
    with open(a.log, "w", buffering=1) as log:
        while True:
            conn, _ = s.accept()
            log.write(json.dumps(time.monotonic()) + "\n")
            kept.append(conn)
            try:
                serve(conn, a.mode, len(kept))
            except OSError:
                pass


if __name__ == "__main__":
    main()
