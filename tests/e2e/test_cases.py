# SPDX-License-Identifier: Apache-2.0
"""Every collected odd, foreign and malformed file, streamed to a running server:
each a study of its own, then all of them in the midst of a good study.

A category's files share the receipts that are right for them; what a file's flaw
hides behind (most of the malformed ones lack an image plane) decides which.
"""

import pathlib
import re
import unittest

import service
from service import header, results

# folder: {name or prefix of names: outcome}, "" for all others; the outcome is USED or
# a skip reason, or several of which each file has one.
EXPECTED = {
    "charset": {"chrJap": "NOT_CT", "chrKorean": "NOT_CT", "chrSQ": "NOT_CT",
                "": "SECONDARY_CAPTURE"},
    "syntax": {"CTImage.dcm_JPEGProcess10": "UNSUPPORTED_TRANSFER_SYNTAX",
               "PrivateGE": "UNSUPPORTED_TRANSFER_SYNTAX", "": "USED"},
    "odd": {"693_J2KI": "USED", "CT_small": "USED", "localizer": "LOCALIZER",
            "j2k_broken": "MALFORMED", "image_dfl": "SECONDARY_CAPTURE",
            "DICOMDIR": "NOT_AN_IMAGE", "ExplVR": "NOT_AN_IMAGE", "rtplan": "NOT_AN_IMAGE",
            "test-SR": "NOT_AN_IMAGE", "UN_sequence": "NO_PIXEL_DATA",
            "empty_charset": "NO_PIXEL_DATA", "": "NOT_CT"},
    "odd/enhanced_ct": {"": "USED"},
    "odd/not_ct": {"": "SECONDARY_CAPTURE"},
    "odd/not_images": {"sr_document": "NOT_AN_IMAGE", "": "NOT_CT"},
    "fuzz/baseline": {"": "NO_GEOMETRY"},
    "fuzz/cat01_tag_overflow": {"": "NO_GEOMETRY"},
    "fuzz/cat02_vr_mismatch": {"": "NO_GEOMETRY MALFORMED"},
    "fuzz/cat03_sequence_nesting": {"TC0267_depth_500": "MALFORMED", "": "NO_GEOMETRY"},
    "fuzz/cat04_pixel_data": {
        "TC0285": "NO_GEOMETRY", "TC0293": "NO_GEOMETRY", "TC0321": "NO_GEOMETRY",
        "TC0333": "NO_GEOMETRY", "TC0297": "MALFORMED", "TC0301": "MALFORMED",
        "TC0337": "MALFORMED", "": "UNSUPPORTED_PIXEL_FORMAT"},
    "fuzz/cat05_transfer_syntax": {"TC0347_deflate_truncated": "MALFORMED", "": "NO_GEOMETRY"},
    "fuzz/cat06_private_tags": {"": "NO_GEOMETRY"},
    "fuzz/cat07_file_meta": {"TC0387_dicm_offset64": "NOT_DICOM", "TC0383_no_dicm": "MALFORMED",
                             "TC0403": "MALFORMED", "": "NO_GEOMETRY"},
    "fuzz/cat08_string_encoding": {"": "NO_GEOMETRY"},
    "fuzz/cat09_logic_bombs": {"TC0439": "NOT_CT", "TC0443": "NOT_CT", "": "NO_GEOMETRY"},
    "fuzz/cat10_cve_2026_3650": {"": "MALFORMED NO_GEOMETRY UNSUPPORTED_TRANSFER_SYNTAX"},
    "fuzz/cat11_cve_2025_11266": {"": "NO_GEOMETRY"},
    "fuzz/cat12_cve_2024_47796": {"": "NO_GEOMETRY"},
    "fuzz/cat13_cve_microdicom": {"TC0831_px_100frames": "MULTI_FRAME", "": "NO_GEOMETRY"},
    "fuzz/cat14_cve_2025_27578": {"": "NO_GEOMETRY"},
    "fuzz/cat15_cve_2019_1010228": {"": "NO_GEOMETRY"},
    "fuzz/cat16_cve_dcmtk_null_pathtraversal": {
        "TC0875_missing_rows": "MALFORMED", "TC0883_missing_all": "MALFORMED",
        "": "NO_GEOMETRY"},
    "fuzz/cat17_cve_libdicom_uaf": {"TC0915_zero_len_meta": "NO_PIXEL_DATA", "": "NO_GEOMETRY"},
    "fuzz/cat18_cve_dcmtk_minmax_voi": {
        "TC0919": "MALFORMED", "TC0935": "MALFORMED", "TC0927": "UNSUPPORTED_PIXEL_FORMAT",
        "": "NO_GEOMETRY"},
    "fuzz/cat19_cve_dcmtk_ect_jpegls": {"TC0951_ect_0_frames": "MALFORMED", "": "NO_GEOMETRY"},
    "fuzz/cat20_cve_dcmtk_dimse_segfault": {"TC0969_midvalue": "MALFORMED", "": "NO_GEOMETRY"},
    "fuzz/cat21_cve_santesoft_oob": {
        "TC0985_px_wide": "TOO_LARGE", "TC0977": "UNSUPPORTED_PIXEL_FORMAT", "": "NO_GEOMETRY"},
    "fuzz/cat22_cve_meddream_stack_overflow": {"": "NO_GEOMETRY"},
    "fuzz/cat23_cve_merge_toolkit": {
        "TC1141": "MALFORMED", "TC1145": "MALFORMED", "TC1149": "MALFORMED",
        "TC1153": "MALFORMED", "TC1157_sq_item": "NO_PIXEL_DATA", "": "NO_GEOMETRY"},
    "fuzz/cat24_cve_orthanc_osirix": {"": "NO_GEOMETRY"},
}  # fmt: skip

# Resident memory may grow by this after the first time over all files, which fills
# caches and the allocator's arenas.
MEMORY_BYTES = 48 << 20


def outcome(receipt):
    used = receipt.status == results.USED
    return "USED" if used else results.SkipReason.Name(receipt.reason)


def expected_of(folder, name):
    by_prefix = EXPECTED[folder]
    prefix = max((one for one in by_prefix if name.startswith(one)), key=len)
    return by_prefix[prefix].split()


def case_files(root):
    """All but reports/, which holds scripts."""
    return sorted(
        path
        for path in root.rglob("*")
        if path.is_file() and path.relative_to(root).parts[0] != "reports"
    )


class Cases(service.ServerTest):
    files: list[pathlib.Path]
    folder_of: dict[pathlib.Path, str]

    @classmethod
    def setUpClass(cls):
        root = service.test_data("cases")
        cls.files = case_files(root)
        cls.folder_of = {path: str(path.parent.relative_to(root)) for path in cls.files}
        super().setUpClass()

    def check(self, path, receipt):
        self.assertIn(outcome(receipt), expected_of(self.folder_of[path], path.name), receipt)
        if receipt.status != results.USED:
            self.assertTrue(receipt.detail, "a person is told nothing")
        for text in (receipt.detail, *receipt.warnings):
            self.assertTrue(text.isprintable(), text)

    def alone(self, path):
        answer = service.analyze(self.stub, [header(), *service.file_requests([path])])
        self.assertEqual(len(answer.receipts), 1)
        return answer

    def test_each_alone(self):
        self.assertGreater(len(self.files), 300)
        for path in self.files:
            with self.subTest(file=str(path.relative_to(path.parents[2]))):
                answer = self.alone(path)
                self.check(path, answer.receipts[0])
                # None of them is a chest.
                self.assertIn(
                    answer.patient.verdict, (results.REJECTED, results.ABSTAINED), answer.patient
                )
                self.assertEqual(answer.patient.label, results.LABEL_UNSPECIFIED)

    def test_among_a_good_study(self):
        good = service.synthetic_study()
        named = header(study_instance_uid=service.study_uid(good[0]))
        expected = service.analyze(self.stub, [named, *service.file_requests(good)])
        self.assertEqual(expected.patient.verdict, results.OK, expected.patient.detail)
        # A good file after every tenth bad one, the rest at the end.
        mixed, rest = [], list(good)
        for number, path in enumerate(self.files):
            mixed.append(path)
            if number % 10 == 0 and rest:
                mixed.append(rest.pop(0))
        mixed += rest
        answer = service.analyze(self.stub, [named, *service.file_requests(mixed)])
        place = {path: number for number, path in enumerate(mixed)}
        used = [answer.receipts[place[path]] for path in good]
        self.assertEqual({outcome(receipt) for receipt in used}, {"USED"})
        for path in self.files:
            receipt = answer.receipts[place[path]]
            # What can be read is of another study.
            if outcome(receipt) != "OTHER_STUDY":
                self.check(path, receipt)
        self.assertEqual(answer.patient.verdict, results.DEGRADED)
        self.assertIn(results.INSTANCES_SKIPPED, answer.patient.reasons)
        self.assertEqual(answer.patient.label, expected.patient.label)
        service.assert_close(
            self, answer.patient.probabilities, expected.patient.probabilities, 1e-5
        )
        by_uid = {one.sop_instance_uid: one for one in answer.slices}
        for want in expected.slices:
            got = by_uid[want.sop_instance_uid]
            self.assertEqual((got.scored, got.lung_box), (want.scored, want.lung_box))
            service.assert_close(self, got.probabilities, want.probabilities, 1e-5)

    def test_among_a_good_study_that_is_not_named(self):
        files = [*service.synthetic_study(), *self.files]
        answer = service.analyze(self.stub, [header(), *service.file_requests(files)])
        self.assertEqual(answer.patient.verdict, results.REJECTED)
        self.assertIn(results.SEVERAL_STUDIES, answer.patient.reasons)

    def test_memory_is_where_it_was(self):
        def all_at_once():
            service.analyze(self.stub, [header(), *service.file_requests(self.files)])
            return self.server.resident_bytes()

        before = all_at_once()
        for _ in range(4):
            after = all_at_once()
        self.assertLess(after - before, MEMORY_BYTES)

    def test_nothing_of_the_files_is_in_the_log(self):
        for path in self.files[:40]:
            self.alone(path)
        log = self.server.log()
        self.assertNotRegex(log, re.compile(r"\.dcm|TC\d{4}|[Pp]atient"))


class TestTable(unittest.TestCase):
    def test_every_category_is_expected(self):
        root = pathlib.Path(service.test_data("cases"))
        folders = {str(path.parent.relative_to(root)) for path in case_files(root)}
        self.assertEqual(folders, set(EXPECTED))


if __name__ == "__main__":
    service.main()
