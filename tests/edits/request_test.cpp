#include "edits/request.hpp"

#include "tests/support/catch.hpp"
#include "tests/support/thrown_message.hpp"

using namespace kedit;

namespace {

EditRequest request(const std::string& prompt, const std::string& subject = "France",
                    const std::string& target = "Lyon") {
  EditRequest out;
  out.id = "r1";
  out.prompt = prompt;
  out.subject = subject;
  out.target_new = target;
  return out;
}

std::string refusal(const EditRequest& bad) {
  return thrown_message<RequestError>([&] { validate_request(bad); });
}

}  // namespace

TEST_CASE("filled_prompt: the subject replaces the empty braces and nothing else") {
  CHECK(filled_prompt(request("The capital of {} is")) == "The capital of France is");
  CHECK(filled_prompt(request("In {x} the {} sign", "{y}")) == "In {x} the {y} sign");
}

TEST_CASE(
    "validate_request: a prompt with the subject becomes a template at its first occurrence") {
  CHECK(validate_request(request("France, oh France, is")).prompt == "{}, oh France, is");
  CHECK(validate_request(request("The capital of {} is")).prompt == "The capital of {} is");
}

TEST_CASE("spaced_target: prompt and target are separated by exactly one white space") {
  CHECK(spaced_target("is", "Lyon") == " Lyon");
  CHECK(spaced_target("is", " Lyon") == " Lyon");
  CHECK(spaced_target("is ", "Lyon") == "Lyon");
  CHECK(spaced_target("is\n", "Lyon") == "Lyon");
  CHECK(spaced_target("", "Lyon") == " Lyon");
  CHECK(edit_sentence(request("The capital of {} is")) == "The capital of France is Lyon");
}

TEST_CASE("validate_request: an unusable request is refused with its id and field") {
  CHECK(refusal(request("The capital is")) ==
        "checking request \"r1\": prompt: expected \"{}\" or the subject \"France\", found neither "
        "in "
        "\"The capital is\"");
  CHECK(contains(refusal(request("{} and {}")),
                 "prompt: expected \"{}\" once, found it more than once"));
  CHECK(contains(refusal(request("")), "prompt: expected some text, found none"));
  CHECK(contains(refusal(request("{} is", "")), "subject: expected some text, found none"));
  CHECK(contains(refusal(request("{} is", " \t")),
                 "subject: expected some text, found only white space"));
  CHECK(contains(refusal(request("{} is", "a{}b")), "subject: expected a name without \"{}\""));
  CHECK(contains(refusal(request("{} is", "France", "")),
                 "target_new: expected some text, found none"));
  EditRequest empty_old = request("{} is");
  empty_old.target_true = "";
  CHECK(contains(refusal(empty_old), "target_true: expected some text"));
}

TEST_CASE("the subject is found as a word of its own, not inside of a longer one") {
  const auto prompt = [](const std::string& text, const std::string& subject) {
    return validate_request(request(text, subject)).prompt;
  };
  CHECK(prompt("Annapolis says that Ann works for", "Ann") == "Annapolis says that {} works for");
  CHECK(prompt("Hanna and Ann's dog", "Ann") == "Hanna and {}'s dog");
  CHECK(prompt("Apollo 11 after Apollo 1", "Apollo 1") == "Apollo 11 after {}");
  CHECK(prompt("\xC3\x89tat, \xC3\x89ta is", "\xC3\x89ta") == "\xC3\x89tat, {} is");
  CHECK(prompt("C++ and C", "C") == "{}++ and C");
  CHECK(prompt("\xE6\x9D\xB1\xE4\xBA\xAC\xE3\x81\xAF", "\xE6\x9D\xB1\xE4\xBA\xAC") ==
        "{}\xE3\x81\xAF");  // no blanks between words
  CHECK(contains(refusal(request("Annapolis is", "Ann")), "inside of longer words only"));
}
