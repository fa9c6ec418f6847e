// How long whole things take: a training step, alone and beside others, and the features of a batch
// of clips. Each is first compared with the CPU.
#include <algorithm>
#include <cmath>

#include "kernels/nn/backend.h"
#include "pipeline/features/extractor.h"
#include "tools/gpu_check/check.h"
#include "tools/gpu_check/generated.h"

namespace serenade::gpu_check {
namespace {

struct Way {
  std::string name;
  Backend backend = Backend::library;
  bool graphs = true;
  int members = 1;
};

Json training(const Way& way) {
  const Generated generated;
  const DataSet data = generated.data();
  const Fold fold = generated.fold();
  Observer observer;
  std::vector<Member> cpu = members(data, fold, 1, 1);
  Context host(emulated ? 2 : 0);
  Trainer(host, data, observer).train(cpu);
  std::vector<Member> gpu = members(data, fold, way.members, epochs);
  Context context(Device::cuda, way.members);
  use_backend(context, {.backend = way.backend, .graphs = way.graphs});
  Trainer(context, data, observer).train(gpu);
  const double wanted = cpu[0].history()[0].loss, found = gpu[0].history()[0].loss;
  // The mean of an epoch's losses: as tests/pipeline/training/device_training_test.cpp.
  if (!(std::abs(wanted - found) <= 1e-3)) {
    throw Failed(fmt::format("{}: the first epoch's loss is {:.6f}, but {:.6f} on the CPU",
                             way.name, found, wanted));
  }
  const Index steps = static_cast<Index>(clips / batch_size);
  Json row{{"members", way.members}, {"first loss", found}, {"loss on the CPU", wanted}};
  if (!emulated) {
    std::vector<double> seconds;  // of an epoch; the first one plans and captures
    for (std::size_t i = 1; i < gpu[0].history().size(); ++i) {
      double longest = 0;
      for (const Member& one : gpu) longest = std::max(longest, one.history()[i].seconds);
      seconds.push_back(longest / static_cast<double>(steps));
    }
    std::ranges::sort(seconds);
    row["seconds"] = seconds[seconds.size() / 2];
    row["fastest"] = seconds.front();
  }
  return row;
}

/// The seed experiment's features, which kernels/README.md reckons with, and mel bands.
std::vector<Feature> seed_features() {
  return {OfPart<MelFeature>(),      OfPart<MfccFeature>(),    OfPart<ChromaFeature>(),
          OfPart<ContrastFeature>(), OfPart<TonnetzFeature>(), OfPart<ZeroCrossingRateFeature>(),
          OfPart<RmsFeature>()};
}

/// What notebooks take of librosa.effects.harmonic; of a fixed tuning, which no rounding decides.
std::vector<Feature> harmonic_tonnetz() {
  return {
      OfPart<TonnetzFeature>({.tuning = 0.0, .chroma = TonnetzChroma::cqt}, SoundPart::harmonic)};
}

/// Features of a batch of clips in the GPU's memory. tolerance: of the largest number, or of 1.
Json extraction(const std::vector<Feature>& features, double tolerance) {
  FeatureSpec spec;
  spec.extract = features;
  const FeatureExtractor extractor(spec);
  const Index count = emulated ? 2 : 64, length = emulated ? 6000 : 88200;
  Ragged samples;
  for (Index i = 0; i < count; ++i) samples.append(length);
  std::vector<float> signal = draw(samples.total(), 70, -0.05, 0.05);
  for (std::size_t i = 0; i < signal.size(); ++i) {
    signal[i] += 0.5F * std::sin(0.03F * static_cast<float>(i % 20000));
  }
  const Shape out{extractor.rows_of(samples).total(), extractor.dims()};
  Context cpu(emulated ? 2 : 0), context(Device::cuda);
  Array<float> wanted(out), rows(out, Device::cuda);
  extractor.extract(cpu, Tensor<const float>(signal.data(), Shape{samples.total()}), samples,
                    wanted.view());
  Array<float> there = to_device(context, signal, Shape{samples.total()});
  extractor.extract(context, there.view(), samples, rows.view());
  expect_near("features", to_host(context, Tensor<const float>(rows.view())),
              to_host(cpu, Tensor<const float>(wanted.view())), tolerance);
  Json row{{"clips", count},
           {"seconds of sound", static_cast<double>(samples.total()) / spec.sample_rate},
           {"dims", extractor.dims()}};
  time_into(row, context, [&] { extractor.extract(context, there.view(), samples, rows.view()); });
  return row;
}

}  // namespace

std::vector<Check> whole_speeds() {
  std::vector<Check> all{
      // The largest number is some 600 dB, a first MFCC: the sum of a chain's tolerances, 5e-3 dB.
      {"whole_extraction", 5, [](const auto&) { return extraction(seed_features(), 1e-5); }},
      // The chroma's, as in tests/kernels/dsp/tonal_operations.cpp, of two devices.
      {"whole_extraction_harmonic_tonnetz", 5,
       [](const auto&) { return extraction(harmonic_tonnetz(), 2e-4); }}};
  for (const Way& way : std::vector<Way>{{"step_graph"},
                                         {"step_no_graph", Backend::library, false},
                                         {"step_plain", Backend::plain},
                                         {"step_4_members", Backend::library, true, 4}}) {
    all.push_back({"whole_" + way.name, 5, [way](const auto&) { return training(way); }});
  }
  return all;
}

}  // namespace serenade::gpu_check
