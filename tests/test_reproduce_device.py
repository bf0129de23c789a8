"""network.interface of a reproduction: sockets of a VRF, or of a device. Where this kernel has no VRF the same
key is shown with one of two veths that lead to the collector, and the output says so."""
import re
import warnings

import pytest

from captures import read
from reproduction import nfv5, udp_frame, write_pcap

# The collector's address is behind two veths: v1, which routes prefer, and v2. With VRFs v2 is in one,
# and nothing else leads to it from there, as nothing leads there from outside.
SCRIPT = r"""
set -e
dumps=
for v in v1 v2; do
    ip link add $v type veth peer name ${v}p
    ip link set ${v}p up
done
kind=veth; device=v2
if ip link add vrf1 type vrf table 10 2>/dev/null; then
    kind=vrf; device=vrf1
    ip link set vrf1 up
    ip link set v2 master vrf1
fi
ip link set v1 up; ip link set v2 up
ip addr add 10.9.0.1/32 dev v2; ip addr add 10.9.0.5/32 dev v1
[ $kind = vrf ] && ip route add 10.9.0.2/32 dev v2 table 10 || ip route add 10.9.0.2/32 dev v2 metric 500
ip route add 10.9.0.2/32 dev v1 metric 100
for v in v1 v2; do
    ip neigh add 10.9.0.2 lladdr 02:00:00:00:00:09 dev $v nud permanent
    tcpdump --immediate-mode -U -w $v.pcap -i ${v}p udp port 9991 2>$v.log & dumps="$dumps $!"
    n=0; until grep -q listening $v.log || [ $n -gt 100 ]; do n=$((n + 1)); sleep 0.1; done
done
sed s/DEVICE/$device/ c.yml > with.yml
sed s/DEVICE/null/ c.yml > without.yml
$SPATE replay -t with.yml --no-run-dir > report.txt 2>&1
sed 's/10.9.0.1/10.9.0.5/' without.yml > v1.yml
$SPATE replay -t v1.yml --no-run-dir >> report.txt 2>&1
n=0; until [ "$(stat -c %s v1.pcap)" -gt 200 ] && [ "$(stat -c %s v2.pcap)" -gt 200 ] || [ $n -gt 50 ]; do
    n=$((n + 1)); sleep 0.1; done
kill $dumps
echo kind=$kind
"""


def numbers(path):
    return [int.from_bytes(frame[14 + 28 + 16:14 + 28 + 20], "big") for _, frame in read(path)]


def reproduction(folder):
    write_pcap(folder / "a.pcap", [(1672534805 + i / 100, udp_frame(
        "192.0.2.1", "192.0.2.9", 1000, 9991, nfv5(i))) for i in range(3)])
    (folder / "c.yml").write_text("""
pcap: a.pcap
no_sync: true
network:
  map:
  - src_ip: 192.0.2.1
    repro_ip: 10.9.0.1
  interface: DEVICE
ipfix: {collector: {ip: 10.9.0.2, port: 9991}}
""")


def test_sockets_of_a_vrf_or_device(lab, tmp_path):
    reproduction(tmp_path)
    done = lab(SCRIPT, timeout=60)
    report = tmp_path / "report.txt"
    assert done.code == 0, f"{done} {report.read_text() if report.exists() else ''}"
    kind = re.search("kind=(.*)", done.out).group(1)
    assert numbers(tmp_path / "v2.pcap") == numbers(tmp_path / "v1.pcap") == [0, 1, 2]
    if kind != "vrf":
        warnings.warn("this kernel has no VRF (CONFIG_NET_VRF): shown with a veth instead")


@pytest.mark.parametrize("name, code, sentence", [
    ("nosuch0", 77, "there is no interface nosuch0; `ip link` lists them"),
    ("a.device.with.a.long.name", 65, "c.yml:8:14: network.interface: 'a.device.with.a.long.name' is "
     "not the name of an interface or a VRF"),
    ("lo", 0, ""),
])
def test_devices_that_are_not_there(user, tmp_path, name, code, sentence):
    """Of an ordinary user, too: nobody needs privileges to tie an own socket to a device."""
    folder = user.home
    reproduction(folder)
    text = (folder / "c.yml").read_text().replace("DEVICE", name)
    (folder / "c.yml").write_text(text.replace("10.9.0.1", "127.0.0.1").replace("10.9.0.2",
                                                                               "127.0.0.1"))
    done = user.run("spate", "replay", "-t", "c.yml", "--no-run-dir", "-q")
    assert done.code == code and sentence in done.err, done


def test_a_device_that_goes_with_no_privilege(lab, tmp_path):
    """Where the kernel says no, the sentence says to whom it would say yes."""
    reproduction(tmp_path)
    (tmp_path / "c.yml").write_text((tmp_path / "c.yml").read_text().replace("DEVICE", "lo").replace(
        "10.9.0.1", "127.0.0.1").replace("10.9.0.2", "127.0.0.1"))
    done = lab("strace -f -o trace.txt -e inject=setsockopt:error=EPERM:when=1+ "
               "$SPATE replay -t c.yml --no-run-dir -q", timeout=40)
    assert done.code == 77 and "lets only root tie a socket to an interface" in done.err, done
