#include "store/claims.hpp"

#include "tests/support/catch.hpp"

using namespace kedit;

namespace {

EditClaim claim(const std::string& edit, const std::string& subject, const std::string& relation,
                const std::string& target, const std::string& prompt = "") {
  return {edit, "model", "", subject, relation, prompt, target};
}

std::size_t count_of(const std::vector<Conflict>& conflicts, ConflictKind kind) {
  std::size_t count = 0;
  for (const Conflict& conflict : conflicts) count += conflict.kind == kind ? 1 : 0;
  return count;
}

}  // namespace

TEST_CASE(
    "normalised_name: names are NFC-composed and case-folded and superfluous blanks removed") {
  const auto [text, expected] = GENERATE(table<std::string, std::string>({
      {"Rome", "rome"},
      {"  New \t York\n", "new york"},
      {"E\xcc\x81lodie", "\xc3\xa9lodie"},  // combining accent
      {"\xc3\x89LODIE", "\xc3\xa9lodie"},   // precomposed capital
      {"Stra\xc3\x9f"
       "e",
       "strasse"},
      {"\xe6\x9d\xb1\xe4\xba\xac", "\xe6\x9d\xb1\xe4\xba\xac"},
      {"", ""},
      {" \n", ""},
      {"A\xff Z", "a\xff z"},  // no UTF-8
  }));
  CHECK(normalised_name(text) == expected);
}

TEST_CASE("ClaimIndex: the same subject and relation or prompt with another target contradict") {
  ClaimIndex index;
  index.add(claim("a", "Rome", "P17", "Gaul", "{} lies in"));
  const auto [other, matched] = GENERATE(table<EditClaim, std::string>({
      {claim("b", "ROME", "p17", "Persia"), "relation"},
      {claim("b", "rome", "", "Persia", "{} lies  in"), "prompt"},
      {claim("b", "rome", "P131", "Persia", "{} lies in"), "prompt"},
      {claim("b", "rome", "P17", "gaul"), ""},
      {claim("b", "rome", "P17", "Persia "), "relation"},
      {claim("b", "Ostia", "P17", "Persia"), ""},
      {claim("b", "Rome", "P37", "Latin", "{} speaks"), ""},
      {claim("b", "Rome", "", "Persia"), ""},  // nothing says about what
  }));
  const auto found = index.contradictions(other);
  REQUIRE(found.size() == (matched.empty() ? 0 : 1));
  if (matched.empty()) return;
  CHECK(found[0].matched == matched);
  CHECK(found[0].claims[0].edit == "a");
  CHECK(found[0].claims[1].edit == "b");
}

TEST_CASE("ClaimIndex: an alias of the target does not contradict") {
  ClaimIndex index;
  EditClaim first = claim("a", "Rome", "P17", "United Kingdom");
  first.target_aliases = {"UK"};
  index.add(first);
  CHECK(index.contradictions(claim("b", "Rome", "P17", "uk")).empty());
  EditClaim second = claim("b", "Rome", "P17", "Britain");
  CHECK(index.contradictions(second).size() == 1);
  second.target_aliases = {"united kingdom"};
  CHECK(index.contradictions(second).empty());
}

TEST_CASE("ClaimIndex: edits of other models and removed edits do not contradict") {
  ClaimIndex index;
  index.add(claim("a", "Rome", "P17", "Gaul"));
  EditClaim other = claim("b", "Rome", "P17", "Persia");
  CHECK(index.contradictions(other).size() == 1);
  other.model = "another";
  CHECK(index.contradictions(other).empty());
  index.remove("a");
  CHECK(index.size() == 0);
  CHECK(index.contradictions(claim("b", "Rome", "P17", "Persia")).empty());
  index.remove("never there");
  CHECK(index.conflicts().empty());
}

TEST_CASE(
    "ClaimIndex: conflicts compares each claim with the latest before it and groups by subject") {
  ClaimIndex index;
  index.add(claim("a", "Rome", "P17", "Gaul"));
  index.add(claim("b", "Rome", "P17", "Persia"));
  index.add(claim("c", "Rome", "P17", "Persia"));
  index.add(claim("d", "Rome", "P37", "Latin"));
  index.add(claim("e", "Ostia", "P37", "Latin"));
  const auto found = index.conflicts();
  CHECK(count_of(found, ConflictKind::same_key) == 1);
  CHECK(count_of(found, ConflictKind::repeated) == 1);
  CHECK(count_of(found, ConflictKind::same_subject) == 1);
  CHECK(describe(found[0]) ==
        "edit a makes \"Rome\" P17 \"Gaul\", edit b makes it \"Persia\" (same subject and "
        "relation)");
  CHECK(grade_of(found[0].kind) == "conflict");
}
