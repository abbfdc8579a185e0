# SPDX-License-Identifier: Apache-2.0
"""Decodes a generated matrix of images with preprocess_dump and with pydicom.

Every transfer syntax x sign x bits stored x rescale x padding, and for native and
RLE data a high bit at the top and junk in the bits that are not stored, is written
to a file and decoded by both: Hounsfield units must be equal, those of lossy syntaxes
within one stored unit. Enhanced CT objects with shuffled frames, coded and cut into
fragments in several ways, must give the slices of the single images they are made of.
Usage: reference_matrix.py PREPROCESS_DUMP
"""

import base64
import io
import itertools
import json
import subprocess
import sys
import tempfile
import time
import warnings

import imagecodecs
import numpy as np
import pydicom
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.encaps import encapsulate
from pydicom.uid import UID

from reference_preprocess import AIR_HU, hounsfield

ROWS, COLUMNS = 33, 40
BIG_ENDIAN, DEFLATED, RLE = "1.2.840.10008.1.2.2", "1.2.840.10008.1.2.1.99", "1.2.840.10008.1.2.5"
NATIVE = ["1.2.840.10008.1.2", "1.2.840.10008.1.2.1", DEFLATED, BIG_ENDIAN]
JPEG = "1.2.840.10008.1.2.4."
LOSSLESS = [JPEG + n for n in ("57", "70", "80", "90", "201", "202")]
LOSSY = [JPEG + n for n in ("50", "51", "81", "91", "203")]
RESCALES = [(1, -1024), (0.5, 0.25), (2.35, -1000.5)]
PADDINGS = [None, "value", "range"]


def stored_values(bits, signed, random):
    """A smooth image with noise over the whole range of the stored bits."""
    y, x = np.mgrid[0:ROWS, 0:COLUMNS]
    low = -(1 << (bits - 1)) if signed else 0
    span = (1 << bits) - 1
    wave = (np.sin(x / 9) * np.cos(y / 7) + 1) / 2 * span
    values = np.clip(wave + random.normal(0, span / 40, wave.shape), 0, span).astype(int) + low
    values[0, 0], values[0, 1] = low, low + span
    return values


def compress(words, values, syntax, bits, signed):
    """The code of one frame: `words` as stored, `values` what they stand for."""
    typed = values.astype(("i" if signed else "u") + str(words.dtype.itemsize))
    suffix = syntax.removeprefix(JPEG)
    if suffix in ("57", "70"):
        return imagecodecs.jpeg8_encode(
            words & ((1 << bits) - 1),
            lossless=True,
            bitspersample=bits,
            predictor=1 if suffix == "70" else 4,
        )
    if suffix in ("50", "51"):
        return imagecodecs.jpeg8_encode(words, level=95, bitspersample=bits)
    if suffix in ("80", "81"):
        return imagecodecs.jpegls_encode(words, level=0 if suffix == "80" else 3)
    if suffix in ("90", "91"):
        return imagecodecs.jpeg2k_encode(
            typed,
            level=0 if suffix == "90" else 60,
            codecformat="j2k",
            bitspersample=bits,
            reversible=suffix == "90",
        )
    return imagecodecs.htj2k_encode(
        typed, reversible=suffix != "203", level=None if suffix != "203" else 0.001
    )


def code_rle(words):
    """Words as the standard's run-length code, which pydicom's encoder writes."""
    from pydicom.pixels.encoders.native import _encode_frame  # noqa: PLC0415

    runner = type(
        "Runner",
        (),
        dict(
            rows=words.shape[0],
            columns=words.shape[1],
            samples_per_pixel=1,
            bits_allocated=8 * words.dtype.itemsize,
            get_option=lambda self, *_: "<",
        ),
    )()
    return _encode_frame(words.tobytes(), runner)


def base_dataset(syntax, bits, allocated, high_bit, signed):
    """A CT image but for its pixels, its rescale and its place."""
    data = Dataset()
    data.file_meta = FileMetaDataset()
    data.file_meta.TransferSyntaxUID = UID(syntax)
    data.file_meta.MediaStorageSOPClassUID = data.SOPClassUID = "1.2.840.10008.5.1.4.1.1.2"
    data.file_meta.MediaStorageSOPInstanceUID = data.SOPInstanceUID = "1.2.3.4"
    data.SeriesInstanceUID = "1.2.3"
    data.Modality = "CT"
    data.ImageType = ["ORIGINAL", "PRIMARY", "AXIAL"]
    data.SamplesPerPixel = 1
    data.PhotometricInterpretation = "MONOCHROME2"
    data.Rows, data.Columns = ROWS, COLUMNS
    data.BitsAllocated, data.BitsStored, data.HighBit = allocated, bits, high_bit
    data.PixelRepresentation = int(signed)
    return data


def put_place(data, z, slope, intercept):
    """The plane and the rescale of a single image."""
    data.ImagePositionPatient = [-10, -20, z]
    data.ImageOrientationPatient = [1, 0, 0, 0, 1, 0]
    data.PixelSpacing = [0.7, 0.6]
    data.RescaleSlope, data.RescaleIntercept = str(slope), str(intercept)
    data.RescaleType = "HU"


def put_pixels(data, code):
    """Sets PixelData to the bytes of native words or of an encapsulated code."""
    syntax = data.file_meta.TransferSyntaxUID
    data["PixelData"] = pydicom.DataElement(0x7FE00010, "OW", code)
    if syntax.is_encapsulated:
        data["PixelData"].VR = "OB"
        data["PixelData"].is_undefined_length = True


def written(data):
    """The file's bytes."""
    syntax = data.file_meta.TransferSyntaxUID
    out = io.BytesIO()
    pydicom.dcmwrite(
        out,
        data,
        implicit_vr=syntax.is_implicit_VR,
        little_endian=syntax.is_little_endian,
        enforce_file_format=True,
    )
    return out.getvalue()


def native_bytes(words, syntax):
    """Words in the syntax's byte order, of an even number of bytes."""
    if syntax == BIG_ENDIAN:
        flat = words.ravel()
        # Words of 16 bits, be it with two pixels in each.
        code = (
            np.append(flat, np.zeros(flat.size % 2, flat.dtype)).view("<u2").astype(">u2").tobytes()
        )
    else:
        code = words.tobytes()
    return code + b"\0" * (len(code) % 2)


def single_image(syntax, bits, allocated, high_bit, signed, rescale, padding, random, z=5.0):
    """One image of the matrix as a data set, and its bytes."""
    data = base_dataset(syntax, bits, allocated, high_bit, signed)
    put_place(data, z, *rescale)
    values = stored_values(bits, signed, random)
    kind = np.dtype(f"<u{allocated // 8}")
    whole = (1 << allocated) - 1
    words = (values & (whole if signed else (1 << bits) - 1)).astype(kind)
    if syntax in NATIVE + [RLE]:
        words = ((values & ((1 << bits) - 1)) << (high_bit + 1 - bits)).astype(kind)
        junk = whole & ~(((1 << bits) - 1) << (high_bit + 1 - bits))
        words |= (random.integers(0, whole + 1, words.shape) & junk).astype(kind)
    elif syntax in (JPEG + "50", JPEG + "51"):
        words = (values & ((1 << bits) - 1)).astype(kind)
    if padding is not None:
        first, last = int(values[3, 3]), int(values[9, 30])
        kind_of_padding = "SS" if signed else "US"
        data.add_new(0x00280120, kind_of_padding, first)
        if padding == "range":
            data.add_new(0x00280121, kind_of_padding, last)
    if syntax in NATIVE:
        put_pixels(data, native_bytes(words, syntax))
    else:
        code = code_rle(words) if syntax == RLE else compress(words, values, syntax, bits, signed)
        put_pixels(data, encapsulate([bytes(code)], has_bot=bool(bits % 2)))
    return data


def matrix():
    """(name, data set) of every case."""
    random = np.random.default_rng(11)
    for syntax in NATIVE + [RLE] + LOSSLESS + LOSSY:
        lossy_jpeg = syntax in (JPEG + "50", JPEG + "51")
        layouts = [(8, 8), (8, 16), (10, 16), (12, 16), (15, 16), (16, 16)]
        if syntax == JPEG + "50":
            layouts = [(8, 8)]
        elif syntax == JPEG + "51":
            layouts = [(8, 8), (12, 16)]
        elif syntax in (JPEG + "57", JPEG + "70"):
            layouts.remove((8, 16))
        for (bits, allocated), signed, rescale, padding in itertools.product(
            layouts, (False, True), RESCALES, PADDINGS
        ):
            if signed and lossy_jpeg:
                continue
            high_bits = {bits - 1, allocated - 1} if syntax in NATIVE + [RLE] else {bits - 1}
            for high_bit in sorted(high_bits):
                name = (
                    f"{syntax} {'signed' if signed else 'unsigned'} {bits} of {allocated} bits, "
                    f"high bit {high_bit}, rescale {rescale}, padding {padding}"
                )
                yield (
                    name,
                    single_image(
                        syntax, bits, allocated, high_bit, signed, rescale, padding, random
                    ),
                )


def fixed_cases():
    """JPEG 2000 whose codestream and data set disagree about the sign, and the like."""
    random = np.random.default_rng(12)
    for bits, signed in itertools.product((12, 16), (False, True)):
        data = single_image(JPEG + "90", bits, 16, bits - 1, signed, (1, 0), None, random)
        values = stored_values(bits, signed, random)
        words = (values & ((1 << bits) - 1)).astype("u2")
        other = (
            words
            if signed
            else np.where(values >> (bits - 1), values - (1 << bits), values).astype("i2")
        )
        for wrapper in ("j2k", "jp2"):
            code = imagecodecs.jpeg2k_encode(
                other, level=0, codecformat=wrapper, bitspersample=bits, reversible=True
            )
            put_pixels(data, encapsulate([code]))
            yield f"JPEG 2000 ({wrapper}) of the other sign, {bits} bits, signed {signed}", data


def enhanced(singles, order, syntax, cut):
    """An Enhanced CT object of single images in the order given."""
    data = base_dataset(syntax, 12, 16, 11, True)
    data.SOPClassUID = data.file_meta.MediaStorageSOPClassUID = "1.2.840.10008.5.1.4.1.1.2.1"
    data.NumberOfFrames = len(order)
    data.ImageType = ["ORIGINAL", "PRIMARY", "VOLUME", "NONE"]
    shared = Dataset()
    shared.PlaneOrientationSequence = [Dataset()]
    shared.PlaneOrientationSequence[0].ImageOrientationPatient = [1, 0, 0, 0, 1, 0]
    shared.PixelMeasuresSequence = [Dataset()]
    shared.PixelMeasuresSequence[0].PixelSpacing = [0.7, 0.6]
    data.SharedFunctionalGroupsSequence = [shared]
    data.PerFrameFunctionalGroupsSequence = []
    for index in order:
        single = singles[index]
        frame, plane, rescale = Dataset(), Dataset(), Dataset()
        plane.ImagePositionPatient = single.ImagePositionPatient
        frame.PlanePositionSequence = [plane]
        rescale.RescaleSlope, rescale.RescaleIntercept = (
            single.RescaleSlope,
            single.RescaleIntercept,
        )
        rescale.RescaleType = "HU"
        frame.PixelValueTransformationSequence = [rescale]
        data.PerFrameFunctionalGroupsSequence.append(frame)
    values = [np.frombuffer(singles[i].PixelData, "<i2").reshape(ROWS, COLUMNS) for i in order]
    if syntax in NATIVE:
        put_pixels(data, b"".join(native_bytes(v.view("u2"), syntax) for v in values))
        return data
    codes = [
        bytes(
            code_rle(v.view("u2"))
            if syntax == RLE
            else compress(v.view("u2"), v.astype(int), syntax, 16, True)
        )
        for v in values
    ]
    fragments = 3 if cut.startswith("several") else 1
    put_pixels(
        data, encapsulate(codes, fragments_per_frame=fragments, has_bot=cut.endswith("table"))
    )
    return data


def frame_failures(program, folder):
    """What Enhanced CT objects give otherwise than the images they are made of."""
    random = np.random.default_rng(13)
    rescales = [(1, -1024), (0.5, 3), (2, -1000), (1, 0), (1.5, -7)]
    singles = []
    for i, rescale in enumerate(rescales):
        data = base_dataset(NATIVE[1], 12, 16, 11, True)
        put_place(data, 3.0 * i, *rescale)
        put_pixels(data, stored_values(12, True, random).astype("<i2").tobytes())
        singles.append(data)
    order = [3, 0, 4, 1, 2]
    names, files = [], [written(single) for single in singles]
    for syntax in NATIVE + [RLE] + LOSSLESS:
        cuts = [""] if syntax in NATIVE else ["one, table", "one, no"]
        if syntax not in NATIVE:
            cuts += ["several, table"] + ([] if syntax == RLE else ["several, no"])
        for cut in cuts:
            names.append(f"enhanced {syntax} {cut}")
            files.append(written(enhanced(singles, order, syntax, cut)))
    answers = ask(program, folder, files)
    expected = [answer["slices"][0] for answer in answers[: len(singles)]]
    for name, answer in zip(names, answers[len(singles) :]):
        if not answer["ok"] or len(answer["slices"]) != len(order):
            yield f"{name}: {answer.get('message', answer)}"[:300]
            continue
        for index, slice_ in zip(order, answer["slices"]):
            for key in ("hu_sha256", "position_mm", "spacing_mm"):
                if slice_[key] != expected[index][key]:
                    yield f"{name}: {key} of frame {slice_['frame']} is not that of its image"


def ask(program, folder, files):
    """preprocess_dump's answers."""
    paths = []
    for i, content in enumerate(files):
        paths.append(f"{folder}/{i}.dcm")
        with open(paths[-1], "wb") as file:
            file.write(content)
    answers = subprocess.run(
        [program, "--pixels"],
        input="\n".join(paths) + "\n",
        text=True,
        capture_output=True,
        check=True,
    )
    assert not answers.stderr, answers.stderr
    return [json.loads(line) for line in answers.stdout.splitlines()]


def image_failure(content, answer):
    """What differs between our answer for a file and pydicom's, or None."""
    if not answer["ok"]:
        return f"was refused: {answer['message']}"
    data = pydicom.dcmread(io.BytesIO(content))
    theirs = hounsfield(data).astype(int)
    ours = np.frombuffer(base64.b64decode(answer["slices"][0]["hu_base64"]), "<i2")
    worst = np.abs(ours.reshape(theirs.shape).astype(int) - theirs)
    if data.file_meta.TransferSyntaxUID in LOSSY:
        # A pixel at the edge of the padding may fall to either side of it.
        worst = worst[(theirs != AIR_HU) & (ours.reshape(theirs.shape) != AIR_HU)]
        limit = np.ceil(abs(float(data.RescaleSlope)))
    else:
        limit = 0
    if worst.size and worst.max() > limit:
        return f"Hounsfield units differ by up to {worst.max()}"
    return None


def main():
    program = sys.argv[1]
    warnings.simplefilter("ignore")
    start = time.monotonic()
    failures = []
    with tempfile.TemporaryDirectory() as folder:
        cases = [(name, written(data)) for name, data in itertools.chain(matrix(), fixed_cases())]
        answers = ask(program, folder, [content for _, content in cases])
        for (name, content), answer in zip(cases, answers):
            failure = image_failure(content, answer)
            if failure is not None:
                failures.append(f"{name}: {failure}")
        failures += frame_failures(program, folder)
    print("\n".join(failures))
    print(
        f"{len(cases)} images compared, {len(failures)} differences, "
        f"{time.monotonic() - start:.0f} s"
    )
    sys.exit(1 if failures else 0)


if __name__ == "__main__":
    main()
