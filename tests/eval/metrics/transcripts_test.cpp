#include "eval/metrics/transcripts.hpp"

#include "eval/metrics/matching.hpp"
#include "tests/support/catch.hpp"

using namespace kedit;

namespace {

const std::vector<std::string> kClozes = {"{} is a citizen of", "The capital of {} is",
                                          "The name of the capital of {} is", "The author of {} is",
                                          "{} was born in the city of"};

std::vector<std::string> answers_of(const Trace& trace) {
  std::vector<std::string> answers;
  for (const TraceStep& step : trace) answers.push_back(step.answer);
  return answers;
}

std::vector<std::string> thoughts(const std::string& text) {
  return answers_of(parse_trace(text, TranscriptForm::kedit, kClozes));
}

}  // namespace

TEST_CASE("Chain of thought: steps are split and their objects found by the relation templates") {
  using Answers = std::vector<std::string>;
  CHECK(thoughts(" Ann Lee is a citizen of Avia. The capital of Avia is Dorel.\nAnswer: Dorel") ==
        Answers{"Avia", "Dorel"});
  CHECK(thoughts("Thoughts: Ann Lee is a citizen of Avia.\nAnswer: Avia") == Answers{"Avia"});
  CHECK(thoughts("The author of Emma is J. K. Rowling. J. K. Rowling is a citizen of Avia.") ==
        Answers{"J. K. Rowling", "Avia"});
  CHECK(thoughts("The capital of the Isle is St. John. The author of X is Bo Li.") ==
        Answers{"St. John", "Bo Li"});
  CHECK(thoughts("The capital of Usa is Washington, D.C. Bo Li is a citizen of Usa.") ==
        Answers{"Washington, D.C.", "Usa"});
  CHECK(thoughts("The name of the capital of Avia is Dorel.") == Answers{"Dorel"});
  CHECK(thoughts("").empty());
}

TEST_CASE("Chain of thought: a sentence without template answers after the last linking word") {
  CHECK(thoughts("It follows that the sea lies in Belmar.") == std::vector<std::string>{"Belmar"});
}

TEST_CASE("Chain of thought: the final answer follows the last answer marker") {
  CHECK(
      (final_answer("Thoughts: x.\nAnswer: Dorel\n\nQuestion", TranscriptForm::kedit) == "Dorel"));
  CHECK_FALSE(final_answer("Thoughts: x.", TranscriptForm::kedit).has_value());
  CHECK_FALSE(final_answer("Thoughts: x.\nAnswer: ", TranscriptForm::kedit).has_value());
}

TEST_CASE("MeLLo transcript: every sub-question is a step and text after a blank line is ignored") {
  const std::string text =
      "Subquestion: Who wrote Emma?\nGenerated answer: Emma was written by: A.\n"
      "Retrieved fact: The author of Emma is Bo Li\nRetrieved fact contradicts: yes\n"
      "Intermediate answer: Bo Li\n"
      "Subquestion: Where is Bo Li a citizen?\nGenerated answer: Bo Li is of Avia.\n"
      "Intermediate answer: Avia\nFinal answer: Avia\n\nQuestion: next\nSubquestion: other\n";
  const Trace trace = parse_trace(text, TranscriptForm::mello, {});
  REQUIRE(trace.size() == 2);
  CHECK((trace[0] == TraceStep{"Who wrote Emma?", "Bo Li", "edit"}));
  CHECK((trace[1] == TraceStep{"Where is Bo Li a citizen?", "Avia", "model"}));
  CHECK((final_answer(text, TranscriptForm::mello) == "Avia"));
}

TEST_CASE("MeLLo transcript: an answer after more than three retrieved facts is ignored") {
  std::string text;
  for (int i = 0; i < 3; ++i) text += "Retrieved fact: f\n";
  CHECK((final_answer(text + "Final answer: A\n", TranscriptForm::mello) == "A"));
  CHECK_FALSE(final_answer(text + "Retrieved fact: f\nFinal answer: A\n", TranscriptForm::mello)
                  .has_value());
}

TEST_CASE("sentence_length: a sentence ends at its period and not at that of an initial") {
  const auto sentence = [](const std::string& text) {
    return text.substr(0, sentence_length(text));
  };
  CHECK(sentence("Dorel. Next") == "Dorel");
  CHECK(sentence("Dorel.") == "Dorel");
  CHECK(sentence("J. K. Rowling. Next") == "J. K. Rowling");
  CHECK(sentence("St. Louis. Next") == "St. Louis");
  CHECK(sentence("Washington, D.C. Next") == "Washington, D.C.");
  CHECK(sentence("3.5 miles") == "3.5 miles");
  CHECK(sentence("Dorel\nNext") == "Dorel");
  CHECK(sentence("") == "");
}

TEST_CASE("parse_transcript_form: unknown forms are refused") {
  CHECK_THROWS_AS(parse_transcript_form("xml"), EvalError);
}
