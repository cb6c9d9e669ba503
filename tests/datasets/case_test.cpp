#include "datasets/case.hpp"

#include "datasets/case_files.hpp"
#include "tests/datasets/fixtures.hpp"
#include "tests/support/catch.hpp"

using namespace kedit;
using namespace kedit::test;

namespace {

MquakeCase record() {
  MquakeCase one;
  one.case_id = 7;
  one.rewrites = {{"{} is a citizen of", "P27", "Ann", "Where?", "Avia", "Q1", "Belmar", "Q2"}};
  one.questions = {"Which capital?", "What capital?"};
  one.pre = {"Dorel", {"City of Dorel"}};
  one.post = {"Corun", {"Old Corun"}};
  one.answer_extended = {"Dorel upon Sea"};
  one.hops = {{"Where is Ann a citizen?", "Ann is a citizen of", {"Avia", {"Avland"}}},
              {"Capital of Avia?", "The capital of Avia is", one.pre}};
  one.new_hops = {{"Where is Ann a citizen?", "Ann is a citizen of", {"Belmar", {"Belmaria"}}},
                  {"Capital of Belmar?", "The capital of Belmar is", one.post}};
  one.triples = {{"Q9", "P27", "Q1"}, {"Q1", "P36", "Q3"}};
  one.new_triples = {{"Q9", "P27", "Q2"}, {"Q2", "P36", "Q4"}};
  one.edit_triples = {{"Q9", "P27", "Q2"}};
  one.triples_labeled = {{"Ann", "citizenship", "Avia"}, {"Avia", "capital", "Dorel"}};
  one.new_triples_labeled = {{"Ann", "citizenship", "Belmar"}, {"Belmar", "capital", "Corun"}};
  return one;
}

}  // namespace

TEST_CASE("Case: MQuAKE's edits, hops of both chains and questions become prompts with golds") {
  const Case one = case_of(record());
  CHECK(one.source == "mquake");
  CHECK(one.edits.at(0).id == "mquake/7/0");
  const Prompt& edit = *one.find(PromptKind::edit, 0);
  CHECK(edit.text == "Ann is a citizen of");
  CHECK((edit.gold == Gold{"Belmar", {"Belmaria"}}));
  CHECK((edit.old == Gold{"Avia", {"Avland"}}));
  CHECK(one.find(PromptKind::hop_question, 1)->text == "Capital of Belmar?");
  CHECK(one.find(PromptKind::hop_cloze, 1)->relation == "P36");
  CHECK(one.find(PromptKind::old_hop_cloze, 1)->gold.answer == "Dorel");
  const Prompt& question = *one.find(PromptKind::question, 1);
  CHECK((question.gold == Gold{"Corun", {"Old Corun"}}));
  CHECK((question.old == Gold{"Dorel", {"City of Dorel"}, {"Dorel upon Sea"}}));
  CHECK(one.find(PromptKind::question, 2) == nullptr);
  CHECK(one.prompts.size() == 11);
  CHECK(one.after[1].labels.object == "Corun");
  CHECK(is_edited_hop(one, 0));
  CHECK_FALSE(is_edited_hop(one, 1));
  CHECK_FALSE(is_edited_hop(one, 2));
}

TEST_CASE("Case: an edit that no editor may act on is the file's fault") {
  MquakeCase broken = record();
  broken.rewrites[0].target_new = " ";
  CHECK(message_of<DataError>([&] { case_of(broken); }).find("reading case 7") == 0);
}

TEST_CASE("PromptKind: every name is read back") {
  const Case one = case_of(record());
  for (const Prompt& prompt : one.prompts) {
    PromptKind kind = PromptKind::locality;
    CHECK(parse_prompt_kind(to_string(prompt.kind), &kind));
    CHECK(kind == prompt.kind);
  }
  PromptKind kind = PromptKind::edit;
  CHECK_FALSE(parse_prompt_kind("hop", &kind));
}

TEST_CASE("formats of files are found by name, and messages list them") {
  CHECK(parse_dataset_name("zsre:a:b.json").file == "a:b.json");
  CHECK_FALSE(parse_dataset_name("counterfact:f").format->has_chains);
  CHECK(parse_dataset_name("mquake:f").format->has_chains);
  CHECK(message_of<DataError>([] {
          parse_dataset_name("f.json");
        }).find("expected mquake:FILE, counterfact:FILE or zsre:FILE, found") != std::string::npos);
}
