#pragma once

#include "kernels/device/simd.h"

namespace serenade::simd {}
