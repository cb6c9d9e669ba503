#include "apps/commands.hpp"
#include "apps/prompt_ids.hpp"
#include "model/generation/generation.hpp"
#include "tokenizer/tokenizer.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

namespace kedit::cli {
namespace {

std::int64_t size_of(const Ids& ids) { return static_cast<std::int64_t>(ids.size()); }

GenerateOptions generate_options(const Context& context) {
  const Values& given = context.options;
  GenerateOptions options;
  options.max_tokens = given.integer("max-tokens");
  options.temperature = given.number("temperature");
  options.top_p = given.number("top-p");
  options.top_k = given.integer("top-k");
  options.seed = static_cast<std::uint64_t>(given.integer("seed"));
  options.stop = given.list("stop");
  options.ignore_eos = given.flag("ignore-eos");
  options.samples = given.integer("n");
  for (const std::string& stop : options.stop) {
    if (stop.empty()) throw UsageError("--stop: expected text, found nothing");
  }
  return options;
}

Json generation_json(const Model& model, const Generation& result) {
  return {{"ids", result.ids},
          {"text", model.has_tokenizer() ? Json(result.text) : Json(nullptr)},
          {"stopped", to_string(result.stopped)}};
}

// What stands before a result for people: the prompt, spelt out where it came as ids.
std::string shown_prompt(const Model& model, const Prompt& prompt) {
  if (!prompt.ids) return prompt.text;
  return model.has_tokenizer() ? model.tokenizer().decode(*prompt.ids)
                               : fmt::format("{}: ", fmt::join(*prompt.ids, ","));
}

int answer_generations(Context& context, const Model& model, const std::vector<Generation>& results,
                       const std::vector<Prompt>& prompts) {
  Json list = Json::array();
  std::string text;
  for (std::size_t i = 0; i < results.size(); ++i) {
    list.push_back(generation_json(model, results[i]));
    const std::size_t prompt = prompts.empty() ? 0 : i * prompts.size() / results.size();
    if (!prompts.empty()) {
      text += context.style().paint(Tone::faint, shown_prompt(model, prompts[prompt]));
    }
    text +=
        model.has_tokenizer() ? results[i].text : fmt::format("{}", fmt::join(results[i].ids, ","));
    text += "\n";
  }
  const bool one = results.size() == 1 && !context.options.given("prompts");
  return context.answer(one ? list[0] : Json{{"results", list}}, text);
}

// The longest row that ran: its prompt, and all new tokens but the last, which is not run.
std::int64_t longest_row(const std::vector<Ids>& prompts, const std::vector<Generation>& results) {
  std::int64_t longest = 0;
  for (std::size_t i = 0; i < results.size(); ++i) {
    const std::int64_t prompt = size_of(prompts[i * prompts.size() / results.size()]);
    const std::int64_t fresh = size_of(results[i].ids);
    longest = std::max(longest, prompt + std::max<std::int64_t>(0, fresh - 1));
  }
  return longest;
}

int generate_from_ids(Context& context, const EditedModel& model, const GenerateOptions& options) {
  const Ids ids = integer_list("ids", context.options.text("ids"));
  check_ids(model.architecture(), ids, "ids");
  const auto results = generate_ids(model, {ids}, options);
  warn_beyond_positions(context, model.architecture(), longest_row({ids}, results));
  return answer_generations(context, model.base(), results, {});
}

int run_generate(Context& context) {
  const std::string source = context.options.exactly_one({"ids", "prompt", "prompts"});
  if (source == "ids" && context.options.flag("chat")) {
    throw UsageError("--chat: expected --prompt or --prompts, found --ids");
  }
  const GenerateOptions options = generate_options(context);
  std::vector<Prompt> prompts;
  if (source == "prompts") prompts = read_prompts(context.options.path("prompts"));
  if (source == "prompt") prompts = {{context.options.text("prompt"), std::nullopt, ""}};
  const EditedModel model = context.load_edited_model();
  context.note_facts(model);
  if (!options.stop.empty() && !model.base().has_tokenizer()) {
    throw UsageError("--stop: expected a model with a tokenizer, found one without");
  }
  if (source == "ids") return generate_from_ids(context, model, options);
  const std::vector<Ids> ids = ids_of_prompts(context, model, prompts);
  const auto results = generate_ids(model, ids, options);
  warn_beyond_positions(context, model.architecture(), longest_row(ids, results));
  return answer_generations(context, model.base(), results, prompts);
}

}  // namespace

Command generate_command() {
  Command generate;
  generate.name = "model generate";
  generate.summary = "continue a text or token ids";
  generate.takes = kModel | kMount | kSeed;
  generate.run = run_generate;
  generate.description =
      "Greedy unless a temperature is given. Ends at the model's end-of-text ids.";
  generate.options = {
      text("ids", "LIST", "token ids with commas (needs no tokenizer)"),
      text("prompt", "TEXT", "the text to continue"),
      text("prompts", "FILE",
           "one JSON string, {\"prompt\": TEXT} or {\"ids\": [ID, ...]} a line; - is standard "
           "input"),
      flag("chat",
           "write prompts (text, or a JSON list of messages) with the model's chat template"),
      integer("max-tokens", "N", "new tokens at most").otherwise("64").at_least(1),
      number("temperature", "T", "0: greedy").otherwise("0").at_least(0),
      number("top-p", "P", "sample from the likeliest tokens with this total probability")
          .otherwise("1")
          .more_than(0)
          .at_most(1),
      integer("top-k", "K", "sample from the K likeliest tokens; 0: all")
          .otherwise("0")
          .at_least(0),
      text("stop", "TEXT", "end before this text").repeated(),
      integer("n", "K", "results for each prompt").otherwise("1").at_least(1),
      flag("ignore-eos", "go on after end-of-text ids"),
  };
  generate.example = "kedit model generate --prompt 'The capital of France is' --max-tokens 8";
  return generate;
}

}  // namespace kedit::cli
