#include "model/model.hpp"

#include "apps/chat.hpp"
#include "apps/commands.hpp"
#include "apps/model_info.hpp"
#include "apps/prompt_ids.hpp"
#include "model/encoder.hpp"
#include "model/generation/generation.hpp"
#include "model/text_side.hpp"
#include "tokenizer/tokenizer.hpp"

#include <ATen/ATen.h>
#include <c10/core/GradMode.h>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <utility>

namespace kedit::cli {
namespace {

Json info_json(const EditedModel& model) {
  Json info = model_json(model.base());
  info["fingerprint"] = model.fingerprint();
  if (!model.mounted().empty()) {
    info["base_fingerprint"] = model.base().fingerprint();
    info["mounted"] = model.mounted();
  }
  return info;
}

int run_info(Context& context) {
  if (Encoder::present(context.model_path())) return run_encoder_info(context);
  const EditedModel model = context.load_edited_model();
  const Json info = info_json(model);
  Table table = model_table(model.base());
  table.row({"fingerprint", model.fingerprint()});
  if (!model.mounted().empty())
    table.row({"edits mounted", fmt::format("{}", model.mounted().size())});
  return context.answer(info, table.text(context.style()));
}

// [seq, vocab] float32 on the CPU.
at::Tensor logits_of(const EditedModel& model, const Ids& ids) {
  const c10::NoGradGuard no_grad;
  ForwardInput input;
  input.ids = at::tensor(ids, at::kLong).unsqueeze(0).to(model.weights().token_embedding.device());
  return model.forward(input).logits.squeeze(0).to(at::kCPU, at::kFloat).contiguous();
}

// Written row by row: a document tree of [seq, vocab] numbers would need ten times their memory.
void print_logits_json(Context& context, const at::Tensor& logits) {
  if (!at::isfinite(logits).all().item<bool>()) {
    context.warn("some logits are not finite; they are null in the JSON");
  }
  const auto rows = logits.accessor<float, 2>();
  context.print("{\"logits\":[");
  for (std::int64_t r = 0; r < rows.size(0); ++r) {
    std::string line = r == 0 ? "[" : ",[";
    for (std::int64_t c = 0; c < rows.size(1); ++c) {
      if (c > 0) line += ',';
      line += std::isfinite(rows[r][c]) ? fmt::format("{}", rows[r][c]) : "null";
    }
    context.print(line + "]");
  }
  context.print("]}\n");
}

// For people: the five likeliest next tokens after every position.
std::string logits_text(Context& context, const Model& model, const Ids& ids,
                        const at::Tensor& logits) {
  constexpr std::int64_t kShown = 5;
  const auto [probabilities, best] =
      at::softmax(logits, 1).topk(std::min<std::int64_t>(kShown, logits.size(1)), 1);
  Table table({{"after"},
               {"id", Table::Align::right},
               {"token"},
               {"logit", Table::Align::right},
               {"probability", Table::Align::right}});
  for (std::int64_t r = 0; r < logits.size(0); ++r) {
    const auto id = ids[static_cast<std::size_t>(r)];
    for (std::int64_t k = 0; k < best.size(1); ++k) {
      const auto next = best[r][k].item<std::int64_t>();
      table.row({k == 0 ? fmt::format("{} {}", id, shown_token(model, id)) : "",
                 fmt::format("{}", next), shown_token(model, next),
                 fmt::format("{:.4f}", logits[r][next].item<float>()),
                 fmt::format("{:.4f}", probabilities[r][k].item<float>())});
    }
  }
  return table.text(context.style());
}

int run_logits(Context& context) {
  const Ids ids = integer_list("ids", context.options.text("ids"));
  const EditedModel model = context.load_edited_model();
  context.note_facts(model);
  check_ids(model.architecture(), ids, "ids");
  warn_beyond_positions(context, model.architecture(), static_cast<std::int64_t>(ids.size()));
  const at::Tensor logits = logits_of(model, ids);
  if (context.json()) {
    print_logits_json(context, logits);
    return 0;
  }
  context.print(logits_text(context, model.base(), ids, logits));
  return 0;
}

int tokenize_one(Context& context, const Tokenizer& tokenizer, const EncodeOptions& encode,
                 bool skip) {
  std::string given = context.options.text("text");
  if (context.options.flag("chat")) given = chat_texts(context.model_path(), {given}).at(0);
  const Ids ids = tokenizer.encode(given, encode).ids;
  Json tokens = Json::array();
  Table table({{"id", Table::Align::right}, {"token"}});
  for (const std::int64_t id : ids) {
    tokens.push_back(tokenizer.token(id));
    table.row({fmt::format("{}", id), tokenizer.token(id)});
  }
  return context.answer({{"ids", ids}, {"tokens", tokens}, {"text", tokenizer.decode(ids, skip)}},
                        table.text(context.style()));
}

int run_tokenize(Context& context) {
  const std::string source = context.options.exactly_one({"text", "texts"});
  const bool skip = context.options.flag("skip-special-tokens");
  EncodeOptions encode;
  const bool chat = context.options.flag("chat");
  encode.add_special_tokens = !chat && !context.options.flag("no-special-tokens");
  const auto tokenizer = require_tokenizer(context.model_path());
  if (source == "text") return tokenize_one(context, *tokenizer, encode, skip);
  Json results = Json::array();
  std::string lines;
  std::vector<std::string> texts = read_texts(context.options.path("texts"));
  if (chat) texts = chat_texts(context.model_path(), texts);
  for (const std::string& text : texts) {
    const Ids ids = tokenizer->encode(text, encode).ids;
    results.push_back({{"ids", ids}, {"text", tokenizer->decode(ids, skip)}});
    lines += fmt::format("{}\n", fmt::join(ids, " "));
  }
  return context.answer({{"results", results}}, lines);
}

Command model_command(std::string name, std::string summary, int (*run)(Context&)) {
  Command command;
  command.name = std::move(name);
  command.summary = std::move(summary);
  command.takes = kModel | kMount;
  command.run = run;
  return command;
}

}  // namespace

std::vector<Command> model_commands() {
  Command info = model_command("model info", "say what a checkpoint is", run_info);
  info.example = "kedit model info --model path/to/gpt2 --json";

  Command logits =
      model_command("model logits", "compute the logits after every token", run_logits);
  logits.options = {text("ids", "LIST", "token ids with commas").required()};
  logits.example = "kedit model logits --ids 1,2,3 --json";

  Command tokenize =
      model_command("model tokenize", "split a text into tokens and back", run_tokenize);
  tokenize.description = "A directory that holds only tokenizer files will do.";
  tokenize.options = {
      text("text", "TEXT", "the text"),
      text("texts", "FILE", "a JSON array of texts; - is standard input"),
      flag("chat", "write texts (or JSON lists of messages) with the model's chat template first"),
      flag("no-special-tokens", "do not add what the tokenizer file adds to a text"),
      flag("skip-special-tokens", "leave special tokens out of the decoded text")};
  tokenize.example = "kedit model tokenize --text 'The capital of France' --json";
  return {info,     logits,          generate_command(), score_model_command(),
          tokenize, embed_command(), convert_command(),  get_model_command()};
}

}  // namespace kedit::cli
