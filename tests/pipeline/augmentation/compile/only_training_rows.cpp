// Compiles as it is. With one of the other words that begin with GIVEN_ it must not: what is not
// TrainingRows cannot be copied, counted among what is learned from or standardised by, and what is
// not a batch of them cannot be changed (tests/CMakeLists.txt).
#include <array>

#include "pipeline/augmentation/copies.h"
#include "pipeline/training/batch_augmentation.h"
#include "pipeline/training/scaler.h"

namespace serenade {

std::size_t copies_of(const Fold& fold) {
#if defined(GIVEN_TEST_ROWS)
  const TrainingCopies copies(9, std::vector<CopyRecipe>(1), std::array{fold.test()});
#else
  const TrainingCopies copies(9, std::vector<CopyRecipe>(1), std::array{fold.training()});
#endif
#if defined(GIVEN_VALIDATION_ROWS)
  return AugmentedRows(fold.validation(), copies).copies();
#elif defined(GIVEN_INDICES)
  const std::array<std::size_t, 1> indices{0};
  return AugmentedRows(TrainingRows(indices), copies).copies();
#else
  return AugmentedRows(fold.training(), copies).copies();
#endif
}

StandardScaler scaler_of(const DataSet& data, const Fold& fold) {
#if defined(GIVEN_TEST_ROWS_TO_SCALE)
  return fit_scaler(data, fold.test());
#else
  return fit_scaler(data, fold.training());
#endif
}

#if defined(GIVEN_ANY_BATCH)
void change(BatchAugmentation& augmentation, const BatchTensors& batch) { augmentation(batch); }
#else
void change(BatchAugmentation& augmentation, const TrainingBatch& batch) { augmentation(batch); }
#endif

}  // namespace serenade
