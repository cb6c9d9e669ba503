#pragma once

#include "apps/command.hpp"

#include <vector>

namespace kedit::cli {

// One function per file apps/NAME.cpp: the subcommands that it holds.
std::vector<Command> demo_commands();
std::vector<Command> model_commands();
Command generate_command();              // of "model"
Command convert_command();               // of "model"
Command get_model_command();             // of "model"
Command embed_command();                 // of "model"
Command score_model_command();           // of "model"
int run_encoder_info(Context& context);  // `model info` of an encoder
std::vector<Command> edit_commands();
std::vector<Command> explain_commands();
std::vector<Command> export_commands();
std::vector<Command> import_commands();
std::vector<Command> stats_commands();
std::vector<Command> store_commands();
std::vector<Command> score_commands();
std::vector<Command> bench_commands();
std::vector<Command> report_commands();
std::vector<Command> train_commands();
std::vector<Command> completion_commands();

/// The table of all subcommands, in the order of the help.
const std::vector<Command>& all_commands();

}  // namespace kedit::cli
