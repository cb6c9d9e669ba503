#include "tokenizer/pipeline_tokenizer.hpp"

#include "tokenizer/text/utf8.hpp"
#include "tokenizer/tokenizer_error.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace kedit::tokenizer {
namespace {

// Positions within a text are 31 bits wide where it is taken apart, and a mark may be three bytes.
constexpr std::size_t kLongestText = std::size_t{1} << 29U;

void check_text(std::string_view text) {
  if (text.size() > kLongestText) {
    throw TokenizerError(fmt::format("encoding a text of {} bytes: expected at most {}, found more",
                                     text.size(), kLongestText));
  }
  if (const auto fault = first_invalid_utf8(text)) {
    throw TokenizerError(
        fmt::format("encoding a text of {} bytes: expected UTF-8, found an ill-formed "
                    "character at byte {}",
                    text.size(), *fault));
  }
}

}  // namespace

/// Callers that run at the same time get scratches of their own, and a later caller finds the
/// pieces that an earlier one met.
class PipelineTokenizer::Lease {
 public:
  explicit Lease(const PipelineTokenizer& owner) : owner_(owner) {
    const std::lock_guard lock(owner_.pool_mutex_);
    if (owner_.pool_.empty()) {
      scratch_ = std::make_unique<Scratch>();
      scratch_->model = owner_.parts_.model->make_scratch();
    } else {
      scratch_ = std::move(owner_.pool_.back());
      owner_.pool_.pop_back();
    }
    owner_.pool_.reserve(owner_.pool_.size() + 1);  // so that giving back does not allocate
  }
  ~Lease() {
    const std::lock_guard lock(owner_.pool_mutex_);
    if (owner_.pool_.size() < owner_.pool_.capacity()) owner_.pool_.push_back(std::move(scratch_));
  }
  Lease(const Lease&) = delete;
  Lease& operator=(const Lease&) = delete;

  Scratch& operator*() const { return *scratch_; }

 private:
  const PipelineTokenizer& owner_;
  std::unique_ptr<Scratch> scratch_;
};

PipelineTokenizer::PipelineTokenizer(TokenizerParts parts) : parts_(std::move(parts)) {
  SplitScratch scratch;
  std::vector<AddedTokenMatcher::Entry> original, changed;
  for (const AddedToken& token : parts_.added) {
    added_.add(token.content, token.id);
    const auto index = static_cast<std::size_t>(token.id);
    if (special_.size() <= index) special_.resize(index + 1, false);
    special_[index] = token.special;
    if (token.normalized) {
      changed.push_back({normalized(token.content, scratch), &token});
    } else {
      original.push_back({token.content, &token});
    }
  }
  in_original_ = AddedTokenMatcher(std::move(original));
  in_normalized_ = AddedTokenMatcher(std::move(changed));
}

std::string PipelineTokenizer::normalized(std::string_view text, SplitScratch& scratch) const {
  AlignedText aligned(text, 0);
  for (const auto& step : parts_.normalizers) step->apply(aligned, scratch);
  return std::string(aligned.text());
}

void PipelineTokenizer::encode_section(AlignedText section, Scratch& scratch,
                                       Encoding& encoding) const {
  TextPieces pieces(std::move(section));
  for (const auto& step : parts_.pre_tokenizers) step->apply(pieces, scratch.split);
  const std::string_view text = pieces.text.text();
  for (const auto& [begin, end] : pieces.pieces) {
    scratch.symbols.clear();
    parts_.model->encode(text.substr(begin, end - begin), *scratch.model, scratch.symbols);
    std::size_t position = begin;
    for (const TokenSymbol& symbol : scratch.symbols) {
      encoding.ids.push_back(symbol.id);
      // A token of no byte of its own shares those of the one before.
      const std::size_t from = symbol.bytes == 0 && position > begin ? position - 1 : position;
      encoding.offsets.push_back(pieces.text.original(from, position + symbol.bytes));
      position += symbol.bytes;
    }
  }
}

void PipelineTokenizer::encode_original(std::string_view part, std::size_t begin,
                                        bool split_special, Scratch& scratch,
                                        Encoding& encoding) const {
  AlignedText aligned(part, begin);
  for (const auto& step : parts_.normalizers) step->apply(aligned, scratch.split);
  const auto sections = in_normalized_.sections(aligned.text(), split_special);
  for (const TokenSection& found : sections) {
    if (found.token != nullptr) {
      encoding.ids.push_back(found.token->id);
      encoding.offsets.push_back(aligned.original(found.begin, found.end));
    } else if (sections.size() == 1) {
      encode_section(std::move(aligned), scratch, encoding);
    } else {
      encode_section(aligned.slice(found.begin, found.end), scratch, encoding);
    }
  }
}

Encoding PipelineTokenizer::encode(std::string_view text, const EncodeOptions& options) const {
  check_text(text);
  const Lease scratch(*this);
  Encoding encoding;
  encoding.ids.reserve(text.size() / 3 + 8);
  encoding.offsets.reserve(text.size() / 3 + 8);
  const auto add_template = [&](const std::vector<std::int64_t>& ids) {
    if (!options.add_special_tokens) return;
    encoding.ids.insert(encoding.ids.end(), ids.begin(), ids.end());
    encoding.offsets.resize(encoding.ids.size(), {0, 0});
  };
  add_template(parts_.template_before);
  for (const TokenSection& found : in_original_.sections(text, options.split_special_tokens)) {
    if (found.token != nullptr) {
      encoding.ids.push_back(found.token->id);
      encoding.offsets.emplace_back(found.begin, found.end);
    } else {
      encode_original(text.substr(found.begin, found.end - found.begin), found.begin,
                      options.split_special_tokens, *scratch, encoding);
    }
  }
  add_template(parts_.template_after);
  return encoding;
}

std::string PipelineTokenizer::decode(const std::vector<std::int64_t>& ids,
                                      bool skip_special_tokens) const {
  std::vector<std::string> tokens;
  tokens.reserve(ids.size());
  for (const std::int64_t id : ids) {
    if (skip_special_tokens && is_special(id)) continue;
    if (added_.contains(id) || parts_.vocabulary->contains(id)) tokens.push_back(spelling(id));
  }
  for (const auto& step : parts_.decoders) step->apply(tokens);
  std::string text;
  for (const std::string& token : tokens) text += token;
  return text;
}

std::int64_t PipelineTokenizer::vocab_size() const {
  return std::max(parts_.vocabulary->size(), added_.size());
}

const std::string& PipelineTokenizer::spelling(std::int64_t id) const {
  return added_.contains(id) ? added_.token(id) : parts_.vocabulary->token(id);
}

std::string PipelineTokenizer::token(std::int64_t id) const { return spelling(id); }

std::optional<std::int64_t> PipelineTokenizer::id(std::string_view token) const {
  const auto added = added_.id(token);
  return added ? added : parts_.vocabulary->id(token);
}

bool PipelineTokenizer::is_special(std::int64_t id) const {
  return id >= 0 && static_cast<std::size_t>(id) < special_.size() &&
         special_[static_cast<std::size_t>(id)];
}

}  // namespace kedit::tokenizer
