#include "tokenizer/text/split_pattern.hpp"

#define PCRE2_CODE_UNIT_WIDTH 8
#include "tokenizer/text/pattern_syntax.hpp"
#include "tokenizer/tokenizer_error.hpp"

#include <fmt/format.h>
#include <pcre2.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <new>
#include <optional>

namespace kedit::tokenizer {
namespace {

constexpr std::size_t kJitStackStart = 64 * 1024;
constexpr std::size_t kJitStackMost = 16 * 1024 * 1024;
constexpr std::uint32_t kMatchLimit = 50'000'000;  // ends catastrophic backtracking

struct CodeFree {
  void operator()(pcre2_code* code) const { pcre2_code_free(code); }
};
struct CompileContextFree {
  void operator()(pcre2_compile_context* context) const { pcre2_compile_context_free(context); }
};
struct MatchDataFree {
  void operator()(pcre2_match_data* data) const { pcre2_match_data_free(data); }
};
struct MatchContextFree {
  void operator()(pcre2_match_context* context) const { pcre2_match_context_free(context); }
};
struct JitStackFree {
  void operator()(pcre2_jit_stack* stack) const { pcre2_jit_stack_free(stack); }
};

std::string message_of(int error) {
  std::array<PCRE2_UCHAR, 256> buffer{};
  pcre2_get_error_message(error, buffer.data(), buffer.size());
  return reinterpret_cast<const char*>(buffer.data());
}

std::size_t next_character(std::string_view text, std::size_t position) {
  do {
    ++position;
  } while (position < text.size() && (static_cast<unsigned char>(text[position]) & 0xC0U) == 0x80U);
  return position;
}

}  // namespace

struct SplitScratch::Impl {
  std::unique_ptr<pcre2_match_data, MatchDataFree> data{pcre2_match_data_create(1, nullptr)};
  std::unique_ptr<pcre2_match_context, MatchContextFree> context{
      pcre2_match_context_create(nullptr)};
  std::unique_ptr<pcre2_jit_stack, JitStackFree> stack{
      pcre2_jit_stack_create(kJitStackStart, kJitStackMost, nullptr)};
};

SplitScratch::SplitScratch() : impl_(std::make_unique<Impl>()) {
  if (!impl_->data || !impl_->context) throw std::bad_alloc();
  pcre2_set_match_limit(impl_->context.get(), kMatchLimit);
  if (impl_->stack) pcre2_jit_stack_assign(impl_->context.get(), nullptr, impl_->stack.get());
}
SplitScratch::~SplitScratch() = default;
SplitScratch::SplitScratch(SplitScratch&&) noexcept = default;
SplitScratch& SplitScratch::operator=(SplitScratch&&) noexcept = default;

struct SplitPattern::Impl {
  std::unique_ptr<pcre2_code, CodeFree> code;
  bool jit = false;
};

SplitPattern::SplitPattern(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
SplitPattern::~SplitPattern() = default;
SplitPattern::SplitPattern(SplitPattern&&) noexcept = default;
SplitPattern& SplitPattern::operator=(SplitPattern&&) noexcept = default;

SplitPattern SplitPattern::regex(std::string_view pattern, const std::string& where) {
  return compile(oniguruma_to_pcre(pattern, where), where);
}

SplitPattern SplitPattern::literal(std::string_view text, const std::string& where) {
  return compile(quote_pattern(text), where);
}

SplitPattern SplitPattern::compile(const std::string& pcre, const std::string& where) {
  const std::unique_ptr<pcre2_compile_context, CompileContextFree> context(
      pcre2_compile_context_create(nullptr));
  if (!context) throw std::bad_alloc();
  pcre2_set_newline(context.get(), PCRE2_NEWLINE_LF);
  int error = 0;
  PCRE2_SIZE offset = 0;
  auto impl = std::make_unique<Impl>();
  impl->code.reset(pcre2_compile(reinterpret_cast<PCRE2_SPTR>(pcre.data()), pcre.size(),
                                 PCRE2_UTF | PCRE2_UCP | PCRE2_MULTILINE, &error, &offset,
                                 context.get()));
  if (!impl->code) {
    throw TokenizerError(
        fmt::format("{}: expected a regular expression, found one that does not "
                    "compile ({} at byte {})",
                    where, message_of(error), offset));
  }
  // Where the processor has no JIT the interpreter does the work.
  impl->jit = pcre2_jit_compile(impl->code.get(), PCRE2_JIT_COMPLETE) == 0;
  return SplitPattern(std::move(impl));
}

namespace {

// A pattern with the memory that matching it needs.
struct Matcher {
  const pcre2_code* code;
  bool jit;
  pcre2_match_data* data;
  pcre2_match_context* context;

  // The next match at or after `from`, if there is one.
  std::optional<TextRange> next(std::string_view text, std::size_t from) const {
    const auto* subject = reinterpret_cast<PCRE2_SPTR>(text.data());
    const auto match = jit ? pcre2_jit_match : pcre2_match;
    const int found =
        match(code, subject, text.size(), from, jit ? 0 : PCRE2_NO_UTF_CHECK, data, context);
    if (found == PCRE2_ERROR_NOMATCH) return std::nullopt;
    if (found < 0) {
      throw TokenizerError(
          fmt::format("splitting a text of {} bytes: the tokenizer's pattern failed ({})",
                      text.size(), message_of(found)));
    }
    const PCRE2_SIZE* ends = pcre2_get_ovector_pointer(data);
    return TextRange{ends[0], ends[1]};
  }
};

// Calls visit(range, is_match) for the consecutive parts of `text`, empty matches included.
template <typename Visit>
void for_each_part(const Matcher& matcher, std::string_view text, Visit visit) {
  std::size_t previous = 0;
  for (std::size_t from = 0; from <= text.size();) {
    const auto match = matcher.next(text, from);
    if (!match || match->second < match->first) break;
    if (previous != match->first) visit(TextRange{previous, match->first}, false);
    visit(*match, true);
    previous = match->second;
    from = match->second > match->first ? match->second : next_character(text, match->second);
  }
  if (previous != text.size()) visit(TextRange{previous, text.size()}, false);
}

struct Part {
  TextRange range;
  bool match;
};

void merge_with_previous(const std::vector<Part>& parts, std::vector<TextRange>& pieces) {
  bool after_match = false;
  for (const Part& part : parts) {
    if (part.match && !after_match && !pieces.empty()) {
      pieces.back().second = part.range.second;
    } else {
      pieces.push_back(part.range);
    }
    after_match = part.match;
  }
}

void merge_with_next(const std::vector<Part>& parts, std::vector<TextRange>& pieces) {
  bool before_match = false;
  for (auto part = parts.rbegin(); part != parts.rend(); ++part) {
    if (part->match && !before_match && !pieces.empty()) {
      pieces.back().first = part->range.first;
    } else {
      pieces.push_back(part->range);
    }
    before_match = part->match;
  }
  std::reverse(pieces.begin(), pieces.end());
}

void merge_contiguous(const std::vector<Part>& parts, std::vector<TextRange>& pieces) {
  for (std::size_t i = 0; i < parts.size(); ++i) {
    if (i > 0 && parts[i].match == parts[i - 1].match) {
      pieces.back().second = parts[i].range.second;
    } else {
      pieces.push_back(parts[i].range);
    }
  }
}

std::vector<TextRange> arrange(const std::vector<Part>& parts, SplitBehavior behavior) {
  std::vector<TextRange> pieces;
  switch (behavior) {
    case SplitBehavior::merged_with_previous:
      merge_with_previous(parts, pieces);
      break;
    case SplitBehavior::merged_with_next:
      merge_with_next(parts, pieces);
      break;
    case SplitBehavior::contiguous:
      merge_contiguous(parts, pieces);
      break;
    case SplitBehavior::isolated:
    case SplitBehavior::removed:
      for (const Part& part : parts) {
        if (behavior == SplitBehavior::isolated || !part.match) pieces.push_back(part.range);
      }
  }
  return pieces;
}

}  // namespace

void SplitPattern::find_all(std::string_view text, SplitScratch& scratch,
                            std::vector<TextRange>& matches) const {
  const Matcher matcher{impl_->code.get(), impl_->jit, scratch.impl_->data.get(),
                        scratch.impl_->context.get()};
  for_each_part(matcher, text, [&](TextRange range, bool match) {
    if (match) matches.push_back(range);
  });
}

void SplitPattern::split(std::string_view text, SplitBehavior behavior, bool invert,
                         std::size_t base, SplitScratch& scratch,
                         std::vector<TextRange>& pieces) const {
  const Matcher matcher{impl_->code.get(), impl_->jit, scratch.impl_->data.get(),
                        scratch.impl_->context.get()};
  const auto add = [&](TextRange range) {
    if (range.first == range.second) return;
    pieces.emplace_back(base + range.first, base + range.second);
  };
  if (behavior == SplitBehavior::isolated) {
    for_each_part(matcher, text, [&](TextRange range, bool) { add(range); });
    return;
  }
  std::vector<Part> parts;
  for_each_part(matcher, text, [&](TextRange range, bool match) {
    parts.push_back({range, match != invert});
  });
  for (const TextRange& range : arrange(parts, behavior)) add(range);
}

}  // namespace kedit::tokenizer
