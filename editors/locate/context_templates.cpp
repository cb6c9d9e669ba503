#include "editors/locate/context_templates.hpp"

#include "editors/editor.hpp"
#include "editors/locate/second_moment.hpp"
#include "editors/locate/subject_position.hpp"
#include "edits/hash.hpp"
#include "json/canonical.hpp"
#include "model/cache_directory.hpp"
#include "model/generation/generation.hpp"

#include <utf8proc.h>

#include <array>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <optional>

namespace kedit::locate {
namespace {

constexpr std::string_view kEndOfText = "<|endoftext|>";
constexpr std::array<std::string_view, 5> kStartWords{"The", "Therefore", "Because", "I", "You"};

void replace_all(std::string& text, std::string_view from, std::string_view to) {
  for (std::size_t at = text.find(from); at != std::string::npos;
       at = text.find(from, at + to.size())) {
    text.replace(at, from.size(), to);
  }
}

std::string nfkd(const std::string& text) {
  std::uint8_t* mapped = nullptr;
  const auto options =
      static_cast<utf8proc_option_t>(UTF8PROC_STABLE | UTF8PROC_DECOMPOSE | UTF8PROC_COMPAT);
  const auto size = utf8proc_map(reinterpret_cast<const std::uint8_t*>(text.data()),
                                 static_cast<utf8proc_ssize_t>(text.size()), &mapped, options);
  const std::unique_ptr<std::uint8_t, decltype(&std::free)> owner(mapped, &std::free);
  if (size < 0) return text;  // decoded tokens may end inside a character
  return {reinterpret_cast<const char*>(mapped), static_cast<std::size_t>(size)};
}

std::optional<std::int64_t> end_of_text(const EditedModel& model) {
  std::optional<std::int64_t> marker = model.tokenizer().id(kEndOfText);
  const auto& eos = model.architecture().eos_ids;
  return marker || eos.empty() ? marker : std::optional(eos.front());
}

/// Token ids that sampling starts from: the end-of-text token, or else start words.
std::vector<std::vector<std::int64_t>> starting_points(const EditedModel& model, std::int64_t count,
                                                       bool from_words) {
  const Tokenizer& tokenizer = model.tokenizer();
  const std::optional<std::int64_t> marker = from_words ? std::nullopt : end_of_text(model);
  std::vector<std::vector<std::int64_t>> starts;
  for (std::int64_t i = 0; i < count; ++i) {
    const auto word = kStartWords[static_cast<std::size_t>(i) % kStartWords.size()];
    starts.push_back(marker ? std::vector<std::int64_t>{*marker} : tokenizer.ids(word));
  }
  return starts;
}

std::vector<std::string> sample_prefixes(const EditedModel& base, std::int64_t length,
                                         std::int64_t count, bool from_words, std::uint64_t seed) {
  const auto starts = starting_points(base, count, from_words);
  GenerateOptions options;
  options.temperature = 1.0;
  options.top_k = 5;
  options.ignore_eos = true;
  options.seed = seed;
  std::int64_t longest = 0;
  for (const auto& start : starts)
    longest = std::max(longest, static_cast<std::int64_t>(start.size()));
  options.max_tokens = std::max<std::int64_t>(1, length - longest);

  std::vector<std::string> prefixes;
  const std::vector<Generation> drawn = generate_ids(base, starts, options);
  for (std::size_t i = 0; i < drawn.size(); ++i) {
    std::vector<std::int64_t> ids = starts[i];
    ids.insert(ids.end(), drawn[i].ids.begin(), drawn[i].ids.end());
    prefixes.push_back(clean_prefix(base.tokenizer().decode(ids)));
  }
  return prefixes;
}

}  // namespace

std::string clean_prefix(std::string text) {
  text = nfkd(text);
  replace_all(text, "\n\n", " ");
  replace_all(text, kEndOfText, "");
  replace_all(text, "{", " ");  // a brace in a prefix must not look like a slot
  replace_all(text, "}", " ");
  return text;
}

ContextTemplates generate_context_templates(const EditedModel& model, const ContextPlan& plan,
                                            const RunContext& run) {
  const EditedModel base(model.base_ptr());
  ContextTemplates templates{"{}"};
  for (std::size_t i = 0; i < plan.lengths.size(); ++i) {
    const auto [length, count] = plan.lengths[i];
    for (std::string& prefix :
         sample_prefixes(base, length, count, plan.from_words, run.seed + i)) {
      templates.push_back(std::move(prefix) + ". {}");
    }
    run.report({"context templates", static_cast<std::int64_t>(i) + 1,
                static_cast<std::int64_t>(plan.lengths.size()), ""});
  }
  return templates;
}

namespace {

// Bumped when the sampler changes what it draws.
constexpr int kSamplerVersion = 1;

std::filesystem::path template_file(const Model& model, const ContextPlan& plan,
                                    std::uint64_t seed) {
  const Json key = {
      {"model", moment_owner(model)},  {"lengths", plan.lengths},
      {"from_words", plan.from_words}, {"seed", seed},
      {"version", kSamplerVersion},    {"device", model.weights().token_embedding.device().str()}};
  return cache_directory() / "context-templates" /
         (sha256_hex(canonical_text(key)).substr(0, 32) + ".json");
}

// What a damaged or foreign file says is sampled anew.
std::optional<ContextTemplates> kept_templates(const std::filesystem::path& file) {
  std::error_code absent;
  if (!std::filesystem::is_regular_file(file, absent)) return std::nullopt;
  try {
    const Json json = read_json(file);
    ContextTemplates templates = JsonView(json, file.string()).strings();
    check_context_templates(templates);
    return templates;
  } catch (const std::exception&) {
    return std::nullopt;
  }
}

}  // namespace

ContextTemplates cached_context_templates(const EditedModel& model, const ContextPlan& plan,
                                          const RunContext& run) {
  const std::filesystem::path file = template_file(model.base(), plan, run.seed);
  if (auto kept = kept_templates(file)) return *std::move(kept);
  ContextTemplates templates = generate_context_templates(model, plan, run);
  try {
    std::filesystem::create_directories(file.parent_path());
    write_file_atomically(file, to_text(Json(templates)) + "\n");
  } catch (const std::exception&) {
    // Sampled again next time.
  }
  return templates;
}

void check_context_templates(const ContextTemplates& templates) {
  if (templates.empty()) {
    throw SettingsError(
        "reading the editor settings: context_templates: expected at least one text with {}, found "
        "an empty list; leave the key out to have them generated");
  }
  for (const std::string& text : templates) split_at_slot(text);
}

}  // namespace kedit::locate
