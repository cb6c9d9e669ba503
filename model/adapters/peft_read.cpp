#include "json/short_name.hpp"
#include "model/adapters/module_names.hpp"
#include "model/adapters/peft.hpp"
#include "model/checkpoint/safetensors.hpp"
#include "model/decoder/weight_slots.hpp"

#include <ATen/ATen.h>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <map>
#include <optional>
#include <string_view>
#include <system_error>
#include <utility>

namespace kedit::adapters {
namespace {

namespace fs = std::filesystem;

constexpr std::int64_t kMostConfigBytes = std::int64_t{16} << 20;
constexpr std::size_t kMostPatterns = 10000;

// ---- adapter_config.json ---------------------------------------------------------------------

struct Config {
  std::int64_t rank = 0;
  double alpha = 0;
  bool by_root = false;  // rsLoRA: alpha / sqrt(rank)
  std::string origin;
  std::vector<std::pair<std::string, std::int64_t>> ranks;  // of modules, in the file's order
  std::vector<std::pair<std::string, double>> alphas;

  template <class Value>
  Value of_module(const std::vector<std::pair<std::string, Value>>& pattern,
                  const std::string& module, Value otherwise, const char* field) const {
    for (const auto& [key, value] : pattern) {
      const std::string where = fmt::format("reading {}: /{}/{}", origin, field, short_name(key));
      if (pattern_matches(key, module, where)) return value;
    }
    return otherwise;
  }
};

/// A field that makes more of an adapter than products added to weights.
struct ForeignField {
  std::string_view key, expected;
};

constexpr std::array<ForeignField, 11> kForeign = {
    {{"use_dora", "false (DoRA rescales whole weights)"},
     {"lora_bias", "false (biases of the factors are no part of an edit)"},
     {"use_qalora", "false (QA-LoRA pools the inputs)"},
     {"modules_to_save", "none (an edit holds no whole modules)"},
     {"trainable_token_indices", "none (an edit holds no token vectors)"},
     {"target_parameters", "none (parameters outside of linear modules are not supported)"},
     {"layer_replication", "none (an edit adds no layers)"},
     {"alora_invocation_tokens", "none (an edit is always in force)"},
     {"megatron_config", "none (Megatron's modules are not supported)"},
     {"use_bdlora", "none (block-diagonal factors are not supported)"},
     {"kasa_config", "none (KaSA has a third factor)"}}};

bool is_off(const Json& value) {
  return value.is_boolean() ? !value.get<bool>() : value.is_structured() && value.empty();
}

// Ways of beginning a training that change the base as well.
bool changes_base(const std::string& init) {
  constexpr std::array<std::string_view, 5> kInits = {"pissa", "olora", "loftq", "corda",
                                                      "lora_ga"};
  return std::any_of(kInits.begin(), kInits.end(),
                     [&](std::string_view one) { return init.starts_with(one); });
}

void refuse_foreign(const JsonView& config) {
  const JsonView type = config.at("peft_type");
  if (type.string() != "LORA") type.fail("\"LORA\" (other kinds of adapters are not supported)");
  for (const auto& [key, expected] : kForeign) {
    const auto field = config.find(key);
    if (field && !is_off(field->value())) field->fail(expected);
  }
  const auto bias = config.find("bias");
  if (bias && bias->string() != "none") bias->fail("\"none\" (trained biases are not supported)");
  const auto init = config.find("init_lora_weights");
  if (init && init->value().is_string() && changes_base(init->string())) {
    init->fail("true (such an adapter belongs to a base that was changed as well)");
  }
}

std::int64_t read_rank(const JsonView& field) {
  const std::int64_t rank = field.integer();
  if (rank < 1) field.fail("a rank of at least 1");
  return rank;
}

template <class Value, class Read>
std::vector<std::pair<std::string, Value>> read_pattern(const JsonView& config, const char* key,
                                                        const Read& read) {
  std::vector<std::pair<std::string, Value>> pattern;
  const auto field = config.find(key);
  if (!field) return pattern;
  const std::vector<std::string> names = field->keys();
  if (names.size() > kMostPatterns) field->fail(fmt::format("at most {} keys", kMostPatterns));
  for (const std::string& name : names) pattern.emplace_back(name, read(field->at(name)));
  return pattern;
}

Config read_config(const fs::path& file) {
  const Json document = read_json(file, {kMostConfigBytes, 16});
  const JsonView view(document, file.string());
  refuse_foreign(view);
  Config config;
  config.origin = file.string();
  config.rank = read_rank(view.at("r"));
  config.alpha = view.at("lora_alpha").number();
  const auto by_root = view.find("use_rslora");
  config.by_root = by_root && by_root->boolean();
  config.ranks = read_pattern<std::int64_t>(view, "rank_pattern", read_rank);
  config.alphas = read_pattern<double>(view, "alpha_pattern",
                                       [](const JsonView& field) { return field.number(); });
  return config;
}

// ---- adapter_model.safetensors ---------------------------------------------------------------

/// "base_model.model.MODULE.lora_A.weight", or with the adapter's name before "weight".
struct FactorName {
  std::string module;
  bool is_a = false;
};

std::optional<FactorName> parse_name(std::string_view name) {
  constexpr std::string_view kBefore = "base_model.model.";
  constexpr std::string_view kEnd = ".weight";
  if (name.starts_with(kBefore)) name.remove_prefix(kBefore.size());
  for (const bool is_a : {true, false}) {
    const std::size_t at = name.find(is_a ? ".lora_A." : ".lora_B.");
    if (at == std::string_view::npos || !name.ends_with(kEnd)) continue;
    return FactorName{std::string(name.substr(0, at)), is_a};
  }
  return std::nullopt;
}

struct Module {
  std::string name;
  at::Tensor a, b;  // as stored
};

class Reader {
 public:
  Reader(const fs::path& file, const Architecture& architecture)
      : file_(checkpoint::SafetensorsFile::open(file)),
        architecture_(architecture),
        matrices_(layer_matrices(architecture)) {
    DecoderWeights weights;
    for (const auto& slot : decoder::weight_slots(architecture, weights)) {
      shapes_[slot.name] = slot.shape;
    }
    for (const std::string& name : file_.names()) take(name);
  }

  std::vector<WeightUpdate> updates(const Config& config) const {
    std::vector<WeightUpdate> updates;
    for (const auto& [weight, module] : modules_) {
      if (auto factors = factors_of(weight, module, config)) {
        updates.push_back({weight, *std::move(factors)});
      }
    }
    if (updates.empty()) fail("expected an adapter that changes a weight, found only zeros");
    return updates;
  }

 private:
  [[noreturn]] void fail(const std::string& what) const {
    throw ModelError(fmt::format("reading {}: {}", file_.path().string(), what));
  }
  [[noreturn]] void fail(const std::string& tensor, const std::string& what) const {
    fail(fmt::format("tensor {}: {}", short_name(tensor), what));
  }

  void take(const std::string& name) {
    const auto parsed = parse_name(name);
    const auto weight =
        parsed ? weight_of_module(parsed->module, architecture_, matrices_) : std::nullopt;
    if (!weight) {
      fail(name, fmt::format("expected lora_A.weight or lora_B.weight of a matrix in the layers of "
                             "this {} model, found another",
                             architecture_.family));
    }
    Module& module = modules_[*weight];
    module.name = parsed->module;
    at::Tensor& factor = parsed->is_a ? module.a : module.b;
    if (factor.defined()) fail(name, "expected one tensor for this factor, found another before");
    factor = file_.tensor(name);
    check_type(name, factor);
  }

  void check_type(const std::string& name, const at::Tensor& factor) const {
    if (!c10::isFloatingType(factor.scalar_type())) {
      fail(name, fmt::format("expected floating-point numbers, found {}",
                             at::toString(factor.scalar_type())));
    }
    if (factor.dim() != 2) {
      fail(name,
           fmt::format("expected a matrix, found shape [{}]", fmt::join(factor.sizes(), ", ")));
    }
  }

  void check_shape(const std::string& name, const at::Tensor& factor, std::int64_t rows,
                   std::int64_t cols) const {
    if (factor.size(0) == rows && factor.size(1) == cols) return;
    fail(name, fmt::format("expected shape [{}, {}], found [{}]", rows, cols,
                           fmt::join(factor.sizes(), ", ")));
  }

  void check_shapes(const std::string& weight, const Module& module, std::int64_t rank) const {
    if (!module.a.defined()) fail(module.name, "expected lora_A, found none");
    if (!module.b.defined()) fail(module.name, "expected lora_B, found none");
    const bool in_out = architecture_.orientation == Orientation::in_out;
    const std::vector<std::int64_t>& shape = shapes_.at(weight);
    check_shape(module.name + ".lora_A", module.a, rank, shape[in_out ? 0 : 1]);
    check_shape(module.name + ".lora_B", module.b, shape[in_out ? 1 : 0], rank);
  }

  at::Tensor finite(const std::string& name, const at::Tensor& factor) const {
    if (at::isfinite(factor).all().item<bool>()) return factor;
    fail(name, "expected finite numbers, found NaN or infinity");
  }

  // Checked, scaled and without the components that are zero; nothing when all are.
  std::optional<LowRank> factors_of(const std::string& weight, const Module& module,
                                    const Config& config) const {
    const std::int64_t rank =
        config.of_module(config.ranks, module.name, config.rank, "rank_pattern");
    const double alpha =
        config.of_module(config.alphas, module.name, config.alpha, "alpha_pattern");
    check_shapes(weight, module, rank);
    const auto size = static_cast<double>(rank);
    const double scale = alpha / (config.by_root ? std::sqrt(size) : size);
    LoraPair pair{
        weight, finite(module.name + ".lora_A", module.a.to(at::kFloat)),
        finite(module.name + ".lora_B, scaled", (module.b.to(at::kDouble) * scale).to(at::kFloat))};
    const at::Tensor used =
        at::nonzero(pair.a.ne(0).any(1).logical_and(pair.b.ne(0).any(0))).view({-1});
    if (used.numel() == 0) return std::nullopt;
    pair.a = pair.a.index_select(0, used).contiguous();
    pair.b = pair.b.index_select(1, used).contiguous();
    return to_factors(pair, architecture_.orientation);
  }

  checkpoint::SafetensorsFile file_;
  const Architecture& architecture_;
  std::set<std::string> matrices_;
  std::map<std::string, std::vector<std::int64_t>> shapes_;
  std::map<std::string, Module> modules_;  // by weight
};

fs::path weights_file(const fs::path& directory) {
  const fs::path file = directory / "adapter_model.safetensors";
  std::error_code absent;
  if (fs::exists(file, absent)) return file;
  const bool pickled = fs::exists(directory / "adapter_model.bin", absent);
  throw ModelError(fmt::format(
      "reading {}: expected adapter_model.safetensors, found {}", directory.string(),
      pickled ? "only pickled weights (.bin), which can run code when they are read; save the "
                "adapter as safetensors first"
              : "none"));
}

}  // namespace

std::vector<WeightUpdate> read_peft(const fs::path& directory,
                                    const Architecture& architecture) try {
  const Config config = read_config(directory / "adapter_config.json");
  return Reader(weights_file(directory), architecture).updates(config);
} catch (const JsonError& error) {
  throw ModelError(error.what());
}

}  // namespace kedit::adapters
