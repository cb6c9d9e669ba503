#include "editors/editor.hpp"
#include "editors/locate/alphaedit.hpp"
#include "editors/locate/ft.hpp"
#include "editors/locate/memit.hpp"
#include "editors/locate/r_rome.hpp"
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
        "rank-one change of one MLP matrix per layer, one edit at a time"},
       make<locate::RomeEditor>},
      {{"r-rome",
        "Gupta et al., Rebuilding ROME: Resolving Model Collapse during Sequential Model Editing, "
        "2024",
        "paper and reference program; numbers agree with the program's own",
        "ROME with one key for choosing and for solving, which ends its disabling edits"},
       make<locate::RRomeEditor>},
      {{"memit", "Meng et al., Mass-Editing Memory in a Transformer, ICLR 2023",
        "paper and reference program; numbers agree with the program's own",
        "many facts in one least-squares solve, shared by several layers", true, true},
       make<locate::MemitEditor>},
      {{"alphaedit",
        "Fang et al., AlphaEdit: Null-Space Constrained Knowledge Editing for Language Models, "
        "ICLR 2025",
        "paper and reference program; numbers agree with the program's own",
        "MEMIT's way with each change kept out of the directions that the layer's keys use, and "
        "of earlier edits' keys",
        true, true},
       make<locate::AlphaEditEditor>},
      {{"ft", "Meng et al. 2022, the fine-tuning baselines FT and FT-L of ROME's program",
        "reference program; numbers agree with the program's own",
        "fine-tunes one MLP matrix on the prompt, free or with a bound on every element", true,
        true},
       make<locate::FineTuningEditor>},
      {{"in-context", "IKE and the in-context baselines of Cohen et al. 2023, Zhong et al. 2023",
        "prompt form is kedit's own",
        "keeps the edited facts and puts them in front of the question; changes no weight", false},
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
