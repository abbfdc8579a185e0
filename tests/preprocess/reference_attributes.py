# SPDX-License-Identifier: Apache-2.0
"""Writes each attribute that decides a pixel or its place in every way there is.

Each file must give the Hounsfield units and the place that arithmetic gives for what its
sender meant, or be refused; where pydicom reads it, too, both must agree. Some ways must
be read: those of the standard, and those that can mean one thing only. Others must be
refused. Usage: reference_attributes.py PREPROCESS_DUMP
"""

import base64
import dataclasses
import io
import itertools
import struct
import sys
import tempfile
import warnings

import numpy as np
import pydicom

from reference_matrix import ask
from reference_preprocess import AIR_HU

EXPLICIT, IMPLICIT, BIG = "1.2.840.10008.1.2.1", "1.2.840.10008.1.2", "1.2.840.10008.1.2.2"
LONG_FORM = {"OB", "OW", "OD", "OF", "SQ", "UC", "UN", "UR", "UT", "SV", "UV"}
# Whether a way must be read, may be, or must not be.
READ, MAY, REFUSE = "read", "may", "refuse"

SLOPE, INTERCEPT, TYPE = 0x00281053, 0x00281052, 0x00281054
PADDING, LIMIT = 0x00280120, 0x00280121
SAMPLES, PHOTOMETRIC, FRAMES = 0x00280002, 0x00280004, 0x00280008
ROWS, COLUMNS = 0x00280010, 0x00280011
ALLOCATED, STORED, HIGH, SIGN = 0x00280100, 0x00280101, 0x00280102, 0x00280103
SPACING, POSITION, ORIENTATION = 0x00280030, 0x00200032, 0x00200037
# What stands for an attribute that is absent; of others the image is refused.
DEFAULTS = {SLOPE: "1", INTERCEPT: "0", PADDING: None, LIMIT: None, SAMPLES: 1, FRAMES: "1"}
OPTIONAL = {*DEFAULTS, TYPE, PHOTOMETRIC, HIGH}
TEXTS = {
    SLOPE: "DS",
    INTERCEPT: "DS",
    TYPE: "LO",
    PHOTOMETRIC: "CS",
    FRAMES: "IS",
    SPACING: "DS",
    POSITION: "DS",
    ORIENTATION: "DS",
}
COUNT = {SPACING: 2, POSITION: 3, ORIENTATION: 6}


@dataclasses.dataclass
class Case:
    """A file, what it was meant to say, and how it must be answered."""

    name: str
    content: bytes
    meant: dict | None
    must: str
    pydicom_knows: bool = True


def element(tag, vr, value, syntax):
    """One element's bytes; `value` in the byte order that it is to have."""
    order = ">" if syntax == BIG else "<"
    head = struct.pack(order + "HH", tag >> 16, tag & 0xFFFF)
    if syntax == IMPLICIT:
        return head + struct.pack("<I", len(value)) + value
    head += vr.encode()
    if vr in LONG_FORM:
        return head + b"\0\0" + struct.pack(order + "I", len(value)) + value
    return head + struct.pack(order + "H", len(value)) + value


def word(value, syntax, form="H"):
    """A binary number in the byte order of the syntax."""
    order = ">" if syntax == BIG else "<"
    if form in "HIQ":
        value &= (1 << {"H": 16, "I": 32, "Q": 64}[form]) - 1
    return struct.pack(order + form, value)


def even(text, fill=b" "):
    raw = text.encode() if isinstance(text, str) else text
    return raw + fill * (len(raw) % 2)


def pixels(meant):
    """Stored words: small numbers, both ends, and those that text taken for a number gives."""
    words = [0, 1, 2, 48, 0xFC00, 0xFBFF, 0x2030, 0x2031, 0x3030, 0x7FFF, 0x8000, 0xFFFF]
    words += [24, 1024, 976, 4095, 100, 99, 0xFC18, 0x04FC]
    count = meant[ROWS] * meant[COLUMNS]
    dtype = "u1" if meant[ALLOCATED] == 8 else "u2"
    return np.resize(np.array(words, "u2"), count).astype(dtype)


def file_of(meant, syntax, replace=None):
    """The file of what is meant; `replace`: {tag: (vr, bytes) or None where it is left out}."""
    elements = {
        0x00080008: ("CS", even("ORIGINAL\\PRIMARY\\AXIAL")),
        0x00080016: ("UI", even("1.2.840.10008.5.1.4.1.1.2", b"\0")),
        0x00080018: ("UI", even("1.2.3.4", b"\0")),
        0x00080060: ("CS", b"CT"),
        0x0020000E: ("UI", even("1.2.3", b"\0")),
    }
    for tag, value in meant.items():
        if value is None:
            continue
        if tag in TEXTS:
            elements[tag] = (TEXTS[tag], even(value))
        else:
            signed = tag in (PADDING, LIMIT) and meant[SIGN] == 1
            elements[tag] = ("SS" if signed else "US", word(value, syntax))
    data = pixels(meant)
    if data.dtype == np.uint16 and syntax == BIG:
        data = data.byteswap()
    elements[0x7FE00010] = ("OW" if data.dtype == np.uint16 else "OB", even(data.tobytes(), b"\0"))
    for tag, written in (replace or {}).items():
        elements.pop(tag, None)
        if written is not None:
            elements[tag] = written
    meta = element(0x00020010, "UI", even(syntax, b"\0"), EXPLICIT)
    out = bytes(128) + b"DICM" + element(0x00020000, "UL", struct.pack("<I", len(meta)), EXPLICIT)
    out += meta
    for tag in sorted(elements):
        out += element(tag, *elements[tag], syntax)
    return out


def units(meant):
    """Hounsfield units by arithmetic."""
    words = pixels(meant).astype(np.int64)
    stored = meant[STORED]
    high = stored - 1 if meant[HIGH] is None else meant[HIGH]
    values = (words >> (high + 1 - stored)) & ((1 << stored) - 1)
    if meant[SIGN]:
        values = np.where(values >> (stored - 1), values - (1 << stored), values)
    hu = np.clip(np.rint(float(meant[SLOPE]) * values + float(meant[INTERCEPT])), -32768, 32767)
    if meant[PADDING] is not None:
        first = meant[PADDING]
        last = first if meant[LIMIT] is None else meant[LIMIT]
        hu[(values >= min(first, last)) & (values <= max(first, last))] = AIR_HU
    return hu.astype(np.int16)


def by_pydicom(content):
    """Hounsfield units by pydicom, None where it does not read them."""
    try:
        data = pydicom.dcmread(io.BytesIO(content))
        sign, stored = data.PixelRepresentation, data.BitsStored
        data.pixel_array_options(raw=True, correct_unused_bits=False)
        words = data.pixel_array.astype(np.int64).ravel()
        values = (words >> (data.HighBit + 1 - stored)) & ((1 << stored) - 1)
        if sign == 1:
            values = np.where(values >> (stored - 1), values - (1 << stored), values)
        slope, intercept = data.get("RescaleSlope"), data.get("RescaleIntercept")
        slope = 1.0 if slope in (None, "") else float(slope)
        intercept = 0.0 if intercept in (None, "") else float(intercept)
        hu = np.clip(np.rint(slope * values + intercept), -32768, 32767)
        first, last = data.get("PixelPaddingValue"), data.get("PixelPaddingRangeLimit")
        if first not in (None, "", b""):
            bounds = [
                int.from_bytes(x, "little", signed=sign == 1) if isinstance(x, bytes) else int(x)
                for x in (first, first if last in (None, "", b"") else last)
            ]
            hu[(values >= min(bounds)) & (values <= max(bounds))] = AIR_HU
        return hu.astype(np.int16)
    except Exception:  # noqa: BLE001 (it has not read the file)
        return None


def without(meant, tag):
    """What a file means that lacks the attribute; None where it cannot be used."""
    if tag not in OPTIONAL:
        return None
    changed = {**meant, tag: DEFAULTS.get(tag, meant[tag])}
    if tag == HIGH:
        changed[HIGH] = None
        return changed if meant[HIGH] == meant[STORED] - 1 else None
    if tag == PADDING:
        changed[LIMIT] = None
    return changed


def ways_of_text(meant, tag):
    """(name, vr, bytes, what is meant, how it must be answered)."""
    text, vr = meant[tag], TEXTS[tag]
    values = text.split("\\")
    absent = without(meant, tag)
    numeric = vr in ("DS", "IS")
    yield "right", vr, even(text), meant, READ
    yield "UN", "UN", even(text), meant, READ
    yield "UN, NUL", "UN", even(text, b"\0"), meant, READ
    yield "a VR that is none", "??", even(text), meant, READ
    for other in ("LO", "SH", "UT", "IS", "DS", "CS"):
        yield f"text as {other}", other, even(text), meant, READ
    for other in ("OB", "OW", "US", "UL", "FD"):
        size = {"US": 2, "UL": 4, "FD": 8}.get(other, 2)
        raw = text.encode()
        yield f"text as {other}", other, raw + b" " * (-len(raw) % size), meant, MAY
    yield "empty", vr, b"", absent, READ if absent else REFUSE
    yield "empty UN", "UN", b"", absent, READ if absent else REFUSE
    yield "empty sequence", "SQ", b"", absent, MAY if absent else REFUSE
    yield "a sequence", "SQ", bytes.fromhex("feff00e000000000"), None, REFUSE
    yield "blank", vr, b"    ", absent, READ if absent else REFUSE
    yield "NULs", vr, b"\0\0", absent, READ if absent else REFUSE
    yield "padded", vr, even("  " + " \\ ".join(values) + "  "), meant, READ
    yield "padded with NULs", vr, even(text.encode() + b"\0\0\0", b"\0"), meant, READ
    if tag != TYPE:  # which warns of any text but HU
        yield "a NUL within", vr, even(text.encode() + b"\x007", b"\0"), None, REFUSE
    count = COUNT.get(tag, 1)
    if numeric or tag == PHOTOMETRIC:
        yield "one more", vr, even(text + "\\" + values[-1]), None, REFUSE
        yield "one more, another", vr, even(text + "\\7"), None, REFUSE
        yield "one more, UN", "UN", even(text + "\\7"), None, REFUSE
        yield "one more, empty", vr, even(text + "\\"), meant, MAY
        yield "not ASCII", vr, even("−" + text), None, REFUSE
    if not numeric:
        return
    if count > 1:
        yield "one too few", vr, even("\\".join(values[:-1])), None, REFUSE
        yield "one empty", vr, even("\\" + "\\".join(values[1:])), None, REFUSE

    def all_of(change):
        return even("\\".join(change(value) for value in values))

    def signed(value, zeros):
        sign = value[0] if value[0] in "+-" else ""
        return (sign or "+" if not zeros else sign) + zeros + value.removeprefix(sign)

    yield "plus", vr, all_of(lambda value: signed(value, "")), meant, READ
    yield "leading zeros", vr, all_of(lambda value: signed(value, "00")), meant, READ
    for junk in ("abc", "0x10", "1 2", "1.2.3", "nan", "inf", "1e999", "--1", "1d2", "1_0", "1;5"):
        yield f"junk {junk}", vr, all_of(lambda _, junk=junk: junk), None, REFUSE
        yield f"junk {junk} in UN", "UN", all_of(lambda _, junk=junk: junk), None, REFUSE
    if vr == "IS":
        yield "with decimals", vr, all_of(lambda value: value + ".0"), meant, MAY
        return
    long = all_of(lambda value: value + ("" if "." in value else ".") + "0" * 16)
    yield "overlong", vr, long, meant, READ
    yield "overlong UN", "UN", long, meant, READ
    yield "exponent", vr, all_of(lambda value: f"{float(value):.8e}"), meant, READ
    yield "exponent, no sign", vr, all_of(lambda value: f"{float(value) * 100:.6f}E-2"), meant, READ
    comma = all_of(lambda value: f"{float(value):.5f}".replace(".", ","))
    yield "decimal comma", vr, comma, meant, READ
    yield "decimal comma in UN", "UN", comma, meant, READ
    yield "comma in three digits", vr, all_of(lambda _: "1,024"), None, REFUSE
    yield "comma in three digits as FD", "FD", b"-1,024  " * count, None, REFUSE
    yield "comma and point", vr, all_of(lambda _: "1.024,5"), None, REFUSE
    yield "two commas", vr, all_of(lambda _: "1,000,5"), None, REFUSE
    numbers = [float(value) for value in values]
    doubles = b"".join(struct.pack("<d", number) for number in numbers)
    if any(numbers):  # NULs alone are an empty text
        yield "binary in UN", "UN", doubles, None, REFUSE


def ways_of_numbers_as_binary(meant, tag, syntax):
    """A text's numbers with a binary value representation."""
    numbers = [float(value) for value in meant[tag].split("\\")]
    yield "FD", "FD", b"".join(word(n, syntax, "d") for n in numbers), meant, MAY
    if all(float(np.float32(n)) == n for n in numbers):
        yield "FL", "FL", b"".join(word(n, syntax, "f") for n in numbers), meant, MAY
    if all(n == int(n) for n in numbers):
        for vr, form in (("SS", "h"), ("SL", "i"), ("SV", "q")):
            raw = b"".join(word(int(n), syntax, form) for n in numbers)
            yield vr, vr, raw, meant, MAY


def ways_of_word(meant, tag, syntax):
    """The same of an attribute that is a word."""
    value = meant[tag]
    absent = without(meant, tag)
    signed = tag in (PADDING, LIMIT) and meant[SIGN] == 1
    vr = "SS" if signed else "US"
    little = struct.pack("<H", value & 0xFFFF)
    yield "right", vr, word(value, syntax), meant, READ
    yield "UN", "UN", little, meant, READ
    yield "a VR that is none", "??", little, meant, MAY
    # Of one bound alone it would turn a range inside out.
    must = MAY if tag in (PADDING, LIMIT) and meant[LIMIT] is not None else READ
    yield "of the other sign", "US" if signed else "SS", word(value, syntax), meant, must
    yield "UL, the other sign", "UL", word(value & 0xFFFF, syntax, "I"), meant, MAY
    yield "SL", "SL", word(value, syntax, "i"), meant, READ
    yield "OW", "OW", word(value, syntax), meant, MAY
    yield "OB", "OB", little, meant, MAY
    yield "FD", "FD", word(float(value), syntax, "d"), meant, MAY
    yield "AT", "AT", word(value, syntax) * 2, None, REFUSE
    for other in ("IS", "DS", "LO", "UT"):
        yield f"text as {other}", other, even(str(value)), meant, READ
        yield f"+text as {other}", other, even(f"{value:+06d}"), meant, READ
        yield f"word as {other}", other, word(value, syntax), meant, MAY
        yield f"junk as {other}", other, b"12a ", None, REFUSE
    yield "text in UN", "UN", b"%-6d" % value, None, REFUSE
    yield "text as US", "US", b"%-6d" % value, None, REFUSE
    yield "empty", vr, b"", absent, READ if absent else REFUSE
    yield "empty UN", "UN", b"", absent, READ if absent else REFUSE
    yield "a sequence", "SQ", bytes.fromhex("feff00e000000000"), None, REFUSE
    yield "several", vr, word(value, syntax) * 2, None, REFUSE
    yield "several in UN", "UN", little * 2, None, REFUSE
    if tag != SIGN:  # which DCMTK completes with a zero where VRs are implicit
        yield "one byte", vr, little[:1], None, REFUSE
    yield "beyond a word", "UL", word((value & 0xFFFF) + 0x10000, syntax, "I"), None, REFUSE
    yield "beyond a word, text", "IS", even(str((value & 0xFFFF) + 0x10000)), None, REFUSE


def bases():
    """(name, what is meant)."""
    signed = {
        SLOPE: "1",
        INTERCEPT: "-1024",
        TYPE: "HU",
        PADDING: None,
        LIMIT: None,
        SAMPLES: 1,
        PHOTOMETRIC: "MONOCHROME2",
        FRAMES: "1",
        ROWS: 4,
        COLUMNS: 5,
        ALLOCATED: 16,
        STORED: 16,
        HIGH: 15,
        SIGN: 1,
        SPACING: "0.7\\0.625",
        POSITION: "-12.5\\-20\\30.25",
        ORIENTATION: "1\\0\\0\\0\\1\\0",
    }
    yield "signed", signed
    yield "signed, padded", {**signed, INTERCEPT: "0", PADDING: -1024}
    yield "signed, a range", {**signed, SLOPE: "0.5", PADDING: -1025, LIMIT: 1}
    unsigned = {**signed, SIGN: 0, SLOPE: "2.5", INTERCEPT: "-1000.5"}
    yield "unsigned 12 bits", {**unsigned, STORED: 12, HIGH: 11, PADDING: 0}
    yield "unsigned, a range", {**unsigned, PADDING: 0, LIMIT: 48}
    yield "8 bits", {**unsigned, ALLOCATED: 8, STORED: 8, HIGH: 7, PADDING: 48}


def cases():
    for (base, meant), syntax in itertools.product(bases(), (EXPLICIT, IMPLICIT, BIG)):
        for tag, value in meant.items():
            if value is None:
                continue
            if tag in TEXTS:
                ways = list(ways_of_text(meant, tag))
                if TEXTS[tag] == "DS":
                    ways += ways_of_numbers_as_binary(meant, tag, syntax)
            else:
                ways = list(ways_of_word(meant, tag, syntax))
            seen = set()
            for way, vr, raw, means, must in ways:
                if syntax == IMPLICIT:
                    # Nothing says the value representation: the bytes are all there is.
                    own = TEXTS.get(tag, "SS" if "right" in way else "US")
                    if vr not in (own, "UN") or raw in seen or "sequence" in way:
                        continue
                    seen.add(raw)
                name = f"{base}, {syntax}, {pydicom.datadict.keyword_for_tag(tag)}: {way}"
                # pydicom takes UN in big endian data sets for big endian, and has no
                # commas; the standard says little endian of all UN.
                knows = "comma" not in way and not (syntax == BIG and vr in ("UN", "??"))
                # It compares padding of the other sign than the pixels' by number.
                knows = knows and "sign" not in way
                yield Case(name, file_of(meant, syntax, {tag: (vr, raw)}), means, must, knows)
            absent = without(meant, tag)
            name = f"{base}, {syntax}, {pydicom.datadict.keyword_for_tag(tag)}: missing"
            must = READ if absent else REFUSE
            yield Case(name, file_of(meant, syntax, {tag: None}), absent, must)


def failure(case, answer):
    """What is wrong with an answer, or None."""
    if not answer["ok"]:
        return f"was refused: {answer['message']}" if case.must == READ else None
    if case.must == REFUSE:
        return f"was read: {answer['slices'][0]['warnings']}"
    (slice_,) = answer["slices"]
    ours = np.frombuffer(base64.b64decode(slice_["hu_base64"]), "<i2")
    if not np.array_equal(ours, units(case.meant)):
        return f"Hounsfield units {ours} should be {units(case.meant)}"
    if (slice_["rows"], slice_["columns"]) != (case.meant[ROWS], case.meant[COLUMNS]):
        return "is of another size"
    if slice_["spacing_mm"] != [float(x) for x in case.meant[SPACING].split("\\")]:
        return f"spacing {slice_['spacing_mm']}"
    if slice_["position_mm"] != float(case.meant[POSITION].split("\\")[2]):
        return f"position {slice_['position_mm']}"
    theirs = by_pydicom(case.content) if case.pydicom_knows else None
    if theirs is not None and not np.array_equal(ours, theirs):
        return f"Hounsfield units {ours} are {theirs} by pydicom"
    return None


def main():
    warnings.simplefilter("ignore")
    all_cases = list(cases())
    with tempfile.TemporaryDirectory() as folder:
        answers = ask(sys.argv[1], folder, [case.content for case in all_cases])
    failures = [
        f"{case.name}: {problem}"
        for case, answer in zip(all_cases, answers, strict=True)
        if (problem := failure(case, answer)) is not None
    ]
    read = sum(answer["ok"] for answer in answers)
    print("\n".join(failures))
    print(f"{len(all_cases)} files, {read} read, {len(failures)} wrong")
    sys.exit(1 if failures or read < len(all_cases) // 4 else 0)


if __name__ == "__main__":
    main()
