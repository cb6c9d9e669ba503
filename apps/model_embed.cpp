#include "apps/commands.hpp"
#include "apps/model_info.hpp"
#include "apps/prompt_ids.hpp"
#include "json/short_name.hpp"
#include "model/encoder.hpp"
#include "tokenizer/tokenizer.hpp"

#include <ATen/ATen.h>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>

namespace kedit::cli {
namespace {

struct Embedded {
  std::vector<Ids> ids;  // of each text
  at::Tensor vectors;    // [texts, hidden] float32
};

Embedded embed_texts(const Context& context, const Encoder& encoder,
                     const std::vector<std::string>& texts) {
  Embedded result;
  for (const std::string& text : texts) result.ids.push_back(encoder.ids(text));
  EmbedOptions options;
  if (context.options.flag("no-normalize")) options.normalize = false;
  result.vectors = encoder.embed_ids(result.ids, options).contiguous();
  return result;
}

// A vector after the other: a document tree of all their numbers would need ten times their memory.
void print_vectors_json(Context& context, const Embedded& embedded) {
  if (!at::isfinite(embedded.vectors).all().item<bool>()) {
    context.warn("some vectors are not finite; their numbers are null in the JSON");
  }
  const auto rows = embedded.vectors.accessor<float, 2>();
  context.print("{\"results\":[");
  for (std::int64_t r = 0; r < rows.size(0); ++r) {
    const Ids& ids = embedded.ids[static_cast<std::size_t>(r)];
    std::string line =
        fmt::format("{}{{\"ids\":[{}],\"vector\":[", r == 0 ? "" : ",", fmt::join(ids, ","));
    for (std::int64_t c = 0; c < rows.size(1); ++c) {
      if (c > 0) line += ',';
      line += std::isfinite(rows[r][c]) ? fmt::format("{}", rows[r][c]) : "null";
    }
    context.print(line + "]}");
  }
  context.print("]}\n");
}

// For people: how long each text is, and how its vector begins.
std::string vectors_text(Context& context, const std::vector<std::string>& texts,
                         const Embedded& embedded) {
  constexpr std::int64_t kShown = 5;
  Table table({{"text"},
               {"tokens", Table::Align::right},
               {"length", Table::Align::right},
               {fmt::format("vector of {}", embedded.vectors.size(1))}});
  const auto rows = embedded.vectors.accessor<float, 2>();
  for (std::size_t i = 0; i < texts.size(); ++i) {
    const auto row = static_cast<std::int64_t>(i);
    std::string begin;
    for (std::int64_t c = 0; c < std::min(kShown, rows.size(1)); ++c) {
      begin += fmt::format("{:.4f} ", rows[row][c]);
    }
    table.row({to_text(Json(short_name(texts[i]))), fmt::format("{}", embedded.ids[i].size()),
               fmt::format("{:.4f}", embedded.vectors[row].norm().item<float>()), begin + "..."});
  }
  return table.text(context.style());
}

int run_embed(Context& context) {
  const std::string source = context.options.exactly_one({"text", "texts"});
  const std::vector<std::string> texts = source == "text"
                                             ? std::vector{context.options.text("text")}
                                             : read_texts(context.options.path("texts"));
  const auto encoder = Encoder::load(context.model_path(), context.load_options());
  const Embedded embedded = embed_texts(context, *encoder, texts);
  if (context.json()) {
    print_vectors_json(context, embedded);
  } else {
    context.print(vectors_text(context, texts, embedded));
  }
  return 0;
}

}  // namespace

int run_encoder_info(Context& context) {
  if (context.options.given("store")) {
    throw UsageError("--store: expected a model that edits can be mounted on, found an encoder");
  }
  const auto encoder = Encoder::load(context.model_path(), context.load_options());
  Json info = model_json(encoder->model());
  info["pooling"] = to_string(encoder->pooling());
  info["normalize"] = encoder->normalizes();
  info["max_tokens"] = encoder->max_tokens();
  Table table = model_table(encoder->model());
  table.row({"vectors",
             fmt::format("{} over at most {} tokens{}", to_string(encoder->pooling()),
                         encoder->max_tokens(), encoder->normalizes() ? ", then length one" : "")});
  table.row({"fingerprint", encoder->model().fingerprint()});
  return context.answer(info, table.text(context.style()));
}

Command embed_command() {
  Command embed;
  embed.name = "model embed";
  embed.summary = "compute the vectors of texts with an encoder";
  embed.description =
      "For checkpoints of encoders (BERT type). A vector is the mean over the text's tokens, of "
      "length one, unless the checkpoint's modules.json says otherwise. A longer text than the "
      "checkpoint takes is cut.";
  embed.takes = kModel;
  embed.options = {text("text", "TEXT", "the text"),
                   text("texts", "FILE", "a JSON array of texts; - is standard input"),
                   flag("no-normalize", "leave vectors as long as they are")};
  embed.example = "kedit model embed --model path/to/all-minilm-l6-v2 --texts texts.json --json";
  embed.run = run_embed;
  return embed;
}

}  // namespace kedit::cli
