#include "model/encoder.hpp"

#include "tests/model/fixtures.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/minilm.hpp"
#include "tests/support/real_data.hpp"
#include "tests/support/temporary_directory.hpp"
#include "tests/support/thrown_message.hpp"
#include "tokenizer/text/charsmap.hpp"

#include <ATen/ATen.h>

#include <cstring>

using namespace kedit;
using namespace kedit::testing;

namespace {

using Ids = std::vector<std::int64_t>;

Json expected_of(const std::string& name) {
  return read_json(golden_model(name) / "expected.json").at("texts");
}

at::Tensor vector_of(const Json& numbers) {
  return at::tensor(numbers.get<std::vector<double>>(), at::kDouble);
}

std::vector<std::string> texts_of(const Json& rows) {
  std::vector<std::string> texts;
  for (const Json& row : rows) texts.push_back(row.at("text").get<std::string>());
  return texts;
}

EmbedOptions unnormalised() { return {.normalize = false}; }

std::shared_ptr<const Encoder> golden_encoder(const std::string& name) {
  return Encoder::load(golden_model(name));
}

void write(const std::filesystem::path& file, const Json& content) {
  write_file_atomically(file, to_text(content));
}

// little-endian float32 as the golden of MiniLM has them
at::Tensor decoded_floats(const std::string& base64) {
  const auto bytes = tokenizer::decode_base64(base64);
  REQUIRE(bytes);
  at::Tensor values = at::empty({static_cast<std::int64_t>(bytes->size() / 4)}, at::kFloat);
  std::memcpy(values.mutable_data_ptr(), bytes->data(), bytes->size());
  return values;
}

}  // namespace

TEST_CASE("Encoder: ids and vectors equal the reference library's") {
  const std::string name = GENERATE("bert", "bert-vocabulary");
  INFO(name);
  const auto encoder = golden_encoder(name);
  const Json rows = expected_of(name);
  const auto texts = texts_of(rows);
  const at::Tensor mean = encoder->embed(texts, unnormalised());
  const at::Tensor unit = encoder->embed(texts);
  REQUIRE(mean.sizes() == at::IntArrayRef({std::ssize(texts), 16}));
  CHECK(mean.scalar_type() == at::kFloat);
  for (std::size_t i = 0; i < texts.size(); ++i) {
    INFO(texts[i]);
    const auto row = static_cast<std::int64_t>(i);
    CHECK(encoder->ids(texts[i]) == rows[i].at("ids").get<Ids>());
    CHECK(max_difference(mean[row], vector_of(rows[i].at("mean"))) < 1e-5);
    CHECK(max_difference(unit[row], vector_of(rows[i].at("normalised"))) < 1e-5);
  }
}

TEST_CASE("Encoder: a text's vector does not depend on the texts beside it") {
  const auto encoder = golden_encoder("bert-vocabulary");
  const auto texts = texts_of(expected_of("bert-vocabulary"));
  const at::Tensor together = encoder->embed(texts);
  for (const std::int64_t tokens : {1, 7, 30}) {
    CHECK(max_difference(encoder->embed(texts, {.batch_tokens = tokens}), together) < 1e-6);
  }
  const std::vector<std::string> reversed(texts.rbegin(), texts.rend());
  CHECK(max_difference(encoder->embed(reversed).flip(0), together) < 1e-6);
  CHECK(encoder->embed({}).sizes() == at::IntArrayRef({0, 16}));
}

TEST_CASE("Encoder: a long text is cut so that the special tokens stay") {
  const auto encoder = golden_encoder("bert");
  CHECK(encoder->max_tokens() == 12);
  const Ids ids = encoder->ids("the of the of the of the of the of the of the of");
  REQUIRE(ids.size() == 12);
  CHECK(ids.front() == encoder->model().tokenizer().id("[CLS]"));
  CHECK(ids.back() == encoder->model().tokenizer().id("[SEP]"));
}

TEST_CASE("Encoder: pooling and length of vectors and texts are those of the files beside it") {
  const TemporaryDirectory directory;
  copy_model("bert-vocabulary", directory.path());
  const auto load = [&] { return Encoder::load(directory.path()); };
  CHECK(load()->pooling() == Pooling::mean);
  CHECK(load()->normalizes());
  CHECK(load()->max_tokens() == 20);
  write(directory / "tokenizer_config.json", {{"do_lower_case", false}, {"model_max_length", 9}});
  CHECK(load()->max_tokens() == 9);
  write(directory / "tokenizer_config.json",
        {{"do_lower_case", false}, {"model_max_length", 1e30}});
  CHECK(load()->max_tokens() == 20);
  write(directory / "sentence_bert_config.json", {{"max_seq_length", 7}});
  CHECK(load()->max_tokens() == 7);
  std::filesystem::remove(directory / "sentence_bert_config.json");

  const Json modules = {{{"type", "sentence_transformers.models.Transformer"}, {"path", ""}},
                        {{"type", "sentence_transformers.models.Pooling"}, {"path", "1_Pooling"}}};
  write(directory / "modules.json", modules);
  std::filesystem::create_directory(directory / "1_Pooling");
  const Json rows = expected_of("bert-vocabulary");
  for (const auto& [key, name] : {std::pair("pooling_mode_cls_token", "first"),
                                  std::pair("pooling_mode_max_tokens", "max")}) {
    write(directory / "1_Pooling/config.json", {{"pooling_mode_mean_tokens", false}, {key, true}});
    const auto encoder = load();
    CHECK(to_string(encoder->pooling()) == std::string(name));
    CHECK_FALSE(encoder->normalizes());
    const at::Tensor vectors = encoder->embed(texts_of(rows));
    for (std::size_t i = 0; i < rows.size(); ++i) {
      CHECK(max_difference(vectors[static_cast<std::int64_t>(i)], vector_of(rows[i].at(name))) <
            1e-5);
    }
  }
}

TEST_CASE("Encoder: 16-bit weights give float32 vectors near those of float32") {
  LoadOptions options;
  options.dtype = "bfloat16";
  const auto encoder = Encoder::load(golden_model("bert"), options);
  CHECK(encoder->model().dtype() == "bfloat16");
  const auto texts = texts_of(expected_of("bert"));
  const at::Tensor vectors = encoder->embed(texts);
  CHECK(vectors.scalar_type() == at::kFloat);
  CHECK(max_difference(vectors, golden_encoder("bert")->embed(texts)) < 0.1);
  CHECK(encoder->model().fingerprint() == golden_encoder("bert")->model().fingerprint());
}

TEST_CASE("Encoder: tensors of the training tasks are passed over and others named") {
  const TemporaryDirectory directory;
  copy_model("bert-vocabulary", directory.path());
  std::vector<std::string> warnings;
  LoadOptions options;
  options.warn = [&](const std::string& sentence) { warnings.push_back(sentence); };
  Encoder::load(directory.path(), options);
  CHECK(warnings.empty());
  auto tensors = all_tensors(directory / "model.safetensors");
  tensors.emplace_back("bert.embeddings.position_ids", at::arange(20).view({1, 20}));
  tensors.emplace_back("bert.encoder.layer.7.output.dense.bias", at::zeros({16}));
  checkpoint::write_safetensors(directory / "model.safetensors", tensors);
  Encoder::load(directory.path(), options);
  REQUIRE(warnings.size() == 1);
  CHECK(contains(warnings[0], "1 of its tensors"));
  CHECK(contains(warnings[0], "bert.encoder.layer.7.output.dense.bias"));
}

TEST_CASE("Encoder: norms may bear the names of the oldest checkpoints") {
  const TemporaryDirectory directory;
  copy_model("bert", directory.path());
  auto tensors = all_tensors(directory / "model.safetensors");
  for (auto& [name, tensor] : tensors) {
    const auto place = name.find("LayerNorm.");
    if (place == std::string::npos) continue;
    name =
        name.substr(0, place) + (name.ends_with("weight") ? "LayerNorm.gamma" : "LayerNorm.beta");
  }
  checkpoint::write_safetensors(directory / "model.safetensors", tensors);
  const auto old = Encoder::load(directory.path());
  CHECK(old->model().fingerprint() == golden_encoder("bert")->model().fingerprint());
}

TEST_CASE("Encoder: decoder and encoder checkpoints refuse to be taken for each other") {
  const std::string decoder = message_of([] { Encoder::load(golden_model("llama")); });
  CHECK(contains(decoder, "/model_type: expected an encoder (bert), found the string \"llama\""));
  const std::string encoder = thrown_message<ModelError>([] { Model::load(golden_model("bert")); });
  CHECK(contains(encoder, "/model_type: expected a model that writes text (an encoder"));
  CHECK(Encoder::present(golden_model("bert")));
  CHECK_FALSE(Encoder::present(golden_model("llama")));
  CHECK_FALSE(Encoder::present(golden_model("absent")));
}

TEST_CASE("Encoder: ids that its tables do not hold are refused") {
  const auto encoder = golden_encoder("bert");
  const auto refusal = [&](const Ids& ids) {
    return thrown_message<ModelError>([&] { encoder->embed_ids({{2, 3}, ids}); });
  };
  CHECK(contains(refusal({}), "text 2: expected 1 to 20 tokens, found 0"));
  CHECK(contains(refusal(Ids(21, 5)), "expected 1 to 20 tokens, found 21"));
  CHECK(contains(refusal({2, 5000}), "token ids from 0 to"));
  CHECK(contains(refusal({-1}), "found -1"));
  CHECK_THROWS_AS(encoder->embed_ids({{2}}, {.batch_tokens = 0}), std::invalid_argument);
}

TEST_CASE("Encoder: vectors of all-MiniLM-L6-v2 equal the reference library's", "[real-data]") {
  const auto directory = test::minilm();
  if (!directory) return;
  const auto file = test::real_data("gguf/minilm.json");
  if (!file) return;
  const auto encoder = Encoder::load(*directory);
  const Json golden = read_json(*file);
  const auto texts = texts_of(golden.at("sentences"));
  const at::Tensor mean = encoder->embed(texts, unnormalised());
  const at::Tensor unit = encoder->embed(texts);
  CHECK(encoder->max_tokens() == 256);
  for (std::size_t i = 0; i < texts.size(); ++i) {
    const Json& row = golden.at("sentences")[i];
    CHECK(encoder->ids(texts[i]) == row.at("ids").get<Ids>());
    const auto number = static_cast<std::int64_t>(i);
    CHECK(max_difference(mean[number], decoded_floats(row.at("mean"))) < 1e-5);
    CHECK(max_difference(unit[number], decoded_floats(row.at("normalised"))) < 1e-5);
  }
  for (const Json& row : golden.at("strings")) {
    CHECK(encoder->model().tokenizer().ids(row.at("text").get<std::string>()) ==
          row.at("ids").get<Ids>());
  }
}
