#include "apps/prompt_ids.hpp"

#include "apps/chat.hpp"
#include "tokenizer/tokenizer.hpp"

#include <fmt/format.h>

#include <algorithm>
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

Prompt prompt_of(const Json& record, const std::string& origin) {
  const JsonView view(record, origin);
  Prompt prompt;
  prompt.origin = origin;
  if (!record.is_object()) {
    prompt.text = view.string();
    return prompt;
  }
  if (!view.has("ids")) {
    prompt.text = view.at("prompt").string();
    return prompt;
  }
  if (view.has("prompt")) view.fail("either a prompt or ids");
  const JsonView ids = view.at("ids");
  prompt.ids.emplace();
  for (std::size_t i = 0; i < ids.size(); ++i) prompt.ids->push_back(ids.at(i).integer());
  return prompt;
}

}  // namespace

void check_ids(const Architecture& architecture, const Ids& ids, std::string_view option) {
  const auto fault = fault_of(architecture, ids);
  if (fault) throw UsageError(fmt::format("--{}: {}", option, *fault));
}

std::vector<Prompt> read_prompts(const std::filesystem::path& file) {
  const std::string name = file == "-" ? "standard input" : file.string();
  const std::string text = read_text_file(file);
  std::vector<Prompt> prompts;
  std::size_t begin = 0;
  for (std::size_t number = 1; begin < text.size(); ++number) {
    const std::size_t end = std::min(text.find('\n', begin), text.size());
    const std::string_view line = std::string_view(text).substr(begin, end - begin);
    begin = end + 1;
    if (line.find_first_not_of(" \t\r") == std::string_view::npos) continue;
    const std::string origin =
        fmt::format("{}: record {} (line {})", name, prompts.size() + 1, number);
    prompts.push_back(prompt_of(parse_json(line, origin), origin));
  }
  if (!prompts.empty()) return prompts;
  throw InputError(fmt::format("reading {}: expected at least one prompt, found none", name));
}

std::vector<std::string> read_texts(const std::filesystem::path& file) {
  const Json document = read_json(file);
  return JsonView(document, file.string()).strings();
}

std::vector<Ids> ids_of_prompts(const Context& context, const EditedModel& model,
                                const std::vector<Prompt>& prompts) {
  const bool chat = context.options.flag("chat");
  std::vector<std::string> texts;
  for (const Prompt& prompt : prompts) {
    if (chat && prompt.ids) {
      throw InputError(fmt::format(
          "reading {}: expected a text, for --chat, found ids; leave --chat out", prompt.origin));
    }
    texts.push_back(prompt.text);
  }
  if (chat) texts = chat_texts(context.model_path(), texts);
  std::vector<Ids> all;
  for (std::size_t i = 0; i < prompts.size(); ++i) {
    all.push_back(prompts[i].ids ? *prompts[i].ids : model.tokenizer().ids(texts[i], !chat));
    if (prompts[i].origin.empty()) {
      check_ids(model.architecture(), all.back(), "prompt");
      continue;
    }
    const auto fault = fault_of(model.architecture(), all.back());
    if (fault) throw InputError(fmt::format("reading {}: {}", prompts[i].origin, *fault));
  }
  return all;
}

std::string shown_token(const Model& model, std::int64_t id) {
  return model.has_tokenizer() ? to_text(Json(model.tokenizer().decode({id}))) : "";
}

void warn_beyond_positions(Context& context, const Architecture& architecture,
                           std::int64_t tokens) {
  if (tokens <= architecture.max_positions) return;
  context.warn(fmt::format("{} tokens are more than the {} positions the model was made for",
                           tokens, architecture.max_positions));
}

}  // namespace kedit::cli
