#include "kernels/nn/step.h"

#include <algorithm>
#include <string>

#include "kernels/device/checks.h"
#include "kernels/device/copy.h"

namespace serenade {

void Steps::assign(Context& context, std::span<const StepScalars> steps) {
  const auto put = [&]<class T>(std::span<const T> values, Array<T>& array) {
    if (array.device() != context.device()) array = Array<T>(Shape{0}, context.device());
    array.resize({static_cast<Index>(values.size())});
    const Tensor<const T> from(values.data(), array.shape());
    copy(context, from, array.view());
  };
  const std::uint32_t first = 0;
  put(steps, table_);
  put(std::span<const std::uint32_t>(&first, 1), index_);
}

void finish_step(Context& context, Tensor<const double> losses, Tensor<const float> logits,
                 Tensor<const double> norm, const StepRecords& records,
                 Tensor<std::uint32_t> index) {
  constexpr std::string_view operation = "finish_step";
  expect_rank(operation, "logits", logits.shape(), 2, "[batch, classes]");
  expect_rank(operation, "losses of the records", records.losses.shape(), 2, "[steps, rows]");
  expect_shape(operation, "losses", losses.shape(), Shape{logits.extent(0)});
  expect_shape(operation, "classes of the records", records.classes.shape(),
               records.losses.shape());
  expect_shape(operation, "norms of the records", records.norms.shape(),
               Shape{records.losses.extent(0)});
  expect_shape(operation, "index", index.shape(), Shape{1});
  if (norm.data() != nullptr) expect_shape(operation, "norm", norm.shape(), Shape{1});
  if (logits.extent(0) > records.losses.extent(1) || logits.extent(1) < 1) {
    throw ShapeError(std::string(operation) + ": logits are " + to_string(logits.shape()) +
                     " but the records have room for " + std::to_string(records.losses.extent(1)) +
                     " rows of at least one class");
  }
  expect_on_device(operation, context, losses, logits, records.losses, records.classes,
                   records.norms, index);
  if constexpr (has_cuda) {
    if (context.device() == Device::cuda) {
      return cuda::finish_step(context, losses, logits, norm, records, index);
    }
  }
  cpu::finish_step(context, losses, logits, norm, records, index);
}

namespace cpu {

void finish_step(Context&, Tensor<const double> losses, Tensor<const float> logits,
                 Tensor<const double> norm, const StepRecords& records,
                 Tensor<std::uint32_t> index) {
  const Index step = index.data()[0];
  if (step >= records.norms.extent(0)) throw ShapeError("finish_step: all steps are done");
  std::ranges::copy(losses.span(), records.losses.row(step).data());
  for (Index b = 0; b < logits.extent(0); ++b) {
    const auto row = logits.row(b).span();
    records.classes.row(step).data()[b] =
        static_cast<std::int32_t>(std::max_element(row.begin(), row.end()) - row.begin());
  }
  records.norms.data()[step] = norm.data() != nullptr ? norm.data()[0] : 0.0;
  index.data()[0] += 1;
}

}  // namespace cpu
}  // namespace serenade
