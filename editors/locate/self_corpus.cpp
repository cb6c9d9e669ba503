#include "editors/locate/self_corpus.hpp"

#include "editors/editor.hpp"
#include "edits/hash.hpp"
#include "model/generation/generation.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

namespace kedit::locate {
namespace {

namespace fs = std::filesystem;

constexpr std::int64_t kRows = 32;      // sampled together
constexpr std::int64_t kLongest = 256;  // tokens of a text
constexpr std::int64_t kMostTokens = std::int64_t{1} << 32;

template <typename Number>
bool read_number(std::string_view text, Number& number) {
  const auto end = text.data() + text.size();
  const auto [stopped, error] = std::from_chars(text.data(), end, number);
  return error == std::errc() && stopped == end;
}

fs::path folder_of(const Model& model, const fs::path& cache) {
  return cache / "self-generated" / moment_owner(model).substr(0, 16);
}

std::string file_stem(const SelfCorpus& wanted) {
  return fmt::format("tokens{}-seed{}", wanted.tokens, wanted.seed);
}

std::string short_hash(const std::string& sha256) { return sha256.substr(0, 16); }

// Texts as lines: a text file is one text a line.
void append_lines(std::string_view text, std::vector<std::string>& lines) {
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    std::string line(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
    while (!line.empty() && line.back() == '\r') line.pop_back();
    if (line.find_first_not_of(" \t") != std::string::npos) lines.push_back(std::move(line));
  }
}

/// What has been sampled so far, in a file that an interrupted run leaves behind.
struct Sampled {
  std::int64_t batches = 0, tokens = 0;
  std::vector<std::string> lines;

  static Sampled read(const fs::path& file) {
    Sampled sampled;
    std::error_code unreachable;
    if (!fs::exists(file, unreachable)) return sampled;
    const Json json = read_json(file);
    const JsonView view(json, file.string());
    sampled.batches = view.at("batches").integer();
    sampled.tokens = view.at("tokens").integer();
    sampled.lines = view.at("lines").strings();
    return sampled;
  }

  void write(const fs::path& file) const {
    fs::create_directories(file.parent_path());
    const Json json = {{"batches", batches}, {"tokens", tokens}, {"lines", lines}};
    write_file_atomically(file, to_text(json));
  }
};

class Sampler {
 public:
  Sampler(const Model& model, const SelfCorpus& wanted)
      : model_(model),
        base_(std::shared_ptr<const Model>(&model, [](const Model*) {})),
        wanted_(wanted),
        prompt_{beginning_of_text(model)} {
    options_.temperature = 1.0;
    options_.samples = kRows;
    options_.max_tokens =
        std::clamp<std::int64_t>(model.architecture().max_positions - 1, 1, kLongest);
  }

  void add_batch(Sampled& sampled) {
    options_.seed = wanted_.seed * 1000003 + static_cast<std::uint64_t>(sampled.batches);
    const std::int64_t before = sampled.tokens;
    for (Generation& one : generate_ids(base_, {prompt_}, options_, kRows)) {
      const std::int64_t room = wanted_.tokens - sampled.tokens;
      if (static_cast<std::int64_t>(one.ids.size()) > room) {
        one.ids.resize(static_cast<std::size_t>(room));
      }
      sampled.tokens += static_cast<std::int64_t>(one.ids.size());
      append_lines(model_.tokenizer().decode(one.ids, true), sampled.lines);
    }
    ++sampled.batches;
    empty_batches_ = sampled.tokens == before ? empty_batches_ + 1 : 0;
    if (empty_batches_ < 8) return;
    throw StatisticsError(
        "sampling text from the model: expected tokens, found that it ends every text at once; "
        "give a text file with --corpus");
  }

 private:
  const Model& model_;
  EditedModel base_;
  SelfCorpus wanted_;
  std::vector<std::int64_t> prompt_;
  GenerateOptions options_;
  int empty_batches_ = 0;
};

std::vector<std::string> sampled_lines(const Model& model, const SelfCorpus& wanted,
                                       const fs::path& unfinished, const RunContext& run) {
  Sampled sampled = Sampled::read(unfinished);
  Sampler sampler(model, wanted);
  while (sampled.tokens < wanted.tokens) {
    run.report({"sampling text", sampled.tokens, wanted.tokens, "tokens"});
    if (run.should_stop()) throw Interrupted("sampling text from the model was interrupted");
    sampler.add_batch(sampled);
    sampled.write(unfinished);
  }
  run.report({"sampling text", wanted.tokens, wanted.tokens, "tokens"});
  return std::move(sampled.lines);
}

std::string joined_lines(const std::vector<std::string>& lines) {
  std::string text;
  for (const std::string& line : lines) text.append(line).append("\n");
  return text;
}

}  // namespace

std::optional<SelfCorpus> SelfCorpus::parse(std::string_view name) {
  if (name == "self") return SelfCorpus{};
  if (!name.starts_with("self:")) return std::nullopt;
  SelfCorpus wanted;
  const std::string_view numbers = name.substr(5);
  const auto colon = numbers.find(':');
  const bool counted = read_number(numbers.substr(0, colon), wanted.tokens) && wanted.tokens >= 1 &&
                       wanted.tokens <= kMostTokens;
  const bool seeded =
      colon == std::string_view::npos || read_number(numbers.substr(colon + 1), wanted.seed);
  if (counted && seeded) return wanted;
  throw StatisticsError(fmt::format(
      "choosing a corpus: expected self, self:TOKENS or self:TOKENS:SEED, found {}", name));
}

std::string SelfCorpus::name() const { return fmt::format("self:{}:{}", tokens, seed); }

std::int64_t beginning_of_text(const Model& model) {
  const Tokenizer& tokenizer = model.tokenizer();
  const Architecture& shape = model.architecture();
  const auto usable = [&](std::int64_t id) { return id >= 0 && id < shape.vocab; };
  const auto before = tokenizer.ids("");
  if (!before.empty() && usable(before.front())) return before.front();
  const auto separator = tokenizer.id("<|endoftext|>");
  if (separator && usable(*separator)) return *separator;
  if (!shape.eos_ids.empty() && usable(shape.eos_ids.front())) return shape.eos_ids.front();
  for (std::int64_t id = 0; id < std::min(shape.vocab, tokenizer.vocab_size()); ++id) {
    if (tokenizer.is_special(id)) return id;
  }
  throw StatisticsError(
      "sampling text from the model: expected a token that begins or ends a text, found none; give "
      "a text file with --corpus");
}

std::optional<Corpus> kept_self_corpus(const Model& model, const SelfCorpus& wanted,
                                       const fs::path& cache) {
  const std::string prefix = file_stem(wanted) + "-";
  std::error_code absent;
  for (const auto& entry : fs::directory_iterator(folder_of(model, cache), absent)) {
    const fs::path file = entry.path();
    if (!file.filename().string().starts_with(prefix) || file.extension() != ".txt") continue;
    Corpus corpus = read_corpus(file);
    corpus.name = wanted.name();
    if (file.stem().string() == prefix + short_hash(corpus.sha256)) return corpus;
    throw StatisticsError(fmt::format(
        "reading the sampled text {}: expected the content whose hash its name holds, found "
        "another; remove it",
        file.string()));
  }
  return std::nullopt;
}

Corpus self_generated_corpus(const Model& model, const SelfCorpus& wanted, const fs::path& cache,
                             const RunContext& run) {
  if (auto kept = kept_self_corpus(model, wanted, cache)) return *std::move(kept);
  const fs::path folder = folder_of(model, cache);
  const fs::path unfinished = folder / (file_stem(wanted) + ".unfinished.json");
  auto lines = sampled_lines(model, wanted, unfinished, run);
  if (lines.empty()) {
    throw StatisticsError("sampling text from the model: expected lines of text, found none");
  }
  const std::string bytes = joined_lines(lines);
  Corpus corpus = make_corpus(wanted.name(), std::move(lines));
  write_file_atomically(
      folder / fmt::format("{}-{}.txt", file_stem(wanted), short_hash(corpus.sha256)), bytes);
  std::error_code ignored;
  fs::remove(unfinished, ignored);
  return corpus;
}

}  // namespace kedit::locate
