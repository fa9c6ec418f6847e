#pragma once

/// Compiles vector code once for each path, and calls the version in use. A file NAME.cpp whose
/// vector code is in NAME.simd.h includes this behind its other headers, once:
///
///     #define HWY_TARGET_INCLUDE "kernels/dsp/NAME.simd.h"
///     #include "kernels/device/each_path.h"
///
/// and calls a function f of it as ON_VECTOR_PATH(f)(arguments). Each version lies in a namespace
/// of its own and carries its instruction set as attributes of its functions (Highway's
/// foreach_target); everything around it, inline functions of headers above all, is compiled for
/// the project's -march alone, so that the linker never picks a copy that a processor cannot run.
#include "kernels/device/vector_path.h"

// The paths are HWY_SCALAR, HWY_AVX2 and HWY_AVX3 (AVX-512 F, VL, DQ and BW).
#define HWY_COMPILE_ALL_ATTAINABLE
#define HWY_DISABLED_TARGETS (HWY_SSSE3 | HWY_SSE4 | HWY_AVX3_DL)
// One lane in plain C++ instead of Highway's emulation of four.
#define HWY_BROKEN_EMU128 1
// -march=haswell does not imply AES in GCC, and without it Highway would not take AVX2 for the
// baseline. Nothing here uses AES.
#define HWY_DISABLE_PCLMUL_AES

#include <hwy/foreach_target.h>

#if !HWY_ARCH_X86
#error "Vector paths are those of x86-64; another processor wants its own in vector_path.h"
#endif

// foreach_target.h leaves out the target that is the baseline of -march.
#include HWY_TARGET_INCLUDE

/// The version of `function` for the path in use: a pointer to it.
#define ON_VECTOR_PATH(function)                                    \
  (::serenade::simd::on_path(&::serenade::simd::N_SCALAR::function, \
                             &::serenade::simd::N_AVX2::function,   \
                             &::serenade::simd::N_AVX3::function))
