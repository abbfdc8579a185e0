# SPDX-License-Identifier: Apache-2.0
# The only ways in which this project makes targets, so that language level,
# warnings and sanitizers are said in one place.

include_guard()
include(GoogleTest)  # gtest_discover_tests()

find_program(CCACHE_PROGRAM ccache)
if(CCACHE_PROGRAM AND NOT CMAKE_CXX_COMPILER_LAUNCHER)
  # Without this ccache keeps nothing that was compiled with a precompiled header.
  set(CMAKE_CXX_COMPILER_LAUNCHER
    "${CMAKE_COMMAND}" -E env CCACHE_SLOPPINESS=pch_defines,time_macros "${CCACHE_PROGRAM}")
  set(_precompiled_header_options
    $<$<CXX_COMPILER_ID:GNU>:-fpch-preprocess>
    "$<$<CXX_COMPILER_ID:Clang>:SHELL:-Xclang -fno-pch-timestamp>")
endif()

add_library(m3lung_options INTERFACE)
target_compile_features(m3lung_options INTERFACE cxx_std_20)
target_include_directories(m3lung_options INTERFACE
  "${PROJECT_SOURCE_DIR}" "${PROJECT_BINARY_DIR}/generated")
target_compile_options(m3lung_options INTERFACE
  -Wall -Wextra -Wshadow -Wnon-virtual-dtor -Woverloaded-virtual
  $<$<BOOL:${M3LUNG_WERROR}>:-Werror>
  $<$<CXX_COMPILER_ID:Clang>:-Wthread-safety;-Wthread-safety-beta>)

set(M3LUNG_SANITIZE "" CACHE STRING "Value of -fsanitize= for every target, empty for none")
if(M3LUNG_SANITIZE)
  add_compile_options(-fsanitize=${M3LUNG_SANITIZE} -fno-omit-frame-pointer)
  add_link_options(-fsanitize=${M3LUNG_SANITIZE})
endif()

function(_m3lung_configure target kind)
  cmake_parse_arguments(ARG "" "" "SOURCES;PUBLIC;PRIVATE" ${ARGN})
  target_sources(${target} PRIVATE ${ARG_SOURCES})
  if(kind STREQUAL library)
    target_link_libraries(${target} PUBLIC m3lung_options ${ARG_PUBLIC} PRIVATE ${ARG_PRIVATE})
  else()
    target_link_libraries(${target} PRIVATE m3lung_options ${ARG_PUBLIC} ${ARG_PRIVATE})
  endif()
endfunction()

# m3lung_use_precompiled_torch(target) lets a target whose sources include LibTorch find its
# headers compiled once, by m3lung_model: half of what each such source costs to compile.
function(m3lung_use_precompiled_torch target)
  target_compile_options(${target} PRIVATE ${_precompiled_header_options})
  if(target STREQUAL m3lung_model)
    target_precompile_headers(${target} PRIVATE <torch/torch.h> <torch/script.h>)
  else()
    target_precompile_headers(${target} REUSE_FROM m3lung_model)
  endif()
endfunction()

# m3lung_library(name SOURCES a.cc ... [PUBLIC libs] [PRIVATE libs]) makes the
# static library m3lung::name.
function(m3lung_library name)
  add_library(m3lung_${name} STATIC)
  add_library(m3lung::${name} ALIAS m3lung_${name})
  _m3lung_configure(m3lung_${name} library ${ARGN})
endfunction()

# m3lung_binary(name SOURCES main.cc ... [PRIVATE libs]) makes build/bin/name.
function(m3lung_binary name)
  add_executable(${name})
  _m3lung_configure(${name} binary ${ARGN})
endfunction()

# m3lung_test(name SOURCES x_test.cc ... [PRIVATE libs] [ENVIRONMENT variable=value] [WHOLE])
# makes a GoogleTest program and a ctest entry NAME.Suite.Test for each of its tests; with
# WHOLE one entry, NAME, for all of them: where a start costs more than most tests, as
# LibTorch's does. A program without tests is an error.
function(m3lung_test name)
  cmake_parse_arguments(TEST "WHOLE" "ENVIRONMENT" "" ${ARGN})
  add_executable(${name})
  _m3lung_configure(${name} binary ${TEST_UNPARSED_ARGUMENTS})
  target_link_libraries(${name} PRIVATE GTest::gmock m3lung::test_main)
  set_target_properties(${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY "${CMAKE_BINARY_DIR}/tests")
  set(properties LABELS unit TIMEOUT 600
    FAIL_REGULAR_EXPRESSION "0 tests from 0 test suites ran")
  if(TEST_ENVIRONMENT)
    list(APPEND properties ENVIRONMENT "${TEST_ENVIRONMENT}")
  endif()
  if(TEST_WHOLE)
    add_test(NAME ${name} COMMAND ${name})
    set_tests_properties(${name} PROPERTIES ${properties})
    return()
  endif()
  # Listed when ctest runs, not after each link: a sanitizer's program finds its libraries only
  # then. Without the parameters' values in the names: some are addresses.
  gtest_discover_tests(${name} TEST_PREFIX "${name}." DISCOVERY_MODE PRE_TEST
    DISCOVERY_TIMEOUT 120 NO_PRETTY_VALUES PROPERTIES ${properties})
  # ctest reads this after the list. It would pass over a program without tests in silence, and
  # with -L over one that is not built, whose entry it gives no label.
  set(check "${CMAKE_CURRENT_BINARY_DIR}/${name}_check.cmake")
  file(WRITE "${check}" "\
if(NOT EXISTS \"${CMAKE_BINARY_DIR}/tests/${name}\")
  set_tests_properties(${name}_NOT_BUILT PROPERTIES LABELS unit)
elseif(\"\${${name}_TESTS}\" STREQUAL \"\")
  add_test(${name}.has_tests \"${CMAKE_COMMAND}\" -E false)
  set_tests_properties(${name}.has_tests PROPERTIES LABELS unit)
endif()
")
  set_property(DIRECTORY APPEND PROPERTY TEST_INCLUDE_FILES "${check}")
endfunction()

# m3lung_proto_library(name SOURCES a.proto ... [OUT dir] [GRPC]) makes m3lung::name
# of generated code, with gRPC's stubs where asked for. OUT, below the build tree's
# generated/, is where the code goes.
function(m3lung_proto_library name)
  cmake_parse_arguments(ARG "GRPC" "OUT" "SOURCES" ${ARGN})
  set(target m3lung_${name})
  add_library(${target} STATIC ${ARG_SOURCES})
  add_library(m3lung::${name} ALIAS ${target})
  set(out "${PROJECT_BINARY_DIR}/generated/${ARG_OUT}")
  file(MAKE_DIRECTORY "${out}")
  protobuf_generate(TARGET ${target} LANGUAGE cpp PROTOC_OUT_DIR "${out}"
    IMPORT_DIRS "${CMAKE_CURRENT_SOURCE_DIR}")
  target_link_libraries(${target} PUBLIC protobuf::libprotobuf)
  if(ARG_GRPC)
    get_target_property(plugin gRPC::grpc_cpp_plugin LOCATION)
    protobuf_generate(TARGET ${target} LANGUAGE grpc PROTOC_OUT_DIR "${out}"
      GENERATE_EXTENSIONS .grpc.pb.h .grpc.pb.cc PLUGIN "protoc-gen-grpc=${plugin}"
      IMPORT_DIRS "${CMAKE_CURRENT_SOURCE_DIR}")
    target_link_libraries(${target} PUBLIC gRPC::grpc++)
  endif()
  target_compile_features(${target} PUBLIC cxx_std_20)
  set_target_properties(${target} PROPERTIES UNITY_BUILD OFF)  # its files repeat each other's names
  # Generated code is not held to this project's warnings.
  target_include_directories(${target} SYSTEM PUBLIC "${PROJECT_BINARY_DIR}/generated")
endfunction()
