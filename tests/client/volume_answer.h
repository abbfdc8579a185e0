// SPDX-License-Identifier: Apache-2.0
// What a server answers in crop mode `volume` for a study that is odd in every
// way that the contract has a field for.
#ifndef M3LUNG_TESTS_CLIENT_VOLUME_ANSWER_H_
#define M3LUNG_TESTS_CLIENT_VOLUME_ANSWER_H_

#include "fake_server.h"
#include "m3lung/v1/results.pb.h"

namespace m3lung::client {

// 30 slices from head to feet, each with its index: 0 to 9 are the instances 9 to
// 0, single images; 10 to 29 the frames 19 to 0 of instance 10. Slices 0 to 3, 12
// and 27 to 29 have no lung and are not scored; of the scored ones those below 15
// are called Healthy, the others COVID-19. Instances 11 to 16 are skipped: a
// localizer, three of another series and two that are no DICOM. All used instances
// have the same warning.
v1::StudyAnswer VolumeAnswer();

// The same study without a label: ABSTAINED, nothing but the slices.
v1::StudyAnswer AbstainedAnswer();

// Reads a whole study, whatever it is, and sends `answer` as a server does in crop
// mode `volume`: nothing before the upload has ended, then receipts, then slices in
// no order and without an index, then the patient.
grpc::Status SendAfterUpload(const v1::StudyAnswer& answer, ServerStream& stream,
                             ReceivedStudy& received);

}  // namespace m3lung::client

#endif  // M3LUNG_TESTS_CLIENT_VOLUME_ANSWER_H_
