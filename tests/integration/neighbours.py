# SPDX-License-Identifier: GPL-2.0-only
"""What the cases about neighbours in the stack share: the same rules for native XFRM and
for ours, one after the other in one kernel, and what of it is on the wire."""
import contextlib
import os
import socket
import threading

import lab

GCM = "0x00112233445566778899aabbccddeeff01020304"
# The debug kernel has neither native ESP nor VLANs nor sit, and looks for no module by
# itself.
DEBUG = os.path.exists("/sys/kernel/debug/kmemleak")
WHO = ("ours",) if DEBUG else ("native", "ours")
EXTENSIONS = (0, 43, 60)        # of IPv6: hop-by-hop, routing, destination options
NEIGHBOURS = (*range(130, 138), 143)     # MLD, routers and neighbours that look for each other


def flush(host):
    host.ip("xfrm state flush\nxfrm policy flush\n")
    host.setkey("flush; spdflush;")


def policy(who, src, dst, direction, level="require"):
    """One policy for transport of ESP, for the tool that who names."""
    if who == "ours":
        return f"spdadd {src} {dst} any -P {direction} ipsec esp/transport//{level};\n"
    return f"xfrm policy add src {src} dst {dst} dir {direction} tmpl proto esp mode transport\n"


def load(who, host, text):
    (host.setkey if who == "ours" else host.ip)(text)


def protect(who, host, own, peer, spi):
    """SAs of AES-GCM and policies for all between two hosts; the lower address sends
    with the lower SPI."""
    first, second = sorted((own, peer))
    text = ""
    for n, (src, dst) in enumerate(((first, second), (second, first))):
        if who == "ours":
            text += (f"add {src} {dst} esp {spi + n} -m transport -r 32"
                     f" -E aes-gcm-16 {GCM};\n")
        else:
            text += (f"xfrm state add src {src} dst {dst} proto esp spi {spi + n} mode"
                     f" transport replay-window 32 aead rfc4106(gcm(aes)) {GCM} 128\n")
        text += policy(who, src, dst, "out" if src == own else "in")
    load(who, host, text)


def datagram(a, b, own, peer, size, timeout=5):
    """Sent until it arrives, because neighbours may have to be found first; "arrives", or
    what went wrong."""
    with a.socket(own, timeout=timeout) as s, b.socket(peer, 7000, timeout=timeout / 5) as t:
        s.connect((peer, 7000))
        wrong = ""
        for _ in range(5):
            try:
                s.send(b"q" * size)
                return lab.ARRIVES if len(t.recv(1 << 16)) == size else "cut short"
            except OSError as err:
                wrong = repr(err)
    return wrong


def stream(a, b, own, peer, amount, timeout=20):
    """How many bytes of a TCP connection arrive."""
    def send():
        with contextlib.suppress(OSError), \
                a.socket(own, kind=socket.SOCK_STREAM, timeout=timeout) as s:
            s.connect((peer, 7001))
            s.sendall(bytes(amount))

    got = 0
    with b.socket(peer, 7001, socket.SOCK_STREAM, timeout=timeout) as listener:
        listener.listen(1)
        sender = threading.Thread(target=send)
        sender.start()
        with contextlib.suppress(OSError), listener.accept()[0] as s:
            s.settimeout(timeout)
            while data := s.recv(1 << 16):
                got += len(data)
        sender.join()
    return got


def protocols(frames):
    """Of the packets on the wire, behind extension headers; neighbours that look for each
    other are left out."""
    seen = set()
    for f in frames:
        proto, at = f.proto, f.payload if f.proto is not None else 0
        while proto in EXTENSIONS and len(f.dst) == 16:
            proto, at = f.data[at], at + 8 * (f.data[at + 1] + 1)
        if proto is not None and not (proto == 58 and f.data[at] in NEIGHBOURS):
            seen.add(proto)
    return seen
