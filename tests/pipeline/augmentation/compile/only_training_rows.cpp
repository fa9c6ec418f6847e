// Compiles as it is. With one of the other words that begin with GIVEN_ it must not: what is not
// TrainingRows cannot be copied, nor counted among what is learned from (tests/CMakeLists.txt).
#include <array>

#include "pipeline/augmentation/copies.h"

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

}  // namespace serenade
