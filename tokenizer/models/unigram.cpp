#include "tokenizer/models/unigram.hpp"

#include "tokenizer/models/bpe.hpp"
#include "tokenizer/text/utf8.hpp"
#include "tokenizer/tokenizer_error.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace kedit::tokenizer {
namespace {

constexpr double kUnknownPenalty = 10.0;
constexpr std::int64_t kUnknown = -1;

PrefixTrie trie_of(const Vocabulary& vocabulary, const std::vector<UnigramModel::Entry>& entries) {
  std::vector<std::pair<std::string_view, std::int32_t>> strings;
  strings.reserve(entries.size());
  for (std::size_t i = 0; i < entries.size(); ++i) {
    const std::string& token = vocabulary.token(entries[i].id);
    if (!token.empty()) strings.emplace_back(token, static_cast<std::int32_t>(i));
  }
  return PrefixTrie(std::move(strings));
}

}  // namespace

/// The best way to reach a position of the piece.
struct UnigramModel::Step {
  double score = 0;
  std::size_t begin = 0;  // of the last token of that way
  std::int64_t id = kUnknown;
  bool reached = false;
};

class UnigramModel::Scratch final : public ModelScratch {
 public:
  std::vector<Step> best;
  std::vector<TokenSymbol> backwards;  // tokens or unknown characters, the last first
};

UnigramModel::UnigramModel(VocabularyPtr vocabulary, std::vector<Entry> entries, double min_score,
                           Options options)
    : vocabulary_(std::move(vocabulary)),
      entries_(std::move(entries)),
      unk_score_(options.single_precision ? static_cast<double>(static_cast<float>(min_score) -
                                                                static_cast<float>(kUnknownPenalty))
                                          : min_score - kUnknownPenalty),
      options_(options),
      trie_(trie_of(*vocabulary_, entries_)),
      fallback_ids_(byte_fallback_ids(*vocabulary_)) {}

std::unique_ptr<ModelScratch> UnigramModel::make_scratch() const {
  return std::make_unique<Scratch>();
}

template <typename Score>
void UnigramModel::find_best(std::string_view piece, std::vector<Step>& best) const {
  best.assign(piece.size() + 1, Step{});
  // Sums are compared before they are rounded to Score, as SentencePiece does it.
  const auto offer = [&](std::size_t begin, std::size_t end, double score, std::int64_t id) {
    Step& step = best[end];
    if (step.reached && score <= step.score) return;
    step = {static_cast<double>(static_cast<Score>(score)), begin, id, true};
  };
  for (std::size_t begin = 0; begin < piece.size();) {
    const double so_far = best[begin].score;
    const std::size_t character = code_point_at(piece, begin).bytes;
    bool character_known = false;
    trie_.for_each_prefix(piece.substr(begin), [&](std::size_t bytes, std::int32_t index) {
      const Entry& entry = entries_[static_cast<std::size_t>(index)];
      offer(begin, begin + bytes, entry.score + so_far, entry.id);
      character_known = character_known || bytes == character;
    });
    if (!character_known) {
      const auto score = static_cast<Score>(unk_score_) + static_cast<Score>(so_far);
      offer(begin, begin + character, static_cast<double>(score), kUnknown);
    }
    begin += character;
  }
}

void UnigramModel::append_unknown(std::string_view part, std::vector<TokenSymbol>& symbols) const {
  const auto id_of = [&](char byte) { return fallback_ids_[static_cast<unsigned char>(byte)]; };
  const bool bytes_known =
      options_.byte_fallback &&
      std::none_of(part.begin(), part.end(), [&](char byte) { return id_of(byte) < 0; });
  if (bytes_known) {
    for (const char byte : part) symbols.push_back({id_of(byte), 1});
    return;
  }
  if (!options_.unk_id) {
    throw TokenizerError(
        fmt::format("encoding a text: expected characters of the Unigram vocabulary, which has no "
                    "unk_id, found \"{}\"",
                    part.substr(0, 40)));
  }
  symbols.push_back({*options_.unk_id, part.size()});
}

void UnigramModel::append(std::string_view token, std::int64_t id,
                          std::vector<TokenSymbol>& symbols) const {
  if (id != kUnknown && id != options_.unk_id) return symbols.push_back({id, token.size()});
  // What is unknown by characters may still be a token as a whole.
  if (const auto known = vocabulary_->id(token); known && !options_.single_precision) {
    return symbols.push_back({*known, token.size()});
  }
  append_unknown(token, symbols);
}

void UnigramModel::encode(std::string_view piece, ModelScratch& scratch,
                          std::vector<TokenSymbol>& symbols) const {
  auto& own = static_cast<Scratch&>(scratch);
  if (options_.single_precision) {
    find_best<float>(piece, own.best);
  } else {
    find_best<double>(piece, own.best);
  }
  own.backwards.clear();
  for (std::size_t end = piece.size(); end > 0; end = own.best[end].begin) {
    const Step& step = own.best[end];
    const std::int64_t id = step.id == options_.unk_id ? kUnknown : step.id;
    const bool fuse = id == kUnknown && !own.backwards.empty() &&
                      own.backwards.back().id == kUnknown && options_.unk_id;
    if (fuse) {
      own.backwards.back().bytes += end - step.begin;
    } else {
      own.backwards.push_back({id, end - step.begin});
    }
  }
  std::size_t begin = 0;
  for (auto token = own.backwards.rbegin(); token != own.backwards.rend(); ++token) {
    append(piece.substr(begin, token->bytes), token->id, symbols);
    begin += token->bytes;
  }
}

}  // namespace kedit::tokenizer
