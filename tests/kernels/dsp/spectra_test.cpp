#include "kernels/dsp/spectra.h"

#include <gtest/gtest.h>

#include <cstring>
#include <utility>
#include <vector>

#include "kernels/device/copy.h"
#include "kernels/device/error.h"
#include "kernels/dsp/separate.h"
#include "tests/kernels/dsp/operations.h"

namespace serenade::test {
namespace {

struct Spectrum {
  Rows power, magnitude, mel, log_mel, contrast;
};

class SpectraTest : public testing::TestWithParam<Device> {
 protected:
  Spectrum made(Context& context) const {
    return {make_rows(context, frames_, plan_.bins()), make_rows(context, frames_, plan_.bins()),
            make_rows(context, frames_, bank_.n_mels()),
            make_rows(context, frames_, bank_.n_mels()),
            make_rows(context, frames_, bands_.rows())};
  }
  /// Bit `i` of `which`: output i is wanted.
  Spectrum together(Context& context, unsigned which) const {
    Spectrum all = made(context);
    Spectra wanted;
    wanted.bank = &bank_;
    wanted.db = db_;
    if ((which & 1U) != 0) wanted.power = all.power.values.view();
    if ((which & 2U) != 0) wanted.magnitude = all.magnitude.values.view();
    if ((which & 4U) != 0) wanted.mel = all.mel.values.view();
    if ((which & 8U) != 0) wanted.log_mel = all.log_mel.values.view();
    wanted.contrast_bands = &bands_;
    if ((which & 16U) != 0) wanted.contrast = all.contrast.values.view();
    spectra(context, plan_, signals_.view(context), signals_.clips, wanted);
    return all;
  }
  Spectrum each_alone(Context& context) const {
    Spectrum all = made(context);
    const Tensor<float> power = all.power.values.view();
    stft_power(context, plan_, signals_.view(context), signals_.clips, power);
    magnitude(context, power, all.magnitude.values.view());
    mel_power(context, power, bank_, all.mel.values.view());
    power_to_db(context, all.mel.values.view(), frames_, db_, all.log_mel.values.view());
    spectral_contrast(context, all.magnitude.values.view(), frames_, bands_,
                      all.contrast.values.view());
    return all;
  }
  static void expect_same(Context& context, Rows found, Rows wanted, const char* what) {
    found = on_host(context, std::move(found));
    wanted = on_host(context, std::move(wanted));
    EXPECT_EQ(std::memcmp(found.values.data(), wanted.values.data(),
                          static_cast<std::size_t>(wanted.values.size()) * sizeof(float)),
              0)
        << what;
  }

  const StftPlan plan_{{.n_fft = 512, .hop_length = 128}};
  const MelBank bank_{{.n_mels = 40}, 22050, 512};
  const ContrastBands bands_{{.n_bands = 4}, 22050, 512};
  const PowerToDbOptions db_{.top_db = 30};
  // More frames than a run of the transform has, one frame, none.
  const Signals signals_{{sweep(70'000, 1), noise(100, 2, 1e-3), {}, noise(5'000, 3)}};
  const Ragged frames_ = frames_of(signals_.clips, 128);
};

TEST_P(SpectraTest, GivesTheBitsThatEachOperationGivesAlone) {
  Context context = context_on(GetParam(), 2);
  for (unsigned which = 1; which < 32; ++which) {
    Spectrum found = together(context, which);
    Spectrum alone = each_alone(context);
    if ((which & 1U) != 0) {
      expect_same(context, std::move(found.power), std::move(alone.power), "power");
    }
    if ((which & 2U) != 0) {
      expect_same(context, std::move(found.magnitude), std::move(alone.magnitude), "magnitude");
    }
    if ((which & 4U) != 0) expect_same(context, std::move(found.mel), std::move(alone.mel), "mel");
    if ((which & 8U) != 0) {
      expect_same(context, std::move(found.log_mel), std::move(alone.log_mel), "log_mel");
    }
    if ((which & 16U) != 0) {
      expect_same(context, std::move(found.contrast), std::move(alone.contrast), "contrast");
    }
  }
}

TEST_P(SpectraTest, ComesWithSeparatedPartsAsItDoesAlone) {
  Context context = context_on(GetParam(), 2);
  Spectrum found = made(context);
  Spectra wanted;
  wanted.power = found.power.values.view();
  wanted.bank = &bank_;
  wanted.db = db_;
  wanted.log_mel = found.log_mel.values.view();
  wanted.contrast_bands = &bands_;
  wanted.contrast = found.contrast.values.view();
  Lent harmonic = context.lend({signals_.clips.total()});
  separate(context, plan_, signals_.view(context), signals_.clips, {}, {harmonic.view(), {}},
           wanted);
  Spectrum alone = each_alone(context);
  expect_same(context, std::move(found.power), std::move(alone.power), "power");
  expect_same(context, std::move(found.log_mel), std::move(alone.log_mel), "log_mel");
  expect_same(context, std::move(found.contrast), std::move(alone.contrast), "contrast");
}

TEST_P(SpectraTest, NeedsNoBankWithoutMel) {
  Context context = context_on(GetParam(), 1);
  Spectrum found = made(context);
  Spectrum alone = each_alone(context);
  Spectra wanted;
  wanted.magnitude = found.magnitude.values.view();
  spectra(context, plan_, signals_.view(context), signals_.clips, wanted);
  expect_same(context, std::move(found.magnitude), std::move(alone.magnitude), "magnitude");
  wanted.mel = found.mel.values.view();
  EXPECT_THROW(spectra(context, plan_, signals_.view(context), signals_.clips, wanted), ShapeError);
}

TEST_P(SpectraTest, RefusesWhatDoesNotFit) {
  Context context = context_on(GetParam(), 1);
  Spectrum all = made(context);
  Spectra wanted;
  wanted.bank = &bank_;
  wanted.log_mel = all.power.values.view();
  EXPECT_THROW(spectra(context, plan_, signals_.view(context), signals_.clips, wanted), ShapeError);
  wanted = {};
  const MelBank other({}, 22050, 2048);
  wanted.bank = &other;
  wanted.power = all.power.values.view();
  EXPECT_THROW(spectra(context, plan_, signals_.view(context), signals_.clips, wanted), ShapeError);
}

INSTANTIATE_TEST_SUITE_P(Devices, SpectraTest, testing::ValuesIn(devices()),
                         [](const auto& of) { return std::string(to_string(of.param)); });

}  // namespace
}  // namespace serenade::test
