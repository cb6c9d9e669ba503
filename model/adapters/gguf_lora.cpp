#include "model/adapters/gguf_lora.hpp"

#include "json/json.hpp"
#include "model/adapters/edits_file.hpp"
#include "model/gguf/configuration.hpp"
#include "model/gguf/tensor_names.hpp"
#include "model/gguf/write_gguf.hpp"

#include <ATen/ATen.h>
#include <fmt/format.h>

#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

namespace kedit::adapters {
namespace {

std::string architecture_of(const EditedModel& model) {
  if (model.base().source().format == "gguf") {
    return gguf::architecture_name(gguf::GgufFile::open(model.base().path()));
  }
  const auto name = gguf::architecture_of_family(model.architecture().family);
  if (name) return *name;
  throw ModelError(
      fmt::format("exporting edits for llama.cpp: expected a family that it has an architecture "
                  "for, found {}; export as peft or hf",
                  model.architecture().family));
}

// Row i of what the file holds is row checkpoint_row(i) of the checkpoint's matrix.
at::Tensor in_stored_order(const at::Tensor& rows, const gguf::RowOrder& order) {
  if (order.kind == gguf::RowOrder::Kind::same) return rows;
  at::Tensor places = at::empty({rows.size(0)}, at::kLong);
  auto* place = places.mutable_data_ptr<std::int64_t>();
  for (std::int64_t i = 0; i < rows.size(0); ++i) place[i] = order.checkpoint_row(i);
  return rows.index_select(0, places);
}

gguf::Metadata metadata_of(const EditedModel& model, const Lora& lora,
                           const std::string& architecture) {
  return {{"general.architecture", architecture},
          {"general.type", "adapter"},
          {"general.name", fmt::format("{} kedit edits", model.mounted().size())},
          {"adapter.type", "lora"},
          {"adapter.lora.alpha", static_cast<float>(lora.rank)},
          {"kedit.edits", model.mounted()},
          {"kedit.document", to_text(edits_document(model))}};
}

void check_free(const std::filesystem::path& file) {
  std::error_code error;
  if (std::filesystem::symlink_status(file, error).type() == std::filesystem::file_type::not_found)
    return;
  throw FileWriteError(
      fmt::format("writing {}: expected no such file, found one; name another", file.string()));
}

}  // namespace

void write_gguf_lora(const EditedModel& model, const Lora& lora,
                     const std::filesystem::path& file) {
  check_free(file);
  const std::string architecture = architecture_of(model);
  const auto forms = gguf::stored_forms(model.architecture(), architecture);
  std::vector<std::pair<std::string, at::Tensor>> tensors;
  for (const LoraPair& pair : lora.pairs) {
    const gguf::StoredForm& form = forms.at(pair.weight);
    tensors.emplace_back(form.name + ".lora_a", pair.a);
    tensors.emplace_back(form.name + ".lora_b", in_stored_order(pair.b, form.rows));
  }
  gguf::write_gguf(file, metadata_of(model, lora, architecture), tensors);
}

}  // namespace kedit::adapters
