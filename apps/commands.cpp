#include "apps/commands.hpp"

namespace kedit::cli {
namespace {

std::vector<Command> make_table() {
  std::vector<Command> all;
  for (auto* commands_of :
       {demo_commands, model_commands, edit_commands, explain_commands, export_commands,
        import_commands, stats_commands, store_commands, score_commands, bench_commands,
        report_commands, train_commands, completion_commands}) {
    std::vector<Command> commands = commands_of();
    all.insert(all.end(), commands.begin(), commands.end());
  }
  return all;
}

}  // namespace

const std::vector<Command>& all_commands() {
  static const std::vector<Command> table = make_table();
  return table;
}

}  // namespace kedit::cli
