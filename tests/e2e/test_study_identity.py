# SPDX-License-Identifier: Apache-2.0
"""Several studies, patients, acquisitions or kernels in one stream: one of them is analysed
whole, by its name or by the rules, or none is. Never a mixture, and never silently."""

import copy
import io
import pathlib
import random
from typing import Any

import numpy as np
import pydicom

import service
from service import dicom, header, results

SLICES = 40


def read(label="COVID_19", seed=1, slices=SLICES):
    """A synthetic study's data sets from head to feet."""
    files = service.synthetic_study(label, slices, seed)
    return sorted(map(pydicom.dcmread, files), key=lambda one: -float(one.ImagePositionPatient[2]))


def changed(data_set, **attributes):
    new = copy.deepcopy(data_set)
    for name, value in attributes.items():
        setattr(new, name, value)
    return new


def moved(data_set, z, **attributes):
    x, y = data_set.ImagePositionPatient[:2]
    return changed(data_set, ImagePositionPatient=[x, y, round(z, 6)], **attributes)


def requests(data_sets):
    for data_set in data_sets:
        buffer = io.BytesIO()
        pydicom.dcmwrite(buffer, data_set)
        data = buffer.getvalue()
        yield dicom(data[: 1 << 19], last=len(data) <= 1 << 19)
        if len(data) > 1 << 19:
            for start in range(1 << 19, len(data), 1 << 19):
                yield dicom(data[start : start + (1 << 19)], last=start + (1 << 19) >= len(data))


def z_of(data_set):
    return float(data_set.ImagePositionPatient[2])


def names(reasons, enum):
    return [enum.Name(reason) for reason in reasons]


class StreamTest(service.ServerTest):
    def analyze(self, data_sets, **fields):
        return service.analyze(self.stub, [header(**fields), *requests(data_sets)])

    def reasons(self, answer):
        return names(answer.patient.reasons, results.StudyReason)

    def used(self, answer):
        return [one.instance for one in answer.receipts if one.status == results.USED]

    def skipped_for(self, answer):
        return {
            results.SkipReason.Name(one.reason)
            for one in answer.receipts
            if one.status != results.USED
        }


class Studies(StreamTest):
    """Two patients uploaded together."""

    one: list[Any]
    two: list[Any]

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.one, cls.two = read(), read("HEALTHY", seed=2)
        for data_set in cls.one:
            data_set.PatientID, data_set.PatientName = "SECRET-7", "Secretdoe^John"
        for data_set in cls.two:
            data_set.PatientID, data_set.PatientName = "SECRET-8", "Secretroe^Jane"

    def test_two_patients_are_rejected_in_either_mode(self):
        mixed = [*self.one, *self.two]
        random.Random(3).shuffle(mixed)
        for mode in ("PAPER", "VOLUME"):
            with self.subTest(mode=mode):
                answer = self.analyze(mixed, crop_mode=mode)
                self.assertEqual(answer.patient.verdict, results.REJECTED)
                self.assertEqual(self.reasons(answer)[0], "SEVERAL_STUDIES")
                self.assertIn("2 studies of 2 patients", answer.patient.detail)
                self.assertEqual(answer.patient.label, results.LABEL_UNSPECIFIED)
                self.assertEqual(list(answer.patient.probabilities), [])
        self.assertNotRegex(str(answer), "SECRET|Secret")
        self.assertNotRegex(self.server.log(), "SECRET|Secret")

    def test_the_named_one_is_answered_as_if_it_had_come_alone(self):
        mixed = [*self.two, *self.one]
        for mode in ("PAPER", "VOLUME"):
            with self.subTest(mode=mode):
                alone = self.analyze(self.one, crop_mode=mode)
                answer = self.analyze(
                    mixed, crop_mode=mode, study_instance_uid=self.one[0].StudyInstanceUID
                )
                self.assertEqual(answer.patient.verdict, alone.patient.verdict)
                self.assertEqual(answer.patient.label, alone.patient.label)
                service.assert_close(
                    self, answer.patient.probabilities, alone.patient.probabilities, 1e-5
                )
                self.assertEqual(self.used(answer), list(range(len(self.two), len(mixed))))
                self.assertEqual(self.skipped_for(answer), {"OTHER_STUDY"})

    def test_a_named_study_that_never_comes_is_missing(self):
        answer = self.analyze(self.one[:3], study_instance_uid="1.2.3.4")
        self.assertEqual(answer.patient.verdict, results.REJECTED)
        self.assertEqual(self.reasons(answer), ["NO_USABLE_INSTANCE"])
        self.assertIn("none of the 3 instances", answer.patient.detail)

    def test_two_patients_under_one_study_uid_are_rejected(self):
        uid = self.one[0].StudyInstanceUID
        mixed = [*self.one, *(changed(one, StudyInstanceUID=uid) for one in self.two)]
        for fields in ({}, {"study_instance_uid": uid}):
            answer = self.analyze(mixed, **fields)
            self.assertEqual(self.reasons(answer), ["SEVERAL_STUDIES"])
            self.assertIn("1 study of 2 patients", answer.patient.detail)

    def test_anonymous_data_are_analysed(self):
        """Seen in the field: no SOP instance uid, GUIDs as uids, no patient."""
        guid = "6F9619FF-8B86-D011-B42D-00CF4FC964FF"
        study = [
            changed(one, StudyInstanceUID=guid, SeriesInstanceUID=guid[::-1], SOPInstanceUID="",
                    PatientID="", PatientName="")
            for one in self.one
        ]  # fmt: skip
        del study[5].StudyInstanceUID
        answer = self.analyze(study)
        self.assertEqual(answer.patient.verdict, results.OK, answer.patient.detail)
        self.assertEqual(answer.patient.slices_used, SLICES)


class Acquisitions(StreamTest):
    """Two acquisitions or reconstructions in one series: one is chosen whole."""

    one: list[Any]
    two: list[Any]
    alone: tuple[Any, Any]

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.one, other = read(), read("HEALTHY", seed=2)
        first = cls.one[0]
        cls.two = [
            moved(low, z_of(high), SeriesInstanceUID=first.SeriesInstanceUID,
                  StudyInstanceUID=first.StudyInstanceUID, PixelSpacing=first.PixelSpacing)
            for high, low in zip(cls.one, other, strict=True)
        ]  # fmt: skip
        cls.alone = cls.analyze_alone(cls.one), cls.analyze_alone(cls.two)

    @classmethod
    def analyze_alone(cls, data_sets):
        return service.analyze(cls.stub, [header(crop_mode="VOLUME"), *requests(data_sets)])

    def assert_one_is_chosen_whole(self, one, two, sign, shuffled=True):
        mixed = [(0, data_set) for data_set in one] + [(1, data_set) for data_set in two]
        if shuffled:
            random.Random(7).shuffle(mixed)
        answer = self.analyze([data_set for _, data_set in mixed], crop_mode="VOLUME")
        sets = {mixed[instance][0] for instance in self.used(answer)}
        self.assertEqual(len(sets), 1, "slices of both are used")
        chosen = sets.pop()
        self.assertEqual(len(self.used(answer)), len((one, two)[chosen]))
        self.assertEqual(self.skipped_for(answer), {"OTHER_ACQUISITION"})
        patient = answer.patient
        self.assertEqual(patient.verdict, self.alone[chosen].patient.verdict, patient.detail)
        self.assertEqual(len(patient.series), 2)
        for series in patient.series:
            self.assertEqual(list(series.told_apart_by), [sign])
            self.assertIn(sign, series.detail)
        return answer, chosen

    def test_two_passes_whatever_their_shift_and_sign(self):
        spacing = z_of(self.one[0]) - z_of(self.one[1])
        for shift in (0, 1.7, spacing / 2):
            below = [moved(low, z_of(low) - shift) for low in self.two]
            with self.subTest(shift=shift, sign="number"):
                one = [changed(each, AcquisitionNumber=1) for each in self.one]
                two = [changed(each, AcquisitionNumber=2) for each in below]
                answer, chosen = self.assert_one_is_chosen_whole(one, two, "acquisition number")
                service.assert_close(
                    self,
                    answer.patient.probabilities,
                    self.alone[chosen].patient.probabilities,
                    1e-5,
                )
            with self.subTest(shift=shift, sign="time"):
                one = [changed(each, AcquisitionTime="120001") for each in self.one]
                two = [changed(each, AcquisitionTime="120002") for each in below]
                self.assert_one_is_chosen_whole(one, two, "acquisition time")

    def test_two_passes_that_nothing_but_their_places_tells_apart(self):
        one, two = copy.deepcopy(self.one), [moved(low, z_of(low) - 1.7) for low in self.two]
        for data_set in (*one, *two):
            data_set.AcquisitionNumber = 1
            del data_set.InstanceNumber
        self.assert_one_is_chosen_whole(one, two, "places of the slices")

    def test_two_kernels(self):
        sharp = [changed(each, ConvolutionKernel="Br64") for each in self.one]
        soft = []
        for each in self.one:
            pixels = each.pixel_array.astype(np.int32)
            padded = np.pad(pixels, 1, mode="edge")
            rows, columns = pixels.shape
            sum_of = sum(padded[i : i + rows, j : j + columns] for i in range(3) for j in range(3))
            smooth = changed(
                each, ConvolutionKernel="Br36", SOPInstanceUID=each.SOPInstanceUID + ".1"
            )
            smooth.PixelData = (sum_of // 9).astype(each.pixel_array.dtype).tobytes()
            soft.append(smooth)
        answer, _ = self.assert_one_is_chosen_whole(sharp, soft, "convolution kernel")
        self.assertEqual(
            {series.convolution_kernel for series in answer.patient.series}, {"Br64", "Br36"}
        )

    def test_paper_mode_mixes_nothing_silently(self):
        """It answers as slices come: those of the first acquisition, or no label at all."""
        one = [changed(each, AcquisitionNumber=1) for each in self.one]
        two = [moved(low, z_of(low) - 1.7, AcquisitionNumber=2) for low in self.two]
        in_turns = [each for pair in zip(one, two, strict=True) for each in pair]
        answer = self.analyze(in_turns, crop_mode="PAPER")
        self.assertEqual(answer.patient.verdict, results.ABSTAINED)
        self.assertIn("ACQUISITIONS_MIXED", self.reasons(answer))
        self.assertEqual(answer.patient.label, results.LABEL_UNSPECIFIED)

        one_by_one = self.analyze([*one, *two], crop_mode="PAPER")
        self.assertLessEqual(len(self.used(one_by_one)), SLICES + 1)
        self.assertEqual(self.skipped_for(one_by_one), {"OTHER_ACQUISITION"})

    def test_enhanced_ct_of_two_times(self):
        frames = [(1, each) for each in self.one] + [(2, each) for each in self.two]
        random.Random(7).shuffle(frames)
        answer = self.analyze([enhanced(frames)], crop_mode="VOLUME")
        times = {frames[result.frame][0] for result in answer.slices}
        self.assertEqual(len(times), 1, "frames of both times are used")
        self.assertEqual(answer.patient.slices_used, SLICES)
        self.assertEqual(len(answer.patient.series), 2)
        self.assertEqual(answer.patient.verdict, results.OK, answer.patient.detail)


def enhanced(frames):
    """One Enhanced CT object of (acquisition number, data set) each."""
    Dataset, Sequence = pydicom.Dataset, pydicom.Sequence
    first = frames[0][1]
    whole = copy.deepcopy(first)
    for name in ("ImagePositionPatient", "ImageOrientationPatient", "PixelSpacing",
                 "SliceThickness", "RescaleSlope", "RescaleIntercept", "RescaleType",
                 "AcquisitionNumber", "InstanceNumber"):  # fmt: skip
        if name in whole:
            delattr(whole, name)
    whole.SOPClassUID = whole.file_meta.MediaStorageSOPClassUID = "1.2.840.10008.5.1.4.1.1.2.1"
    whole.NumberOfFrames = len(frames)

    def group(**attributes):
        item = Dataset()
        for name, value in attributes.items():
            setattr(item, name, value)
        return Sequence([item])

    shared = Dataset()
    shared.PlaneOrientationSequence = group(ImageOrientationPatient=first.ImageOrientationPatient)
    shared.PixelMeasuresSequence = group(PixelSpacing=first.PixelSpacing)
    shared.PixelValueTransformationSequence = group(
        RescaleIntercept=first.RescaleIntercept, RescaleSlope=first.RescaleSlope, RescaleType="HU"
    )
    whole.SharedFunctionalGroupsSequence = Sequence([shared])
    per_frame = []
    for number, data_set in frames:
        item = Dataset()
        item.PlanePositionSequence = group(ImagePositionPatient=data_set.ImagePositionPatient)
        item.FrameContentSequence = group(FrameAcquisitionNumber=number)
        per_frame.append(item)
    whole.PerFrameFunctionalGroupsSequence = Sequence(per_frame)
    whole.PixelData = b"".join(data_set.PixelData for _, data_set in frames)
    return whole


class Client(StreamTest):
    def test_names_the_study(self):
        one, two = read(), read("HEALTHY", seed=2)
        folder = service.scratch("two-patients")
        for number, data_set in enumerate((*one, *two)):
            data_set.save_as(folder / f"{number}.dcm")
        server = f"--server={self.server.address}"
        mixed = service.run("m3lung", "analyze", folder, server, check=False)
        self.assertEqual(mixed.returncode, 1)
        self.assertIn("SEVERAL_STUDIES", mixed.stdout)
        json = pathlib.Path(service.scratch("answer")) / "answer.json"
        service.run("m3lung", "analyze", folder, server, f"--json={json}",
                    f"--study-uid={one[0].StudyInstanceUID}")  # fmt: skip
        answer = service.json_answer(json)
        self.assertEqual(answer.patient.slices_used, len(one))
        self.assertEqual(answer.patient.instances_skipped, len(two))


if __name__ == "__main__":
    service.main()
