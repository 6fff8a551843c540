// vgen convert SRC DST: weights in another layout, number type or container; or a configuration of VGen as vgen's.
#include "vgen/cli/backend.hpp"
#include "vgen/cli/numbers.hpp"
#include "vgen/core/atomic_file.hpp"
#include "vgen/core/options.hpp"
#include "vgen/pipelines/convert.hpp"
#include "vgen/reference_config/reference_config.hpp"

namespace vgen::cli {
namespace {

int convert_reference_config(Invocation& in) {
  const std::string source = in.text("src");
  const auto conversion = reference_config::convert(source);
  reference_config::expect_no_problems(conversion, source);
  const std::string yaml = reference_config::to_yaml(conversion, source);
  if (!in.has("dst"))
    in.console.print(yaml.substr(0, yaml.find_last_not_of('\n') + 1));
  else if (!in.flag("dry-run"))
    write_file(in.text("dst"), yaml);
  Node keys = Node::list();
  for (const auto& key : conversion.keys)
    keys.items.push_back(
        Node::map({{"key", key.key}, {"where", key.where}, {"used", key.used}, {"became", key.became}}));
  in.console.result(Node::map({{"config", conversion.config},
                               {"effective", conversion.effective},
                               {"keys", keys},
                               {"notes", to_node(conversion.notes)}}));
  return 0;
}

}  // namespace

int cmd_convert(Invocation& in) {
  if (reference_config::is_reference_config(in.text("src"))) return convert_reference_config(in);
  VGEN_CHECK(in.has("dst"), ConfigError, "vgen convert: name the file or folder to make, after '",
             printable(in.text("src"), 400), "'");
  pipelines::ConvertOptions o{.system = in.text("system"),
                              .dry_run = in.flag("dry-run"),
                              .cancel = in.cancel,
                              .on_progress = in.console.progress()};
  if (in.has("to")) {
    pipelines::Layout to{};
    from_node(Node(in.text("to")), to, {"--to", ""});
    o.to = to;
  }
  if (in.has("part")) from_node(Node(in.text("part")), o.part.emplace(), {"--part", ""});
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
