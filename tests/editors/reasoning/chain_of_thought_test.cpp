#include "editors/reasoning/chain_of_thought.hpp"

#include "tests/support/catch.hpp"

using namespace kedit::reasoning;

TEST_CASE("stated_answer: what follows the last marker on its line counts") {
  CHECK(stated_answer("x.\nAnswer: Dorel") == "Dorel");
  CHECK(stated_answer("x.\nAnswer: Dorel \nQuestion: y") == "Dorel");
  CHECK(stated_answer("Answer: Corun, no.\nAnswer:\tDorel\r\n") == "Dorel");
  CHECK_FALSE(stated_answer("It is Dorel.").has_value());
  CHECK_FALSE(stated_answer("Answer: Dorel\nAnswer: ").has_value());
  CHECK_FALSE(stated_answer("Answer:\nDorel").has_value());
}
