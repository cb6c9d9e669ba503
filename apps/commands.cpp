#include "apps/commands.hpp"

namespace kedit::cli {
namespace {

void append(std::vector<Command>* all, std::vector<Command> more) {
  all->insert(all->end(), more.begin(), more.end());
}

std::vector<Command> make_table() {
  std::vector<Command> all;
#ifdef KEDIT_HAVE_DEMO
  append(&all, demo_commands());
#endif
#ifdef KEDIT_HAVE_MODEL
  append(&all, model_commands());
#endif
#ifdef KEDIT_HAVE_EDIT
  append(&all, edit_commands());
#endif
#ifdef KEDIT_HAVE_STATS
  append(&all, stats_commands());
#endif
#ifdef KEDIT_HAVE_STORE
  append(&all, store_commands());
#endif
#ifdef KEDIT_HAVE_SCORE
  append(&all, score_commands());
#endif
#ifdef KEDIT_HAVE_BENCH
  append(&all, bench_commands());
#endif
#ifdef KEDIT_HAVE_REPORT
  append(&all, report_commands());
#endif
#ifdef KEDIT_HAVE_TRAIN
  append(&all, train_commands());
#endif
#ifdef KEDIT_HAVE_COMPLETION
  append(&all, completion_commands());
#endif
  return all;
}

}  // namespace

const std::vector<Command>& all_commands() {
  static const std::vector<Command> table = make_table();
  return table;
}

}  // namespace kedit::cli
