#!/usr/bin/python3
"""Peers that no receiver wants: disturb.py KIND ADDRESS PORT [NUMBER]. Says "ready", and goes when
its standard input ends.

  silent    NUMBER connections that say nothing
  garbage   connection after connection, each full of noise
  half      NUMBER connections whose end vanishes without a goodbye (needs CAP_NET_ADMIN)
"""
import os
import random
import resource
import select
import socket
import sys
import time

TCP_REPAIR = 19


def over():
    return bool(select.select([sys.stdin], [], [], 0)[0])


def silent(address, n):
    """From several sources, so that port numbers do not run out; each begins without waiting."""
    held = []
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    for i in range(n):
        s = socket.socket()
        s.setblocking(False)
        if address[0].startswith("127."):
            s.bind((f"127.0.1.{1 + i % 200}", 0))
        s.connect_ex(address)
        held.append(s)
        if i % 20 == 19:
            time.sleep(0.002)  # the queue of a CPU holds 1,000 packets of everybody
    print("ready", flush=True)
    return held


def half(address, n):
    for _ in range(n):
        s = socket.create_connection(address)
        s.send(b"spC")  # the beginning of a record
        s.setsockopt(socket.IPPROTO_TCP, TCP_REPAIR, 1)
        s.close()  # nothing goes out
    print("ready", flush=True)


def garbage(address):
    noise = random.Random(7).randbytes(1 << 16)
    print("ready", flush=True)
    while not over():
        try:
            with socket.create_connection(address, timeout=1) as s:
                while not over():
                    s.sendall(noise)
        except OSError:
            pass


def main():
    kind, address = sys.argv[1], (sys.argv[2], int(sys.argv[3]))
    number = int(sys.argv[4]) if len(sys.argv) > 4 else 1
    held = []
    if kind == "silent":
        parts = 4  # processes: each needs as many descriptors
        mine, rest = os.pipe()
        for _ in range(parts - 1):
            if os.fork() == 0:
                os.close(rest)
                held = silent(address, number // parts)
                os.read(mine, 1)  # until the first process is gone
                os._exit(0)
        held = silent(address, number // parts)
    elif kind == "half":
        half(address, number)
    else:
        garbage(address)
    sys.stdin.read()
    del held


main()
