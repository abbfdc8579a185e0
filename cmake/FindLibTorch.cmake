# SPDX-License-Identifier: Apache-2.0
# LibTorch as two imported targets, without a CUDA toolkit (the wheel's own
# package file demands one; docs/adr/0002-libtorch.md).
#
#   M3LUNG_TORCH_ROOT  any LibTorch: a folder with include/ and lib/. Default:
#                      the wheel that scripts/setup.sh installed under .deps/.
#
# Makes LibTorch::torch_cpu. libtorch_cuda.so is never linked: it is opened at
# run time when the configured device is CUDA (model/engine/cuda_library.cc).

file(GLOB _torch_wheels "${PROJECT_SOURCE_DIR}/.deps/venv/lib/python3*/site-packages/torch")
list(APPEND _torch_wheels "${PROJECT_SOURCE_DIR}/.deps/torch")
find_path(M3LUNG_TORCH_ROOT NAMES include/torch/script.h
  PATHS ${_torch_wheels} NO_DEFAULT_PATH
  DOC "Root of LibTorch: the folder that holds include/ and lib/")
find_library(LibTorch_CPU_LIBRARY torch_cpu PATHS "${M3LUNG_TORCH_ROOT}/lib" NO_DEFAULT_PATH)
find_library(LibTorch_C10_LIBRARY c10 PATHS "${M3LUNG_TORCH_ROOT}/lib" NO_DEFAULT_PATH)
mark_as_advanced(LibTorch_CPU_LIBRARY LibTorch_C10_LIBRARY)

include(FindPackageHandleStandardArgs)
find_package_handle_standard_args(LibTorch
  REQUIRED_VARS M3LUNG_TORCH_ROOT LibTorch_CPU_LIBRARY LibTorch_C10_LIBRARY
  REASON_FAILURE_MESSAGE "Run scripts/setup.sh, or give -DM3LUNG_TORCH_ROOT=DIR.")

if(LibTorch_FOUND AND NOT TARGET LibTorch::torch_cpu)
  add_library(LibTorch::torch_cpu INTERFACE IMPORTED)
  # Behind the system's folders, since the wheel ships its own, older
  # google/protobuf headers.
  target_compile_options(LibTorch::torch_cpu INTERFACE
    "SHELL:-idirafter ${M3LUNG_TORCH_ROOT}/include"
    "SHELL:-idirafter ${M3LUNG_TORCH_ROOT}/include/torch/csrc/api/include")
  # The wheel finds its CUDA run-time stubs beside itself.
  file(GLOB _nvidia_libraries "${M3LUNG_TORCH_ROOT}/../nvidia/*/lib" "${M3LUNG_TORCH_ROOT}/../nvidia/*/*/lib")
  target_link_libraries(LibTorch::torch_cpu INTERFACE
    "${LibTorch_CPU_LIBRARY}" "${LibTorch_C10_LIBRARY}")
  target_link_options(LibTorch::torch_cpu INTERFACE
    "LINKER:-rpath,${M3LUNG_TORCH_ROOT}/lib"
    "LINKER:-rpath-link,${M3LUNG_TORCH_ROOT}/lib")
  foreach(_directory IN LISTS _nvidia_libraries)
    target_link_options(LibTorch::torch_cpu INTERFACE "LINKER:-rpath-link,${_directory}")
  endforeach()
endif()
