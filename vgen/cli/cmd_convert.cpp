// vgen convert SRC DST: weights in another layout, number type or container.
#include "vgen/cli/backend.hpp"
#include "vgen/cli/numbers.hpp"
#include "vgen/core/options.hpp"
#include "vgen/pipelines/convert.hpp"

namespace vgen::cli {

int cmd_convert(Invocation& in) {
  pipelines::ConvertOptions o{.dry_run = in.flag("dry-run"), .cancel = in.cancel, .on_progress = in.console.progress()};
  if (in.has("to")) {
    pipelines::Layout to{};
    from_node(Node(in.text("to")), to, {"--to", ""});
    o.to = to;
  }
  const std::string dtype = in.text("dtype");
  if (!dtype.empty()) o.dtype = dtype == "bf16" ? at::kBFloat16 : dtype == "fp16" ? at::kHalf : at::kFloat;
  const pipelines::ConvertReport report = pipelines::convert(in.text("src"), in.text("dst"), o);
  for (const auto& item : report.items)
    in.console.print(str(printable(item.to.string(), 4096), ": ", item.what, ", ", grouped(item.tensors), " tensors, ",
                         grouped(item.parameters), " values, ", grouped(static_cast<std::int64_t>(item.bytes)),
                         " bytes, from ", printable(item.from.string(), 4096)));
  for (const std::string& note : report.notes) in.console.print("note: " + printable(note, 400));
  if (o.dry_run) in.console.print("dry run: nothing was written");
  Node result = report.node();
  result.set("dry_run", Node(o.dry_run));
  in.console.result(result);
  return 0;
}

}  // namespace vgen::cli
