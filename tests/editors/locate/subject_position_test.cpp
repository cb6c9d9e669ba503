#include "editors/locate/subject_position.hpp"

#include "editors/editor.hpp"
#include "tests/editors/fixtures.hpp"
#include "tests/support/catch.hpp"

using namespace kedit;
using namespace kedit::locate;
using namespace kedit::test;

TEST_CASE("locate_subject: the subject's last token is found at any place in the prompt") {
  const auto tokenizer = byte_tokenizer();
  CHECK(locate_subject(*tokenizer, "", "Avaria", " is").position == 5);
  CHECK(locate_subject(*tokenizer, "In ", "Avaria", " is").position == 8);
  CHECK(locate_subject(*tokenizer, "In ", "Avaria", "").position == 8);
  CHECK(locate_subject(*tokenizer, "In ", "Avaria", ", then").position == 8);
}

TEST_CASE("locate_subject: a BOS token shifts the position by one") {
  const auto tokenizer = byte_tokenizer({}, /*bos=*/true);
  const LocatedText text = locate_subject(*tokenizer, "", "Avaria", " is");
  CHECK(text.ids.front() == 256);
  CHECK(text.position == 6);
}

TEST_CASE("locate_subject: merged tokens and multi-byte characters are counted as tokens") {
  const auto tokenizer = byte_tokenizer({"A v", "Av a"});
  CHECK(locate_subject(*tokenizer, "", "Ava", " is").position == 0);
  CHECK(locate_subject(*tokenizer, "", "Ö", " is").position == 1);
}

TEST_CASE("locate_subject: a subject whose last token reaches beyond it is refused") {
  const auto tokenizer = byte_tokenizer({"r s"});
  const std::string message = message_of([&] { locate_subject(*tokenizer, "", "Bor", "s are"); });
  CHECK(contains(message, "\"Bor\""));
  CHECK(contains(message, "joins the subject's end"));
}

TEST_CASE("FactToken: every position of the reference programs is found") {
  const auto tokenizer = byte_tokenizer();
  const auto at = [&](FactToken token, const char* suffix) {
    return locate_subject(*tokenizer, "In ", "Bor", suffix, token).position;
  };
  CHECK(at(FactToken::subject_first, " is") == 3);
  CHECK(at(FactToken::subject_last, " is") == 5);
  CHECK(at(FactToken::subject_first_after_last, " is") == 6);
  CHECK(at(FactToken::subject_first_after_last, "") == 5);
  CHECK(at(FactToken::last, " is") == 8);
  CHECK(parse_fact_token("last") == FactToken::last);
  CHECK(to_string(FactToken::subject_first) == "subject_first");
  CHECK(contains(message_of([] { parse_fact_token("subject"); }), "subject_last"));
}

TEST_CASE("prompt_in_context: the prompt is put into a context that holds other braces") {
  const EditRequest request = capital_request();
  const SplitPrompt prompt = prompt_in_context("As {a told. {}", request);
  CHECK(prompt.prefix == "As {a told. The capital of ");
  CHECK(prompt.suffix == " is");
  CHECK(contains(message_of([] { split_at_slot("no slot"); }), "exactly once"));
  CHECK(contains(message_of([] { split_at_slot("{} and {}"); }), "exactly once"));
}

TEST_CASE("target_ids: the target's tokens continue the prompt") {
  const auto tokenizer = byte_tokenizer({"Ġ B", "ĠB o"}, /*bos=*/true);
  CHECK(target_ids(*tokenizer, "It is", "Bor") == tokenizer->ids(" Bor", false));
  CHECK(target_ids(*tokenizer, "It is", " Bor") == tokenizer->ids(" Bor", false));
  CHECK(target_ids(*tokenizer, "It is ", "Bor") == tokenizer->ids("Bor", false));
}
