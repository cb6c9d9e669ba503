#include "model/checkpoint/safetensors.hpp"

#include "json/json.hpp"
#include "tests/model/fixtures.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/temporary_directory.hpp"
#include "tests/support/thrown_message.hpp"

#include <ATen/ATen.h>

#include <cstring>
#include <string>
#include <sys/stat.h>

using namespace kedit;

namespace {

std::string file_bytes(const std::string& header, std::size_t data_bytes) {
  const std::uint64_t length = header.size();
  std::string bytes(8, '\0');
  std::memcpy(bytes.data(), &length, 8);
  return bytes + header + std::string(data_bytes, '\0');
}

std::string opening(const std::filesystem::path& file) {
  return thrown_message<ModelError>([&] { checkpoint::SafetensorsFile::open(file); });
}

}  // namespace

TEST_CASE("Safetensors: written tensors and metadata read back bit for bit") {
  const TemporaryDirectory directory;
  const auto file = directory / "t.safetensors";
  at::manual_seed(1);
  const std::vector<std::pair<std::string, at::Tensor>> tensors = {
      {"b.weight", at::randn({3, 4})},
      {"a", at::randn({5}).to(at::kBFloat16)},
      {"half", at::randn({2, 1, 2}).to(at::kHalf)},
      {"scalar", at::tensor(7, at::kLong).view(at::IntArrayRef{})},
      {"empty", at::zeros({0, 3})},
      {"flags", at::tensor({1, 0, 1}).to(at::kBool)},
      {"odd", at::randn({3}, at::kDouble)},
  };
  checkpoint::write_safetensors(file, tensors, {{"format", "pt"}, {"note", "é"}});
  const checkpoint::SafetensorsFile read = checkpoint::SafetensorsFile::open(file);
  CHECK(read.metadata().at("note") == "é");
  CHECK(read.names().size() == tensors.size());
  for (const auto& [name, tensor] : tensors) {
    INFO(name);
    CHECK(read.tensor(name).sizes() == tensor.sizes());
    CHECK(kedit::testing::same_tensor_bytes(read.tensor(name), tensor));
  }
  CHECK_FALSE(read.contains("c"));
  CHECK(contains(thrown_message<ModelError>([&] { read.tensor("c"); }),
                 "tensor c: expected it, found no such"));
}

TEST_CASE(
    "Safetensors: a mapped tensor outlives its file object and writes do not reach the file") {
  const TemporaryDirectory directory;
  const auto file = directory / "t.safetensors";
  checkpoint::write_safetensors(file, {{"a", at::ones({1000})}});
  at::Tensor tensor;
  {
    const checkpoint::SafetensorsFile read = checkpoint::SafetensorsFile::open(file);
    tensor = read.tensor("a");
  }
  tensor.fill_(2.0);
  CHECK(tensor.sum().item<float>() == 2000.0F);
  CHECK(checkpoint::SafetensorsFile::open(file).tensor("a").sum().item<float>() == 1000.0F);
}

TEST_CASE("Safetensors: a damaged header is refused with what was expected and found") {
  struct Row {
    std::string header;
    std::size_t data_bytes;
    std::string message;
  };
  const std::string one = R"({"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}})";
  const auto row = GENERATE_COPY(values<Row>({
      {"", 0, "header: expected a JSON object, found none"},
      {"[]", 0, "header: expected a JSON object, found none"},
      {"{\"a\":", 0, "unexpected end of input"},
      {one, 7, "begin <= end <= 7 (the file's data)"},
      {one, 9, "expected 8 bytes of data as its header says, found 9"},
      {R"({"a":{"dtype":"F32","shape":[2],"data_offsets":[0,4]}})", 4,
       "a shape of at most 4 bytes"},
      {R"({"a":{"dtype":"F32","shape":[1],"data_offsets":[0,8]}})", 8, "4 bytes for F32 [1]"},
      {R"({"a":{"dtype":"F32","shape":[4611686018427387904,4,4],"data_offsets":[0,8]}})", 8,
       "a shape of at most"},
      {R"({"a":{"dtype":"F32","shape":[-2],"data_offsets":[0,8]}})", 8,
       "/a/shape/0: expected a non-negative integer, found -2"},
      {R"({"a":{"dtype":"F32","shape":[2.0],"data_offsets":[0,8]}})", 8,
       "/a/shape/0: expected a non-negative integer"},
      {R"({"a":{"dtype":"F32","shape":[1,1,1,1,1,1,1,1,2],"data_offsets":[0,8]}})", 8,
       "at most 8 dimensions"},
      {R"({"a":{"dtype":"F8_E4M3","shape":[8],"data_offsets":[0,8]}})", 8,
       "/a/dtype: expected a dtype among F32"},
      {R"({"a":{"shape":[2],"data_offsets":[0,8]}})", 8, "/a/dtype: expected a value, found none"},
      {R"({"a":{"dtype":"F32","shape":[2],"data_offsets":[8,0]}})", 8, "begin <= end"},
      {R"({"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8,8]}})", 8, "expected two offsets"},
      {R"({"a":{"dtype":"U8","shape":[4],"data_offsets":[0,4]},"b":{"dtype":"U8","shape":[4],"data_offsets":[2,6]}})",
       6, "tensor b: expected its data to begin at 4 (no overlap, no gap), found 2"},
      {R"({"a":{"dtype":"U8","shape":[4],"data_offsets":[0,4]},"b":{"dtype":"U8","shape":[4],"data_offsets":[5,9]}})",
       9, "tensor b: expected its data to begin at 4 (no overlap, no gap), found 5"},
      {R"({"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]},"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]}})",
       1, "expected every key once, found \"a\" twice"},
      {R"({"a":{"dtype":"U8","dtype":"F32","shape":[1],"data_offsets":[0,1]}})", 1,
       "found \"dtype\" twice"},
      {R"({"":{"dtype":"U8","shape":[1],"data_offsets":[0,1]}})", 1,
       "a tensor name of 1 to 4096 bytes"},
      {R"({"a":7})", 0, "/a: expected an object, found 7"},
      {R"({"__metadata__":{"k":7}})", 0, "/k: expected a string, found 7"},
      {R"({"a":{"dtype":"U8","shape":[[[[1]]]],"data_offsets":[0,1]}})", 1, "levels of nesting"},
  }));
  const TemporaryDirectory directory;
  const auto file = directory / "t.safetensors";
  write_file_atomically(file, file_bytes(row.header, row.data_bytes));
  const std::string message = opening(file);
  INFO(message);
  CHECK(contains(message, "reading " + file.string()));
  CHECK(contains(message, row.message));
}

TEST_CASE("safetensors: no metadata may be written as null") {
  const TemporaryDirectory directory;
  const auto file = directory / "t.safetensors";
  write_file_atomically(
      file, file_bytes(
                R"({"__metadata__":null,"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]}})", 1));
  CHECK(checkpoint::SafetensorsFile::open(file).metadata().empty());
  CHECK(checkpoint::SafetensorsFile::open(file).contains("a"));
}

TEST_CASE("safetensors: a message shows of a tensor's name the first 200 characters") {
  const TemporaryDirectory directory;
  const auto file = directory / "t.safetensors";
  const std::string name(4000, 'n');
  write_file_atomically(file, file_bytes("{\"" + name + "\":7}", 0));
  CHECK(contains(opening(file), "/" + std::string(200, 'n') + "...: expected an object"));
  CHECK(opening(file).size() < 600);
}

// Looking each key up among all of them would be minutes.
TEST_CASE("Safetensors: a header with 600000 metadata entries is read in linear time") {
  std::string notes;
  for (int i = 0; i < 600000; ++i) {
    notes += (i > 0 ? ",\"" : "\"") + std::to_string(i) + "\":\"\"";
  }
  const TemporaryDirectory directory;
  const auto file = directory / "t.safetensors";
  write_file_atomically(file, file_bytes("{\"__metadata__\":{" + notes + "}}", 0));
  CHECK(checkpoint::SafetensorsFile::open(file).metadata().size() == 600000);
}

TEST_CASE("Safetensors: a missing or empty or too short file is refused") {
  const TemporaryDirectory directory;
  const auto file = directory / "t.safetensors";
  CHECK(contains(opening(file), "No such file or directory"));
  write_file_atomically(file, "");
  CHECK(contains(opening(file), "expected data, found an empty file"));
  write_file_atomically(file, "abc");
  CHECK(contains(opening(file), "expected a safetensors file of at least 8 bytes, found 3"));
  write_file_atomically(file, std::string(8, '\xff') + "{}");
  CHECK(contains(opening(file), "header length: expected at most 33554432 bytes"));
  write_file_atomically(file, std::string("\x10\0\0\0\0\0\0\0{}", 10));
  CHECK(
      contains(opening(file), "header length: expected at most the 2 bytes that follow, found 16"));
  CHECK(contains(opening(directory.path()), "expected a regular file, found a directory"));
  REQUIRE(::mkfifo((directory / "pipe").c_str(), 0600) == 0);
  CHECK(contains(opening(directory / "pipe"), "expected a regular file, found a pipe or a device"));
}

TEST_CASE("Safetensors: a real file truncated anywhere is refused") {
  const std::string bytes =
      read_text_file(kedit::testing::golden_model("gpt2") / "model.safetensors");
  const TemporaryDirectory directory;
  const auto file = directory / "t.safetensors";
  for (std::size_t size = 0; size < bytes.size(); size += 997) {
    write_file_atomically(file, std::string_view(bytes).substr(0, size));
    CHECK(contains(opening(file), "reading "));
  }
}

TEST_CASE("Safetensors: misaligned tensors are read correctly") {
  const TemporaryDirectory directory;
  const auto file = directory / "t.safetensors";
  const std::string header =
      R"({"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]},"b":{"dtype":"F32","shape":[2],"data_offsets":[1,9]}} )";
  std::string bytes = file_bytes(header, 9);
  const float values[2] = {1.5F, -2.0F};
  std::memcpy(bytes.data() + bytes.size() - 8, values, 8);
  write_file_atomically(file, bytes);
  CHECK(at::equal(checkpoint::SafetensorsFile::open(file).tensor("b"), at::tensor({1.5F, -2.0F})));
}
