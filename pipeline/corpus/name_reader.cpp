#include "pipeline/corpus/name_reader.h"

#include <array>

#include "pipeline/corpus/crema_d.h"
#include "pipeline/corpus/emodb.h"
#include "pipeline/corpus/ravdess.h"
#include "pipeline/corpus/savee.h"
#include "pipeline/corpus/tess.h"

namespace serenade {
namespace {

constexpr auto table = std::to_array<NameReader>({
    {Reader::ravdess, "RAVDESS", ravdess_emotions, ravdess_name_help, read_ravdess_name},
    {Reader::emodb, "EMO-DB", emodb_emotions, emodb_name_help, read_emodb_name},
    {Reader::tess, "TESS", tess_emotions, tess_name_help, read_tess_name},
    {Reader::crema_d, "CREMA-D", crema_d_emotions, crema_d_name_help, read_crema_d_name},
    {Reader::savee, "SAVEE", savee_emotions, savee_name_help, read_savee_name},
});

}  // namespace

std::span<const NameReader> name_readers() { return table; }

}  // namespace serenade
