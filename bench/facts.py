"""What a reader must know about the machine before the figures."""
import os
import platform
import subprocess


def first_line(command):
    try:
        done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                              text=True, timeout=10, check=False)
        return done.stdout.strip().splitlines()[0]
    except (OSError, IndexError, subprocess.TimeoutExpired):
        return "not installed"


def read(path):
    try:
        with open(path, encoding="utf-8", errors="replace") as f:
            return f.read()
    except OSError:
        return ""


def cpu_model():
    for line in read("/proc/cpuinfo").splitlines():
        if line.startswith("model name"):
            return line.split(":", 1)[1].strip()
    return platform.machine()


def offloads(text):
    """The switches that decide what is one packet, as NAME=on|off."""
    names = ("tx-udp-segmentation", "generic-segmentation-offload",
             "generic-receive-offload", "rx-udp-gro-forwarding", "rx-gro-list")
    found = []
    for line in text.splitlines():
        name, _, value = line.strip().partition(":")
        if name in names:
            found.append(f"{name}={value.split()[0]}")
    return " ".join(found)


def collect(lab):
    sysctls = " ".join(f"{n}={read('/proc/sys/net/core/' + n).strip() or '?'}"
                       for n in ("rmem_default", "rmem_max", "wmem_default", "wmem_max"))
    uids = read("/proc/self/uid_map").split()
    if len(uids) == 3 and uids[2] == "1":
        user = f"uid {uids[1]}, in a user namespace, without capabilities"
    else:
        user = "root in the lab, without capabilities"
    return {
        "spate": first_line([lab.spate, "--version"]),
        "kernel": f"{platform.release()} {platform.machine()}",
        "cpu": f"{cpu_model()}, {os.cpu_count()} cores, {len(os.sched_getaffinity(0))} usable",
        "load": "%.2f %.2f %.2f before the start" % os.getloadavg(),
        "user": user,
        "sysctls": sysctls or "not visible in the lab",
        "veth": offloads(lab.text("h1", "ethtool", "-k", "eth0")) or "ethtool missing",
        "iperf3": first_line(["iperf3", "--version"]),
        "ITGSend": "installed" if first_line(["ITGSend", "-h"]) != "not installed"
                   else "not installed",
        "tcpreplay": first_line(["tcpreplay", "--version"]),
        "valgrind": first_line(["valgrind", "--version"]),
        "runs": f"{lab.runs} of each side, alternating, {lab.seconds:g} s each",
    }
