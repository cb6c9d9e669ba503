#pragma once

#include <string>

namespace kedit::report {

/// The parts of a page, as HTML.
struct PageParts {
  std::string brand;    ///< Above the heading: what made the page.
  std::string title;    ///< Of the window.
  std::string heading;  ///< The h1.
  std::string lead;     ///< Paragraphs below it.
  std::string main;
  std::string footer;
};

/// One self-contained file: style built in (light and dark, phone to desk, print), no script,
/// nothing loaded from anywhere.
std::string page_html(const PageParts& parts);

/// A term and what it is in a list of facts (`dl.facts`), with small print where there is some. All
/// three are HTML.
std::string fact_html(const std::string& term, const std::string& value,
                      const std::string& detail = "");

}  // namespace kedit::report
