// kedit model score: what a model gives a continuation, one or many.
#include "apps/commands.hpp"
#include "apps/prompt_ids.hpp"
#include "apps/store_view.hpp"
#include "eval/score.hpp"
#include "model/generation/generation.hpp"
#include "tokenizer/tokenizer.hpp"

#include <ATen/ATen.h>
#include <fmt/format.h>

#include <map>

namespace kedit::cli {
namespace {

/// A line of --pairs.
struct Pair {
  Json id;
  std::string prompt;
  std::optional<std::string> target;
  std::string origin;  // "FILE: record N"
};

Pair pair_from(const JsonView& record, std::size_t number) {
  Pair pair{number, record.at("prompt").string(), std::nullopt, record.origin()};
  if (const auto id = record.find("id")) {
    if (!id->value().is_string() && !id->value().is_number_integer()) {
      id->fail("a string or a number");
    }
    pair.id = id->value();
  }
  if (const auto target = record.find("target")) {
    pair.target = target->string();
    if (pair.target->empty()) target->fail("some text");
  }
  return pair;
}

std::vector<Pair> read_pairs(const std::filesystem::path& file) {
  std::vector<Pair> pairs;
  for (const Json& value : read_records_or_lines(file)) {
    const std::size_t number = pairs.size() + 1;
    pairs.push_back(
        pair_from(JsonView(value, fmt::format("{}: record {}", file.string(), number)), number));
  }
  if (!pairs.empty()) return pairs;
  throw InputError(
      fmt::format("reading {}: expected at least one prompt, found none", file.string()));
}

// What the model sees of a prompt and its target: all but the last token.
Ids seen_ids(const Tokenizer& tokenizer, const std::string& prompt,
             const std::optional<std::string>& target) {
  Ids seen = tokenizer.ids(prompt);
  if (!target) return seen;
  const Ids continuation = tokenizer.ids(*target, false);
  if (!continuation.empty()) seen.insert(seen.end(), continuation.begin(), continuation.end() - 1);
  return seen;
}

Json score_json(const ContinuationScore& score) {
  return {{"logprob", score.logprob()},
          {"token_logprobs", score.token_logprobs},
          {"token_ids", score.token_ids},
          {"greedy_match", score.greedy_match}};
}

// Nats, of what comes after a prompt.
double next_entropy(const EditedModel& model, const Ids& prompt) {
  const at::Tensor p = next_probabilities(model, prompt).to(at::kDouble);
  return -at::xlogy(p, p).sum().item<double>();
}

class NextEntropies {
 public:
  explicit NextEntropies(const EditedModel& model) : model_(model) {}
  double after(const std::string& prompt) {
    const auto known = known_.find(prompt);
    if (known != known_.end()) return known->second;
    return known_[prompt] = next_entropy(model_, model_.tokenizer().ids(prompt));
  }

 private:
  const EditedModel& model_;
  std::map<std::string, double> known_;
};

int answer_one(Context& context, const EditedModel& model, const std::string& prompt,
               const std::string& target) {
  const ContinuationScore score = LocalLanguageModel(model).score({{prompt, target}}).at(0);
  Table table({{"id", Table::Align::right}, {"token"}, {"log-probability", Table::Align::right}});
  for (std::size_t i = 0; i < score.token_ids.size(); ++i) {
    table.row({fmt::format("{}", score.token_ids[i]), shown_token(model.base(), score.token_ids[i]),
               fmt::format("{:.4f}", score.token_logprobs[i])});
  }
  const double entropy = NextEntropies(model).after(prompt);
  Json document = score_json(score);
  document["next_entropy"] = entropy;
  return context.answer(
      document, fmt::format("{}sum {:.4f}, {} what greedy decoding writes\nentropy of the next "
                            "token after the prompt: {:.4f} nats\n",
                            table.text(context.style()), score.logprob(),
                            score.greedy_match ? "equal to" : "not", entropy));
}

int score_one(Context& context) {
  const std::string prompt = context.options.text("prompt");
  const std::optional<std::string> target = context.options.find("target");
  if (target && target->empty()) throw UsageError("--target: expected text, found nothing");
  const EditedModel model = context.load_edited_model();
  context.note_facts(model);
  const Tokenizer& tokenizer = model.tokenizer();
  check_ids(model.architecture(), tokenizer.ids(prompt), "prompt");
  if (target) check_ids(model.architecture(), tokenizer.ids(*target, false), "target");
  const Ids seen = seen_ids(tokenizer, prompt, target);
  check_ids(model.architecture(), seen, "target");
  warn_beyond_positions(context, model.architecture(), static_cast<std::int64_t>(seen.size()));
  if (target) return answer_one(context, model, prompt, *target);
  const double entropy = NextEntropies(model).after(prompt);
  return context.answer({{"next_entropy", entropy}},
                        fmt::format("entropy of the next token: {:.4f} nats\n", entropy));
}

void check_pairs(Context& context, const EditedModel& model, const std::vector<Pair>& pairs) {
  std::size_t longest = 0;
  for (const Pair& pair : pairs) {
    try {
      check_ids(model.architecture(), model.tokenizer().ids(pair.prompt), "prompt");
      const Ids seen = seen_ids(model.tokenizer(), pair.prompt, pair.target);
      check_ids(model.architecture(), seen, "target");
      longest = std::max(longest, seen.size());
    } catch (const UsageError& error) {  // of the file, not of the command line
      throw InputError(fmt::format("reading {}: {}", pair.origin, error.what() + 2));
    }
  }
  warn_beyond_positions(context, model.architecture(), static_cast<std::int64_t>(longest));
}

int score_pairs(Context& context) {
  const std::vector<Pair> pairs = read_pairs(context.options.path("pairs"));
  const EditedModel model = context.load_edited_model();
  context.note_facts(model);
  check_pairs(context, model, pairs);
  std::vector<std::pair<std::string, std::string>> asked;
  for (const Pair& pair : pairs) {
    if (pair.target) asked.emplace_back(pair.prompt, *pair.target);
  }
  const std::vector<ContinuationScore> scores = LocalLanguageModel(model).score(asked);
  NextEntropies entropies(model);
  Json results = Json::array();
  Table table({{"id"},
               {"log-probability", Table::Align::right},
               {"greedy"},
               {"next entropy", Table::Align::right}});
  for (std::size_t i = 0, next = 0; i < pairs.size(); ++i) {
    Json result{{"id", pairs[i].id}};
    if (pairs[i].target) result.update(score_json(scores.at(next++)));
    result["next_entropy"] = entropies.after(pairs[i].prompt);
    table.row(
        {printable(pairs[i].id.is_string() ? pairs[i].id.get<std::string>() : to_text(pairs[i].id)),
         pairs[i].target ? fmt::format("{:.4f}", result["logprob"].get<double>()) : "-",
         !pairs[i].target                     ? "-"
         : result["greedy_match"].get<bool>() ? "yes"
                                              : "no",
         fmt::format("{:.4f}", result["next_entropy"].get<double>())});
    results.push_back(std::move(result));
  }
  return context.answer({{"results", results}}, table.text(context.style()));
}

int run_model_score(Context& context) {
  if (context.options.exactly_one({"prompt", "pairs"}) == "prompt") return score_one(context);
  if (context.options.given("target")) {
    throw UsageError("--target: expected in the file of --pairs, found beside it");
  }
  return score_pairs(context);
}

}  // namespace

Command score_model_command() {
  Command score;
  score.name = "model score";
  score.summary = "compute the log-probability of a continuation";
  score.takes = kModel | kMount;
  score.description =
      "Prompt and continuation are tokenised apart; the entropy (nats) is that of the next token "
      "after the prompt.";
  score.options = {
      text("prompt", "TEXT", "what comes before"),
      text("target", "TEXT", "the continuation, with its leading space; none: the entropy alone"),
      text("pairs", "FILE",
           "many: {\"id\"?, \"prompt\", \"target\"?} a line; - is standard input")};
  score.example = "kedit model score --prompt 'The capital of France is' --target ' Paris'";
  score.run = run_model_score;
  return score;
}

}  // namespace kedit::cli
