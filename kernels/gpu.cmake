# The GPU twins (*.cu) of a library, built as SERENADE_GPU says. Included by the top level.
#   cuda      by nvcc, for SERENADE_CUDA_ARCHITECTURES; warnings, spills and doubles that were not
#             meant are errors
#   emulated  by the C++ compiler, on tests/emulation in place of a GPU, its runtime, cuFFT and cuDNN

# cuDNN, where it is: header and library (CUDNN_PATH and CUDA_PATH may say where). Version 9.8 or later,
# whose plans need no GPU: tests make them in builds without CUDA as well.
option(SERENADE_CUDNN "Convolve by cuDNN on a GPU, where it is found" ON)
find_path(SERENADE_CUDNN_INCLUDE cudnn_graph.h
          PATHS ENV CUDNN_PATH ENV CUDA_PATH /usr/local/cuda PATH_SUFFIXES include)
find_library(SERENADE_CUDNN_LIBRARY cudnn
             PATHS ENV CUDNN_PATH ENV CUDA_PATH /usr/local/cuda PATH_SUFFIXES lib64 lib)
find_path(SERENADE_CUDA_INCLUDE cuda_runtime_api.h
          PATHS ENV CUDA_PATH /usr/local/cuda PATH_SUFFIXES include)
set(SERENADE_HAS_CUDNN OFF)
if(SERENADE_CUDNN AND SERENADE_CUDNN_INCLUDE AND SERENADE_CUDA_INCLUDE
   AND (SERENADE_CUDNN_LIBRARY OR SERENADE_GPU STREQUAL "emulated"))
  file(STRINGS ${SERENADE_CUDNN_INCLUDE}/cudnn_graph.h known
       REGEX "CUDNN_BACKEND_DEVICEPROP_DESCRIPTOR +=")
  if(known)
    set(SERENADE_HAS_CUDNN ON)
  endif()
endif()
if(SERENADE_HAS_CUDNN)
  add_library(serenade_cudnn INTERFACE)
  target_include_directories(serenade_cudnn SYSTEM INTERFACE ${SERENADE_CUDNN_INCLUDE}
                             ${SERENADE_CUDA_INCLUDE})
  if(NOT SERENADE_GPU STREQUAL "emulated")
    target_link_libraries(serenade_cudnn INTERFACE ${SERENADE_CUDNN_LIBRARY})
  endif()
  if(NOT SERENADE_GPU STREQUAL "off")
    target_compile_definitions(serenade_flags INTERFACE SERENADE_HAS_CUDNN)
  endif()
endif()
if(NOT SERENADE_HAS_CUDNN AND NOT SERENADE_GPU STREQUAL "off")
  message(NOTICE "no cuDNN 9.8 or later here: convolutions on the GPU are by own kernels")
endif()

if(SERENADE_GPU STREQUAL "off")
  function(serenade_gpu_sources library)
  endfunction()
  return()
endif()

target_compile_definitions(serenade_flags INTERFACE SERENADE_HAS_CUDA)

if(SERENADE_GPU STREQUAL "cuda")
  # Code for 8.0, which every later GPU runs, and PTX, which its driver compiles. More on request;
  # the GPU that is here, where there is one.
  find_program(SERENADE_NVIDIA_SMI nvidia-smi)
  set(default_architectures 80)
  if(SERENADE_NVIDIA_SMI)
    execute_process(COMMAND ${SERENADE_NVIDIA_SMI} -L RESULT_VARIABLE failed OUTPUT_VARIABLE gpus
                    ERROR_QUIET)
    if(NOT failed AND gpus MATCHES "GPU 0")
      set(default_architectures native)
    endif()
  endif()
  set(SERENADE_CUDA_ARCHITECTURES "${default_architectures}" CACHE STRING
      "GPUs to compile for, as CMAKE_CUDA_ARCHITECTURES")
  set(CMAKE_CUDA_ARCHITECTURES ${SERENADE_CUDA_ARCHITECTURES})
  set(CMAKE_CUDA_RUNTIME_LIBRARY Shared)
  enable_language(CUDA)
  # Debian 12's CMake does not know that nvcc has C++20.
  set(CMAKE_CUDA20_STANDARD_COMPILE_OPTION "-std=c++20")
  set(CMAKE_CUDA20_EXTENSION_COMPILE_OPTION "-std=c++20")
  find_package(CUDAToolkit REQUIRED)
  # --expt-relaxed-constexpr: constexpr functions (Philox, elementary functions) are the host's and
  # the GPU's alike.
  target_compile_options(serenade_flags INTERFACE $<$<COMPILE_LANGUAGE:CUDA>:
    -Xcompiler=-march=${SERENADE_ARCH},-ffp-contract=off,-Wall,-Wextra,-Wno-restrict
    -Werror=all-warnings --expt-relaxed-constexpr -Xptxas=-v,-warn-spills,-warn-lmem-usage>)
else()
  find_package(Boost 1.71 REQUIRED COMPONENTS context)
  if(NOT SERENADE_CUDA_INCLUDE)
    message(FATAL_ERROR "the emulated GPU needs the CUDA toolkit's headers (cuda_runtime_api.h)")
  endif()
endif()

# To be called in the folder whose targets compile them. Integers that overflow are reported by
# tests/emulation/overflow.cpp.
function(serenade_emulated_sources)
  set_source_files_properties(${ARGN} PROPERTIES LANGUAGE CXX COMPILE_OPTIONS
                              "-xc++;-Wno-unknown-pragmas;-fsanitize=signed-integer-overflow")
endfunction()

function(serenade_gpu_sources library)
  file(GLOB_RECURSE sources CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/*.cu)
  if(SERENADE_HAS_CUDNN)
    target_link_libraries(${library} PUBLIC serenade_cudnn)
  else()
    list(FILTER sources EXCLUDE REGEX "cudnn[^/]*$")
  endif()
  target_sources(${library} PRIVATE ${sources})
  if(SERENADE_GPU STREQUAL "cuda")
    # Those that compute in float64 say why in their first lines.
    foreach(source ${sources})
      file(STRINGS ${source} meant REGEX "float64 (on purpose|where)")
      if(NOT meant)
        set_property(SOURCE ${source} APPEND PROPERTY COMPILE_OPTIONS -Xptxas=-warn-double-usage)
      endif()
    endforeach()
    target_link_libraries(${library} PUBLIC CUDA::cudart CUDA::cufft CUDA::cublasLt)
    if(NOT TARGET serenade_gpu_objects)
      # What tools/kernel-report compiles.
      add_library(serenade_gpu_objects OBJECT EXCLUDE_FROM_ALL ${sources})
      target_link_libraries(serenade_gpu_objects PRIVATE
                            serenade_flags $<TARGET_NAME_IF_EXISTS:serenade_cudnn>)
    endif()
  else()
    serenade_emulated_sources(${sources})
    target_link_libraries(${library} PUBLIC serenade_emulation)
  endif()
endfunction()

if(SERENADE_GPU STREQUAL "emulated")
  add_subdirectory(tests/emulation)
endif()
