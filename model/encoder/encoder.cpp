#include "model/encoder.hpp"

#include "json/json.hpp"
#include "model/encoder/encoder_pass.hpp"
#include "model/encoder/packed_texts.hpp"
#include "model/encoder/sentence_settings.hpp"
#include "model/gguf/gguf_file.hpp"

#include <ATen/ATen.h>
#include <c10/core/InferenceMode.h>
#include <fmt/format.h>

#include <algorithm>
#include <stdexcept>

namespace kedit {
namespace {

using TextIds = std::vector<std::vector<std::int64_t>>;

void check_text_ids(const Architecture& architecture, const TextIds& texts) {
  const auto fail = [](std::size_t text, const std::string& what) {
    throw ModelError(fmt::format("embedding text {}: expected {}", text + 1, what));
  };
  for (std::size_t i = 0; i < texts.size(); ++i) {
    const auto count = static_cast<std::int64_t>(texts[i].size());
    if (count == 0 || count > architecture.max_positions) {
      fail(i, fmt::format("1 to {} tokens, found {}", architecture.max_positions, count));
    }
    for (const std::int64_t id : texts[i]) {
      if (id >= 0 && id < architecture.vocab) continue;
      fail(i, fmt::format("token ids from 0 to {}, found {}", architecture.vocab - 1, id));
    }
  }
}

// What the template adds behind a text covers nothing of it.
std::ptrdiff_t count_added_behind(const Encoding& encoding) {
  const auto last = std::find_if(encoding.offsets.rbegin(), encoding.offsets.rend(),
                                 [](const auto& range) { return range.first < range.second; });
  return last - encoding.offsets.rbegin();
}

}  // namespace

struct Encoder::Impl {
  std::shared_ptr<const Model> model;
  encoder::SentenceSettings settings;
};

const char* to_string(Pooling pooling) {
  switch (pooling) {
    case Pooling::mean:
      return "mean";
    case Pooling::first:
      return "first";
    case Pooling::max:
      return "max";
  }
  return "unknown";
}

Encoder::Encoder(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Encoder::~Encoder() = default;

std::shared_ptr<const Encoder> Encoder::load(const std::filesystem::path& directory,
                                             const LoadOptions& options) {
  if (gguf::is_gguf(directory)) {
    throw ModelError(
        fmt::format("reading {}: expected the directory of an encoder, found a GGUF file, of which "
                    "only models that write text are read",
                    directory.string()));
  }
  auto impl = std::make_unique<Impl>();
  Architecture architecture = read_encoder_architecture(directory);
  impl->settings = encoder::read_sentence_settings(directory, architecture);
  impl->model = Model::load_as(std::move(architecture), directory, options);
  return std::shared_ptr<const Encoder>(new Encoder(std::move(impl)));
}

bool Encoder::present(const std::filesystem::path& directory) try {
  const std::filesystem::path file = directory / "config.json";
  const Json config = read_json(file, {std::int64_t{16} << 20, 32});
  const auto families = encoder_families();
  const std::string family = JsonView(config, file.string()).at("model_type").string();
  return std::find(families.begin(), families.end(), family) != families.end();
} catch (const std::exception&) {
  return false;  // whoever loads the directory says what is wrong with it
}

std::vector<std::int64_t> Encoder::ids(std::string_view text) const {
  Encoding encoding = impl_->model->tokenizer().encode(text);
  std::vector<std::int64_t>& ids = encoding.ids;
  const std::ptrdiff_t more = std::ssize(ids) - impl_->settings.max_tokens;
  if (more <= 0) return ids;
  const std::ptrdiff_t kept_behind = std::min(count_added_behind(encoding), std::ssize(ids) - more);
  ids.erase(ids.end() - kept_behind - more, ids.end() - kept_behind);
  return ids;
}

at::Tensor Encoder::embed(const std::vector<std::string>& texts,
                          const EmbedOptions& options) const {
  TextIds all;
  all.reserve(texts.size());
  for (const std::string& text : texts) all.push_back(ids(text));
  return embed_ids(all, options);
}

at::Tensor Encoder::embed_ids(const TextIds& texts, const EmbedOptions& options) const {
  const Architecture& architecture = impl_->model->architecture();
  if (options.batch_tokens < 1) {
    throw std::invalid_argument("embedding: expected batch_tokens of at least 1");
  }
  check_text_ids(architecture, texts);
  const c10::InferenceMode inference;
  const auto rows = static_cast<std::int64_t>(texts.size());
  at::Tensor vectors = at::empty({rows, architecture.hidden}, at::TensorOptions(at::kFloat));
  for (const auto& pack : encoder::pack_texts(texts, options.batch_tokens)) {
    const at::Tensor hidden = encoder::encode(architecture, impl_->model->weights(), texts, pack);
    const at::Tensor pooled = encoder::pool(pooling(), hidden, pack).cpu();
    for (std::size_t i = 0; i < pack.order.size(); ++i) {
      vectors.select(0, static_cast<std::int64_t>(pack.order[i]))
          .copy_(pooled.select(0, static_cast<std::int64_t>(i)));
    }
  }
  if (!options.normalize.value_or(normalizes())) return vectors;
  constexpr double kLeastLength = 1e-12;
  return vectors / vectors.norm(2, 1, /*keepdim=*/true).clamp_min(kLeastLength);
}

std::int64_t Encoder::max_tokens() const { return impl_->settings.max_tokens; }
Pooling Encoder::pooling() const { return impl_->settings.pooling; }
bool Encoder::normalizes() const { return impl_->settings.normalize; }
const Model& Encoder::model() const { return *impl_->model; }

}  // namespace kedit
