#include "eval/report/page_frame.hpp"

#include <fmt/format.h>

#include <map>
#include <string_view>

namespace kedit::assets {
extern const std::string_view report_page;  // assets/report/page.html, built in
extern const std::string_view report_css;   // light and dark, phone to desk, print
}  // namespace kedit::assets

namespace kedit::report {
namespace {

// Each "[[name]]" of the page, once, from left to right: what is filled in is never read again.
std::string filled(std::string_view page, const std::map<std::string, std::string>& parts) {
  std::string out;
  for (std::size_t at = page.find("[["); at != std::string_view::npos; at = page.find("[[")) {
    const std::size_t end = page.find("]]", at);
    out += page.substr(0, at);
    out += parts.at(std::string(page.substr(at + 2, end - at - 2)));
    page.remove_prefix(end + 2);
  }
  return out += page;
}

}  // namespace

std::string page_html(const PageParts& parts) {
  return filled(assets::report_page, {{"brand", parts.brand},
                                      {"title", parts.title},
                                      {"style", std::string(assets::report_css)},
                                      {"heading", parts.heading},
                                      {"lead", parts.lead},
                                      {"main", parts.main},
                                      {"footer", parts.footer}});
}

std::string fact_html(const std::string& term, const std::string& value,
                      const std::string& detail) {
  const std::string small = detail.empty() ? "" : fmt::format("<small>{}</small>", detail);
  return fmt::format("<div><dt>{}</dt><dd>{}{}</dd></div>\n", term, value, small);
}

}  // namespace kedit::report
