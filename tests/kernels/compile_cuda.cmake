# Compiles the CUDA kernels for the architectures that are shipped, where nvcc is present; no GPU is
# needed. cmake -DNVCC=... -DCXX=... -DSOURCE=... -DOUT=... -P compile_cuda.cmake
if(NOT NVCC)
  message("skipped: no nvcc, the CUDA kernels were not compiled")
  return()
endif()
foreach(stem library low_rank_update measure second_moment)
  execute_process(
    COMMAND "${NVCC}" -ccbin "${CXX}" -std=c++20 --fmad=false -DKEDIT_CUDA_ARCHITECTURES=""
            -gencode arch=compute_80,code=sm_80 -gencode arch=compute_90,code=sm_90 "-I${SOURCE}" -c
            "${SOURCE}/kernels/cuda/${stem}.cu" -o "${OUT}/${stem}.o"
    RESULT_VARIABLE code OUTPUT_VARIABLE said ERROR_VARIABLE said)
  if(NOT code EQUAL 0)
    message(FATAL_ERROR "kernels/cuda/${stem}.cu does not compile: ${said}")
  endif()
  message("compiled ${stem}.cu for sm_80 and sm_90")
endforeach()
