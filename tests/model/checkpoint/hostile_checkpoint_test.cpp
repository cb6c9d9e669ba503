#include "tests/model/checkpoint/hostile_fixtures.hpp"

using namespace kedit;
using namespace kedit::testing;

namespace {

const std::vector<Hostile>& damaged_files() {
  static const std::string nul(
      "{\"a\\u0000b\":{\"dtype\":\"U8\",\"shape\":[1],"
      "\"data_offsets\":[0,1]}}");
  static const std::vector<Hostile> rows = {
      {"no config", "llama", without("config.json"), "config.json: No such file or directory"},
      {"empty config", "llama", contents("config.json", ""), "config.json: line 1, column 1"},
      {"config cut", "llama", cut("config.json", 0.5), "config.json: line "},
      {"config is a folder", "llama", as_folder("config.json"), "config.json: expected a regular"},
      {"config is a pipe", "llama", as_pipe("config.json"), "config.json: expected a regular"},
      {"config links to itself", "llama", as_link("config.json", "config.json"),
       "config.json: Too many levels of symbolic links"},
      {"config is an array", "llama", contents("config.json", "[1]"),
       "config.json: /: expected an object, found an array of 1"},
      {"config with a key twice", "llama",
       contents("config.json", R"({"model_type":"llama","model_type":"gpt2"})"),
       "expected every key once, found \"model_type\" twice"},
      {"config is no UTF-8", "llama", contents("config.json", "{\"model_type\":\"\xff\xfe\"}"),
       "config.json: line 1"},
      {"config nests deeply", "llama",
       contents("config.json", std::string(2000, '[') + std::string(2000, ']')),
       "expected at most 32 levels of nesting"},
      {"generation config cut", "llama", cut("generation_config.json", 0.5),
       "generation_config.json: line "},
      {"generation config links to nothing", "llama",
       as_link("generation_config.json", "gone.json"),
       "generation_config.json: No such file or directory"},
      {"end of text as a string", "llama", field("generation_config.json", "/eos_token_id", "2"),
       "generation_config.json: /eos_token_id: expected an integer, found the string \"2\""},
      {"ends of text as strings", "llama", config("eos_token_id", {1, "2"}),
       "config.json: /eos_token_id/1: expected an integer"},

      {"no weights", "llama", without(kWeights),
       "expected model.safetensors or model.safetensors.index.json, found neither"},
      {"pickled weights only", "llama",
       [](const fs::path& d) { fs::rename(d / kWeights, d / "pytorch_model.bin"); },
       "found only pickled weights (.bin, .pt), which can run code when they are read; convert"},
      {"older pickled weights only", "llama",
       [](const fs::path& d) { fs::rename(d / kWeights, d / "consolidated.00.pth"); },
       "found only pickled weights"},
      {"weights are a pipe", "llama", as_pipe(kWeights),
       "model.safetensors: expected a regular file, found a pipe or a device"},
      {"weights are a folder", "llama", as_folder(kWeights),
       "model.safetensors: expected a regular file, found a directory"},
      {"weights link to themselves", "llama", as_link(kWeights, kWeights),
       "model.safetensors: Too many levels of symbolic links"},
      {"weights link to nothing", "llama", as_link(kWeights, "gone"),
       "model.safetensors: No such file or directory"},
      {"weights are a device", "llama", as_link(kWeights, "/dev/zero"),
       "model.safetensors: expected a regular file, found a pipe or a device"},
      {"empty weights", "llama", contents(kWeights, ""), "expected data, found an empty file"},
      {"weights of seven bytes", "llama", contents(kWeights, "1234567"),
       "expected a safetensors file of at least 8 bytes, found 7"},
      {"header of 2^63 bytes", "llama", contents(kWeights, std::string(7, '\0') + "\x80{}"),
       "header length: expected at most 33554432 bytes, found 9223372036854775808"},
      {"header longer than the file", "llama",
       contents(kWeights, std::string("\x40\0\0\0\0\0\0\0{}", 10)),
       "header length: expected at most the 2 bytes that follow, found 64"},
      {"header of no bytes", "llama", contents(kWeights, std::string(16, '\0')),
       "header: expected a JSON object, found none"},
      {"header is no JSON", "llama", header_text("{\"a\":]", 0), "line 1"},
      {"header is an array", "llama", header_text("[]", 0), "header: expected a JSON object"},
      {"a byte short", "llama", resized(kWeights, -1), "begin <= end <= "},
      {"a byte too many", "llama", resized(kWeights, 1), "bytes of data as its header says, found"},
      {"half the file", "llama", cut(kWeights, 0.5), "begin <= end <= "},
      {"half the header", "llama", contents(kWeights, std::string("\x10\0\0\0\0\0\0\0{\"a\":", 13)),
       "header length: expected at most the 5 bytes that follow, found 16"},
  };
  return rows;
}

const std::vector<Hostile>& damaged_headers() {
  static const std::string one = R"({"dtype":"U8","shape":[1],"data_offsets":[0,1]})";
  static const std::vector<Hostile> rows = {
      {"overlap", "llama", header([](Json& json) {
         auto& offsets = json["model.norm.weight"]["data_offsets"];
         offsets[0] = offsets[0].get<std::int64_t>() - 4;
         offsets[1] = offsets[1].get<std::int64_t>() - 4;
       }),
       "(no overlap, no gap), found "},
      {"hole", "llama",
       header_text(R"({"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]},)"
                   R"("b":{"dtype":"U8","shape":[1],"data_offsets":[2,3]}})",
                   3),
       "tensor b: expected its data to begin at 1 (no overlap, no gap), found 2"},
      {"end before begin", "llama", header_field("data_offsets", {96, 0}),
       "/model.norm.weight/data_offsets: expected begin <= end"},
      {"end outside", "llama", header_field("data_offsets", {0, 1ULL << 40}),
       "/model.norm.weight/data_offsets: expected begin <= end"},
      {"negative offset", "llama", header_field("data_offsets", {-96, 0}),
       "/model.norm.weight/data_offsets/0: expected a non-negative integer, found -96"},
      {"offset with a point", "llama", header_field("data_offsets", {0.0, 96.0}),
       "/model.norm.weight/data_offsets/0: expected a non-negative integer"},
      {"offset of 2^63", "llama", header_field("data_offsets", {0, 1ULL << 63}),
       "/model.norm.weight/data_offsets/1: expected an integer up to 2^62"},
      {"three offsets", "llama", header_field("data_offsets", {0, 96, 192}),
       "/model.norm.weight/data_offsets: expected two offsets"},
      {"product of sides overflows", "llama",
       header_field("shape", {1ULL << 40, 1ULL << 40, 1ULL << 40}),
       "/model.norm.weight/shape: expected a shape of at most"},
      {"negative side", "llama", header_field("shape", {-24}),
       "/model.norm.weight/shape/0: expected a non-negative integer, found -24"},
      {"side as a string", "llama", header_field("shape", {"24"}),
       "/model.norm.weight/shape/0: expected a non-negative integer, found the string \"24\""},
      {"shape is a number", "llama", header_field("shape", 24),
       "/model.norm.weight/shape: expected an array, found 24"},
      {"shape of another size", "llama", header_field("shape", {23}),
       "/model.norm.weight/data_offsets: expected 92 bytes for F32 [23]"},
      {"nine dimensions", "llama", header_field("shape", {24, 1, 1, 1, 1, 1, 1, 1, 1}),
       "/model.norm.weight/shape: expected at most 8 dimensions"},
      {"unknown dtype", "llama", header_field("dtype", "F8_E4M3"),
       "/model.norm.weight/dtype: expected a dtype among F32"},
      {"dtype as a number", "llama", header_field("dtype", 32),
       "/model.norm.weight/dtype: expected a string, found 32"},
      {"no dtype", "llama", header([](Json& json) { json["model.norm.weight"].erase("dtype"); }),
       "/model.norm.weight/dtype: expected a value, found none"},
      {"no shape", "llama", header([](Json& json) { json["model.norm.weight"].erase("shape"); }),
       "/model.norm.weight/shape: expected a value, found none"},
      {"no offsets", "llama",
       header([](Json& json) { json["model.norm.weight"].erase("data_offsets"); }),
       "/model.norm.weight/data_offsets: expected a value, found none"},
      {"an entry is a list", "llama", header([](Json& json) { json["model.norm.weight"] = {1}; }),
       "/model.norm.weight: expected an object, found an array of 1"},
      {"a tensor twice", "llama", header_text("{\"a\":" + one + ",\"a\":" + one + "}", 1),
       "expected every key once, found \"a\" twice"},
      {"NUL in a name", "llama", header_text("{\"a\\u0000b\":" + one + "}", 1), "/a"},
      {"empty name", "llama", header_text("{\"\":" + one + "}", 1),
       "expected a tensor name of 1 to 4096 bytes without NUL"},
      {"name of 5000 bytes", "llama",
       header_text("{\"" + std::string(5000, 'x') + "\":" + one + "}", 1),
       "expected a tensor name of 1 to 4096 bytes without NUL"},
      {"metadata of numbers", "llama", header([](Json& json) {
         json["__metadata__"] = {{"format", 7}};
       }),
       "/__metadata__/format: expected a string, found 7"},
      {"metadata is a list", "llama",
       header([](Json& json) { json["__metadata__"] = Json::array(); }),
       "/__metadata__: expected an object"},
  };
  return rows;
}

const std::vector<Hostile>& damaged_tensors() {
  const auto kFloat = c10::ScalarType::Float;
  static const std::vector<Hostile> rows = {
      {"transposed", "llama", tensor("lm_head.weight", [](at::Tensor t) { return t.t(); }),
       "tensor lm_head.weight: expected shape [61, 24], found [24, 61]"},
      {"another rank", "llama",
       tensor("model.norm.weight", [](at::Tensor t) { return t.unsqueeze(0); }),
       "tensor model.norm.weight: expected shape [24], found [1, 24]"},
      {"no norm in a layer", "llama", no_tensor("model.layers.1.input_layernorm.weight"),
       "tensor model.layers.1.input_layernorm.weight: expected shape [24], found no such tensor"},
      {"no embedding", "llama", no_tensor("model.embed_tokens.weight"),
       "tensor model.embed_tokens.weight: expected shape [61, 24], found no such tensor"},
      {"no head, not tied", "llama", no_tensor("lm_head.weight"),
       "tensor lm_head.weight: expected shape [61, 24], found no such tensor"},
      {"no bias", "gpt2", no_tensor("transformer.h.1.mlp.c_proj.bias"),
       "tensor transformer.h.1.mlp.c_proj.bias: expected shape [24], found no such tensor"},
      {"no tensors at all", "llama", tensors([](Tensors& all) { all.clear(); }),
       "found no such tensor"},
      {"integers", "llama", tensor("lm_head.weight", [](at::Tensor t) { return t.to(at::kInt); }),
       "tensor lm_head.weight: expected float32, bfloat16 or float16, found Int (quantised"},
      {"bytes", "llama",
       tensor("model.layers.0.mlp.up_proj.weight", [](at::Tensor t) { return t.to(at::kByte); }),
       "tensor model.layers.0.mlp.up_proj.weight: expected float32, bfloat16 or float16"},
      {"NaN", "llama", value_in("model.embed_tokens.weight", NAN, kFloat),
       "tensor model.embed_tokens.weight: expected finite numbers, found NaN or infinity"},
      {"infinity in a layer", "llama",
       value_in("model.layers.2.self_attn.v_proj.weight", HUGE_VAL, kFloat),
       "tensor model.layers.2.self_attn.v_proj.weight: expected finite numbers"},
      {"float16 NaN", "llama", value_in("model.norm.weight", NAN, c10::ScalarType::Half),
       "tensor model.norm.weight: expected finite numbers"},
      {"bfloat16 infinity", "gpt2",
       value_in("transformer.h.0.attn.c_attn.weight", -HUGE_VAL, c10::ScalarType::BFloat16),
       "tensor transformer.h.0.attn.c_attn.weight: expected finite numbers"},
      {"float64 NaN", "gpt2", value_in("transformer.ln_f.bias", NAN, c10::ScalarType::Double),
       "tensor transformer.ln_f.bias: expected finite numbers"},
  };
  return rows;
}

const std::vector<Hostile>& damaged_indexes() {
  static const std::string entry = "/weight_map/model.norm.weight";
  static const std::vector<Hostile> rows = {
      {"shard missing", "mistral", without("model-00002-of-00003.safetensors"),
       "model-00002-of-00003.safetensors: No such file or directory"},
      {"shard empty", "mistral", contents("model-00002-of-00003.safetensors", ""),
       "model-00002-of-00003.safetensors: expected data, found an empty file"},
      {"shard is a pipe", "mistral", as_pipe("model-00001-of-00003.safetensors"),
       "model-00001-of-00003.safetensors: expected a regular file, found a pipe"},
      {"shard links to itself", "mistral",
       as_link("model-00003-of-00003.safetensors", "model-00003-of-00003.safetensors"),
       "model-00003-of-00003.safetensors: Too many levels of symbolic links"},
      {"shard outside", "mistral", field(kIndex, entry, "../x.safetensors"),
       "/weight_map: expected bare file names, found \"../x.safetensors\""},
      {"absolute shard", "mistral", field(kIndex, entry, "/etc/passwd"),
       "/weight_map: expected bare file names, found \"/etc/passwd\""},
      {"shard in a folder", "mistral", field(kIndex, entry, "a/b.safetensors"),
       "/weight_map: expected bare file names"},
      {"shard is the folder", "mistral", field(kIndex, entry, "."),
       "/weight_map: expected bare file names, found \".\""},
      {"shard without a name", "mistral", field(kIndex, entry, ""),
       "/weight_map: expected bare file names, found \"\""},
      {"NUL in a shard's name", "mistral", field(kIndex, entry, std::string("a\0b", 3)),
       "/weight_map: expected bare file names"},
      {"shard as a number", "mistral", field(kIndex, entry, 7),
       "/weight_map/model.norm.weight: expected a string, found 7"},
      {"no map", "mistral", contents(kIndex, "{\"metadata\":{}}"),
       "/weight_map: expected a value, found none"},
      {"map of nothing", "mistral", field(kIndex, "/weight_map", Json::object()),
       "/weight_map: expected the file of at least one tensor, found an object with 0 keys"},
      {"map is a list", "mistral", field(kIndex, "/weight_map", Json{1, 2}),
       "/weight_map: expected an object"},
      {"index cut", "mistral", cut(kIndex, 0.7), "model.safetensors.index.json: line "},
      {"index is a folder", "mistral", as_folder(kIndex),
       "model.safetensors.index.json: expected a regular"},
      {"index is a pipe", "mistral", as_pipe(kIndex),
       "model.safetensors.index.json: expected a regular"},
      {"tensor of no shard", "mistral",
       field(kIndex, "/weight_map/ghost", "model-00001-of-00003.safetensors"),
       "tensor ghost: expected it here as the index says, found no such tensor"},
      {"tensor in two shards", "mistral",
       [](const fs::path& d) {
         fs::copy_file(d / "model-00001-of-00003.safetensors", d / "copy.safetensors");
         const Json map = read_json(d / kIndex)["weight_map"];
         for (const auto& [name, file] : map.items()) {
           if (file == "model-00001-of-00003.safetensors") {
             field(kIndex, "/weight_map/" + name, "copy.safetensors")(d);
             return;
           }
         }
       },
       "expected it in one shard, found it in two"},
  };
  return rows;
}

}  // namespace

TEST_CASE("Hostile checkpoint: missing or empty or truncated or special files are refused") {
  check_all(damaged_files());
}

TEST_CASE("Hostile checkpoint: contradictory safetensors headers are refused by tensor and field") {
  check_all(damaged_headers());
}

TEST_CASE("Hostile checkpoint: missing or misshapen or non-finite tensors are refused by name") {
  check_all(damaged_tensors());
}

TEST_CASE(
    "Hostile checkpoint: a shard index outside its directory or against its shards is refused") {
  check_all(damaged_indexes());
}
