#include "lab/world/corpus.hpp"
#include "lab/world/documents.hpp"

#include <fmt/format.h>

#include <map>

namespace kedit::lab {
namespace {

class ProbeMaker {
 public:
  ProbeMaker(const World& world, std::int64_t cases, std::uint64_t seed)
      : sampler_(std::make_shared<const World>(world)),
        world_(sampler_.world()),
        cases_(cases),
        random_(seed ^ 0x70726F6265730000ULL) {}

  std::vector<LabProbe> make() {
    single_hop();
    for (int hops = 2; hops <= 4; ++hops) cot(hops);
    for (int hops = 2; hops <= 3; ++hops) {
      direct(hops, true);
      direct(hops, false);
    }
    for (int distractors : {0, 1, 3}) fact_in_context(distractors);
    irrelevant_facts();
    stated_chain(2, 1, 0);
    stated_chain(2, 1, 3);
    stated_chain(3, 2, 2);
    file_questions();
    return std::move(probes_);
  }

 private:
  void single_hop();
  void each_fact(const std::string& measure, std::vector<std::string> RelationTemplates::*list,
                 bool question);
  void cot(int hops);
  void direct(int hops, bool held_out);
  void fact_in_context(int distractors);
  void irrelevant_facts();
  void stated_chain(int hops, int stated, int distractors);
  void file_questions();

  void add(std::string measure, std::string prompt, std::int32_t answer, const char* kind) {
    probes_.push_back({std::move(measure), std::move(prompt), " " + world_.name(answer), kind});
  }
  /// Up to `cases_` different chains, in random order.
  std::vector<Chain> sample(int hops, bool held_out) {
    std::vector<Chain> chains = sampler_.chains(hops, held_out);
    random_.shuffle(chains);
    if (static_cast<std::int64_t>(chains.size()) > cases_) {
      chains.resize(static_cast<std::size_t>(cases_));
    }
    return chains;
  }
  std::string block_text(const FactsBlock& block) const {
    DocumentWriter writer(world_);
    if (!block.facts.empty()) writer.facts_block(block.facts);
    return document_text(writer.take());
  }
  const std::string& subject(const WorldFact& fact) const { return world_.name(fact.subject); }

  static std::string asked(std::string_view question, std::string_view mark) {
    return fmt::format("Question: {}\n{}:", question, mark);
  }

  WorldSampler sampler_;
  const World& world_;
  std::int64_t cases_;
  Random random_;
  std::vector<LabProbe> probes_;
};

void ProbeMaker::each_fact(const std::string& measure,
                           std::vector<std::string> RelationTemplates::*list, bool question) {
  for (const WorldFact& fact : world_.facts) {
    for (const std::string& text : world_.text(fact.relation).*list) {
      const std::string filled = fill_template(text, subject(fact));
      add(measure, question ? asked(filled, "Answer") : filled, fact.object, "forced");
    }
  }
}

void ProbeMaker::single_hop() {
  for (const WorldFact& fact : world_.facts) {
    add("cloze", fill_template(world_.text(fact.relation).cloze, subject(fact)), fact.object,
        "forced");
  }
  each_fact("trained paraphrases", &RelationTemplates::statements, false);
  each_fact("trained questions", &RelationTemplates::questions, true);
  each_fact("held-out questions", &RelationTemplates::held_out_questions, true);
  for (const WorldFact& fact : world_.facts) {
    const std::string& lead_in = random_.pick(held_out_lead_ins());
    add("held-out lead-in", with_lead_in(lead_in, world_.text(fact.relation).cloze, subject(fact)),
        fact.object, "forced");
  }
  each_fact("held-out statements", &RelationTemplates::held_out_statements, false);
}

void ProbeMaker::cot(int hops) {
  for (const Chain& chain : sample(hops, true)) {
    add(fmt::format("cot {} hops", hops), asked(multi_hop_question(world_, chain, 0), "Thoughts"),
        world_.fact(chain.back()).object, "thoughts");
  }
}

void ProbeMaker::direct(int hops, bool held_out) {
  const std::string measure =
      fmt::format("direct {} hops, {}", hops, held_out ? "held out" : "trained");
  for (const Chain& chain : sample(hops, held_out)) {
    add(measure, asked(multi_hop_question(world_, chain, 0), "Answer"),
        world_.fact(chain.back()).object, "forced");
  }
}

void ProbeMaker::fact_in_context(int distractors) {
  std::vector<FactsBlock> blocks;
  for (std::int64_t i = 0; i < cases_; ++i) {
    LabDocuments documents(sampler_, random_);
    blocks.push_back(documents.one_hop_block(distractors, 1.0));
  }
  for (const FactsBlock& block : blocks) {
    const std::string& question = random_.pick(world_.text(block.main.relation).questions);
    add(fmt::format("in context, {} distractors", distractors),
        block_text(block) + "\n" + asked(fill_template(question, subject(block.main)), "Answer"),
        block.main.object, "forced");
  }
  for (const FactsBlock& block : blocks) {
    add(fmt::format("in context, cloze, {} distractors", distractors),
        block_text(block) + "\n" +
            fill_template(world_.text(block.main.relation).cloze, subject(block.main)),
        block.main.object, "forced");
  }
}

// Two facts beside the one that is asked for; the answer is what was learnt.
void ProbeMaker::irrelevant_facts() {
  for (std::int64_t i = 0; i < cases_; ++i) {
    LabDocuments documents(sampler_, random_);
    FactsBlock block = documents.one_hop_block(2, 0.0);
    std::erase_if(block.facts, [&](const WorldFact& fact) {
      return fact.subject == block.main.subject && fact.relation == block.main.relation;
    });
    const std::string& question = random_.pick(world_.text(block.main.relation).questions);
    add("irrelevant facts",
        block_text(block) + "\n" + asked(fill_template(question, subject(block.main)), "Answer"),
        block.main.object, "forced");
  }
}

void ProbeMaker::stated_chain(int hops, int stated, int distractors) {
  const std::string measure =
      fmt::format("cot {} hops, {} stated, {} distractors", hops, stated, distractors);
  for (const Chain& chain : sample(hops, true)) {
    LabDocuments documents(sampler_, random_);
    const FactsBlock block = documents.chain_block(chain, stated, distractors);
    if (block.told.stated.size() != static_cast<std::size_t>(stated)) continue;
    add(measure, block_text(block) + "\n" + asked(multi_hop_question(world_, chain, 0), "Thoughts"),
        block.told.hops.back().object, "thoughts");
  }
}

void ProbeMaker::file_questions() {
  for (bool thoughts : {true, false}) {
    for (const auto& [number, chain] : sampler_.case_chains()) {
      if (static_cast<std::int64_t>(number) >= cases_) break;
      add(thoughts ? "file questions, cot" : "file questions, direct",
          asked(world_.cases[number].questions.front(), thoughts ? "Thoughts" : "Answer"),
          world_.fact(chain.back()).object, thoughts ? "thoughts" : "forced");
    }
  }
}

}  // namespace

std::vector<LabProbe> lab_probes(const World& world, std::int64_t cases, std::uint64_t seed) {
  if (world.facts.empty()) {
    throw DataError("making the lab's probes: world: expected at least one fact, found none");
  }
  return ProbeMaker(world, cases, seed).make();
}

double blind_baseline(const World& world, int hops) {
  std::map<std::int32_t, std::map<std::int32_t, std::int64_t>>
      ends;  // last relation -> end -> count
  std::vector<WorldFact> held_out;
  for (const Chain& chain : chains_of(world, hops)) {
    const WorldFact& last = world.fact(chain.back());
    if (held_out_chain(world, chain)) {
      held_out.push_back(last);
    } else {
      ++ends[last.relation][last.object];
    }
  }
  std::map<std::int32_t, std::int32_t> guess;
  for (const auto& [relation, counts] : ends) {
    std::int64_t most = 0;
    for (const auto& [end, count] : counts) {
      if (count > most) guess[relation] = end;
      most = std::max(most, count);
    }
  }
  std::int64_t hits = 0;
  for (const WorldFact& last : held_out) {
    const auto found = guess.find(last.relation);
    hits += found != guess.end() && found->second == last.object ? 1 : 0;
  }
  return held_out.empty() ? 0.0 : static_cast<double>(hits) / static_cast<double>(held_out.size());
}

}  // namespace kedit::lab
