# libkedit_cuda.so, kedit's own CUDA kernels: a library that the program opens when a GPU is used, so
# that nothing links against CUDA. nvcc is called by itself: CMake's own CUDA language wants a whole
# toolkit, which the wheels of cmake/cuda-requirements.txt are not. KEDIT_CUDA=ON demands nvcc, AUTO
# takes it where it is.
find_program(KEDIT_NVCC nvcc HINTS "${PROJECT_SOURCE_DIR}/.deps-cuda/nvidia/cu13/bin"
             "$ENV{CUDA_HOME}/bin" /usr/local/cuda/bin)
if(NOT KEDIT_NVCC)
  if(NOT KEDIT_CUDA STREQUAL "AUTO")
    message(FATAL_ERROR "KEDIT_CUDA=ON: no nvcc: run ./dev cuda, or set KEDIT_NVCC")
  endif()
  message(STATUS "no nvcc: the CUDA kernels are not built")
  return()
endif()

set(KEDIT_CUDA_ARCHITECTURES 80 90 CACHE STRING "compute capabilities of the CUDA kernels")
set(generate "")
set(named "")
foreach(architecture ${KEDIT_CUDA_ARCHITECTURES})
  list(APPEND generate -gencode "arch=compute_${architecture},code=sm_${architecture}")
  list(APPEND named "sm_${architecture}")
endforeach()
# Later cards compile the newest one's intermediate code when it is first used.
list(GET KEDIT_CUDA_ARCHITECTURES -1 newest)
list(APPEND generate -gencode "arch=compute_${newest},code=compute_${newest}")
list(JOIN named " " named)

# Fused multiply-adds are written out where they are meant. The runtime is linked in: two of them in a
# process share the driver's context, and the version is then the kernels' own.
get_filename_component(toolkit "${KEDIT_NVCC}" DIRECTORY)
get_filename_component(toolkit "${toolkit}" DIRECTORY)
set(flags -ccbin "${CMAKE_CXX_COMPILER}" -std=c++20 -O3 --fmad=false
    -Xcompiler -fPIC,-fvisibility=hidden "-I${PROJECT_SOURCE_DIR}"
    "-DKEDIT_CUDA_ARCHITECTURES=\"${named}\"")
file(GLOB headers "${CMAKE_CURRENT_SOURCE_DIR}/*.hpp" "${CMAKE_CURRENT_SOURCE_DIR}/cuda/*.hpp"
     "${CMAKE_CURRENT_SOURCE_DIR}/cuda/*.cuh")
set(objects "")
foreach(source checks.cpp cuda/library.cu cuda/low_rank_update.cu cuda/measure.cu cuda/second_moment.cu)
  get_filename_component(stem "${source}" NAME_WE)
  set(object "${CMAKE_CURRENT_BINARY_DIR}/cuda_${stem}.o")
  add_custom_command(OUTPUT "${object}"
    COMMAND "${KEDIT_NVCC}" ${flags} ${generate} -c "${CMAKE_CURRENT_SOURCE_DIR}/${source}" -o "${object}"
    DEPENDS "${CMAKE_CURRENT_SOURCE_DIR}/${source}" ${headers} VERBATIM
    COMMENT "nvcc kernels/${source}")
  list(APPEND objects "${object}")
endforeach()
set(KEDIT_CUDA_LIBRARY "${CMAKE_BINARY_DIR}/libkedit_cuda.so")
add_custom_command(OUTPUT "${KEDIT_CUDA_LIBRARY}"
  COMMAND "${KEDIT_NVCC}" -ccbin "${CMAKE_CXX_COMPILER}" -shared -cudart static ${generate}
          "-L${toolkit}/lib" -Xlinker --exclude-libs=ALL -Xlinker --no-undefined
          ${objects} -o "${KEDIT_CUDA_LIBRARY}"
  DEPENDS ${objects} VERBATIM COMMENT "linking libkedit_cuda.so")
add_custom_target(kedit_cuda ALL DEPENDS "${KEDIT_CUDA_LIBRARY}")
install(FILES "${KEDIT_CUDA_LIBRARY}" DESTINATION "${CMAKE_INSTALL_LIBDIR}")
