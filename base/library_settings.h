// SPDX-License-Identifier: Apache-2.0
// Settings of libraries that can only be given by the environment.
#ifndef M3LUNG_BASE_LIBRARY_SETTINGS_H_
#define M3LUNG_BASE_LIBRARY_SETTINGS_H_

namespace m3lung {

// To be called first in main(). Libraries read these when they are loaded, which is before main():
// so where they are not set, this starts the program once more, with them.
void ConfigureLibraries(char** argv);

}  // namespace m3lung

#endif  // M3LUNG_BASE_LIBRARY_SETTINGS_H_
