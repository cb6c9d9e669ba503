#pragma once

#include "json/json.hpp"
#include "tokenizer/jinja/template.hpp"

#include <filesystem>
#include <optional>
#include <string>

namespace kedit::tokenizer {

/// How a model wants a conversation written: the Jinja template that comes with its tokenizer.
/// Immutable.
class ChatTemplate {
 public:
  /// Of a directory: `chat_template.jinja`, else `chat_template` of `tokenizer_config.json` (a
  /// string, or a list whose entry "default" counts). Nothing when there is none. Throws
  /// `TokenizerError` for a damaged one and for parts of Jinja that are not supported.
  static std::optional<ChatTemplate> load(const std::filesystem::path& directory);
  /// Of the content of a tokenizer_config.json that no other file stands beside.
  static std::optional<ChatTemplate> of_settings(const JsonView& tokenizer_config);
  /// From the text of a template; `special_tokens` has "bos_token" and the like.
  static ChatTemplate parse(const std::string& source, const std::string& origin,
                            jinja::Dict special_tokens = {});

  /// The text of `messages` (a JSON list of objects with role and content), with the beginning of
  /// an answer if asked for. Special tokens are written in it: encode it without adding any. Throws
  /// `TokenizerError` when the template refuses the messages.
  std::string render(const Json& messages, bool add_generation_prompt = true) const;

 private:
  ChatTemplate(std::string origin, jinja::Template parsed, jinja::Dict special_tokens)
      : origin_(std::move(origin)),
        template_(std::move(parsed)),
        special_tokens_(std::move(special_tokens)) {}

  std::string origin_;
  jinja::Template template_;
  jinja::Dict special_tokens_;
};

}  // namespace kedit::tokenizer
