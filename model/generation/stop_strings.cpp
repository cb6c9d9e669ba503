#include "model/generation/stop_strings.hpp"

#include "tokenizer/text/utf8.hpp"

#include <algorithm>
#include <string_view>
#include <utility>

namespace kedit::generation {
namespace {

constexpr std::string_view kReplacement = "\xEF\xBF\xBD";
// More than decoders take from the front of a text, and so from the front of a tail.
constexpr std::size_t kMargin = 16;

// A character of several tokens is U+FFFD until it is complete: a stop string that holds one could
// be there for a while and go again.
bool is_plain(const std::string& stop) {
  return !tokenizer::first_invalid_utf8(stop) && stop.find(kReplacement) == std::string::npos;
}

}  // namespace

StopStrings::StopStrings(const Tokenizer& tokenizer, std::vector<std::string> stops)
    : tokenizer_(tokenizer), stops_(std::move(stops)) {
  for (const std::string& stop : stops_) tail_bytes_ = std::max(tail_bytes_, stop.size());
  tail_bytes_ += kMargin;
  in_parts_ = tokenizer.decodes_in_parts() && std::all_of(stops_.begin(), stops_.end(), is_plain);
}

std::size_t StopStrings::first_stop(const std::string& text) const {
  std::size_t first = std::string::npos;
  for (const std::string& stop : stops_) first = std::min(first, text.find(stop));
  return first;
}

// Lets the tail begin later, as long as a token and `tail_bytes_` more come before what follows.
void StopStrings::advance(Row& row, std::size_t tokens, const std::string& tail) const {
  if (tail.ends_with(kReplacement)) return;  // perhaps in the middle of a character
  row.cuts.push_back({tokens, tail.size()});
  while (row.cuts.size() > 3 && row.cuts[2].bytes + tail_bytes_ <= row.cuts.back().bytes) {
    const std::size_t gone = row.cuts[1].bytes;
    row.cuts.pop_front();
    for (Row::Cut& cut : row.cuts) cut.bytes -= std::min(gone, cut.bytes);
  }
}

std::optional<std::string> StopStrings::find(Row& row, const std::vector<std::int64_t>& ids) const {
  if (in_parts_) {
    const auto begin = static_cast<std::ptrdiff_t>(row.cuts.front().token);
    const std::string tail = tokenizer_.decode({ids.begin() + begin, ids.end()});
    if (first_stop(tail) == std::string::npos) {
      advance(row, ids.size(), tail);
      return std::nullopt;
    }
  }
  std::string text = tokenizer_.decode(ids);
  const std::size_t cut = first_stop(text);
  if (cut == std::string::npos) return std::nullopt;
  text.resize(cut);
  return text;
}

}  // namespace kedit::generation
