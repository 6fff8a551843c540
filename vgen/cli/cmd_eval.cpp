// vgen eval shapes: generates the evaluation prompts and lets the judge read the clips.
#include <chrono>
#include <cstdio>
#include <filesystem>

#include "vgen/cli/backend.hpp"
#include "vgen/core/atomic_file.hpp"
#include "vgen/formats/json.hpp"
#include "vgen/metrics/shapes_table.hpp"
#include "vgen/pipelines/pipeline.hpp"
#include "vgen/pipelines/system.hpp"
#include "vgen/video/transforms.hpp"
#include "vgen/video/writer.hpp"

namespace vgen::cli {
namespace fs = std::filesystem;

int cmd_eval(Invocation& in) {
  const std::int64_t count = in.integer("prompts", 500), seed = in.integer("seed", 0);
  const fs::path out = in.text("out"), sheet_path = in.text("sheet");
  if (!out.empty()) {
    fs::create_directories(out);
    expect_writable(out, 1 << 20);
  }
  if (!sheet_path.empty()) expect_writable(sheet_path.has_parent_path() ? sheet_path.parent_path() : ".", 1 << 20);

  pipelines::Request request;
  if (in.has("steps")) request.steps = static_cast<int>(in.integer("steps", 0));
  if (in.has("sampler")) request.sampler = samplers::sampler_named(in.text("sampler"));
  if (in.has("guidance")) request.guidance = in.number("guidance", 0);
  pipelines::Callbacks callbacks;
  callbacks.cancel = in.cancel;
  const OnProgress progress = in.console.progress();
  progress({"load", 0, 0, 0});
  pipelines::Pipeline pipe = pipelines::Pipeline::from_pretrained(
      in.text("model"), {.device = in.text("device", "cpu"), .dtype = in.text("dtype", "fp32")});
  const pipelines::System& system = pipelines::system_named(pipe.index().system);
  VGEN_CHECK(!system.needs_image && !system.needs_video, ConfigError,
             "vgen eval shapes: prompts alone are judged, but ", system.name, " also needs a ",
             system.needs_image ? "picture" : "clip");
  pipe.plan(request);  // refuses what does not suit the model
  const auto start = std::chrono::steady_clock::now();

  metrics::ShapesTable seen, unseen, total;
  std::vector<video::Frames> rows;
  Node clips = Node::list();
  std::int64_t done = 0;
  for (const auto& prompt : data::eval_prompts(static_cast<int>(count), static_cast<std::uint64_t>(seed))) {
    request.prompt = prompt.caption;
    request.seed = static_cast<std::uint64_t>(seed + done);
    const pipelines::Clip clip = pipe.generate(request, callbacks).front();
    const metrics::ShapesScore s = metrics::score(metrics::judge(clip.frames), prompt.attributes);
    total.add(s);
    (prompt.unseen ? unseen : seen).add(s);
    if (rows.size() < 24) rows.push_back(clip.frames);
    clips.items.push_back(Node::map({{"prompt", Node(prompt.caption)},
                                     {"seed", Node(static_cast<std::int64_t>(request.seed))},
                                     {"unseen", Node(prompt.unseen)},
                                     {"colour", Node(s.colour)},
                                     {"shape", Node(s.shape)},
                                     {"size", Node(s.size)},
                                     {"motion", Node(s.motion)},
                                     {"speed", Node(s.speed)},
                                     {"background", Node(s.background)},
                                     {"coherent", Node(s.coherent)},
                                     {"all", Node(s.all)}}));
    ++done;
    progress({"eval", done, count, std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count()});
  }

  Node result = Node::map();
  in.console.print("              clips  colour  shape   motion  backgr. coherent  all    size   speed  everything");
  for (const auto& [name, table] : {std::pair{"seen", &seen}, {"unseen", &unseen}, {"total", &total}}) {
    Node row = Node::map({{"clips", Node(table->clips)}});
    for (const auto& [key, n] : table->right) row.set(key, Node(table->share(key)));
    result.set(name, row);
    char line[200];
    std::snprintf(line, sizeof line,
                  "%-12s %6d  %5.1f%%  %5.1f%%  %5.1f%%  %5.1f%%  %5.1f%%  %5.1f%%  %5.1f%% %5.1f%%  %5.1f%%", name,
                  table->clips, 100 * table->share("colour"), 100 * table->share("shape"), 100 * table->share("motion"),
                  100 * table->share("background"), 100 * table->share("coherent"), 100 * table->share("all"),
                  100 * table->share("size"), 100 * table->share("speed"), 100 * table->share("everything"));
    in.console.print(line);
  }
  const video::Frames sheet = video::contact_sheet(rows, {.columns = 8});
  if (!sheet_path.empty()) video::write_image(sheet_path, sheet);
  if (!out.empty()) {
    result.set("clips", clips);
    write_file(out / "scores.json", formats::dump_json(result) + "\n");
    video::write_image(out / "clips.png", sheet);
  }
  in.console.result(result);
  return 0;
}

}  // namespace vgen::cli
