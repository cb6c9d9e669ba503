#include "model/encoder/sentence_settings.hpp"

#include "json/json.hpp"

#include <fmt/format.h>

#include <system_error>

namespace kedit::encoder {
namespace {

namespace fs = std::filesystem;

constexpr JsonLimits kSettingsLimits{std::int64_t{16} << 20, 32};

// Nothing where there is no such file.
std::optional<Json> read_settings(const fs::path& file) {
  std::error_code error;
  if (fs::symlink_status(file, error).type() == fs::file_type::not_found) return std::nullopt;
  return read_json(file, kSettingsLimits);
}

// "sentence_transformers.models.Pooling" -> "Pooling"
std::string last_part(const std::string& type) { return type.substr(type.rfind('.') + 1); }

// A folder of the directory itself: a name with a path in it could reach any file.
std::string folder_name(const JsonView& field) {
  std::string name = field.string();
  const bool bare = name.find_first_of(std::string_view("/\0", 2)) == std::string::npos &&
                    name != "." && name != "..";
  if (!bare) field.fail("the bare name of a folder");
  return name;
}

std::optional<Pooling> kind_of(std::string_view key) {
  if (key == "pooling_mode_mean_tokens") return Pooling::mean;
  if (key == "pooling_mode_cls_token") return Pooling::first;
  if (key == "pooling_mode_max_tokens") return Pooling::max;
  return std::nullopt;
}

// One kind, and no other: several would be joined into a longer vector.
Pooling read_kind(const JsonView& config) {
  std::optional<Pooling> chosen;
  for (const std::string& key : config.keys()) {
    if (key.rfind("pooling_mode_", 0) != 0 || !config.at(key).boolean()) continue;
    if (chosen) config.at(key).fail("false (one kind of pooling, not several)");
    chosen = kind_of(key);
    if (!chosen) {
      config.at(key).fail("false (pooling is supported over the mean, the first token or the max)");
    }
  }
  if (!chosen) {
    config.fail("one of pooling_mode_mean_tokens, pooling_mode_cls_token, pooling_mode_max_tokens");
  }
  return *chosen;
}

Pooling read_pooling(const fs::path& file, const Architecture& architecture) {
  const Json json = read_json(file, kSettingsLimits);
  const JsonView config(json, file.string());
  const auto width = config.find("word_embedding_dimension");
  if (width && width->integer() != architecture.hidden) {
    width->fail(fmt::format("{}, the encoder's hidden_size", architecture.hidden));
  }
  return read_kind(config);
}

void read_modules(const fs::path& directory, const Architecture& architecture,
                  SentenceSettings& out) {
  const fs::path file = directory / "modules.json";
  const auto json = read_settings(file);
  if (!json) return;
  const JsonView modules(*json, file.string());
  out.normalize = false;
  bool pooled = false;
  for (std::size_t i = 0; i < modules.size(); ++i) {
    const JsonView type = modules.at(i).at("type");
    const JsonView path = modules.at(i).at("path");
    const std::string kind = last_part(type.string());
    if (kind == "Transformer" && i == 0) {
      if (!path.string().empty()) path.fail("\"\" (give the folder that the encoder lies in)");
    } else if (kind == "Pooling" && i == 1) {
      out.pooling = read_pooling(directory / folder_name(path) / "config.json", architecture);
      pooled = true;
    } else if (kind == "Normalize" && pooled) {
      out.normalize = true;
    } else {
      type.fail("a Transformer, then a Pooling, then perhaps a Normalize");
    }
  }
  if (!pooled) modules.fail("a Transformer and a Pooling");
}

// Where nothing limits a text, some files write 1e30.
std::optional<double> read_length(const fs::path& file, std::string_view key) {
  const auto json = read_settings(file);
  if (!json) return std::nullopt;
  const auto field = JsonView(*json, file.string()).find(key);
  if (!field) return std::nullopt;
  if (!(field->number() >= 1.0)) field->fail("a number of tokens, at least 1");
  return field->number();
}

void refuse_lower_case(const fs::path& file) {
  const auto json = read_settings(file);
  if (!json) return;
  const auto field = JsonView(*json, file.string()).find("do_lower_case");
  if (field && field->boolean()) field->fail("false (only the tokenizer makes letters small)");
}

std::int64_t read_max_tokens(const fs::path& directory, const Architecture& architecture) {
  const fs::path own = directory / "sentence_bert_config.json";
  refuse_lower_case(own);
  auto length = read_length(own, "max_seq_length");
  if (!length) length = read_length(directory / "tokenizer_config.json", "model_max_length");
  const auto most = architecture.max_positions;
  return length && *length < static_cast<double>(most) ? static_cast<std::int64_t>(*length) : most;
}

}  // namespace

SentenceSettings read_sentence_settings(const fs::path& directory,
                                        const Architecture& architecture) try {
  SentenceSettings settings;
  read_modules(directory, architecture, settings);
  settings.max_tokens = read_max_tokens(directory, architecture);
  return settings;
} catch (const JsonError& error) {
  throw ModelError(error.what());
}

}  // namespace kedit::encoder
