#include "store/store.hpp"

#include "tests/store/fixtures.hpp"
#include "tests/support/catch.hpp"

#include <set>

using namespace kedit;
using namespace kedit::test;

TEST_CASE("Store commit: a committed edit reads back equal") {
  TemporaryDirectory directory;
  EditDelta dense = rank_one_delta(3);
  dense.updates.push_back({"lm_head.weight", Dense{at::arange(6, at::kFloat).reshape({2, 3})}});
  const EditDelta delta = GENERATE_COPY(rank_one_delta(1), fact_delta(2), dense);
  std::string id;
  {
    Store store = new_store(directory / "a.db");
    id = store.commit(delta, {.note = "a note"});
  }
  const Store store = Store::open(directory / "a.db", OpenMode::read_only);
  REQUIRE(store.find(id));
  CHECK(same_delta(*store.find(id), delta));
  CHECK_FALSE(store.find("000000000000"));
  CHECK(store.verify().empty());
}

TEST_CASE("Store record: a committed edit tells its editor and request and model and parent") {
  TemporaryDirectory directory;
  Store store = new_store(directory / "a.db");
  const std::string first = store.commit(rank_one_delta(1), {.note = "first", .forced = true});
  const std::string second = store.commit(fact_delta(7));
  const auto record = store.record(first);
  REQUIRE(record);
  CHECK(record->editor == "rome");
  CHECK(record->kind == "weights");
  CHECK(record->subject == "City 1");
  CHECK(record->prompt == "{} lies in");
  CHECK(record->target_new == "Land 2");
  CHECK(record->requests == 1);
  CHECK(record->model == kFingerprint);
  CHECK(record->note == "first");
  CHECK(record->forced);
  CHECK(record->parent.empty());
  CHECK(record->reverted_by.empty());
  CHECK(contains(record->program, "kedit "));
  CHECK(record->time.size() == std::string("2026-01-01T00:00:00Z").size());
  CHECK(store.record(second)->parent == first);
  CHECK(store.record(second)->kind == "facts");
  CHECK(store.record(second)->subject == "City 7");
  CHECK(store.record(second)->target_new == "Land");
  CHECK_FALSE(store.record("000000000000"));
}

TEST_CASE("Store ids: the id depends on content and parent and nothing else") {
  TemporaryDirectory directory;
  Store a = new_store(directory / "a.db");
  Store b = new_store(directory / "b.db");
  const auto first = a.commit_all({rank_one_delta(1), rank_one_delta(2)}, {.note = "one note"});
  EditDelta again = rank_one_delta(1);
  again.figures.numbers["seconds"] = 9.5;  // time is not content
  CHECK(b.commit(again, {.note = "another note"}) == first[0]);
  CHECK(b.commit(rank_one_delta(2)) == first[1]);
  CHECK(b.commit(rank_one_delta(2)) != first[1]);
  for (const std::string& id : first) {
    CHECK(id.size() == 12);
    CHECK(id.find_first_not_of("0123456789abcdef") == std::string::npos);
  }
}

TEST_CASE("Store ids: every part of an edit's content changes its id") {
  TemporaryDirectory directory;
  std::set<std::string> ids;
  const auto id_of = [&](void (*change)(EditDelta&)) {
    Store store = new_store(directory.path() / fmt::format("{}.db", ids.size()));
    EditDelta delta = rank_one_delta(1);
    change(delta);
    ids.insert(store.commit(delta));
  };
  id_of([](EditDelta&) {});
  id_of([](EditDelta& d) { d.editor = "memit"; });
  id_of([](EditDelta& d) { d.settings = Json::object(); });
  id_of([](EditDelta& d) { d.settings = nullptr; });
  id_of([](EditDelta& d) { d.requests[0].id = "other"; });
  id_of([](EditDelta& d) { d.requests[0].subject = "x"; });
  id_of([](EditDelta& d) { d.requests[0].rephrases = {"x"}; });
  id_of([](EditDelta& d) { d.updates[0].weight = "other.weight"; });
  id_of([](EditDelta& d) { std::get<LowRank>(d.updates[0].update).left.mul_(2); });
  id_of([](EditDelta& d) { d.facts = {{"s", "r", "o", "s r o"}}; });
  id_of([](EditDelta& d) { d.facts = {{"s", "ro", "", "s r o"}}; });
  id_of([](EditDelta& d) { d.requests.clear(); });
  id_of([](EditDelta& d) { d.requests.push_back(d.requests[0]); });
  CHECK(ids.size() == 13);
}

TEST_CASE("Store revert: a reverted edit stays in the log and is no longer live") {
  TemporaryDirectory directory;
  Store store = new_store(directory / "a.db");
  const auto ids = store.commit_all({rank_one_delta(1), rank_one_delta(2), rank_one_delta(3)});
  const std::string revert = store.revert(ids[1]);
  CHECK(store.live("main", kFingerprint) == std::vector<std::string>{ids[0], ids[2]});
  CHECK(store.live("main", kOtherFingerprint).empty());
  const auto log = store.log();
  REQUIRE(log.size() == 3);
  CHECK(log[0].id == ids[0]);
  CHECK(log[1].reverted_by == revert);
  CHECK(log[2].reverted_by.empty());
  CHECK(store.record(ids[1])->reverted_by == revert);

  const StoreError twice = error_of([&] { store.revert(ids[1]); });
  CHECK(twice.kind() == StoreError::Kind::conflict);
  CHECK(contains(twice.what(), "is reverted already (by " + revert + ")"));
  CHECK(error_of([&] { store.revert("0123456789ab"); }).kind() == StoreError::Kind::absent);

  const std::string again = store.commit(rank_one_delta(2));
  CHECK(again != ids[1]);
  CHECK(store.live("main", kFingerprint) == std::vector<std::string>{ids[0], ids[2], again});
  CHECK(store.verify().empty());
}

TEST_CASE("Store commit_all: either all edits are committed or none") {
  TemporaryDirectory directory;
  Store store = new_store(directory / "a.db");
  EditDelta foreign = rank_one_delta(2);
  foreign.base_fingerprint = kOtherFingerprint;
  const StoreError error = error_of([&] { store.commit_all({rank_one_delta(1), foreign}); });
  CHECK(error.kind() == StoreError::Kind::absent);
  CHECK(contains(error.what(), "committing 2 edits: "));
  CHECK(contains(error.what(), kOtherFingerprint));
  CHECK(store.log().empty());

  EditDelta broken = rank_one_delta(2);
  std::get<LowRank>(broken.updates[0].update).left[0][0] = std::nan("");
  CHECK_THROWS_AS(store.commit_all({rank_one_delta(1), broken}), DeltaError);
  CHECK(store.log().empty());
  CHECK(store.commit_all({}).empty());
  CHECK(store.verify().empty());
}

TEST_CASE("the order of settings changes no id") {
  TemporaryDirectory directory;
  EditDelta turned = rank_one_delta(1);
  turned.settings = {{"seed", 1}, {"layers", {1}}};
  CHECK(new_store(directory / "a.db").commit(turned) ==
        new_store(directory / "b.db").commit(rank_one_delta(1)));
}

TEST_CASE("a delta that cannot be written so that it can be read again is refused") {
  TemporaryDirectory directory;
  Store store = new_store(directory / "a.db");
  const auto refused = [&](void (*change)(EditDelta&)) {
    EditDelta delta = rank_one_delta(1);
    change(delta);
    CHECK_THROWS_AS(store.commit(delta), DeltaError);
  };
  refused([](EditDelta& d) { d.settings = {1, 2}; });
  refused([](EditDelta& d) { d.settings = "{}"; });
  refused([](EditDelta& d) {
    d.figures.seconds["solve"] = 1;
    d.figures.numbers["seconds"] = 1;
  });
  CHECK(store.log().empty());
}

TEST_CASE("Store resolve: an unambiguous prefix of an id is enough") {
  TemporaryDirectory directory;
  Store store = new_store(directory / "a.db");
  std::vector<EditDelta> deltas;
  for (int i = 0; i < 20; ++i) deltas.push_back(rank_one_delta(i));
  const auto ids = store.commit_all(deltas);  // 20 ids over 16 digits: two begin alike
  for (const std::string& id : ids) CHECK(store.resolve(id) == id);
  CHECK(store.resolve(ids[4].substr(0, 9)) == ids[4]);
  std::set<char> seen;
  for (const std::string& id : ids) {
    if (seen.insert(id[0]).second) continue;
    const StoreError error = error_of([&] { store.resolve(id.substr(0, 1)); });
    CHECK(error.kind() == StoreError::Kind::conflict);
    CHECK(contains(error.what(), "give more digits"));
  }
  CHECK(seen.size() < ids.size());
  for (const char* wrong : {"", "zz", "%", "0000000000000", "'; DROP TABLE edits"}) {
    CHECK(error_of([&] { store.resolve(wrong); }).kind() == StoreError::Kind::absent);
  }
}

TEST_CASE("Store branches: branches share common commits and then diverge") {
  TemporaryDirectory directory;
  Store store = new_store(directory / "a.db");
  const std::string base = store.commit(rank_one_delta(1));
  store.create_branch("trial");
  const std::string side = store.commit(rank_one_delta(2), {.branch = "trial"});
  const std::string same = store.commit(rank_one_delta(2));
  CHECK(side == same);  // same content after the same edit
  const std::string other = store.commit(rank_one_delta(3));
  store.revert(base, "trial");
  CHECK(store.live("trial", kFingerprint) == std::vector<std::string>{side});
  CHECK(store.live("main", kFingerprint) == std::vector<std::string>{base, side, other});
  const auto history = store.history(base);
  REQUIRE(history.size() == 3);
  CHECK((history[0].kind == "apply" && history[0].branch == "main"));
  CHECK((history[1].kind == "apply" && history[1].branch == "trial"));
  CHECK((history[2].kind == "revert" && history[2].branch == "trial"));
  CHECK(history[0].id == history[1].id);
  CHECK(store.history("000000000000").empty());
  CHECK(store.log("main")[0].reverted_by.empty());
  CHECK_FALSE(store.log("trial")[0].reverted_by.empty());
  CHECK(error_of([&] { store.revert(other, "trial"); }).kind() == StoreError::Kind::absent);
  CHECK(error_of([&] { store.create_branch("trial"); }).kind() == StoreError::Kind::conflict);
  const StoreError unknown = error_of([&] { store.log("mian"); });
  CHECK(unknown.kind() == StoreError::Kind::absent);
  CHECK(contains(unknown.what(), "the store has main, trial"));
  CHECK(store.verify().empty());
}

TEST_CASE("Store put_model: a model is kept as first stored") {
  TemporaryDirectory directory;
  Store store = new_store(directory / "a.db");
  ModelRecord moved = sample_model();
  moved.path = "elsewhere";
  store.put_model(moved);
  REQUIRE(store.model(kFingerprint));
  CHECK(store.model(kFingerprint)->path == "models/tiny");
  CHECK(store.model(kFingerprint)->parameters == 4096);
  CHECK_FALSE(store.model(kOtherFingerprint));
}
