#include "apps/prompt_ids.hpp"

#include "apps/chat.hpp"
#include "tokenizer/tokenizer.hpp"

#include <fmt/format.h>

#include <optional>

namespace kedit::cli {
namespace {

// What is wrong with ids for this model, found before any computation: one outside its vocabulary,
// none at all, more than its position table holds.
std::optional<std::string> fault_of(const Architecture& architecture, const Ids& ids) {
  if (ids.empty()) return "expected at least one token, found none";
  for (const std::int64_t id : ids) {
    if (id >= 0 && id < architecture.vocab) continue;
    return fmt::format("expected ids from 0 to {}, found {}", architecture.vocab - 1, id);
  }
  const auto count = static_cast<std::int64_t>(ids.size());
  const auto limit = architecture.position_limit();
  if (!limit || count <= *limit) return std::nullopt;
  return fmt::format("expected at most {} tokens (the model's position table), found {}", *limit,
                     count);
}

}  // namespace

void check_ids(const Architecture& architecture, const Ids& ids, std::string_view option) {
  const auto fault = fault_of(architecture, ids);
  if (fault) throw UsageError(fmt::format("--{}: {}", option, *fault));
}

std::vector<Ids> ids_of_prompts(const Context& context, const EditedModel& model,
                                const std::vector<std::string>& prompts) {
  const bool chat = context.options.flag("chat");
  const auto texts = chat ? chat_texts(context.model_directory(), prompts) : prompts;
  std::vector<Ids> all;
  for (std::size_t i = 0; i < texts.size(); ++i) {
    all.push_back(model.tokenizer().ids(texts[i], !chat));
    if (!context.options.given("prompts")) {
      check_ids(model.architecture(), all.back(), "prompt");
      continue;
    }
    const auto fault = fault_of(model.architecture(), all.back());
    if (!fault) continue;
    throw InputError(
        fmt::format("reading {}: {}", record_name(context.options.path("prompts"), i), *fault));
  }
  return all;
}

void warn_beyond_positions(Context& context, const Architecture& architecture,
                           std::int64_t tokens) {
  if (tokens <= architecture.max_positions) return;
  context.warn(fmt::format("{} tokens are more than the {} positions the model was made for",
                           tokens, architecture.max_positions));
}

std::string record_name(const std::filesystem::path& file, std::size_t record) {
  return fmt::format("{}: record {}", file == "-" ? "standard input" : file.string(), record + 1);
}

}  // namespace kedit::cli
