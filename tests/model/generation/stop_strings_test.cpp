// Looking for stop strings in the tail of a text, beside looking through all of it.
#include "model/generation/stop_strings.hpp"

#include "json/json.hpp"
#include "tests/support/catch.hpp"

#include <algorithm>
#include <random>

using namespace kedit;

namespace {

using Ids = std::vector<std::int64_t>;
using Texts = std::vector<std::string>;

Json replace(const char* from, const char* to) {
  return {{"type", "Replace"}, {"pattern", {{"String", from}}}, {"content", to}};
}
Json strip(int start, int stop) {
  return {{"type", "Strip"}, {"content", " "}, {"start", start}, {"stop", stop}};
}
Json steps(const std::vector<Json>& all) { return {{"type", "Sequence"}, {"decoders", all}}; }

const Json kFuse = {{"type", "Fuse"}};
const Json kByteFallback = {{"type", "ByteFallback"}};
const Json kByteLevel = {{"type", "ByteLevel"}};

std::shared_ptr<const Tokenizer> tokenizer_of(const Texts& tokens, const Json& decoder) {
  Json vocabulary = Json::object();
  for (std::size_t i = 0; i < tokens.size(); ++i) vocabulary[tokens[i]] = i;
  const Json document = {
      {"version", "1.0"},
      {"added_tokens", Json::array()},
      {"normalizer", nullptr},
      {"pre_tokenizer", nullptr},
      {"post_processor", nullptr},
      {"decoder", decoder},
      {"model", {{"type", "WordLevel"}, {"vocab", vocabulary}, {"unk_token", tokens.front()}}}};
  return Tokenizer::parse(to_text(document), "a test");
}

// Passes everything on and counts the bytes that were decoded.
class Counting final : public Tokenizer {
 public:
  explicit Counting(std::shared_ptr<const Tokenizer> inner) : inner_(std::move(inner)) {}
  Encoding encode(std::string_view text, const EncodeOptions& options) const override {
    return inner_->encode(text, options);
  }
  std::string decode(const Ids& ids, bool skip) const override {
    std::string text = inner_->decode(ids, skip);
    bytes += text.size();
    return text;
  }
  bool decodes_in_parts() const override { return inner_->decodes_in_parts(); }
  std::int64_t vocab_size() const override { return inner_->vocab_size(); }
  std::string token(std::int64_t id) const override { return inner_->token(id); }
  std::optional<std::int64_t> id(std::string_view token) const override {
    return inner_->id(token);
  }
  bool is_special(std::int64_t id) const override { return inner_->is_special(id); }
  std::string kind() const override { return inner_->kind(); }

  mutable std::size_t bytes = 0;

 private:
  std::shared_ptr<const Tokenizer> inner_;
};

// The plain way: all of the text, after every token.
std::optional<std::string> find_plainly(const Tokenizer& tokenizer, const Texts& stops,
                                        const Ids& ids) {
  const std::string text = tokenizer.decode(ids);
  std::size_t cut = std::string::npos;
  for (const std::string& stop : stops) cut = std::min(cut, text.find(stop));
  if (cut == std::string::npos) return std::nullopt;
  return text.substr(0, cut);
}

struct Case {
  const char* name;
  Texts tokens;
  Json decoder;
  bool in_parts;
};

// In byte level's alphabet: E4 BD A0 is one character, FF none.
const Texts kByteTokens = {"a",
                           "b",
                           "ab",
                           "Q",
                           ":",
                           "\u0120",
                           "\u0120a",
                           "\u010a",
                           "\u00e4",
                           "\u00bd",
                           "\u0142",
                           "\u00e4\u00bd",
                           "\u00bd\u0142",
                           "\u00ff",
                           "\u00e4\u00bd\u0142"};
const Texts kPieces = {"a",      "b",       "ab",           "Q",     ":",
                       "\u2581", "\u2581a", "\u2581\u2581", "\n",    "<0xE4>",
                       "<0xBD>", "<0xA0>",  "<0x41>",       "\u4f60"};
const Texts kWords = {"a", "b", "##b", "##a", "Q", ".", "'", "s", "do", "not", ":"};
const Texts kSuffixed = {"a", "b", "a</w>", "b</w>", "Q</w>", ":", ":</w>"};

std::vector<Case> cases() {
  const Json blank = replace("\u2581", " ");
  const Json metaspace = {{"type", "Metaspace"},
                          {"replacement", "\u2581"},
                          {"prepend_scheme", "always"},
                          {"split", true}};
  const Json pieces = {{"type", "WordPiece"}, {"prefix", "##"}, {"cleanup", true}};
  const Json suffix = {{"type", "BPEDecoder"}, {"suffix", "</w>"}};
  return {
      {"byte level", kByteTokens, kByteLevel, true},
      {"SentencePiece", kPieces, steps({blank, kByteFallback, kFuse, strip(1, 0)}), true},
      {"byte fallback, nothing stripped", kPieces, steps({blank, kByteFallback, kFuse}), true},
      {"four blanks stripped", kPieces, steps({blank, kByteFallback, kFuse, strip(4, 0)}), true},
      {"metaspace", kPieces, metaspace, true},
      {"word pieces", kWords, pieces, true},
      {"word ends", kSuffixed, suffix, true},
      {"no decoder", kWords, nullptr, true},
      {"the end stripped", kPieces, steps({blank, kFuse, strip(1, 1)}), false},
      {"many blanks stripped", kPieces, steps({blank, kFuse, strip(40, 0)}), false},
      {"replaced after joining", kPieces, steps({blank, kFuse, replace("a b", "Q")}), false},
      {"bytes of a joined text", kByteTokens, steps({kFuse, kByteLevel}), false},
  };
}

const std::vector<Texts> kStops = {
    {"a b"},  {"ab:"},          {"\u4f60"}, {":\u4f60a", "QQQ"}, {"  a"},     {"b\na"},
    {" a a"}, {"abababababab"}, {"Q . a"},  {"do not:"},         {"\uFFFDa"}, {"\xE4"},
    {"A"},    {"Q\u4f60A"},     {" "},      {"b b b b"},         {"a", "ba"},
};

}  // namespace

TEST_CASE("StopStrings: finds what looking through the whole text after each token finds") {
  std::mt19937 random(5);
  for (const Case& one : cases()) {
    const auto tokenizer = tokenizer_of(one.tokens, one.decoder);
    CHECK(tokenizer->decodes_in_parts() == one.in_parts);
    std::size_t found = 0;
    for (int round = 0; round < 1500; ++round) {
      const Texts& stops = kStops[random() % kStops.size()];
      const generation::StopStrings search(*tokenizer, stops);
      generation::StopStrings::Row row;
      Ids ids;
      const std::size_t few = 2 + random() % one.tokens.size();  // the last one is unknown
      const std::size_t from = random() % (one.tokens.size() + 2 - few);
      for (int step = 0; step < 60; ++step) {
        ids.push_back(static_cast<std::int64_t>(from + random() % few));
        const auto expected = find_plainly(*tokenizer, stops, ids);
        const auto got = search.find(row, ids);
        if (got != expected) {
          INFO(one.name << ", stop \"" << stops.front() << "\": " << tokenizer->decode(ids));
          REQUIRE(got == expected);
        }
        if (expected) {
          ++found;
          break;
        }
      }
    }
    INFO(one.name);
    CHECK(found > 100);
  }
}

TEST_CASE("StopStrings: the bytes decoded grow with the text, not with its square") {
  for (const Case& one : cases()) {
    if (!one.in_parts) continue;
    INFO(one.name);
    const auto decoded = [&](int length) {
      const Counting counting(tokenizer_of(one.tokens, one.decoder));
      const generation::StopStrings search(counting, {"never to be seen", "Z"});
      generation::StopStrings::Row row;
      Ids ids;
      std::mt19937 random(9);
      for (int step = 0; step < length; ++step) {
        ids.push_back(static_cast<std::int64_t>(random() % one.tokens.size()));
        REQUIRE_FALSE(search.find(row, ids));
      }
      return counting.bytes;
    };
    const std::size_t half = decoded(1000), whole = decoded(2000);
    CHECK(whole < half * 5 / 2);  // twice as much, but for the ends
    CHECK(whole < 2000 * 120);    // a tail for each token; the text itself has 2000 to 6000 bytes
  }
}
