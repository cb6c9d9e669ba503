#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace kedit {

/// One step of a reasoning trace: a sub-question (or the sentence that states the step), what it
/// was answered with, and where that came from ("edit", "model", "graph", or "" when unknown).
struct TraceStep {
  std::string question;
  std::string answer;
  std::string source;

  bool operator==(const TraceStep&) const = default;
};

using Trace = std::vector<TraceStep>;

/// Text forms of transcripts. Methods of kedit emit structured traces; parsing is for foreign text
/// and for chains of thought that a model writes.
enum class TranscriptForm {
  mello,  ///< "Subquestion: ..." blocks with "Intermediate answer: ..." and "Final answer: ...".
  kedit,  ///< "Thoughts: s1. s2.\nAnswer: a"; a leading "Thoughts:" may be missing.
};
TranscriptForm parse_transcript_form(std::string_view name);

/// The steps of a transcript. `clozes` are the statement templates ("{} is a citizen of") by which
/// form `kedit` tells a step's object from its sentence; a sentence that fits none ends in its
/// answer after the last linking word (a heuristic of ours, nothing published).
///
/// Form `mello`: the text up to the first blank line; a step per "Subquestion: " marker; its answer
/// is the text after the last ": " up to the next marker (the rule of PokeMQA's hop accuracy), so
/// the final line also serves the last hop.
Trace parse_trace(std::string_view text, TranscriptForm form,
                  const std::vector<std::string>& clozes);

/// The final answer that a transcript states, to the end of its line; empty when it states none.
/// Form `mello`: after the first "Final answer: ", provided at most three "Retrieved fact: " stand
/// before it (the loop's limit of four calls). Form `kedit`: `reasoning::stated_answer`.
std::optional<std::string> final_answer(std::string_view text, TranscriptForm form);

/// Length of the first sentence without the period that ends it; the whole length when none ends. A
/// period ends a sentence before white space or the end of the text, except after an initial ("J.
/// K. Rowling") or one of a few abbreviations ("St. Louis"); one that belongs to a dotted name
/// ("Washington, D.C.") stays in.
std::size_t sentence_length(std::string_view text);

}  // namespace kedit
