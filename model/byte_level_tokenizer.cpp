#include "model/byte_level_tokenizer.hpp"

#include "model/architecture.hpp"
#include "model/byte_level.hpp"
#include "model/utf8.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace kedit {

/// Callers that run at the same time get scratches of their own, and a later caller finds the
/// pieces that an earlier one met.
class ByteLevelTokenizer::Lease {
 public:
  explicit Lease(const ByteLevelTokenizer& owner) : owner_(owner) {
    const std::lock_guard lock(owner_.pool_mutex_);
    if (owner_.pool_.empty()) {
      scratch_ = std::make_unique<Scratch>();
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
  const ByteLevelTokenizer& owner_;
  std::unique_ptr<Scratch> scratch_;
};

ByteLevelTokenizer::ByteLevelTokenizer(ByteLevelParts parts, const std::vector<Merge>& merges)
    : parts_(std::move(parts)), bpe_(parts_.vocabulary, parts_.bpe) {
  for (const Merge& merge : merges) bpe_.add_merge(merge.left, merge.right, merge.merged);
  for (const AddedToken& token : parts_.added) {
    added_.add(token.content, token.id);
    const auto index = static_cast<std::size_t>(token.id);
    if (special_.size() <= index) special_.resize(index + 1, false);
    special_[index] = token.special;
    if (!token.normalized) {
      in_original_.add(token, token.content);
    } else {
      in_normalized_.add(token, parts_.nfc ? compose_nfc(token.content) : token.content);
    }
  }
}

void ByteLevelTokenizer::encode_section(const AlignedText& section, Scratch& scratch,
                                        Encoding& encoding) const {
  const std::string_view text = section.text();
  scratch.pieces.assign(1, {0, text.size()});
  for (const SplitStep& step : parts_.splits) {
    scratch.finer.clear();
    for (const auto& [begin, end] : scratch.pieces) {
      step.pattern.split(text.substr(begin, end - begin), step.behavior, step.invert, begin,
                         scratch.split, scratch.finer);
    }
    scratch.pieces.swap(scratch.finer);
  }
  for (const auto& [begin, end] : scratch.pieces) {
    scratch.symbols.clear();
    bpe_.encode(parts_.vocabulary, text.substr(begin, end - begin), scratch.bpe, scratch.symbols);
    std::size_t position = begin;
    for (const BpeSymbol& symbol : scratch.symbols) {
      encoding.ids.push_back(symbol.id);
      encoding.offsets.push_back(section.original(position, position + symbol.bytes));
      position += symbol.bytes;
    }
  }
}

void ByteLevelTokenizer::encode_original(std::string_view part, std::size_t begin,
                                         bool split_special, Scratch& scratch,
                                         Encoding& encoding) const {
  AlignedText aligned(part, begin);
  if (parts_.nfc) aligned.compose();
  for (const TokenSection& found : in_normalized_.sections(aligned.text(), split_special)) {
    if (found.token != nullptr) {
      encoding.ids.push_back(found.token->id);
      encoding.offsets.push_back(aligned.original(found.begin, found.end));
    } else if (parts_.prefix_space) {
      AlignedText section = aligned.slice(found.begin, found.end);
      section.prefix_space();
      encode_section(section, scratch, encoding);
    } else if (found.begin == 0 && found.end == aligned.text().size()) {
      encode_section(aligned, scratch, encoding);
    } else {
      encode_section(aligned.slice(found.begin, found.end), scratch, encoding);
    }
  }
}

Encoding ByteLevelTokenizer::encode(std::string_view text, const EncodeOptions& options) const {
  if (const auto fault = first_invalid_utf8(text)) {
    throw ModelError(
        fmt::format("encoding a text of {} bytes: expected UTF-8, found an ill-formed "
                    "character at byte {}",
                    text.size(), *fault));
  }
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

std::string ByteLevelTokenizer::decode(const std::vector<std::int64_t>& ids,
                                       bool skip_special_tokens) const {
  std::string bytes;
  for (const std::int64_t id : ids) {
    if (skip_special_tokens && is_special(id)) continue;
    const std::string& token = spelling(id);
    const auto spelt = from_byte_symbols(token);
    bytes += spelt ? *spelt : token;
  }
  return replace_invalid_utf8(bytes);
}

std::int64_t ByteLevelTokenizer::vocab_size() const {
  return std::max(parts_.vocabulary.size(), added_.size());
}

const std::string& ByteLevelTokenizer::spelling(std::int64_t id) const {
  return added_.contains(id) ? added_.token(id) : parts_.vocabulary.token(id);
}

std::string ByteLevelTokenizer::token(std::int64_t id) const { return spelling(id); }

std::optional<std::int64_t> ByteLevelTokenizer::id(std::string_view token) const {
  const auto added = added_.id(token);
  return added ? added : parts_.vocabulary.id(token);
}

bool ByteLevelTokenizer::is_special(std::int64_t id) const {
  return id >= 0 && static_cast<std::size_t>(id) < special_.size() &&
         special_[static_cast<std::size_t>(id)];
}

}  // namespace kedit
