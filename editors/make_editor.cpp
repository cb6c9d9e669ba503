#include "editors/editor.hpp"
#include "editors/locate/rome.hpp"
#include "editors/reasoning/in_context.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

namespace kedit {

namespace {

template <class Method>
std::unique_ptr<Editor> make(const EditorSettings& settings) {
  return std::make_unique<Method>(settings);
}

struct Row {
  EditorInfo info;
  std::unique_ptr<Editor> (*make)(const EditorSettings&);
};

const std::vector<Row>& table() {
  static const std::vector<Row> rows{
      {{"rome", "Meng et al., Locating and Editing Factual Associations in GPT, NeurIPS 2022",
        "paper and reference program; numbers agree with the program's own",
        "rank-one change of one MLP matrix per layer, one edit at a time", true, false,
        locate::rome_setting_keys()},
       make<locate::RomeEditor>},
      {{"in-context",
        "IKE and the in-context baselines of Cohen et al. 2023, Zhong et al. 2023",
        "prompt form is kedit's own",
        "keeps the edited facts and puts them in front of the question; changes no weight",
        false,
        false,
        {}},
       make<reasoning::InContextEditor>},
  };
  return rows;
}

}  // namespace

const std::vector<EditorInfo>& known_editors() {
  static const std::vector<EditorInfo> editors = [] {
    std::vector<EditorInfo> infos;
    for (const Row& row : table()) infos.push_back(row.info);
    return infos;
  }();
  return editors;
}

const EditorInfo* find_editor(std::string_view name) {
  for (const Row& row : table()) {
    if (row.info.name == name) return &row.info;
  }
  return nullptr;
}

std::unique_ptr<Editor> make_editor(std::string_view name, const EditorSettings& settings) {
  std::vector<std::string> names;
  for (const Row& row : table()) {
    if (row.info.name == name) return row.make(settings);
    names.push_back(row.info.name);
  }
  const auto nearest = nearest_name(name, names);
  throw EditError(fmt::format("choosing the editor: expected {}, found \"{}\"{}",
                              fmt::join(names, " or "), name,
                              nearest ? fmt::format("; did you mean {}?", *nearest) : ""));
}

}  // namespace kedit
