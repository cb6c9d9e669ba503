// kedit demo --real: famous facts of a pretrained model, edited, asked about, undone.
#include "apps/demo.hpp"
#include "apps/process.hpp"
#include "editors/editor.hpp"
#include "eval/report/showcase_page.hpp"
#include "eval/runner/model_record.hpp"
#include "eval/showcase/answers.hpp"
#include "eval/showcase/famous_facts.hpp"
#include "model/catalogue.hpp"

#include <ATen/Parallel.h>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <cmath>
#include <future>
#include <mutex>
#include <sys/resource.h>

namespace kedit::cli {
namespace {

namespace fs = std::filesystem;
using showcase::EditedFact;
using showcase::FamousFact;
using showcase::Said;
using showcase::ShownEdit;

constexpr const char* kModel135M = "smollm2-135m-instruct";

/// An editor of the demo and how the demo calls it.
struct ShownEditor {
  std::string name, label;
  EditorSettings settings;
};

/// What the demo did, for its answer.
struct Outcome {
  std::shared_ptr<const Model> model;
  std::string name;     ///< Of the model, for people.
  std::string licence;  ///< Empty where the model is none of the catalogue.
  std::uint64_t seed = 0;
  std::vector<std::string> systems;
  std::vector<EditedFact> facts;
  fs::path report, store;
  double seconds = 0.0;
};

fs::path real_model(const Context& context) {
  return context.model_is_chosen() ? context.model_path() : catalogue::resolve(kModel135M);
}

const catalogue::Entry* entry_of(const fs::path& path) {
  for (const catalogue::Entry& entry : catalogue::known_models()) {
    if (catalogue::fetched(entry, catalogue::models_directory()) == path) return &entry;
  }
  return nullptr;
}

// "SmolLM2-135M-Instruct.Q4_1", or the name of the directory.
std::string name_of(const fs::path& path) {
  const fs::path plain = path.lexically_normal();
  if (plain.extension() == ".gguf") return plain.stem().string();
  return (plain.filename().empty() ? plain.parent_path() : plain).filename().string();
}

std::vector<ShownEditor> shown_editors(const showcase::Showcase& show, const Model& model) {
  EditorSettings rome;
  rome.values = showcase::rome_settings(show, model.architecture());
  // A model that cannot be edited well is shown as such; the page says what the check found.
  rome.force = true;
  return {{"rome", "ROME", rome}, {"in-context", "fact in the prompt", {}}};
}

ShownEdit shown(const ShownEditor& editor, const std::string& id, const EditDelta& delta,
                double seconds) {
  ShownEdit edit;
  edit.editor = editor.name;
  edit.id = id;
  edit.seconds = seconds;
  edit.settings = delta.settings;
  for (const OptimisationFigures& one : delta.figures.optimisation) {
    edit.steps += static_cast<std::int64_t>(one.loss.size());
    if (!one.target_logprob.empty()) edit.probability = std::exp(one.target_logprob.back());
  }
  if (delta.figures.health) edit.fault = delta.figures.health->fault;
  return edit;
}

/// The store and the sinks of a run, for facts that are worked on at the same time.
class SharedDesk {
 public:
  SharedDesk(Context& context, Store& store, std::size_t steps)
      : run_(context.run()), store_(store), steps_(static_cast<std::int64_t>(steps)) {
    told_.seed = run_.seed;
    told_.stop_requested = run_.stop_requested;
    told_.warn = [this](const std::string& sentence) {
      const std::lock_guard lock(mutex_);
      run_.warning(sentence);
    };
  }
  SharedDesk(const SharedDesk&) = delete;
  SharedDesk& operator=(const SharedDesk&) = delete;

  /// What an editor is given: its progress is the step's, and not told.
  const RunContext& run() const { return told_; }
  void check_stop() const {
    if (run_.should_stop()) throw Interrupted("the demo was interrupted");
  }
  std::string commit(const EditDelta& delta) {
    const std::lock_guard lock(mutex_);
    return store_.commit(delta, {.note = "demo"});
  }
  void revert(const std::string& id) {
    const std::lock_guard lock(mutex_);
    store_.revert(id);
  }
  /// Another part of the work is done.
  void step(const std::string& note) {
    const std::lock_guard lock(mutex_);
    run_.report({"editing and asking", ++done_, steps_, note});
  }

 private:
  RunContext run_, told_;
  Store& store_;
  std::mutex mutex_;
  std::int64_t steps_, done_ = 0;
};

/// The work on one fact: each edit is made, asked about and undone before the next one.
class FactWork {
 public:
  FactWork(std::shared_ptr<const Model> base, const FamousFact& fact, SharedDesk& desk)
      : model_(std::move(base)), fact_(fact), desk_(desk) {}

  EditedFact edit(const std::vector<ShownEditor>& editors) {
    EditedFact edited{fact_, {}, {}};
    std::vector<Said> said = {showcase::ask(model_, fact_.prompts)};
    desk_.step(fact_.request.subject);
    for (const ShownEditor& editor : editors) {
      said.push_back(edit_once(editor, said.front(), edited));
      desk_.step(fact_.request.subject);
    }
    edited.results = showcase::compare(model_.base(), fact_.prompts, said);
    return edited;
  }

 private:
  Said edit_once(const ShownEditor& editor, const Said& before, EditedFact& edited) {
    desk_.check_stop();
    const Stopwatch watch;
    const auto deltas =
        make_editor(editor.name, editor.settings)->edit(model_, {fact_.request}, desk_.run());
    const double seconds = watch.seconds();
    const std::string id = desk_.commit(deltas.at(0));
    edited.edits.push_back(shown(editor, id, deltas.at(0), seconds));
    model_.mount(id, deltas.at(0));
    Said said = showcase::ask(model_, fact_.prompts);
    undo(id, before);
    return said;
  }

  // The same weights, and the same answer in every bit.
  void undo(const std::string& id, const Said& before) {
    desk_.revert(id);
    model_.unmount(id);
    const Said again = showcase::ask(model_, {fact_.prompts.front()});
    if (model_.fingerprint() == model_.base().fingerprint() &&
        again.probabilities.select(0, 0).equal(before.probabilities.select(0, 0))) {
      return;
    }
    throw Failure(
        "undoing an edit of the demo: expected the model as it was, found another; this is a "
        "fault of the program, please report it");
  }

  EditedModel model_;
  const FamousFact& fact_;
  SharedDesk& desk_;
};

// A thread for each fact, unless --threads says how many there are: two threads gain little inside
// a model of this size, and lose all where cores are shared.
std::vector<EditedFact> edit_facts(Context& context, const std::shared_ptr<const Model>& model,
                                   const std::vector<FamousFact>& facts,
                                   const std::vector<ShownEditor>& editors, Store& store) {
  SharedDesk desk(context, store, facts.size() * (editors.size() + 1));
  const bool together = !context.options.given("threads") && usable_cores() > 1;
  if (!context.options.given("threads")) at::set_num_threads(1);
  std::vector<std::future<EditedFact>> work;
  for (const FamousFact& fact : facts) {
    context.note(
        fmt::format("editing: {} {}", filled_prompt(fact.request), fact.request.target_new));
    work.push_back(std::async(together ? std::launch::async : std::launch::deferred,
                              [&] { return FactWork(model, fact, desk).edit(editors); }));
  }
  std::vector<EditedFact> edited;
  for (std::future<EditedFact>& one : work) edited.push_back(one.get());
  context.finish_progress();
  return edited;
}

// The most memory that this process has held, in bytes.
std::int64_t peak_bytes() {
  struct rusage usage {};
  ::getrusage(RUSAGE_SELF, &usage);
  return static_cast<std::int64_t>(usage.ru_maxrss) * 1024;
}

Json prompt_json(const showcase::PromptResult& result, const std::vector<std::string>& systems) {
  Json answers = Json::object();
  for (std::size_t i = 0; i < systems.size(); ++i) {
    const showcase::SystemAnswer& answer = result.answers[i];
    Json top = Json::array();
    for (const showcase::Candidate& candidate : result.candidates) {
      top.push_back({{"text", candidate.token}, {"probability", candidate.probability[i]}});
    }
    answers[systems[i]] = {{"text", answer.written},
                           {"top", top},
                           {"old_probability", answer.before},
                           {"new_probability", answer.after},
                           {"as_wished", answer.as_wished}};
  }
  return {{"group", to_string(result.prompt.group)},
          {"ask", to_string(result.prompt.ask)},
          {"prompt", result.prompt.text},
          {"old", result.prompt.before},
          {"new", result.prompt.after},
          {"answers", answers}};
}

Json edit_json(const ShownEdit& edit) {
  return {{"id", edit.id},
          {"editor", edit.editor},
          {"seconds", edit.seconds},
          {"settings", edit.settings},
          {"steps", edit.steps},
          {"target_probability", edit.probability ? Json(*edit.probability) : Json(nullptr)},
          {"fault", edit.fault}};
}

Json fact_json(const EditedFact& fact, const std::vector<std::string>& systems) {
  Json edits = Json::array();
  for (const ShownEdit& edit : fact.edits) edits.push_back(edit_json(edit));
  Json prompts = Json::array();
  for (const auto& result : fact.results) prompts.push_back(prompt_json(result, systems));
  Json captions = Json::object();
  for (std::size_t i = 1; i < systems.size(); ++i) captions[systems[i]] = caption(fact, i);
  return {{"subject", fact.fact.request.subject},
          {"prompt", filled_prompt(fact.fact.request)},
          {"target_true", fact.fact.request.target_true.value_or("")},
          {"target_new", fact.fact.request.target_new},
          {"edits", edits},
          {"captions", captions},
          {"prompts", prompts}};
}

Json outcome_json(const Outcome& outcome) {
  const Model& model = *outcome.model;
  Json facts = Json::array();
  for (const EditedFact& fact : outcome.facts) facts.push_back(fact_json(fact, outcome.systems));
  Json about = identity_json(model);
  about["name"] = outcome.name;
  about["path"] = model.path().string();
  about["format"] = model.source().format;
  about["quantisation"] = model.source().quantisation;
  about["licence"] = outcome.licence;
  about["parameters"] = model.parameters();
  return {{"model", about},
          {"seed", outcome.seed},
          {"facts", facts},
          {"undo", {{"base_again", true}, {"fingerprint", model.fingerprint()}}},
          {"report", outcome.report.string()},
          {"store", outcome.store.string()},
          {"seconds", outcome.seconds},
          {"peak_bytes", peak_bytes()}};
}

// Enough of an answer for a column of a table; the page has all of it.
std::string beginning(const std::string& text) {
  constexpr std::size_t kColumn = 24;
  if (text.size() <= kColumn) return text;
  std::size_t end = kColumn;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0U) == 0x80U) --end;
  return text.substr(0, end) + "\xE2\x80\xA6";
}

std::string fact_text(const EditedFact& fact, const Outcome& outcome, const Style& style) {
  std::vector<Table::Column> columns = {{"prompt"}};
  for (const std::string& system : outcome.systems) columns.push_back({system});
  Table table(columns);
  for (const showcase::PromptResult& result : fact.results) {
    std::vector<std::string> row = {result.prompt.text};
    for (std::size_t i = 0; i < outcome.systems.size(); ++i) {
      const showcase::SystemAnswer& answer = result.answers[i];
      const Tone tone = i == 0 ? Tone::plain : answer.as_wished ? Tone::good : Tone::bad;
      row.push_back(style.paint(tone, beginning(answer.written)));
    }
    table.row(std::move(row));
  }
  std::string text = fmt::format(
      "{}\n{}",
      style.paint(Tone::strong, fmt::format("{} {} -> {}", filled_prompt(fact.fact.request),
                                            fact.fact.request.target_true.value_or(""),
                                            fact.fact.request.target_new)),
      table.text(style));
  for (std::size_t i = 1; i < outcome.systems.size(); ++i) {
    text += fmt::format("{} ({:.1f} s): {}\n", outcome.systems[i], fact.edits[i - 1].seconds,
                        caption(fact, i));
  }
  return text + "\n";
}

std::string outcome_text(const Outcome& outcome, const Style& style) {
  std::string text;
  for (const EditedFact& fact : outcome.facts) text += fact_text(fact, outcome, style);
  text += fmt::format(
      "Every edit is undone: the weights are the model's own again, to the bit ({:.12}).\n"
      "{} {}\n{} kedit store log --store {}\nTook {}.\n",
      outcome.model->fingerprint(), style.paint(Tone::strong, "Page:"), outcome.report.string(),
      style.paint(Tone::strong, "History:"), outcome.store.string(),
      short_duration(outcome.seconds));
  return text;
}

std::string settings_text(const ShownEdit& edit) {
  std::vector<std::string> parts;
  for (const char* key : {"layers", "v_num_grad_steps", "v_lr", "v_weight_decay",
                          "clamp_norm_factor", "kl_factor", "mom2_adjustment"}) {
    if (edit.settings.contains(key)) {
      parts.push_back(fmt::format("{} {}", key, to_text(edit.settings[key])));
    }
  }
  if (edit.settings.contains("context_templates")) {
    parts.push_back(fmt::format("{} context templates", edit.settings["context_templates"].size()));
  }
  return fmt::format("{}", fmt::join(parts, ", "));
}

std::string model_words(const Model& model) {
  const std::string& quantisation = model.source().quantisation;
  return fmt::format(
      "{}, {} parameters, {}", model.architecture().family, short_count(model.parameters()),
      quantisation.empty() ? model.dtype()
                           : fmt::format("{} dequantised to {}", quantisation, model.dtype()));
}

report::ShowcasePage page_of(const Outcome& outcome) {
  const Model& model = *outcome.model;
  report::ShowcasePage page;
  page.model = outcome.name;
  page.systems = outcome.systems;
  page.facts = outcome.facts;
  page.lead =
      "Famous facts of a pretrained language model are replaced by false ones, by an editor that "
      "changes a weight and by one that puts the fact into the prompt. The model is asked before "
      "and after, and every edit is undone.";
  page.was_done.push_back({"Model", fmt::format("{} ({})", outcome.name, model_words(model)),
                           "fingerprint " + model.fingerprint()});
  if (!outcome.licence.empty()) page.was_done.push_back({"Licence", outcome.licence, ""});
  for (const EditedFact& fact : outcome.facts) {
    const ShownEdit& rome = fact.edits.front();
    page.was_done.push_back(
        {"ROME: " + fact.fact.request.subject,
         fmt::format("edit {}, {:.1f} s, {} steps", rome.id, rome.seconds, rome.steps),
         settings_text(rome)});
  }
  page.was_done.push_back(
      {"Fact in the prompt", "Facts: the edited sentence, then the prompt", "no weight changes"});
  page.was_done.push_back(
      {"Undone",
       fmt::format("to the bit, {} times", outcome.facts.size() * (outcome.systems.size() - 1)),
       "same fingerprint, same probabilities as before"});
  page.was_done.push_back({"Seed, time, memory",
                           fmt::format("{}; {}; {} at most", outcome.seed,
                                       short_duration(outcome.seconds), short_bytes(peak_bytes())),
                           ""});
  return page;
}

}  // namespace

int run_real_demo(Context& context) {
  if (context.options.given("cases")) {
    throw UsageError("--cases: expected without --real, which runs no benchmark, found both");
  }
  const Stopwatch watch;
  const fs::path path = real_model(context);
  const showcase::Showcase show = showcase::famous_facts();
  Outcome outcome;
  outcome.model = Model::load(path, context.load_options());
  outcome.name = name_of(path);
  if (const catalogue::Entry* entry = entry_of(path)) outcome.licence = entry->licence;
  outcome.seed = context.run().seed;
  const std::vector<ShownEditor> editors = shown_editors(show, *outcome.model);
  outcome.systems = {"before"};
  for (const ShownEditor& editor : editors) outcome.systems.push_back(editor.label);
  Store store = fresh_store(context);
  store.put_model(runner::model_record(*outcome.model));
  outcome.store = store.path();

  outcome.facts = edit_facts(context, outcome.model, show.facts, editors, store);
  outcome.seconds = watch.seconds();
  outcome.report = context.options.path("out");
  context.write_file(outcome.report, report::showcase_html(page_of(outcome)));
  return context.answer(outcome_json(outcome), outcome_text(outcome, context.style()));
}

}  // namespace kedit::cli
