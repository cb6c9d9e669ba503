#include "edits/request_json.hpp"

#include "tests/support/catch.hpp"

using namespace kedit;

namespace {

EditRequest full_request() {
  EditRequest request;
  request.id = "r/1";
  request.prompt = "The capital of {} is";
  request.subject = "France";
  request.target_new = "Lyon";
  request.target_true = "Paris";
  request.rephrases = {"France is governed from"};
  request.relation = "P36";
  request.target_new_aliases = {"Lugdunum"};
  return request;
}

EditRequest read(const Json& json) { return request_from_json(JsonView(json, "request")); }

}  // namespace

TEST_CASE("a request is one JSON object, and the same request when it is read again") {
  const Json json = request_to_json(full_request());
  CHECK(to_text(json) ==
        R"({"id":"r/1","subject":"France","prompt":"The capital of {} is","target_new":"Lyon",)"
        R"("target_true":"Paris","rephrase":["France is governed from"],"relation":"P36",)"
        R"("target_new_aliases":["Lugdunum"]})");
  CHECK((read(json) == full_request()));
}

TEST_CASE("empty parts of a request are left out") {
  EditRequest request;
  request.subject = "France";
  CHECK(to_text(request_to_json(request)) ==
        R"({"id":"","subject":"France","prompt":"","target_new":""})");
  CHECK((read(request_to_json(request)) == request));
}

TEST_CASE("targets and ids are read in the reference programs' forms too") {
  const EditRequest request = read({{"id", 7},
                                    {"subject", "France"},
                                    {"prompt", "{} is"},
                                    {"target_new", {{"str", "Lyon"}}},
                                    {"target_true", {{"str", "Paris"}}}});
  CHECK(request.id == "7");
  CHECK(request.target_new == "Lyon");
  CHECK(request.target_true == "Paris");
  CHECK_THROWS_AS(read({{"subject", "France"}}), JsonError);
}
