#include "model/generation.hpp"
#include "model/prompts.hpp"
#include "model/ragged_batch.hpp"

#include <ATen/ATen.h>
#include <c10/core/InferenceMode.h>

#include <algorithm>
#include <map>

namespace kedit {
namespace {

using Pairs = std::vector<std::pair<TokenIds, TokenIds>>;

// Adds to `score` what `logits` ([tokens, vocab] float32, each before the token) say of `tokens`.
void read_scores(const at::Tensor& logits, const std::int64_t* tokens, std::int64_t count,
                 ContinuationScore& score) {
  const at::Tensor ids =
      at::from_blob(const_cast<std::int64_t*>(tokens), {count}, at::kLong).to(logits.device());
  const at::Tensor logprobs = at::log_softmax(logits, -1)
                                  .gather(1, ids.unsqueeze(1))
                                  .squeeze(1)
                                  .to(at::kCPU, at::kDouble)
                                  .contiguous();
  const auto matches = logits.argmax(-1).eq(ids).sum().item<std::int64_t>();
  score.token_logprobs.insert(score.token_logprobs.end(), logprobs.data_ptr<double>(),
                              logprobs.data_ptr<double>() + count);
  score.greedy_tokens += matches;
  score.greedy_match = score.greedy_match && matches == count;
}

std::int64_t size_of(const TokenIds& ids) { return static_cast<std::int64_t>(ids.size()); }

// All but the last token of prompt and continuation: what the model must see to score it.
TokenIds seen_by_model(const TokenIds& prompt, const TokenIds& continuation) {
  TokenIds ids = prompt;
  ids.insert(ids.end(), continuation.begin(), continuation.end() - 1);
  return ids;
}

class Scorer {
 public:
  Scorer(const EditedModel& model, const Pairs& pairs, std::int64_t batch_rows)
      : model_(model), pairs_(pairs), limits_{batch_rows}, shared_(model, prompts_of(pairs)) {}

  std::vector<ContinuationScore> run() {
    std::map<TokenIds, std::vector<std::size_t>> by_prompt;
    for (std::size_t i = 0; i < pairs_.size(); ++i) {
      scores_.push_back({pairs_[i].second, {}, true});
      if (!pairs_[i].second.empty()) by_prompt[pairs_[i].first].push_back(i);
    }
    std::vector<std::size_t> singles;
    std::vector<Shared> shared;
    for (const auto& [prompt, members] : by_prompt) {
      if (members.size() == 1) {
        singles.push_back(members.front());
      } else {
        shared.push_back({shared_.rest(prompt), members});
      }
    }
    score_singles(singles);
    score_shared(shared);
    return std::move(scores_);
  }

 private:
  struct Shared {  // a prompt and the pairs that it stands in
    TokenIds prompt;
    std::vector<std::size_t> members;
  };

  static std::vector<TokenIds> prompts_of(const Pairs& pairs) {
    std::vector<TokenIds> prompts;
    for (const auto& [prompt, continuation] : pairs) {
      if (!continuation.empty()) prompts.push_back(prompt);
    }
    return prompts;
  }

  // Prompts with one continuation: both in one pass, batched across prompts.
  void score_singles(const std::vector<std::size_t>& members) {
    std::vector<TokenIds> rows;
    std::vector<std::int64_t> wanted;
    for (const std::size_t member : members) {
      const auto& [prompt, continuation] = pairs_[member];
      rows.push_back(shared_.rest(seen_by_model(prompt, continuation)));
      wanted.push_back(size_of(continuation));
    }
    for (const auto& group : groups(rows, wanted)) {
      RaggedBatch batch = shared_.start(group.size());
      score_rows(batch, rows, wanted, members, 0, group);
    }
  }

  // Prompts with several continuations: each prompt runs once.
  void score_shared(const std::vector<Shared>& prompts) {
    std::vector<TokenIds> rows;
    for (const Shared& shared : prompts) rows.push_back(shared.prompt);
    const std::vector<std::int64_t> wanted(rows.size(), 1);
    for (const auto& group : groups(rows, wanted)) {
      std::vector<TokenIds> ids;
      for (const std::size_t row : group) ids.push_back(rows[row]);
      RaggedBatch batch = shared_.start(group.size());
      const at::Tensor first = batch.append(ids, std::vector<std::int64_t>(group.size(), 1));
      for (std::size_t i = 0; i < group.size(); ++i) {
        for (const std::size_t member : prompts[group[i]].members) {
          const auto row = static_cast<std::int64_t>(i);
          read_scores(first.narrow(0, row, 1), pairs_[member].second.data(), 1, scores_[member]);
        }
      }
      score_further_tokens(batch, prompts, group);
    }
  }

  // The tokens after the first of all continuations of the prompts in `batch`.
  void score_further_tokens(const RaggedBatch& batch, const std::vector<Shared>& prompts,
                            const std::vector<std::size_t>& group) {
    std::vector<TokenIds> rows;
    std::vector<std::int64_t> wanted, row_of;
    std::vector<std::size_t> members;
    for (std::size_t i = 0; i < group.size(); ++i) {
      for (const std::size_t member : prompts[group[i]].members) {
        const TokenIds& continuation = pairs_[member].second;
        if (continuation.size() == 1) continue;
        rows.push_back(TokenIds(continuation.begin(), continuation.end() - 1));
        wanted.push_back(size_of(continuation) - 1);
        row_of.push_back(static_cast<std::int64_t>(i));
        members.push_back(member);
      }
    }
    for (const auto& part : groups(rows, wanted)) {
      std::vector<std::int64_t> chosen;
      for (const std::size_t row : part) chosen.push_back(row_of[row]);
      RaggedBatch going = batch.select(chosen);
      score_rows(going, rows, wanted, members, 1, part);
    }
  }

  std::vector<std::vector<std::size_t>> groups(const std::vector<TokenIds>& rows,
                                               const std::vector<std::int64_t>& wanted) const {
    return group_by_length(rows, wanted, model_.architecture().vocab, limits_);
  }

  // Runs the rows of `group` after `batch`. The logits wanted are those before the tokens of the
  // members' continuations from number `from` on.
  void score_rows(RaggedBatch& batch, const std::vector<TokenIds>& rows,
                  const std::vector<std::int64_t>& wanted, const std::vector<std::size_t>& members,
                  std::int64_t from, const std::vector<std::size_t>& group) {
    std::vector<TokenIds> ids;
    std::vector<std::int64_t> counts;
    for (const std::size_t row : group) {
      ids.push_back(rows[row]);
      counts.push_back(wanted[row]);
    }
    const at::Tensor logits = batch.append(ids, counts);
    std::int64_t begin = 0;
    for (std::size_t i = 0; i < group.size(); ++i) {
      const std::size_t member = members[group[i]];
      read_scores(logits.narrow(0, begin, counts[i]), pairs_[member].second.data() + from,
                  counts[i], scores_[member]);
      begin += counts[i];
    }
  }

  const EditedModel& model_;
  const Pairs& pairs_;
  BatchLimits limits_;
  SharedPrefix shared_;
  std::vector<ContinuationScore> scores_;
};

}  // namespace

std::vector<std::int64_t> likely_ids(const EditedModel& model,
                                     const std::vector<std::int64_t>& prompt, std::int64_t count) {
  check_prompts(model.architecture(), {prompt}, "looking at the next tokens");
  const c10::InferenceMode inference;
  ForwardInput input;
  input.ids = at::tensor(prompt, at::kLong).unsqueeze(0);
  input.logit_positions = at::tensor({size_of(prompt) - 1}, at::kLong);
  const at::Tensor logits = model.forward(input).logits.view({-1});
  const std::int64_t kept = std::min(count, logits.numel());
  const at::Tensor ids = std::get<1>(logits.topk(kept)).to(at::kCPU).contiguous();
  const auto* first = ids.const_data_ptr<std::int64_t>();
  return {first, first + kept};
}

std::vector<ContinuationScore> score_ids(const EditedModel& model, const Pairs& pairs,
                                         std::int64_t batch_rows) {
  std::vector<TokenIds> prompts, whole;
  for (const auto& [prompt, continuation] : pairs) {
    prompts.push_back(prompt);
    whole.push_back(prompt);
    whole.back().insert(whole.back().end(), continuation.begin(), continuation.end());
  }
  check_prompts(model.architecture(), prompts, "scoring");
  check_prompts(model.architecture(), whole, "scoring", 1);
  const c10::InferenceMode inference;
  return Scorer(model, pairs, batch_rows).run();
}

}  // namespace kedit
