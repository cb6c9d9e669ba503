#pragma once

#include "model/model.hpp"
#include "tests/model/fixtures.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/temporary_directory.hpp"
#include "tests/support/thrown_message.hpp"

#include <ATen/ATen.h>

#include <algorithm>
#include <cstring>
#include <fstream>
#include <functional>
#include <string>
#include <sys/stat.h>
#include <vector>

/// Damaged checkpoints, each made from a good one, with the sentence that names the damage. None
/// may crash, hang or allocate what the file does not hold.
namespace kedit::testing {

namespace fs = std::filesystem;

using Damage = std::function<void(const fs::path&)>;

struct Hostile {
  std::string name, model;
  Damage damage;
  std::string message;
};

inline constexpr const char* kWeights = "model.safetensors";
inline constexpr const char* kIndex = "model.safetensors.index.json";

inline std::string bytes_of(const fs::path& file) { return read_text_file(file); }

inline void put(const fs::path& file, const std::string& bytes) {
  fs::remove(file);
  std::ofstream(file, std::ios::binary) << bytes;
}

inline Damage contents(const std::string& file, const std::string& bytes) {
  return [=](const fs::path& directory) { put(directory / file, bytes); };
}

inline Damage without(const std::string& file) {
  return [=](const fs::path& directory) { fs::remove(directory / file); };
}

inline Damage as_folder(const std::string& file) {
  return [=](const fs::path& directory) {
    fs::remove(directory / file);
    fs::create_directory(directory / file);
  };
}

inline Damage as_pipe(const std::string& file) {
  return [=](const fs::path& directory) {
    fs::remove(directory / file);
    if (::mkfifo((directory / file).c_str(), 0600) != 0) throw std::runtime_error("mkfifo");
  };
}

inline Damage as_link(const std::string& file, const std::string& target) {
  return [=](const fs::path& directory) {
    fs::remove(directory / file);
    fs::create_symlink(target, directory / file);
  };
}

// The first `part` of the file, or with more than its bytes.
inline Damage cut(const std::string& file, double part) {
  return [=](const fs::path& directory) {
    const std::string whole = bytes_of(directory / file);
    put(directory / file,
        whole.substr(0, static_cast<std::size_t>(part * static_cast<double>(whole.size()))));
  };
}

inline Damage resized(const std::string& file, std::int64_t by) {
  return [=](const fs::path& directory) {
    const auto size = static_cast<std::int64_t>(fs::file_size(directory / file));
    fs::resize_file(directory / file, static_cast<std::uintmax_t>(size + by));
  };
}

// One field of a JSON file, at a pointer; null removes it.
inline Damage field(const std::string& file, const std::string& pointer, const Json& value) {
  return [=](const fs::path& directory) {
    Json json = read_json(directory / file);
    json[Json::json_pointer(pointer)] = value;
    put(directory / file, to_text(json));
  };
}

inline Damage config(const std::string& key, const Json& value) {
  return field("config.json", "/" + key, value);
}

inline Damage no_field(const std::string& key) {
  return [=](const fs::path& directory) {
    Json json = read_json(directory / "config.json");
    json.erase(key);
    put(directory / "config.json", to_text(json));
  };
}

inline void write_raw(const fs::path& file, const std::string& header, const std::string& data) {
  const std::uint64_t length = header.size();
  std::string bytes(8, '\0');
  std::memcpy(bytes.data(), &length, 8);
  put(file, bytes + header + data);
}

// The header changed, the data as it was.
inline Damage header(const std::function<void(Json&)>& change) {
  return [=](const fs::path& directory) {
    const std::string bytes = bytes_of(directory / kWeights);
    std::uint64_t length = 0;
    std::memcpy(&length, bytes.data(), 8);
    Json json = parse_json(bytes.substr(8, length), "header");
    change(json);
    write_raw(directory / kWeights, json.dump(), bytes.substr(8 + length));
  };
}

inline Damage header_field(const std::string& key, const Json& value) {
  return header([=](Json& json) { json["model.norm.weight"][key] = value; });
}

inline Damage header_text(const std::string& text, std::size_t data) {
  return [=](const fs::path& directory) {
    write_raw(directory / kWeights, text, std::string(data, '\0'));
  };
}

using Tensors = std::vector<std::pair<std::string, at::Tensor>>;

inline Damage tensors(const std::function<void(Tensors&)>& change) {
  return [=](const fs::path& directory) {
    Tensors all = all_tensors(directory / kWeights);
    change(all);
    checkpoint::write_safetensors(directory / kWeights, all);
  };
}

inline Damage tensor(const std::string& name, const std::function<at::Tensor(at::Tensor)>& change) {
  return tensors([=](Tensors& all) {
    for (auto& [known, value] : all) {
      if (known == name) value = change(value).contiguous();
    }
  });
}

inline Damage no_tensor(const std::string& name) {
  return tensors([=](Tensors& all) {
    all.erase(std::remove_if(all.begin(), all.end(),
                             [&](const auto& entry) { return entry.first == name; }),
              all.end());
  });
}

inline Damage value_in(const std::string& name, double value, c10::ScalarType dtype) {
  return tensor(name, [=](at::Tensor t) {
    t = t.to(dtype);
    t.view({-1})[t.numel() - 1] = value;
    return t;
  });
}

inline void load_model(const fs::path& directory) { Model::load(directory); }

inline void check_all(const std::vector<Hostile>& rows,
                      void (*load)(const fs::path&) = load_model) {
  for (const auto& row : rows) {
    const TemporaryDirectory directory;
    copy_model(row.model, directory.path());
    row.damage(directory.path());
    const std::string message = thrown_message<ModelError>([&] { load(directory.path()); });
    INFO(row.name << ": " << message);
    CHECK(contains(message, row.message));
    CHECK(contains(message, directory.path().string()));
    CHECK(message.find('\n') == std::string::npos);
  }
}

}  // namespace kedit::testing
