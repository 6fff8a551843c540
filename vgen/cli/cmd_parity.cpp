// vgen parity CASE...: runs golden cases and tells the worst tensor of each.
#include <algorithm>
#include <cstdio>
#include <filesystem>

#include "vgen/cli/backend.hpp"
#include "vgen/parity/case.hpp"
#include "vgen/tensor/device.hpp"

namespace vgen::cli {
namespace {
std::string short_number(double value) {
  char buffer[32];
  std::snprintf(buffer, sizeof buffer, "%.2g", value);
  return buffer;
}
std::string line(const parity::Outcome& o) {
  const std::string id = o.area + "/" + o.name;
  std::string out =
      (o.ok ? "ok    " : "FAIL  ") + printable(id) + std::string(id.size() < 44 ? 44 - id.size() : 1, ' ');
  if (!o.worst.empty())
    out += str("  worst ", printable(o.worst), "  ", short_number(o.error), o.error <= o.tolerance ? " <= " : " > ",
               short_number(o.tolerance));
  out += str("  (", o.compared, " compared, ", short_number(o.seconds), " s)");
  if (!o.message.empty()) out += "\n      " + printable(o.message, 600);
  return out;
}
}  // namespace

int cmd_parity(Invocation& in) {
  std::vector<parity::Outcome> all;
  Node rows = Node::list();
  const at::Device device = device_named(in.text("device", "cpu"));
  const auto each = [&](const parity::Outcome& o) {
    in.cancel.check("parity");
    if (!o.ok || !in.flag("failed")) in.console.print(line(o));
    rows.items.push_back(Node::map({{"area", o.area},
                                    {"name", o.name},
                                    {"ok", o.ok},
                                    {"worst", o.worst},
                                    {"error", o.error},
                                    {"tolerance", o.tolerance},
                                    {"compared", static_cast<std::int64_t>(o.compared)},
                                    {"seconds", o.seconds},
                                    {"message", o.message}}));
    all.push_back(o);
  };
  for (const std::string& root : in.texts("case")) parity::run(root, in.text("only"), each, device);
  const auto held = std::ranges::count_if(all, [](const parity::Outcome& o) { return o.ok; });
  const bool ok = !all.empty() && held == static_cast<std::ptrdiff_t>(all.size());
  in.console.print(
      all.empty()
          ? str("no case",
                in.has("only") ? " whose area, name or area/name matches '" + printable(in.text("only")) + "'" : "",
                " in ", printable(in.texts("case").front(), 400), "; expected the .json of a case, or a folder of them")
          : str(all.size(), " cases: ", held, " hold, ", static_cast<long>(all.size()) - held, " fail"));
  in.console.result(Node::map({{"ok", ok}, {"cases", std::move(rows)}}));
  return static_cast<int>(ok ? Exit::ok : Exit::failure);
}

}  // namespace vgen::cli
