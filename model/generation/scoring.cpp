#include "model/generation/generation.hpp"
#include "model/generation/prefix_cache.hpp"
#include "model/generation/prompt_checks.hpp"
#include "model/generation/prompt_clusters.hpp"
#include "model/generation/ragged_batch.hpp"

#include <ATen/ATen.h>
#include <c10/core/GradMode.h>
#include <c10/core/InferenceMode.h>

#include <algorithm>
#include <map>

namespace kedit {
namespace {

using Pairs = std::vector<std::pair<generation::TokenIds, generation::TokenIds>>;

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

std::int64_t size_of(const generation::TokenIds& ids) {
  return static_cast<std::int64_t>(ids.size());
}

// All but the last token of prompt and continuation: what the model must see to score it.
generation::TokenIds seen_by_model(const generation::TokenIds& prompt,
                                   const generation::TokenIds& continuation) {
  generation::TokenIds ids = prompt;
  ids.insert(ids.end(), continuation.begin(), continuation.end() - 1);
  return ids;
}

constexpr std::size_t kManyContinuations = 8;  // of one prompt, which they then read in place

// A prompt and the pairs that it stands in.
struct ScoredPrompt {
  generation::TokenIds ids;
  std::vector<std::size_t> members;
};

class Scorer {
 public:
  Scorer(const EditedModel& model, const Pairs& pairs, std::int64_t batch_rows,
         generation::PrefixCache& prefixes)
      : model_(model), pairs_(pairs), limits_{batch_rows}, prefixes_(prefixes) {}

  std::vector<ContinuationScore> run() {
    const auto first_length = model_.architecture().first_length();
    ByPrompt within, beyond;
    for (std::size_t i = 0; i < pairs_.size(); ++i) {
      const auto& [prompt, continuation] = pairs_[i];
      scores_.push_back({continuation, {}, true});
      if (continuation.empty()) continue;
      const bool is_long =
          first_length && size_of(prompt) + size_of(continuation) - 1 > *first_length;
      (is_long ? beyond : within)[prompt].push_back(i);
    }
    score_prompts(within, 0);
    if (!beyond.empty()) score_prompts(beyond, *first_length + 1);
    return std::move(scores_);
  }

 private:
  using ByPrompt =
      std::map<generation::TokenIds, std::vector<std::size_t>>;  // the pairs of each prompt

  // `text_length` is 0, or says that all pairs are longer than longrope's first length. There a
  // prompt by itself may turn otherwise than with its continuation, so that both run in one pass.
  void score_prompts(const ByPrompt& by_prompt, std::int64_t text_length) {
    std::vector<generation::TokenIds> prompts;
    for (const auto& [prompt, members] : by_prompt) prompts.push_back(prompt);
    for (const generation::PromptCluster& cluster : generation::cluster_prompts(prompts)) {
      start_cluster(prompts[cluster.members.front()], cluster.shared, text_length);
      std::vector<std::size_t> singles;
      std::vector<ScoredPrompt> several;
      for (const std::size_t prompt : cluster.members) {
        const auto& members = by_prompt.at(prompts[prompt]);
        if (members.size() == 1 || text_length > 0) {
          singles.insert(singles.end(), members.begin(), members.end());
        } else {
          several.push_back({rest(prompts[prompt]), members});
        }
      }
      score_singles(singles);
      score_several(several);
    }
  }

  void start_cluster(const generation::TokenIds& prompt, std::int64_t shared,
                     std::int64_t text_length) {
    shared_ = shared;
    if (shared == 0) return;
    beginning_ = prefixes_.of(model_, generation::TokenIds(prompt.begin(), prompt.begin() + shared),
                              text_length);
  }

  // Rows that hold the beginning of the cluster.
  generation::RaggedBatch start(std::size_t rows) const {
    if (shared_ == 0) return generation::RaggedBatch(model_);
    return {model_, beginning_, static_cast<std::int64_t>(rows)};
  }

  // What of a row is still to come.
  generation::TokenIds rest(const generation::TokenIds& row) const {
    return {row.begin() + static_cast<std::ptrdiff_t>(shared_), row.end()};
  }

  // Prompts with one continuation: both in one pass, batched across prompts.
  void score_singles(const std::vector<std::size_t>& members) {
    std::vector<generation::TokenIds> rows;
    std::vector<std::int64_t> wanted;
    for (const std::size_t member : members) {
      const auto& [prompt, continuation] = pairs_[member];
      rows.push_back(rest(seen_by_model(prompt, continuation)));
      wanted.push_back(size_of(continuation));
    }
    for (const auto& group : groups(rows, wanted)) {
      generation::RaggedBatch batch = start(group.size());
      score_rows(batch, rows, wanted, members, 0, group);
    }
  }

  // Prompts with several continuations: each prompt runs once. One with many runs by itself.
  void score_several(const std::vector<ScoredPrompt>& prompts) {
    std::vector<ScoredPrompt> few;
    for (const ScoredPrompt& prompt : prompts) {
      if (prompt.members.size() < kManyContinuations) {
        few.push_back(prompt);
      } else {
        score_together({prompt}, {0});
      }
    }
    std::vector<generation::TokenIds> rows;
    for (const ScoredPrompt& prompt : few) rows.push_back(prompt.ids);
    for (const auto& group : groups(rows, std::vector<std::int64_t>(rows.size(), 1))) {
      score_together(few, group);
    }
  }

  void score_together(const std::vector<ScoredPrompt>& prompts,
                      const std::vector<std::size_t>& group) {
    std::vector<generation::TokenIds> ids;
    for (const std::size_t prompt : group) ids.push_back(prompts[prompt].ids);
    generation::RaggedBatch batch = start(group.size());
    const at::Tensor first = batch.append(ids, std::vector<std::int64_t>(group.size(), 1));
    for (std::size_t i = 0; i < group.size(); ++i) {
      const at::Tensor logits = first.narrow(0, static_cast<std::int64_t>(i), 1);
      for (const std::size_t member : prompts[group[i]].members) {
        read_scores(logits, pairs_[member].second.data(), 1, scores_[member]);
      }
    }
    score_further_tokens(batch, prompts, group);
  }

  // The tokens after the first of all continuations of the prompts in `batch`.
  void score_further_tokens(const generation::RaggedBatch& batch,
                            const std::vector<ScoredPrompt>& prompts,
                            const std::vector<std::size_t>& group) {
    std::vector<generation::TokenIds> rows;
    std::vector<std::int64_t> wanted, row_of;
    std::vector<std::size_t> members;
    for (std::size_t i = 0; i < group.size(); ++i) {
      for (const std::size_t member : prompts[group[i]].members) {
        const generation::TokenIds& continuation = pairs_[member].second;
        if (continuation.size() == 1) continue;
        rows.push_back(generation::TokenIds(continuation.begin(), continuation.end() - 1));
        wanted.push_back(size_of(continuation) - 1);
        row_of.push_back(static_cast<std::int64_t>(i));
        members.push_back(member);
      }
    }
    for (const auto& part : groups(rows, wanted)) {
      std::vector<std::int64_t> chosen;
      for (const std::size_t row : part) chosen.push_back(row_of[row]);
      generation::RaggedBatch going = group.size() == 1
                                          ? batch.fork(static_cast<std::int64_t>(part.size()))
                                          : batch.select(chosen);
      score_rows(going, rows, wanted, members, 1, part);
    }
  }

  std::vector<std::vector<std::size_t>> groups(const std::vector<generation::TokenIds>& rows,
                                               const std::vector<std::int64_t>& wanted) const {
    return generation::group_by_length(rows, wanted, model_.architecture().vocab, limits_);
  }

  // Runs the rows of `group` after `batch`. The logits wanted are those before the tokens of the
  // members' continuations from number `from` on.
  void score_rows(generation::RaggedBatch& batch, const std::vector<generation::TokenIds>& rows,
                  const std::vector<std::int64_t>& wanted, const std::vector<std::size_t>& members,
                  std::int64_t from, const std::vector<std::size_t>& group) {
    std::vector<generation::TokenIds> ids;
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
  generation::BatchLimits limits_;
  generation::PrefixCache& prefixes_;
  std::int64_t shared_ = 0;  // tokens of the beginning of the cluster at work
  KvCache beginning_;
  std::vector<ContinuationScore> scores_;
};

// [vocab] of the token after `prompt`.
at::Tensor next_logits(const EditedModel& model, const generation::TokenIds& prompt) {
  generation::check_prompts(model.architecture(), {prompt}, "looking at the next tokens");
  ForwardInput input;
  const at::Device device = model.weights().token_embedding.device();
  input.ids = at::tensor(prompt, at::kLong).unsqueeze(0).to(device);
  input.logit_positions = at::tensor({size_of(prompt) - 1}, at::kLong).to(device);
  return model.forward(input).logits.view({-1});
}

}  // namespace

std::vector<std::int64_t> likely_ids(const EditedModel& model,
                                     const std::vector<std::int64_t>& prompt, std::int64_t count) {
  const c10::InferenceMode inference;
  const at::Tensor logits = next_logits(model, prompt);
  const std::int64_t kept = std::min(count, logits.numel());
  const at::Tensor ids = std::get<1>(logits.topk(kept)).to(at::kCPU).contiguous();
  const auto* first = ids.const_data_ptr<std::int64_t>();
  return {first, first + kept};
}

at::Tensor next_probabilities(const EditedModel& model, const std::vector<std::int64_t>& prompt) {
  const c10::NoGradGuard no_grad;
  return at::softmax(next_logits(model, prompt).to(at::kFloat), 0).to(at::kCPU);
}

std::vector<ContinuationScore> score_ids(const EditedModel& model, const Pairs& pairs,
                                         std::int64_t batch_rows,
                                         generation::PrefixCache* prefixes) {
  std::vector<generation::TokenIds> prompts, whole;
  for (const auto& [prompt, continuation] : pairs) {
    prompts.push_back(prompt);
    whole.push_back(prompt);
    whole.back().insert(whole.back().end(), continuation.begin(), continuation.end());
  }
  generation::check_prompts(model.architecture(), prompts, "scoring");
  generation::check_prompts(model.architecture(), whole, "scoring", 1);
  const c10::InferenceMode inference;
  generation::PrefixCache of_this_call(kPrefixBytes);
  generation::PrefixCache& found = prefixes != nullptr ? *prefixes : of_this_call;
  return Scorer(model, pairs, batch_rows, found).run();
}

}  // namespace kedit
