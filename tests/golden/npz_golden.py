#!/usr/bin/env python3
"""Writes npz/: small statistics files as NumPy writes them, and archives that no reader may believe.

NumPy 2.4.6, Python 3.11: python3 tests/golden/npz_golden.py

good/*.npz hold the sum [[8, 2, 4], [2, 6, 1], [4, 1, 12]] over 4 keys; bad.json says what the
refusal of each bad/*.npz must contain.
"""
import io
import json
import pathlib
import struct
import zipfile

import numpy

HERE = pathlib.Path(__file__).parent / "npz"
SUM = numpy.array([[8, 2, 4], [2, 6, 1], [4, 1, 12]], dtype=numpy.float32)
COUNT = numpy.array(4)
BAD = {}


def arrays(total=SUM, count=COUNT):
    return {
        "mom2.constructor": numpy.array("util.runningstats.SecondMoment()"),
        "mom2.count": count,
        "mom2.mom2": total,
        "sample_size": numpy.array(400),
    }


def saved(**changes):
    stream = io.BytesIO()
    numpy.savez(stream, **arrays(**changes))
    return bytearray(stream.getvalue())


def npy(array):
    stream = io.BytesIO()
    numpy.lib.format.write_array(stream, numpy.asanyarray(array))
    return stream.getvalue()


def with_header(header, numbers=SUM.tobytes()):
    text = header.encode().ljust(117) + b"\n"
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(text)) + text + numbers


def archive(members, method=zipfile.ZIP_STORED):
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", method) as file:
        for name, content in members:
            file.writestr(zipfile.ZipInfo(name), content, method)
    return bytearray(stream.getvalue())


def with_sum(content):
    return archive([("mom2.count.npy", npy(COUNT)), ("mom2.mom2.npy", content)])


def good(name, content):
    (HERE / "good" / f"{name}.npz").write_bytes(content)


def bad(name, content, message):
    (HERE / "bad" / f"{name}.npz").write_bytes(content)
    BAD[name] = message


def central(content, name):
    """Where the member's entry in the central directory begins."""
    place = content.find(b"PK\x01\x02")
    while content[place + 46 : place + 46 + len(name)] != name:
        place = content.index(b"PK\x01\x02", place + 1)
    return place


def patched(content, place, format, *values):
    content = bytearray(content)
    struct.pack_into(format, content, place, *values)
    return content


def as_zip64(content):
    """The same archive with a ZIP64 end record and sizes in the entries' ZIP64 fields."""
    end = content.rindex(b"PK\x05\x06")
    count, size, begin = struct.unpack_from("<HII", content, end + 10)
    entries, place = b"", begin
    for _ in range(count):
        entry = bytearray(content[place : place + 46])
        stored, whole, name, extra, comment = struct.unpack_from("<IIHHH", entry, 20)
        offset = struct.unpack_from("<I", entry, 42)[0]
        struct.pack_into("<II", entry, 20, 0xFFFFFFFF, 0xFFFFFFFF)
        struct.pack_into("<H", entry, 30, 28)
        struct.pack_into("<I", entry, 42, 0xFFFFFFFF)
        entries += entry + content[place + 46 : place + 46 + name]
        entries += struct.pack("<HHQQQ", 1, 24, whole, stored, offset)
        place += 46 + name + extra + comment
    record = struct.pack("<IQHHIIQQQQ", 0x06064B50, 44, 45, 45, 0, 0, count, count, len(entries), begin)
    locator = struct.pack("<IIQI", 0x07064B50, 0, begin + len(entries), 1)
    tail = struct.pack("<IHHHHIIH", 0x06054B50, 0, 0, 0xFFFF, 0xFFFF, 0xFFFFFFFF, 0xFFFFFFFF, 0)
    return content[:begin] + entries + record + locator + tail


def write_good():
    good("stored", saved())
    good("float64", saved(total=SUM.astype(numpy.float64)))
    good("column-major", saved(total=numpy.asfortranarray(SUM)))
    stream = io.BytesIO()
    numpy.savez_compressed(stream, **arrays())
    good("deflated", stream.getvalue())
    good("zip64", as_zip64(saved()))
    commented = bytearray(saved()) + b"PK\x05\x06 in a comment"
    good("commented", patched(commented, len(commented) - 17 - 2, "<H", 17))


def write_bad_arrays():
    bad("negative-count", saved(count=numpy.array(-4)), "mom2.count: expected at least one key, found -4")
    bad("no-count", saved(count=numpy.array(0)), "found 0")
    bad("count-is-a-list", saved(count=numpy.array([4])), "expected one number of type <i8, found [1]")
    bad("count-is-real", saved(count=numpy.array(4.0)), "<f8")
    without = [(f"{name}.npy", npy(value)) for name, value in arrays().items() if name != "mom2.count"]
    bad("count-missing", archive(without), "a member mom2.count.npy, found none")
    bad("sum-missing", archive([("mom2.count.npy", npy(COUNT))]), "a member mom2.mom2.npy, found none")
    bad("other-width", saved(total=numpy.eye(4, dtype=numpy.float32)), "shape [3, 3], found [4, 4]")
    bad("not-a-matrix", saved(total=SUM.ravel()), "shape [3, 3], found [9]")
    bad("integers", saved(total=SUM.astype(numpy.int32)), "numbers of type <f4 or <f8, found <i4")
    bad("big-endian", saved(total=SUM.astype(">f4")), "found >f4")
    bad("half", saved(total=SUM.astype(numpy.float16)), "found <f2")
    bad("nan", saved(total=numpy.where(SUM == 1, numpy.nan, SUM)), "NaN")
    bad("infinite", saved(total=numpy.where(SUM == 12, numpy.inf, SUM)), "infinity")
    bad("not-symmetric", saved(total=numpy.triu(SUM)), "symmetric")
    bad("negative-square", saved(total=-SUM), "negative numbers")


def write_bad_headers():
    shape = "(3, 3), }"
    header = "{'descr': '<f4', 'fortran_order': False, 'shape': "
    cases = {
        "not-numpy": b"\x93NUMBY\x01\x00" + npy(SUM)[8:],
        "version-9": b"\x93NUMPY\x09\x00" + npy(SUM)[8:],
        "long-header": b"\x93NUMPY\x01\x00\xff\xff" + npy(SUM)[10:],
        "lying-shape": with_header(header + "(3, 3000000000000000000), }"),
        "negative-shape": with_header(header + "(3, -3), }"),
        "no-shape": with_header("{'descr': '<f4', 'fortran_order': False, }"),
        "shape-twice": with_header(header + "(9, 9), 'shape': " + shape),
        "unknown-key": with_header(header + "(3, 3), 'more': 1, }"),
        "wrong-flag": with_header("{'descr': '<f4', 'fortran_order': Maybe, 'shape': " + shape),
        "code": with_header("__import__('os').getcwd()"),
        "open-text": with_header("{'descr': '<f4"),
        "endless-shape": with_header(header + "(" + "1," * 200 + ")}"),
        "behind": with_header(header + shape + " + 1"),
        "empty": b"",
    }
    for name, content in cases.items():
        lying = name == "lying-shape"
        bad(name, with_sum(content), "found [3, 3000" if lying else "mom2.mom2: expected a")
    bad("short-numbers", with_sum(npy(SUM)[:-4]), "36 bytes of numbers, found 32")
    bad("long-numbers", with_sum(npy(SUM) + b"more"), "36 bytes of numbers, found 40")


def write_bad_archives():
    whole = saved()
    end = whole.rindex(b"PK\x05\x06")
    name = b"mom2.mom2.npy"
    entry = central(whole, name)
    begin = struct.unpack_from("<I", whole, entry + 42)[0]
    bad("no-bytes", b"", "")
    bad("truncated", whole[: len(whole) // 2], "cut short")
    bad("appended", whole + b"x", "cut short")
    bad("huge-directory", patched(whole, end + 12, "<I", 0x7FFFFFFF), "the central directory within")
    bad("directory-beyond", patched(whole, end + 16, "<I", 0x7FFFFFF0), "the central directory within")
    bad("many-entries", patched(whole, end + 8, "<HH", 9999, 9999), "at most 4096 members")
    bad("more-entries", patched(whole, end + 8, "<HH", 9, 9), "whole entries")
    bad("volumes", patched(whole, end + 4, "<H", 3), "one volume")
    bad("zip64-without", patched(whole, end + 16, "<I", 0xFFFFFFFF), "ZIP64 locator")
    bad("huge-member", patched(whole, entry + 24, "<I", 0x7FFFFFFF), "at most")
    bad("huge-stored", patched(whole, entry + 20, "<II", 0x7FFFFFFF, 0x7FFFFFFF), "a member's bytes within")
    bad("sizes-differ", patched(whole, entry + 24, "<I", 100), "stored or deflated")
    bad("header-beyond", patched(whole, entry + 42, "<I", 0x7FFFFFF0), "a member's header within")
    bad("header-elsewhere", patched(whole, entry + 42, "<I", begin + 4), "a member's header")
    bad("encrypted", patched(whole, entry + 8, "<H", 1), "not encrypted")
    bad("method", patched(whole, entry + 10, "<H", 14), "method 14")
    bad("crc", patched(whole, entry + 16, "<I", 1), "damaged")
    bad("other-name", patched(whole, begin + 30, "<4s", b"momo"), "the member mom2.mom2.npy")
    count = central(whole, b"mom2.count.npy")
    bad("overlap", patched(whole, count + 20, "<II", 300, 300), "do not overlap")
    two = archive([("mom2.count.npy", npy(COUNT)), (name.decode(), npy(SUM)), ("mom2.mom3.npy", npy(SUM))])
    for place in (central(two, b"mom2.mom3.npy") + 46, two.index(b"mom2.mom3.npy")):
        two[place : place + 13] = name
    bad("twice", two, "two members mom2.mom2.npy")
    wide = as_zip64(whole)
    far = wide.rindex(b"PK\x06\x06")
    bad("zip64-huge-directory", patched(wide, far + 40, "<QQ", 2**63, 2**63), "the central directory within")
    bad("zip64-huge-member", patched(wide, central(wide, name) + 46 + len(name) + 4, "<Q", 2**62), "at most")
    bad("zip64-record-beyond", patched(wide, wide.rindex(b"PK\x06\x07") + 8, "<Q", 2**63), "ZIP64 end record within")
    members = [("mom2.count.npy", npy(COUNT)), (name.decode(), npy(SUM))]
    packed = archive(members, zipfile.ZIP_DEFLATED)
    entry = central(packed, name)
    bad("bomb", patched(packed, entry + 24, "<I", 0x7FFFFFFF), "at most")
    bad("inflates-to-more", patched(packed, entry + 24, "<I", 100), "deflated bytes")
    bad("inflates-to-less", patched(packed, entry + 24, "<I", 200), "deflated bytes")
    begin = struct.unpack_from("<I", packed, entry + 42)[0] + 30 + len(name)
    bad("not-deflated", patched(packed, begin, "<I", 0xFFFFFFFF), "deflated bytes")


def main():
    for folder in ("good", "bad"):
        (HERE / folder).mkdir(parents=True, exist_ok=True)
    write_good()
    write_bad_arrays()
    write_bad_headers()
    write_bad_archives()
    (HERE / "bad.json").write_text(json.dumps(BAD, indent=1) + "\n")


main()
