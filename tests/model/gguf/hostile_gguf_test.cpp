// Damaged and foreign GGUF files: one sentence that names file and key or tensor, and no allocation
// by a number that the file claims.
#include "model/gguf/header.hpp"
#include "model/model.hpp"
#include "tests/model/gguf/gguf_writer.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/temporary_directory.hpp"
#include "tests/support/thrown_message.hpp"

#include <filesystem>
#include <fstream>
#include <functional>
#include <iterator>
#include <string>
#include <utility>
#include <vector>

using namespace kedit;
using namespace kedit::testing;

namespace {

void write(const std::filesystem::path& file, const std::string& bytes) {
  std::ofstream(file, std::ios::binary) << bytes;
}

std::string fault_of(const std::string& bytes) {
  const TemporaryDirectory place;
  write(place.path() / "m.gguf", bytes);
  return thrown_message<ModelError>([&] { Model::load(place.path() / "m.gguf"); });
}

struct Damage {
  const char* what;
  std::function<void(GgufWriter&)> damage;
  const char* message;
};

std::function<void(GgufWriter&)> on(const char* tensor,
                                    std::function<void(GgufWriter::Tensor&)> change) {
  return [=](GgufWriter& file) { change(file.at(tensor)); };
}

const std::string kHuge = GgufWriter::bytes(std::uint64_t{1} << 62);
constexpr const char* kUp = "blk.0.ffn_up.weight";

const std::vector<Damage>& damages() {
  static const std::vector<Damage> rows = {
      {"another magic", [](GgufWriter& f) { f.magic = "GGML"; }, "the magic: expected \"GGUF\""},
      {"version 1", [](GgufWriter& f) { f.version = 1; }, "the version: expected 2 or 3, found 1"},
      {"version 4", [](GgufWriter& f) { f.version = 4; }, "the version: expected 2 or 3, found 4"},
      {"big-endian", [](GgufWriter& f) { f.version = 0x03000000; },
       "expected a little-endian file, found a big-endian one"},
      {"keys without end", [](GgufWriter& f) { f.more_keys = std::uint64_t{1} << 62; },
       "the key count: expected at most "},
      {"tensors without end", [](GgufWriter& f) { f.more_tensors = std::uint64_t{1} << 62; },
       "the tensor count: expected at most "},
      {"one tensor too many", [](GgufWriter& f) { f.more_tensors = 1; }, "the name of tensor 12"},
      {"a string of 2^62 bytes", [](GgufWriter& f) { f.raw("general.name", 8, kHuge); },
       "key general.name: expected a string of at most "},
      {"an array of 2^62 numbers",
       [](GgufWriter& f) { f.raw("zz", 9, GgufWriter::bytes(std::uint32_t{6}) + kHuge); },
       "key zz: expected an array of a count up to "},
      {"a value of no type", [](GgufWriter& f) { f.raw("zz", 13, ""); },
       "key zz: expected a value type from 0 to 12, found 13"},
      {"an array of no type",
       [](GgufWriter& f) {
         f.raw("zz", 9, GgufWriter::bytes(std::uint32_t{77}) + GgufWriter::bytes(std::uint64_t{1}));
       },
       "key zz: expected a value type from 0 to 12, found 77"},
      {"arrays within arrays",
       [](GgufWriter& f) {
         std::string nested;
         for (int i = 0; i < 1000; ++i) {
           nested += GgufWriter::bytes(std::uint32_t{9}) + GgufWriter::bytes(std::uint64_t{1});
         }
         f.raw("zz", 9, nested);
       },
       "key zz: expected at most 16 arrays within each other"},
      {"a key twice", [](GgufWriter& f) { f.number("llama.block_count", 2); },
       "key llama.block_count: expected each key once, found it twice"},
      {"a key that is no UTF-8", [](GgufWriter& f) { f.number("\xff\xfe", 2); }, "expected UTF-8"},
      {"an alignment of 12", [](GgufWriter& f) { f.number("general.alignment", 12); },
       "key general.alignment: expected a multiple of 8"},
      {"a tensor twice",
       [](GgufWriter& f) {
         f.zeros(kUp, {4, 6});
       },
       "tensor blk.0.ffn_up.weight: expected each tensor once, found it twice"},
      {"five dimensions",
       on(kUp,
          [](auto& t) {
            t.sides = {1, 1, 1, 1, 1};
          }),
       "tensor blk.0.ffn_up.weight: expected 1 to 4 dimensions, found 5"},
      {"no dimension", on(kUp, [](auto& t) { t.sides = {}; }),
       "expected 1 to 4 dimensions, found 0"},
      {"a zero dimension",
       on(kUp,
          [](auto& t) {
            t.sides = {4, 0};
          }),
       "tensor blk.0.ffn_up.weight: expected a shape without a zero dimension"},
      {"sides whose product overflows",
       on(kUp,
          [](auto& t) {
            t.sides = {std::uint64_t{1} << 33, std::uint64_t{1} << 33};
          }),
       "tensor blk.0.ffn_up.weight: expected a shape of at most "},
      {"an unknown type", on(kUp, [](auto& t) { t.type = 99; }),
       "tensor blk.0.ffn_up.weight: expected a tensor type among F32, F16"},
      {"a type that is not read", on(kUp, [](auto& t) { t.type = 20; }),
       "found IQ4_NL, which is not supported"},
      {"rows of half a block", on(kUp, [](auto& t) { t.type = 2; }),
       "expected a shape with rows of whole Q4_0 blocks of 32, found rows of 4"},
      {"an odd offset", on(kUp, [](auto& t) { t.offset = 35; }),
       "expected an offset that is a multiple of the alignment 32, found 35"},
      {"data beyond the end", on(kUp, [](auto& t) { t.offset = std::int64_t{1} << 40; }),
       "tensor blk.0.ffn_up.weight: expected 96 bytes at offset 1099511627776"},
      {"no such architecture",
       [](GgufWriter& f) {
         f = GgufWriter();
         f.text("general.architecture", "mamba");
       },
       "/general.architecture: expected a supported architecture (llama, qwen2"},
      {"no architecture", [](GgufWriter& f) { f = GgufWriter(); },
       "/general.architecture: expected a value, found none"},
      {"an adapter", [](GgufWriter& f) { f.text("general.type", "adapter"); },
       "/general.type: expected \"model\""},
      {"a mixture of experts", [](GgufWriter& f) { f.number("llama.expert_count", 8); },
       "/llama.expert_count: expected 0 (mixtures of experts are not supported)"},
      {"heads of three elements", [](GgufWriter& f) { f.number("llama.attention.key_length", 3); },
       "/head_dim: expected an even number of rotated elements up to the head's 3"},
      {"values of another width",
       [](GgufWriter& f) { f.number("llama.attention.value_length", 4); },
       "/llama.attention.value_length: expected key_length, 2"},
      {"an unknown rotary scaling",
       [](GgufWriter& f) { f.text("llama.rope.scaling.type", "spiral"); },
       "/llama.rope.scaling.type: expected a rotary scaling among none, linear, yarn"},
      {"linear scaling without a factor",
       [](GgufWriter& f) { f.text("llama.rope.scaling.type", "linear"); },
       "/llama.rope.scaling.factor: expected a value, found none"},
      {"frequency factors of another number",
       [](GgufWriter& f) { f.zeros("rope_freqs.weight", {3}); },
       "tensor rope_freqs.weight: expected shape [1]"},
      {"frequency factors of zero", [](GgufWriter& f) { f.zeros("rope_freqs.weight", {1}); },
       "tensor rope_freqs.weight: expected positive numbers, found 0"},
      {"fewer tokens than rows",
       [](GgufWriter& f) {
         f.texts("tokenizer.ggml.tokens", {"a", "b"});
       },
       "key tokenizer.ggml.tokens: expected 5 tokens, as token_embd.weight has rows, found 2"},
      {"no query weights", [](GgufWriter& f) { f.drop("blk.0.attn_q.weight"); },
       "tensor blk.0.attn_q.weight: expected it, found no such tensor"},
      {"a transposed matrix",
       on("blk.0.ffn_down.weight",
          [](auto& t) {
            t.sides = {4, 6};
          }),
       "tensor blk.0.ffn_down.weight: expected shape [4, 6], found [6, 4]"},
      {"NaN in a matrix",
       on(kUp, [](auto& t) { t.data.replace(0, 4, std::string("\0\0\xc0\x7f", 4)); }),
       "tensor blk.0.ffn_up.weight: expected finite numbers, found NaN"},
  };
  return rows;
}

}  // namespace

TEST_CASE("gguf: a damaged or foreign file is refused by one sentence with key or tensor") {
  for (const Damage& row : damages()) {
    INFO(row.what);
    GgufWriter file = small_llama();
    row.damage(file);
    const std::string fault = fault_of(file.file());
    CHECK(contains(fault, row.message));
    CHECK(contains(fault, "m.gguf"));
    CHECK_FALSE(contains(fault, "\n"));
  }
}

TEST_CASE("gguf: a file cut anywhere is refused, a whole one is read") {
  const std::string whole = small_llama().file();
  CHECK(fault_of(whole) == "no error thrown");
  for (std::size_t length = 0; length + 32 < whole.size(); length += 7) {
    INFO(length);
    CHECK(contains(fault_of(whole.substr(0, length)), "m.gguf"));
  }
}

TEST_CASE("gguf: many keys take time in proportion to their number, not to its square") {
  GgufWriter file = small_llama();
  for (std::uint32_t i = 0; i < 200000; ++i) file.number("other." + std::to_string(i), i);
  const std::string bytes = file.file();  // read in minutes when each key is looked up
  const auto header = gguf::read_header(reinterpret_cast<const std::uint8_t*>(bytes.data()),
                                        bytes.size(), "m.gguf");
  CHECK(header.metadata.size() == 200007);
  CHECK(std::prev(header.metadata.end()).key() == "other.199999");
}

TEST_CASE("gguf: sizes that no model has are refused under the file's name") {
  GgufWriter file;
  file.text("general.architecture", "llama")
      .number("llama.block_count", 99999)
      .number("llama.context_length", 16)
      .number("llama.embedding_length", 4)
      .number("llama.feed_forward_length", 6)
      .number("llama.attention.head_count", 2)
      .real("llama.attention.layer_norm_rms_epsilon", 1e-5F);
  file.zeros("token_embd.weight", {4, 5});
  CHECK(contains(fault_of(file.file()),
                 "m.gguf, its keys as a config.json: /num_hidden_layers: expected at most 10000"));
}

TEST_CASE("gguf: keys that nobody reads may hold anything") {
  GgufWriter file = small_llama();
  file.raw("other.bytes", 8, GgufWriter::string("\xff\xfe"));
  file.raw("other.nested", 9,
           GgufWriter::bytes(std::uint32_t{9}) + GgufWriter::bytes(std::uint64_t{1}) +
               GgufWriter::bytes(std::uint32_t{0}) + GgufWriter::bytes(std::uint64_t{2}) + "ab");
  file.raw("other.int8", 1, std::string(1, '\x80')).raw("other.bool", 7, std::string(1, '\1'));
  file.raw("other.uint64", 10, GgufWriter::bytes(std::uint64_t{1} << 63));
  file.raw("other.float64", 12, GgufWriter::bytes(1.5));
  CHECK(fault_of(file.file()) == "no error thrown");
  const std::string bytes = file.file();
  const auto header = gguf::read_header(reinterpret_cast<const std::uint8_t*>(bytes.data()),
                                        bytes.size(), "m.gguf");
  CHECK(header.metadata.at("other.int8") == -128);
  CHECK(header.metadata.at("other.bool") == true);
  CHECK(header.metadata.at("other.uint64") == (std::uint64_t{1} << 63));
  CHECK(header.metadata.at("other.float64") == 1.5);
  CHECK(header.metadata.at("llama.attention.layer_norm_rms_epsilon") == 1e-5);
  CHECK_FALSE(header.metadata.contains("other.nested"));
}

namespace {

// A model in two parts, as they are changed.
std::string fault_of_parts(const std::function<void(GgufWriter&, GgufWriter&)>& change,
                           bool with_second = true) {
  GgufWriter first = small_llama();
  GgufWriter second;
  const GgufWriter::Tensor moved = first.at(kUp);
  first.drop(kUp);
  second.tensor(moved.name, moved.sides, moved.type, moved.data);
  change(first, second);
  const TemporaryDirectory place;
  write(place.path() / "m-00001-of-00002.gguf", first.file());
  if (with_second) write(place.path() / "m-00002-of-00002.gguf", second.file());
  return thrown_message<ModelError>([&] { Model::load(place.path() / "m-00001-of-00002.gguf"); });
}

void number_parts(GgufWriter& first, GgufWriter& second) {
  first.number("split.count", 2).number("split.no", 0);
  second.number("split.count", 2).number("split.no", 1);
}

}  // namespace

TEST_CASE("gguf: a split model needs all its parts, and those of one model") {
  CHECK(fault_of_parts([](auto& first, auto& second) {
          number_parts(first, second);
          first.number("split.tensors.count", 11);
        }) == "no error thrown");
  CHECK(contains(fault_of_parts(number_parts, false),
                 "m-00002-of-00002.gguf: expected part 2 of 2 beside the first, found no such"));
  CHECK(contains(fault_of_parts([](auto& first, auto& second) {
                   number_parts(first, second);
                   first.number("split.tensors.count", 12);
                 }),
                 "expected the 11 tensors of all parts, found 12"));
  CHECK(contains(fault_of_parts([](auto& first, auto&) {
                   first.number("split.count", 2).number("split.no", 0);
                 }),
                 "key split.no: expected part 2 of 2, found no part"));
  CHECK(contains(fault_of_parts([](auto& first, auto& second) {
                   number_parts(first, second);
                   second.zeros("output_norm.weight", {4});
                 }),
                 "tensor output_norm.weight: expected it in one part, found it in two"));
  CHECK(contains(fault_of_parts([](auto& first, auto&) {
                   first.number("split.count", 2).number("split.no", 1);
                 }),
                 "expected the first of 2 parts, found part 2; name the first part"));
}
