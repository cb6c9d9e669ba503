# Compiles the CUDA kernels for the architectures that are shipped, where nvcc is present; no GPU is
# needed. cmake -DNVCC=... -DCXX=... -DSOURCE=... -DOUT=... -P compile_cuda.cmake
if(NOT NVCC)
  message("skipped: no nvcc, the CUDA kernels were not compiled")
  return()
endif()
foreach(arch 80 90)
  execute_process(
    COMMAND "${NVCC}" -ccbin "${CXX}" -std=c++20 --fmad=false
            -gencode "arch=compute_${arch},code=sm_${arch}" "-I${SOURCE}" -c
            "${SOURCE}/kernels/cuda/low_rank_update.cu" -o "${OUT}/low_rank_update_sm_${arch}.o"
    RESULT_VARIABLE code OUTPUT_VARIABLE said ERROR_VARIABLE said)
  if(NOT code EQUAL 0)
    message(FATAL_ERROR "kernels/cuda/low_rank_update.cu does not compile for sm_${arch}: ${said}")
  endif()
  message("compiled for sm_${arch}")
endforeach()
