#include "apps/chat.hpp"

#include "model/text_side.hpp"

#include <fmt/format.h>

namespace kedit::cli {
namespace {

bool is_message_list(const std::string& prompt) {
  const std::size_t first = prompt.find_first_not_of(" \t\r\n");
  return first != std::string::npos && prompt[first] == '[' && Json::accept(prompt);
}

Json messages_of(const std::string& prompt) {
  if (!is_message_list(prompt)) return Json::array({{{"role", "user"}, {"content", prompt}}});
  Json messages = parse_json(prompt, "--chat");
  const JsonView list(messages, "--chat");
  if (list.size() == 0) throw UsageError("--chat: expected at least one message, found none");
  for (std::size_t i = 0; i < list.size(); ++i) list.at(i).at("role").string();
  return messages;
}

}  // namespace

std::vector<std::string> chat_texts(const std::filesystem::path& model,
                                    const std::vector<std::string>& prompts) {
  const auto chat = load_chat_template(model);
  if (!chat) {
    throw InputError(
        fmt::format("reading {}: expected chat_template.jinja, or a chat_template in "
                    "tokenizer_config.json, found neither; leave --chat out",
                    model.string()));
  }
  std::vector<std::string> texts;
  texts.reserve(prompts.size());
  for (const std::string& prompt : prompts) texts.push_back(chat->render(messages_of(prompt)));
  return texts;
}

}  // namespace kedit::cli
