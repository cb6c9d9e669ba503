#include "datasets/mquake.hpp"
#include "json/json.hpp"
#include "store/store.hpp"
#include "tests/apps/program.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/real_data.hpp"

#include <ATen/ATen.h>

#include <set>

using namespace kedit;
using namespace kedit::test;

namespace {

// A case's edits as the in-context editor would keep them: its requests and a fact for each.
EditDelta remembered(const MquakeCase& one, const std::string& model) {
  EditDelta delta;
  delta.editor = "in-context";
  delta.settings = Json::object();
  delta.base_fingerprint = model;
  delta.requests = requests_of(one);
  for (const EditRequest& request : delta.requests) {
    delta.facts.push_back(
        {request.subject, request.relation, request.target_new, edit_sentence(request)});
  }
  return delta;
}

Json answer(const std::vector<std::string>& words) {
  const Outcome outcome = run_kedit(words);
  INFO(outcome.err);
  REQUIRE(outcome.code == 0);
  return parse_json(outcome.out, "standard output");
}

}  // namespace

TEST_CASE(
    "kedit store conflicts: path conflicts of all MQuAKE-CF-3k edits equal the audit counts") {
  const auto data = real_data("mquake/MQuAKE-CF-3k.json");
  if (!data) return;
  const ScratchFolder scratch;
  const std::string store = (scratch / "kedit.db").string();
  const std::string model(64, 'a');
  {
    std::vector<EditDelta> deltas;
    for (const MquakeCase& one : read_mquake(*data, MquakeChecks::structure).cases) {
      deltas.push_back(remembered(one, model));
    }
    REQUIRE(deltas.size() == 3000);
    Store made = Store::open(store, OpenMode::create);
    made.put_model({model, "gpt2", "", "float32", 1, "in-out"});
    made.commit_all(deltas, {.allow_conflict = true});
  }
  const std::string dataset = "mquake:" + data->string();
  const Json found =
      answer({"store", "conflicts", "--json", "--store", store, "--dataset", dataset});
  std::int64_t hops = 0;
  std::set<std::string> cases;
  for (const Json& conflict : found["conflicts"]) {
    if (conflict["kind"] != "path") continue;
    ++hops;
    cases.insert(conflict["evidence"]["case"].get<std::string>());
  }
  CHECK(hops == 1398);
  CHECK(cases.size() == 998);
  CHECK(found["checked"]["dataset"]["edited_cases"] == 3000);
  CHECK(found["checked"]["dataset"]["unedited_cases_hit"] == 0);

  const Json audit = answer({"audit", "--json", "--dataset", dataset});
  CHECK(audit["contaminated"]["hops"] == hops);
  CHECK(audit["contaminated"]["count"] == cases.size());
}
