#include "model/model.hpp"

#include "model/checkpoint/fingerprint.hpp"
#include "model/checkpoint/load.hpp"
#include "model/device.hpp"
#include "model/gguf/configuration.hpp"
#include "model/gguf/load.hpp"
#include "model/gguf/text_side.hpp"
#include "model/text_side.hpp"

#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <fmt/format.h>

#include <mutex>
#include <unordered_map>

namespace kedit {

struct Model::Impl {
  std::filesystem::path path;
  ModelSource source{"memory", "", {}};
  Architecture architecture;
  DecoderWeights weights;
  std::shared_ptr<const Tokenizer> tokenizer;
  std::vector<std::pair<std::string, at::Tensor>> tensors;  // checkpoint order
  std::unordered_map<std::string, std::size_t> index;

  // Hashing reads every byte, so it waits until somebody asks.
  std::unique_ptr<checkpoint::StoredWeights> stored;
  std::once_flag combined;
  std::string fingerprint;

  const std::vector<checkpoint::TensorDigest>& digests() {
    return stored->digests(at::get_num_threads());
  }
  void load_directory(const LoadOptions& options) {
    take(checkpoint::load_weights(path, architecture, options));
    source.format = "safetensors";
    tokenizer = load_tokenizer(path);
  }
  void load_gguf(const LoadOptions& options) {
    const auto file = std::make_shared<const gguf::GgufFile>(gguf::GgufFile::open(path));
    architecture = gguf::read_architecture(*file);
    take(gguf::load_weights(file, architecture, options));
    source = {"gguf", gguf::quantisation(*file), gguf::tensor_types(*file)};
    tokenizer = gguf::load_tokenizer(*file);
  }
  void take(checkpoint::LoadedWeights loaded) {
    weights = std::move(loaded.weights);
    stored = std::move(loaded.stored);
  }
  void index_tensors() {
    tensors = named_tensors(architecture, weights);
    for (std::size_t i = 0; i < tensors.size(); ++i) index.emplace(tensors[i].first, i);
  }
};

Model::Model(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Model::~Model() = default;

std::shared_ptr<const Model> Model::load(const std::filesystem::path& path,
                                         const LoadOptions& options) {
  if (!gguf::is_gguf(path)) return load_as(read_architecture(path), path, options);
  auto impl = std::make_unique<Impl>();
  impl->path = path;
  impl->load_gguf(options);
  impl->index_tensors();
  return std::shared_ptr<const Model>(new Model(std::move(impl)));
}

std::shared_ptr<const Model> Model::load_as(Architecture architecture,
                                            const std::filesystem::path& directory,
                                            const LoadOptions& options) {
  auto impl = std::make_unique<Impl>();
  impl->path = directory;
  impl->architecture = std::move(architecture);
  impl->load_directory(options);
  impl->index_tensors();
  return std::shared_ptr<const Model>(new Model(std::move(impl)));
}

std::shared_ptr<const Model> Model::from_weights(Architecture architecture, DecoderWeights weights,
                                                 std::shared_ptr<const Tokenizer> tokenizer) {
  auto impl = std::make_unique<Impl>();
  std::unordered_map<std::string, at::Tensor> given;
  for (auto& [name, tensor] : named_tensors(architecture, weights)) {
    if (tensor.defined()) given[name] = tensor.detach().contiguous();
  }
  impl->architecture = std::move(architecture);
  impl->weights = resolve_weights(
      impl->architecture,
      [&](const std::string& name) {
        const auto found = given.find(name);
        return found == given.end() ? at::Tensor() : found->second;
      },
      "from memory");
  impl->tokenizer = std::move(tokenizer);
  impl->index_tensors();
  impl->stored = std::make_unique<checkpoint::StoredWeights>(impl->tensors);
  return std::shared_ptr<const Model>(new Model(std::move(impl)));
}

const Architecture& Model::architecture() const { return impl_->architecture; }
const DecoderWeights& Model::weights() const { return impl_->weights; }

at::Tensor Model::weight(std::string_view name) const {
  const auto found = impl_->index.find(std::string(name));
  if (found == impl_->index.end()) {
    throw ModelError(
        fmt::format("looking up a weight: expected a name of this {} model, found \"{}\"",
                    impl_->architecture.family, name));
  }
  return impl_->tensors[found->second].second;
}

std::vector<std::string> Model::weight_names() const {
  std::vector<std::string> names;
  for (const auto& [name, tensor] : impl_->tensors) names.push_back(name);
  return names;
}

bool Model::has_tokenizer() const { return impl_->tokenizer != nullptr; }

const Tokenizer& Model::tokenizer() const {
  if (!impl_->tokenizer) {
    throw ModelError(
        fmt::format("using the tokenizer of model {}: expected tokenizer.json or other files of a "
                    "tokenizer beside the weights, or one in the GGUF file, found none",
                    impl_->path.empty() ? "from memory" : impl_->path.string()));
  }
  return *impl_->tokenizer;
}

std::shared_ptr<const Tokenizer> Model::tokenizer_ptr() const { return impl_->tokenizer; }

const std::string& Model::fingerprint() const {
  std::call_once(impl_->combined, [this] {
    impl_->fingerprint = checkpoint::combine_digests(impl_->architecture, impl_->digests());
  });
  return impl_->fingerprint;
}

const std::vector<checkpoint::TensorDigest>& Model::tensor_digests() const {
  return impl_->digests();
}

bool Model::remembered() const { return impl_->stored->remembered(); }

std::int64_t Model::parameters() const {
  std::int64_t count = 0;
  for (const auto& [name, tensor] : impl_->tensors) count += tensor.numel();
  return count;
}

std::int64_t Model::bytes() const {
  std::int64_t count = 0;
  for (const auto& [name, tensor] : impl_->tensors)
    count += static_cast<std::int64_t>(tensor.nbytes());
  return count;
}

std::string Model::dtype() const {
  return dtype_name(impl_->weights.token_embedding.scalar_type());
}

std::string Model::stored_dtype() const { return dtype_name(impl_->stored->dtype()); }

const ModelSource& Model::source() const { return impl_->source; }

const std::filesystem::path& Model::path() const { return impl_->path; }

}  // namespace kedit
