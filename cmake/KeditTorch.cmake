# LibTorch as our own imported target: find_package(Torch) demands a CUDA toolkit and links libraries
# that a CPU build does not need. kedit links torch_cpu and c10 only.
if(NOT KEDIT_TORCH_DIR)
  set(KEDIT_TORCH_ROOT "${CMAKE_CURRENT_SOURCE_DIR}/.deps/torch")
else()
  set(KEDIT_TORCH_ROOT "${KEDIT_TORCH_DIR}")
endif()
if(NOT EXISTS "${KEDIT_TORCH_ROOT}/lib/libtorch_cpu.so")
  message(FATAL_ERROR "no LibTorch in ${KEDIT_TORCH_ROOT}: run ./dev build, or set KEDIT_TORCH_DIR")
endif()
# The macros stand in either header: the first is the place since 2.9, the second the one before.
set(KEDIT_TORCH_VERSION "")
foreach(header headeronly/version.h csrc/api/include/torch/version.h)
  if(NOT KEDIT_TORCH_VERSION AND EXISTS "${KEDIT_TORCH_ROOT}/include/torch/${header}")
    file(STRINGS "${KEDIT_TORCH_ROOT}/include/torch/${header}" lines
         REGEX "define TORCH_VERSION_(MAJOR|MINOR|PATCH) [0-9]+")
    string(REGEX REPLACE "[^0-9;]" "" lines "${lines}")
    list(JOIN lines "." KEDIT_TORCH_VERSION)
  endif()
endforeach()
if(KEDIT_TORCH_VERSION VERSION_LESS 2.4)
  message(FATAL_ERROR "LibTorch ${KEDIT_TORCH_VERSION} in ${KEDIT_TORCH_ROOT}: 2.4 or newer is needed")
endif()

add_library(kedit_torch INTERFACE)
add_library(kedit::torch ALIAS kedit_torch)
target_include_directories(kedit_torch SYSTEM INTERFACE
  "$<BUILD_INTERFACE:${KEDIT_TORCH_ROOT}/include>")
target_link_libraries(kedit_torch INTERFACE
  "$<BUILD_INTERFACE:${KEDIT_TORCH_ROOT}/lib/libtorch_cpu.so>"
  "$<BUILD_INTERFACE:${KEDIT_TORCH_ROOT}/lib/libc10.so>")
# The wheel's libraries name CUDA libraries that a CPU machine lacks; they are resolved lazily.
target_link_options(kedit_torch INTERFACE -Wl,--allow-shlib-undefined)
