#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""What ESP packets look like in each form: RFC 1827 and 1829, derived IVs, kinds
of padding, the end of the sequence numbers. Opened with OpenSSL's crypto.
"""
import ctypes
import hmac
import struct

import lab
from lab import A4, A6, B4, B6
from matrix import K16, K20

DES = "0x0123456789abcdef"
SPI, PORT, TEXT = 0x6000, 7100, b"Sixteen and more: plaintext"


CRYPTO = ctypes.CDLL("libcrypto.so.3")
for function in "EVP_CIPHER_fetch", "EVP_CIPHER_CTX_new":
    getattr(CRYPTO, function).restype = ctypes.c_void_p


def decrypted(cipher, key, iv, text):
    """Without a process: starting openssl would cost a second each time."""
    how = ctypes.c_void_p(CRYPTO.EVP_CIPHER_fetch(None, cipher, None))
    ctx = ctypes.c_void_p(CRYPTO.EVP_CIPHER_CTX_new())
    out, n = ctypes.create_string_buffer(len(text) + 32), ctypes.c_int()
    good = CRYPTO.EVP_DecryptInit_ex(ctx, how, None, key, iv) \
        and CRYPTO.EVP_CIPHER_CTX_set_padding(ctx, 0) \
        and CRYPTO.EVP_DecryptUpdate(ctx, out, ctypes.byref(n), text, len(text))
    CRYPTO.EVP_CIPHER_CTX_free(ctx)
    CRYPTO.EVP_CIPHER_free(how)
    if not good or n.value != len(text):
        raise RuntimeError(f"libcrypto and {cipher}")
    return out.raw[:len(text)]


def des(iv, text):
    # 3DES with three times the same key: DES alone is in no default provider
    return decrypted(b"DES-EDE3-CBC", bytes.fromhex(DES[2:]) * 3, iv, text)


def aes(iv, text):
    return decrypted(b"AES-128-CBC", bytes.fromhex(K16[2:]), iv, text)


def null(iv, text):
    return text


def half(four):
    return four + bytes(255 - x for x in four)


class Form:
    """One row: head and iv count bytes; make turns them into the cipher's IV."""

    def __init__(self, name, proto, alg, head, iv, opened, block, icv=0,
                 make=lambda head, iv: iv, pad="seq"):
        self.name, self.proto, self.alg, self.pad = name, proto, alg, pad
        self.head, self.iv, self.icv, self.block = head, iv, icv, block
        self.opened, self.make = opened, make


MD5, SHA1 = f"-A hmac-md5 {K16}", f"-A hmac-sha1 {K20}"
ROWS = [
    Form("RFC 1827 with DES", "esp-old", f"-E des-cbc {DES}", 4, 8, des, 8),
    Form("RFC 1829 with half an IV", "esp-old", f"-E des-32iv {DES}", 4, 4, des, 8,
         make=lambda head, iv: half(iv)),
    Form("RFC 1827 with null", "esp-old", "-E null", 4, 0, null, 4),
    Form("derived IV", "esp", f"-E des-deriv {DES}", 8, 0, des, 8,
         make=lambda head, iv: half(head[4:])),
    Form("derived IV and a hash", "esp", f"-r 4 -E des-deriv {DES} {MD5}", 8, 0, des, 8,
         12, make=lambda head, iv: half(head[4:])),
]
ROWS += [Form(f"{pad}-pad, {name}", proto, f"-f {pad}-pad {alg}", *how, pad=pad)
         for pad in ("seq", "random", "zero") for name, proto, alg, how in (
             ("DES", "esp", f"-E des-cbc {DES} {MD5}", (8, 8, des, 8, 12)),
             ("AES", "esp", f"-E aes-cbc {K16} {SHA1}", (8, 16, aes, 16, 12)),
             ("null", "esp", f"-E null {SHA1}", (8, 0, null, 4, 12)),
             ("RFC 1827", "esp-old", f"-E des-cbc {DES}", (4, 8, des, 8)))]
FAMILIES = ((4, A4, B4), (6, A6, B6))


def send(a, b, src, dst, sizes, port=PORT, timeout=5):
    """What b got of datagrams of these sizes."""
    got = []
    with a.socket(src) as s, b.socket(dst, port, timeout=timeout) as t:
        for size in sizes:
            s.sendto((TEXT * 4)[:size], (dst, port))
            try:
                got.append(len(t.recv(1000)))
            except TimeoutError:
                got.append(None)
    return got


def datagrams(a, b, src, dst, sizes, timeout=5):
    """The same, and the frames on the wire."""
    wire = lab.Wire(a, only=f"dst host {dst}")
    return send(a, b, src, dst, sizes, timeout=timeout), wire.frames()


def icv_right(form, esp):
    key, name = (K16, "md5") if MD5 in form.alg else (K20, "sha1")
    mac = hmac.digest(bytes.fromhex(key[2:]), esp[:-form.icv], name)
    return mac[:form.icv] == esp[-form.icv:]


def opened(form, frame):
    """(header, payload, padding, next header) or what is wrong."""
    esp = frame.data[frame.payload:]
    if form.icv and not icv_right(form, esp):
        return "ICV"
    head, rest = esp[:form.head], esp[form.head:len(esp) - form.icv]
    iv, text = rest[:form.iv], rest[form.iv:]
    if len(text) % form.block:
        return f"ciphertext of {len(text)} bytes"
    text = form.opened(form.make(head, iv), text)
    padlen = text[-2]
    return head, text[:-2 - padlen], text[-2 - padlen:-2], text[-1]


def padding_ok(form, pads):
    seq, zero = [[bytes(f(i) for i in range(len(p))) for p in pads]
                 for f in (lambda i: i + 1, lambda i: 0)]
    if form.pad == "random":
        every = b"".join(pads)
        return pads not in (seq, zero) and len(set(every)) > len(every) // 4
    return pads == (zero if form.pad == "zero" else seq)


def judge(form, family, spi, got, frames, sizes):
    name = f"{form.name}, IPv{family}"
    lab.equal(f"{name}: arrive", sizes, got)
    seen = [opened(form, f) for f in frames]
    bad = [s for s in seen if isinstance(s, str)]
    if not lab.equal(f"{name}: opened by other crypto", ([], len(sizes)),
                     (bad, len(seen))):
        return
    lab.equal(f"{name}: the datagrams are in it, as UDP",
              [((TEXT * 4)[:n], 17) for n in sizes],
              [(payload[8:], nexthdr) for _, payload, _, nexthdr in seen])
    want = struct.pack(">I", spi)
    lab.equal(f"{name}: SPI{' and number' if form.head == 8 else ' alone'} in front",
              [want + (struct.pack(">I", i) if form.head == 8 else b"")
               for i in range(1, len(sizes) + 1)], [head for head, *_ in seen])
    pads = [pad for _, _, pad, _ in seen]
    lab.equal(f"{name}: no more padding than needed",
              [-(8 + n + 2) % form.block for n in sizes], [len(p) for p in pads])
    lab.claim(padding_ok(form, pads), f"{name}: padding {form.pad}", pads)
    if form.iv:
        ivs = {f.data[f.payload + form.head:][:form.iv] for f in frames}
        lab.equal(f"{name}: an IV of its own for each", len(sizes), len(ivs))


def each_form(a, b):
    """All at once: each has a port, an SPI and a reqid of its own."""
    # Each length of padding; with IPv6 some do.
    sizes = {4: list(range(20, 36)), 6: [20, 27, 34, 35]}
    for host, direction in (a, "out"), (b, "in"):
        host.setkey("".join(
            f"""add {src} {dst} {form.proto} {SPI + n} -u {n} {form.alg};
                spdadd {src} {dst}[{PORT + n}] udp -P {direction}
                    ipsec esp/transport//unique:{n};\n"""
            for n, form in enumerate(ROWS, 1) for _, src, dst in FAMILIES))
    wire = lab.Wire(a)
    got = {(n, family): send(a, b, src, dst, sizes[family], PORT + n)
           for n, _ in enumerate(ROWS, 1) for family, src, dst in FAMILIES}
    frames = wire.frames()
    for n, form in enumerate(ROWS, 1):
        for family, _, _ in FAMILIES:
            own = [f for f in frames if f.spi == SPI + n
                   and f.data[14] >> 4 == family]
            judge(form, family, SPI + n, got[n, family], own,
                  sizes[family])
    lab.equal("nothing was dropped", ({}, {}), (a.drops(), b.drops()))


def old_tunnel(a, b):
    """A form without numbers in a tunnel, IPv6 in IPv4, and what is too short."""
    for host, direction in (a, "out"), (b, "in"):
        host.setkey(f"""flush; spdflush;
            add {A4} {B4} esp-old {SPI} -m tunnel -E des-32iv {DES};
            spdadd {A6} {B6} udp -P {direction}
                ipsec esp/tunnel/{A4}-{B4}/require;""")
    wire = lab.Wire(a, only=f"dst host {B4}")
    got, _ = datagrams(a, b, A6, B6, [20])
    frame = wire.frames()[-1]
    lab.equal("RFC 1829, IPv6 in IPv4: arrives", [20], got)
    head, payload, _, nexthdr = opened(ROWS[1], frame)
    lab.equal("RFC 1829, IPv6 in IPv4: inside", (41, 6, TEXT[:20]),
              (nexthdr, payload[0] >> 4, payload[48:]))
    for text, length, want in (("IV alone", 8, "in_hdrops"), ("a byte", 9, "in_hdrops"),
                               ("no whole block", 20, "in_badilen")):
        lab.counted(b, f"RFC 1829, cut: {text}", {want: 1},
                    lambda: a.inject(lab.cut(frame.data, length)))


def ends(a, b):
    """2^32 - 1 with and without cyclic numbers, for ESP and AH."""
    last = 0xfffffffd
    for what, proto, alg in ("ESP", "esp", f"-E null {SHA1}"), ("AH", "ah", SHA1):
        for text, flag, window, numbers, got, drops in (
                ("cyclic, no window", "", 0, [last + 1, last + 2, 1, 2], [9] * 4, {}),
                ("cyclic, a window", "", 4, [last + 1, last + 2, 1, 2],
                 [9, 9, None, None], {f"in_{what.lower()}old": 2}),
                ("not cyclic", "-f nocyclic-seq", 4, [last + 1, last + 2],
                 [9, 9, None, None], {})):
            for host, direction in (a, "out"), (b, "in"):
                host.setkey(f"""flush; spdflush;
                    add {A4} {B4} {proto} {SPI} -r {window} -seq {last} {flag} {alg};
                    spdadd {A4} {B4} udp -P {direction}
                        ipsec {proto}/transport//require;""")
            before = a.stat()["out_wrap"]
            seen, frames = [], []
            lab.counted(b, f"{what} {text}: only", {
                **{f"in_{what.lower()}authsucc": got.count(9), "in_success": got.count(9)},
                **drops}, lambda: [x.extend(y) for x, y in zip(
                    (seen, frames), datagrams(a, b, A4, B4, [9] * 4, timeout=0.2))])
            lab.equal(f"{what} {text}: arrive", got, seen)
            lab.equal(f"{what} {text}: numbers on the wire", numbers,
                      [f.seq for f in frames])
            lab.equal(f"{what} {text}: refused by the sender", 4 - len(numbers),
                      a.stat()["out_wrap"] - before)


def body():
    a, b = lab.hosts()
    each_form(a, b)
    old_tunnel(a, b)
    ends(a, b)


lab.main(body)
