#pragma once

#include <string>
#include <vector>

#include "tests/kernels/nn/operation_case.h"

/// Runs an OperationCase on any device and judges what comes out.
namespace serenade::test {

using Numbers = std::vector<std::vector<float>>;

/// Uniform in [-1, 1).
std::vector<float> random_values(Index size, std::uint32_t stream);
/// Of every input; the gradient of the output.
Numbers random_inputs(const OperationCase& c);
std::vector<float> random_dy(const OperationCase& c);

struct Results {
  std::vector<float> output;
  Numbers gradients;
};

/// Forward and backward on the context's device into buffers full of sentinels: what is not
/// overwritten shows, and so does what is written past an end.
Results run(Context& context, const OperationCase& c, const Numbers& inputs);

/// Largest difference over the largest wanted value, or over 1 where all are smaller than the
/// inputs. A NaN or infinity gives infinity.
double largest_error(const std::vector<float>& got, const Doubles& want);

/// A chain of n float32 roundings strays by about sqrt(n) half-units of the last place (6e-8):
/// four times that, and eight roundings for the rest of an operation.
double tolerance(const OperationCase& c);

/// The CPU's results and a device's: both are as far from the definition as the tolerance lets
/// them be.
void expect_close(const OperationCase& c, const Results& cpu, const Results& found);

void expect_same_bits(const std::vector<float>& a, const std::vector<float>& b,
                      const std::string& what);
void expect_same_bits(const Results& a, const Results& b, const std::string& what);

}  // namespace serenade::test
