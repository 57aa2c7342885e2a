# SPDX-License-Identifier: GPL-2.0-only
"""The commands of ip(8) that make hosts, without its process.

Starting ip costs a guest 30 to 70 milliseconds, and every case needs it several
times.
"""
import ctypes
import fcntl
import os
import socket
import struct
import time

LIBC = ctypes.CDLL(None, use_errno=True)
CLONE_NEWNET, MS_BIND = 0x40000000, 4096
NEWLINK, NEWADDR, NEWROUTE, NEWNEIGH = 16, 20, 24, 28
REQUEST, ACK, EXCL, CREATE = 1, 4, 0x200, 0x400
SIOCGIFFLAGS, RTF_LOCAL = 0x8913, 0x80000000
PERMANENT, IFF_UP, IFA_F_NODAD = 0x80, 1, 2
MAIN, LOCAL, BOOT = 254, 255, 3
SCOPE_LINK, SCOPE_HOST = 253, 254


class Unknown(Exception):
    """Not a command that is known here."""


def attr(kind, data):
    if isinstance(data, int):
        data = struct.pack("=I", data)
    return struct.pack("=HH", 4 + len(data), kind) + data + bytes(-len(data) % 4)


def binary(address):
    six = ":" in address
    return (socket.AF_INET6, 128) if six else (socket.AF_INET, 32), \
        socket.inet_pton(socket.AF_INET6 if six else socket.AF_INET, address)


def mac(text):
    return bytes.fromhex(text.replace(":", ""))


def pairs(words):
    """Keywords and their values; those without one are True."""
    found, words = {}, list(words)
    while words:
        word = words.pop(0)
        if word in ("down", "nomaster"):
            raise Unknown
        found[word] = True if word in ("up", "nodad") else words.pop(0)
    return found


def checked(result):
    if result < 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))


def netns_add(name):
    home = os.open("/proc/thread-self/ns/net", os.O_RDONLY)
    path = f"/run/netns/{name}"
    os.close(os.open(path, os.O_CREAT | os.O_EXCL, 0))
    checked(LIBC.unshare(CLONE_NEWNET))
    try:
        checked(LIBC.mount(b"/proc/thread-self/ns/net", path.encode(), b"none", MS_BIND, None))
    finally:
        LIBC.setns(home, CLONE_NEWNET)
        os.close(home)


def link_add(words):
    """veth only: DEV netns NS type veth peer name DEV netns NS."""
    if len(words) != 10 or words[3:7] != ["type", "veth", "peer", "name"]:
        raise Unknown
    name, peer = (attr(3, words[i].encode() + b"\0") for i in (0, 7))
    with open(f"/run/netns/{words[2]}") as own, open(f"/run/netns/{words[9]}") as other:
        peer = bytes(16) + peer + attr(28, other.fileno())
        info = attr(1, b"veth\0") + attr(2, attr(1, peer))
        request(NEWLINK, bytes(16) + name + attr(28, own.fileno()) + attr(18, info))


def link_set(dev, words):
    how = pairs(words)
    if set(how) - {"up", "address", "mtu", "master"}:
        raise Unknown
    up = IFF_UP if "up" in how else 0
    body = struct.pack("=BxHiII", 0, 0, socket.if_nametoindex(dev), up, up)
    if "address" in how:
        body += attr(1, mac(how["address"]))
    if "master" in how:
        body += attr(10, socket.if_nametoindex(how["master"]))
    return body + (attr(4, int(how["mtu"])) if "mtu" in how else b"")


def addr_add(address, words):
    how = pairs(words)
    if set(how) - {"dev", "nodad"}:
        raise Unknown
    address, _, length = address.partition("/")
    (family, full), raw = binary(address)
    return struct.pack("=BBBBI", family, int(length or full),
                       IFA_F_NODAD if "nodad" in how else 0, 0,
                       socket.if_nametoindex(how["dev"])) + attr(2, raw) + attr(1, raw)


def neigh_add(address, words):
    how = pairs(words)
    (family, _), raw = binary(address)
    return struct.pack("=BxxxiHBB", family, socket.if_nametoindex(how["dev"]), PERMANENT,
                       0, 0) + attr(1, raw) + attr(2, mac(how["lladdr"]))


def route_add(words):
    kind = 2 if words[0] == "local" else 1
    to, *rest = words[kind == 2:]
    how = pairs(rest)
    if set(how) - {"via", "dev", "src"}:
        raise Unknown
    to, _, length = to.partition("/")
    if to == "default":
        to, length = ("::" if ":" in how["via"] else "0.0.0.0"), "0"
    (family, full), raw = binary(to)
    scope = SCOPE_HOST if kind == 2 else 0 if "via" in how else SCOPE_LINK
    body = struct.pack("=BBBBBBBBI", family, int(length or full), 0, 0,
                       LOCAL if kind == 2 else MAIN, BOOT, scope, kind, 0) + attr(1, raw)
    if "via" in how:
        body += attr(5, binary(how["via"])[1])
    if "src" in how:
        body += attr(7, binary(how["src"])[1])
    return body + (attr(4, socket.if_nametoindex(how["dev"])) if "dev" in how else b"")


def request(kind, body, flags=CREATE | EXCL):
    flags |= REQUEST | ACK
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, socket.NETLINK_ROUTE) as s:
        s.send(struct.pack("=IHHII", 16 + len(body), kind, flags, 1, 0) + body)
        error = -struct.unpack_from("=i", s.recv(65536), 16)[0]
    if error:
        raise OSError(error, os.strerror(error))


def command(line):
    """One line of "ip -batch" in the namespace of this thread."""
    what, verb, *words = line.split()
    if (what, verb) == ("netns", "add"):
        netns_add(*words)
    elif (what, verb) == ("link", "add"):
        link_add(words)
    elif (what, verb) == ("link", "set"):
        request(NEWLINK, link_set(words[0], words[1:]), 0)
    elif (what, verb) == ("addr", "add"):
        request(NEWADDR, addr_add(words[0], words[1:]))
    elif (what, verb) == ("neigh", "add"):
        request(NEWNEIGH, neigh_add(words[0], words[1:]))
    elif (what, verb) == ("route", "add"):
        request(NEWROUTE, route_add(words))
    else:
        raise Unknown(line)


def is_up(device):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        flags = fcntl.ioctl(s, SIOCGIFFLAGS, struct.pack("16s16x", device.encode()))
    return struct.unpack_from("=H", flags, 16)[0] & IFF_UP


def local_routes():
    """Addresses of IPv6 of which the kernel knows that they are the host's own."""
    with open("/proc/thread-self/net/ipv6_route") as f:
        rows = [line.split() for line in f]
    return {row[0] for row in rows if int(row[8], 16) & RTF_LOCAL}


def await_local(lines, timeout=60):
    """An address of IPv6 is there at once, the route to it when a worker of the kernel had
    time: until then packets to it are thrown away."""
    wanted = set()
    for line in lines:
        what, verb, address, *words = line.split()
        if (what, verb) == ("addr", "add") and ":" in address and is_up(pairs(words)["dev"]):
            wanted.add(binary(address.partition("/")[0])[1].hex())
    deadline = time.monotonic() + timeout
    while wanted - local_routes():
        if time.monotonic() > deadline:
            raise TimeoutError(f"no route to {wanted - local_routes()}")
        time.sleep(0.01)


def batch(text, otherwise):
    """Lines in their order; those that are unknown here are for otherwise()."""
    unknown = ""
    for line in filter(str.strip, text.split("\n")):
        if unknown and line.split()[1] in ("add", "set"):
            otherwise(unknown)
            unknown = ""
        try:
            command(line)
        except Unknown:
            unknown += line + "\n"
    if unknown:
        otherwise(unknown)
    await_local([line for line in text.split("\n") if line.strip().startswith("addr add")])
