// From a prompt to a clip. vgen.pipelines.Pipeline (python/vgen/pipelines.py) adds the call with diffusers' argument
// names.
#include "vgen/pipelines/pipeline.hpp"

#include "bindings/tensor.hpp"
#include "vgen/pipelines/convert.hpp"
#include "vgen/pipelines/model_folder.hpp"
#include "vgen/pipelines/model_part.hpp"
#include "vgen/pipelines/system.hpp"
#include "vgen/pipelines/tiny.hpp"

namespace vgen::bindings {
namespace {

using namespace pipelines;

// The functions of one call, as keywords of it.
struct Given {
  samplers::OnStep on_step;
  py::object progress, on_latents;
  samplers::SamplerFunction sampler;

  Callbacks callbacks(const CancelToken& cancel) const {
    Callbacks out;
    out.on_step = on_step;
    out.progress = to_progress(progress);
    out.cancel = cancel;
    out.sampler = sampler;
    if (!on_latents.is_none())
      out.on_latents = [held = hold(on_latents)](const Clip& clip) {
        const py::gil_scoped_acquire gil;
        (*held)(clip);
      };
    return out;
  }
};

// Frames that are not given stay None in Python and empty in C++.
auto frames_property(video::Frames Inputs::*member) {
  return std::pair{[member](const Inputs& in) -> py::object {
                     return (in.*member).bytes() > 0 ? py::object(to_array(in.*member)) : py::none();
                   },
                   [member](Inputs& in, const std::optional<video::Frames>& given) {
                     in.*member = given.value_or(video::Frames{});
                   }};
}

template <class Part>
auto replace_part(std::shared_ptr<Part> Components::*member, const char* name) {
  return [member, name](Components& c, std::shared_ptr<Part> part) {
    VGEN_CHECK(part, ConfigError, "components: ", name, " must be there, got None");
    c.*member = std::move(part);
  };
}

// A step handed out by an iterator, with what it needs to show itself; it does not keep the run alive.
struct IteratedStep : samplers::Step {
  std::shared_ptr<Pipeline> pipeline;
  std::int64_t chunk = 1;
};

std::shared_ptr<StepIterator> make_iterator(const Pipeline& pipeline, const Request& request, Inputs inputs,
                                            Callbacks callbacks) {
  return {new StepIterator(pipeline, request, std::move(inputs), std::move(callbacks)), [](StepIterator* it) {
            if (!PyGILState_Check()) return delete it;
            const py::gil_scoped_release released;  // its thread may be waiting for the GIL
            delete it;
          }};
}

// The iterator Python holds: next() waits without the GIL, Ctrl-C ends the run.
class Steps {
 public:
  Steps(const Pipeline& pipeline, const Request& request, Inputs inputs, const Given& given)
      : pipeline_(std::make_shared<Pipeline>(pipeline)),
        chunk_(pipeline.plan(request).decode_chunk),
        run_(make_iterator(pipeline, request, std::move(inputs), given.callbacks(cancel_))) {}
  std::shared_ptr<IteratedStep> next() {
    if (!run_) throw py::stop_iteration();
    const samplers::Step* step = interruptible([&](const CancelToken&) { return run_->next(); }, cancel_);
    if (!step) {
      run_.reset();
      throw py::stop_iteration();
    }
    auto out = std::make_shared<IteratedStep>();
    static_cast<samplers::Step&>(*out) = *step;
    out->pipeline = pipeline_;
    out->chunk = chunk_;
    return out;
  }
  void close() { run_.reset(); }

 private:
  CancelToken cancel_;
  std::shared_ptr<Pipeline> pipeline_;
  std::int64_t chunk_;
  std::shared_ptr<StepIterator> run_;
};

std::optional<Part> part_named(const std::optional<std::string>& name) {
  std::optional<Part> part;
  if (name) from_node(Node(*name), part.emplace(), {"part", ""});
  return part;
}

void bind_layouts(py::module_& m) {
  py::class_<PartFile>(m, "PartFile", doc("pipelines::PartFile"))
      .def_readonly("file", &PartFile::file, "The weight file.")
      .def_property_readonly(
          "part", [](const PartFile& p) { return std::string(name_of(p.found.part)); },
          "\"text_encoder\", \"unet\", \"vae\" or \"image_encoder\".")
      .def_property_readonly(
          "layout", [](const PartFile& p) { return std::string(name_of(p.found.layout)); },
          "Whose names its tensors have: \"vgen\", \"reference\" or \"diffusers\".")
      .def_property_readonly(
          "prefix", [](const PartFile& p) { return p.found.prefix; }, doc("pipelines::FoundPart::prefix"))
      .def_readonly("options", &PartFile::options, "options of the part's network")
      .def_readonly("adapters", &PartFile::adapters, doc("pipelines::PartFile::adapters"))
      .def("__repr__", [](const PartFile& p) {
        return repr_of("PartFile", {{"file", py::str(p.file.string())},
                                    {"part", py::str(std::string(name_of(p.found.part)))},
                                    {"layout", py::str(std::string(name_of(p.found.layout)))}});
      });
  py::class_<ModelFolder>(m, "ModelFolder", doc("pipelines::ModelFolder"))
      .def_readonly("path", &ModelFolder::path, "The folder.")
      .def_property_readonly(
          "layout", [](const ModelFolder& f) { return std::string(name_of(f.layout)); },
          "\"vgen\", \"reference\" or \"diffusers\".")
      .def_readonly("index", &ModelFolder::index, "Its ModelIndex, read or concluded.")
      .def_readonly("text_encoder", &ModelFolder::text_encoder, "PartFile of the text encoder.")
      .def_readonly("unet", &ModelFolder::unet, "PartFile of the UNet.")
      .def_readonly("vae", &ModelFolder::vae, "PartFile of the autoencoder.")
      .def_readonly("image_encoder", &ModelFolder::image_encoder, "PartFile of CLIP's image tower, or None.")
      .def_readonly("notes", &ModelFolder::notes, doc("pipelines::ModelFolder::notes"))
      .def("__repr__", [](const ModelFolder& f) {
        return repr_of("ModelFolder", {{"path", py::str(f.path.string())},
                                       {"layout", py::str(std::string(name_of(f.layout)))},
                                       {"notes", py::cast(f.notes)}});
      });
  py::class_<ConvertReport> report(m, "ConvertReport", "What convert wrote.");
  py::class_<ConvertReport::Item>(report, "Item", "One weight file.")
      .def_readonly("what", &ConvertReport::Item::what, "\"unet in the reference's names\".")
      .def_readonly("source", &ConvertReport::Item::from, "File that was read.")
      .def_readonly("path", &ConvertReport::Item::to, "File that was written.")
      .def_readonly("tensors", &ConvertReport::Item::tensors, "Number of tensors.")
      .def_readonly("parameters", &ConvertReport::Item::parameters, "Number of values.")
      .def_readonly("bytes", &ConvertReport::Item::bytes, "Size of the result.")
      .def("__repr__", [](const ConvertReport::Item& i) {
        return repr_of("Item", {{"what", py::str(i.what)},
                                {"path", py::str(i.to.string())},
                                {"tensors", py::int_(i.tensors)},
                                {"parameters", py::int_(i.parameters)}});
      });
  report.def_readonly("items", &ConvertReport::items, "One Item a part.")
      .def_readonly("notes", &ConvertReport::notes, doc("pipelines::ConvertReport::notes"))
      .def(
          "to_dict", [](const ConvertReport& r) { return py::dict(to_python(r.node())); },
          "Everything, as vgen convert --json prints it.")
      .def("__repr__", [](const ConvertReport& r) {
        return repr_of("ConvertReport", {{"items", py::cast(r.items)}, {"notes", py::cast(r.notes)}});
      });

  m.def(
      "open_part",
      [](const std::filesystem::path& path, const std::optional<std::string>& part,
         const std::optional<std::string>& system) {
        return open_part(path, {.part = part_named(part), .system = system.value_or("")});
      },
      "path"_a, py::kw_only(), "part"_a = py::none(), "system"_a = py::none(), py::call_guard<py::gil_scoped_release>(),
      doc("pipelines::open_part"));
  m.def(
      "open_model_folder",
      [](const std::filesystem::path& folder, const std::optional<std::string>& system) {
        return open_model_folder(folder, system.value_or(""));
      },
      "folder"_a, py::kw_only(), "system"_a = py::none(), py::call_guard<py::gil_scoped_release>(),
      doc("pipelines::open_model_folder"));
  m.def(
      "load_part",
      [](const PartFile& part, nn::Module& module, const std::optional<at::ScalarType>& dtype, bool check_finite) {
        return interruptible([&](const CancelToken& cancel) {
          return load_part(part, module, {.dtype = dtype, .check_finite = check_finite, .cancel = cancel});
        });
      },
      "part"_a, "module"_a, py::kw_only(), "dtype"_a = py::none(), "check_finite"_a = false,
      "Replaces the parameters of a module by the part's, in whichever layout its file is, all or none. WeightsError "
      "begins with the file.");
  m.def(
      "convert",
      [](const std::filesystem::path& source, const std::filesystem::path& target, const std::optional<std::string>& to,
         const std::optional<at::ScalarType>& dtype, const std::optional<std::string>& part,
         const std::optional<std::string>& system, bool dry_run, const py::object& progress) {
        ConvertOptions options{.dtype = dtype,
                               .part = part_named(part),
                               .system = system.value_or(""),
                               .dry_run = dry_run,
                               .on_progress = to_progress(progress)};
        if (to) from_node(Node(*to), options.to.emplace(), {"convert", "to"});
        return interruptible([&](const CancelToken& cancel) {
          options.cancel = cancel;
          return convert(source, target, options);
        });
      },
      "source"_a, "target"_a, py::kw_only(), "to"_a = py::none(), "dtype"_a = py::none(), "part"_a = py::none(),
      "system"_a = py::none(), "dry_run"_a = false, "progress"_a = py::none(), doc("pipelines::convert"));
}

}  // namespace

void bind_pipelines(py::module_& m) {
  bind_options<GenerationDefaults>(m, "GenerationDefaults", doc("pipelines::GenerationDefaults"));
  bind_options<ModelIndex>(m, "ModelIndex", doc("pipelines::ModelIndex"));
  bind_options<Request>(m, "Request", doc("pipelines::Request"));

  py::class_<Components>(m, "Components", doc("pipelines::Components"))
      .def(py::init([](std::shared_ptr<conditioning::Encoder> text, std::shared_ptr<unet::UNet> unet,
                       std::shared_ptr<vae::AutoencoderKl> vae, const ModelIndex& index, std::string folder,
                       std::shared_ptr<conditioning::ClipVision> image_encoder) {
             return Components{.text = std::move(text),
                               .unet = std::move(unet),
                               .vae = std::move(vae),
                               .index = index,
                               .folder = std::move(folder),
                               .image_encoder = std::move(image_encoder)};
           }),
           "text"_a, "unet"_a, "vae"_a, py::arg_v("index", ModelIndex{}, "ModelIndex()"), "folder"_a = "",
           "image_encoder"_a = std::shared_ptr<conditioning::ClipVision>())
      .def_property(
          "text", [](const Components& c) { return c.text; }, replace_part(&Components::text, "text"),
          "turns prompts into context: a conditioning.Encoder")
      .def_property(
          "unet", [](const Components& c) { return c.unet; }, replace_part(&Components::unet, "unet"),
          "the network that removes the noise: a unet.UNet")
      .def_property(
          "vae", [](const Components& c) { return c.vae; }, replace_part(&Components::vae, "vae"),
          "frames to latents and back: a vae.AutoencoderKl")
      .def_readwrite("image_encoder", &Components::image_encoder, doc("pipelines::Components::image_encoder"))
      .def_readwrite("index", &Components::index, "what the model folder says of itself: a ModelIndex")
      .def_readwrite("adapters", &Components::adapters, doc("pipelines::Components::adapters"))
      .def_readonly("folder", &Components::folder, doc("pipelines::Components::folder"))
      .def("__repr__", [](const Components& c) {
        return repr_of("Components",
                       {{"text", py::cast(c.text)}, {"unet", py::cast(c.unet)}, {"vae", py::cast(c.vae)}});
      });

  const auto [image, set_image] = frames_property(&Inputs::image);
  const auto [video, set_video] = frames_property(&Inputs::video);
  const auto [style, set_style] = frames_property(&Inputs::style);
  py::class_<Inputs>(m, "Inputs", doc("pipelines::Inputs"))
      .def(py::init([](const std::optional<video::Frames>& image, const std::optional<video::Frames>& video,
                       const std::optional<video::Frames>& style, const std::map<std::string, Tensor>& conditions) {
             return Inputs{.image = image.value_or(video::Frames{}),
                           .video = video.value_or(video::Frames{}),
                           .conditions = conditions_from(conditions),
                           .style = style.value_or(video::Frames{})};
           }),
           py::kw_only(), "image"_a = py::none(), "video"_a = py::none(), "style"_a = py::none(),
           "conditions"_a = std::map<std::string, Tensor>{})
      .def_property("image", image, set_image, doc("pipelines::Inputs::image"))
      .def_property("video", video, set_video, doc("pipelines::Inputs::video"))
      .def_property("style", style, set_style, doc("pipelines::Inputs::style"))
      .def_property(
          "conditions", [](const Inputs& in) { return in.conditions.all(); },
          [](Inputs& in, const std::map<std::string, Tensor>& given) { in.conditions = conditions_from(given); },
          doc("pipelines::Inputs::conditions"));

  py::class_<System>(m, "System", doc("pipelines::System"))
      .def_property_readonly(
          "name", [](const System& s) { return std::string(s.name); }, "\"t2v\", \"i2vgen_xl\", ...")
      .def_property_readonly(
          "summary", [](const System& s) { return std::string(s.summary); }, "What it does, in a line.")
      .def_property_readonly(
          "paper", [](const System& s) { return std::string(s.paper); }, "Where it is described.")
      .def_property_readonly(
          "unet", [](const System& s) { return s.unet(); }, "options of the released checkpoint's network")
      .def_readonly("index", &System::index, doc("pipelines::System::index"))
      .def_readonly("needs_image", &System::needs_image, "True if image= is required.")
      .def_readonly("needs_video", &System::needs_video, "True if video= is required.")
      .def("__repr__", [](const System& s) {
        return repr_of("System",
                       {{"name", py::str(std::string(s.name))}, {"summary", py::str(std::string(s.summary))}});
      });
  m.def("systems", &systems, "Every system of the family: its network, what it was trained with, what it takes.");
  m.def("system_named", &system_named, "name"_a, py::return_value_policy::reference,
        "One of systems(). ConfigError naming the nearest.");
  m.def("write_tiny_model", &write_tiny_model, "system"_a, "folder"_a, "seed"_a = 0,
        py::call_guard<py::gil_scoped_release>(), doc("pipelines::write_tiny_model"));

  py::class_<Clip>(m, "Clip", "A generated clip.")
      .def_readonly("frames", &Clip::frames, "uint8 [F, H, W, C], a NumPy view of the clip's own memory")
      .def_property_readonly(
          "fps", [](const Clip& c) { return c.frames.fps; }, "frames a second")
      .def_readonly("latents", &Clip::latents, doc("pipelines::Clip::latents"))
      .def_readonly("seed", &Clip::seed, "The seed it was made from.")
      .def_property_readonly(
          "manifest", [](const Clip& c) { return to_python(c.manifest); },
          "everything that made it, as a dict; it is also kept inside the saved file")
      .def_readonly("dropped_words", &Clip::dropped_words,
                    "words of the prompt that did not fit into the text encoder's window")
      .def(
          "save",
          [](const Clip& clip, const std::filesystem::path& path, const std::optional<video::WriteOptions>& options,
             const py::kwargs& fields) {
            const auto o = with_keywords(options.value_or(video::WriteOptions{}), fields, "save");
            return interruptible([&](const CancelToken& cancel) { return clip.save(path, o, {.cancel = cancel}); });
          },
          "path"_a, "options"_a = py::none(),
          "Writes the clip; the name decides the format (.mp4, .webm, .gif, .png, ...). Fields of video.WriteOptions "
          "may be given "
          "by name. The file appears complete or not at all.")
      .def(
          "__array__",
          [](const Clip& clip, const py::object& dtype, const py::object& copy) {
            return py::module_::import("numpy").attr("array")(to_array(clip.frames), dtype, "copy"_a = copy);
          },
          "dtype"_a = py::none(), "copy"_a = py::none())
      .def("__len__", [](const Clip& c) { return c.frames.count; })
      .def("_repr_html_",
           [](const py::object& self) { return py::str(py::module_::import("vgen.notebook").attr("html")(self)); })
      .def("_repr_png_",
           [](const py::object& self) { return py::bytes(py::module_::import("vgen.notebook").attr("png")(self)); })
      .def("__repr__", [](const Clip& c) {
        const Node* prompt = c.manifest.find("prompt");
        return repr_of("Clip",
                       {{"prompt", prompt ? to_python(*prompt) : py::none()},
                        {"seed", py::int_(c.seed)},
                        {"frames", py::make_tuple(c.frames.count, c.frames.height, c.frames.width, c.frames.channels)},
                        {"fps", py::float_(c.frames.fps)}});
      });

  py::class_<Plan>(m, "Plan", doc("pipelines::Plan"))
      .def_readonly("request", &Plan::request, doc("pipelines::Plan::request"))
      .def_readonly("sampler", &Plan::sampler, "Options of the sampler, complete.")
      .def_readonly("seeds", &Plan::seeds, "One a clip.")
      .def_readonly("decode_chunk", &Plan::decode_chunk, "Frames decoded at once.")
      .def_readonly("memory_bytes", &Plan::memory_bytes, doc("pipelines::Plan::memory_bytes"))
      .def(
          "to_dict", [](const Plan& p) { return py::dict(to_python(p.to_node())); },
          "Everything, as vgen gen --dry-run --json prints it.")
      .def("__repr__", [](const Plan& p) {
        return repr_of("Plan", {{"request", py::cast(p.request)},
                                {"seeds", py::cast(p.seeds)},
                                {"memory_bytes", py::float_(p.memory_bytes)}});
      });

  py::class_<IteratedStep, samplers::Step, std::shared_ptr<IteratedStep>>(m, "IteratedStep",
                                                                          "A step of pipe.steps(...).")
      .def(
          "preview",
          [](const IteratedStep& step, double fps) {
            return interruptible([&](const CancelToken& cancel) {
              return step.pipeline->decode(step.x0, fps, step.chunk, {.cancel = cancel});
            });
          },
          "fps"_a = 8, "Frames uint8 [F, H, W, C] of the clean sample that the model sees in this step, decoded.");
  py::class_<Steps>(m, "StepIterator", doc("pipelines::StepIterator"))
      .def("__iter__", [](const py::object& self) { return self; })
      .def("__next__", &Steps::next)
      .def("close", &Steps::close, "Stops the run; leaving the loop does the same.")
      .def("__enter__", [](const py::object& self) { return self; })
      .def("__exit__", [](Steps& self, const py::args&) { self.close(); });

  py::class_<Pipeline>(m, "Pipeline", doc("pipelines::Pipeline"))
      .def(py::init<const Pipeline&>(), "other"_a)
      .def(py::init<Components>(), "components"_a, doc("pipelines::Pipeline::Pipeline"))
      .def_static(
          "from_pretrained",
          [](const std::optional<std::filesystem::path>& folder, const std::string& device, const py::object& dtype,
             const std::optional<std::string>& system) {
            const LoadOptions options{.device = device, .dtype = dtype_name(dtype), .system = system.value_or("")};
            return interruptible([&](const CancelToken&) {
              return Pipeline::from_pretrained(folder.value_or(std::filesystem::path()), options);
            });
          },
          "folder"_a = py::none(), py::kw_only(), "device"_a = "cpu", "dtype"_a = "fp32", "system"_a = py::none(),
          doc("pipelines::Pipeline::from_pretrained"))
      .def("plan", py::overload_cast<const Request&, const Inputs&>(&Pipeline::plan, py::const_), "request"_a,
           py::arg_v("inputs", Inputs{}, "Inputs()"),
           "A request with every default filled in and checked, and its memory estimated.")
      .def(
          "generate",
          [](Pipeline& self, const Request& request, const Inputs& inputs, const samplers::OnStep& on_step,
             const py::object& progress, const py::object& on_latents, const samplers::SamplerFunction& sampler) {
            const CancelToken cancel;
            const Callbacks callbacks = Given{on_step, progress, on_latents, sampler}.callbacks(cancel);
            return interruptible([&](const CancelToken&) { return self.generate(request, inputs, callbacks); }, cancel);
          },
          "request"_a, py::arg_v("inputs", Inputs{}, "Inputs()"), py::kw_only(), "on_step"_a = py::none(),
          "progress"_a = py::none(), "on_latents"_a = py::none(), "sampler"_a = py::none(),
          "One clip a seed of the request. on_step(step) is called after each step, False stops early; progress(stage, "
          "done, total, "
          "seconds); on_latents(clip) before decoding; sampler: a function of your own in place of the request's.")
      .def(
          "denoise",
          [](Pipeline& self, const Plan& plan, std::uint64_t seed, const Inputs& inputs,
             const samplers::OnStep& on_step, const samplers::SamplerFunction& sampler) {
            const CancelToken cancel;
            const Callbacks callbacks = Given{on_step, py::none(), py::none(), sampler}.callbacks(cancel);
            return interruptible([&](const CancelToken&) { return self.denoise(plan, inputs, seed, callbacks); },
                                 cancel);
          },
          "plan"_a, "seed"_a, py::arg_v("inputs", Inputs{}, "Inputs()"), py::kw_only(), "on_step"_a = py::none(),
          "sampler"_a = py::none(), doc("pipelines::Pipeline::denoise"))
      .def(
          "decode",
          [](Pipeline& self, const Tensor& latents, double fps, std::int64_t chunk) {
            return interruptible(
                [&](const CancelToken& cancel) { return self.decode(latents, fps, chunk, {.cancel = cancel}); });
          },
          "latents"_a, "fps"_a = 8, "chunk"_a = 4, "Frames uint8 [F, H, W, C] of scaled latents [1, C, F, h, w].")
      .def(
          "iterate",
          [](const Pipeline& self, const Request& request, const Inputs& inputs, const samplers::OnStep& on_step,
             const samplers::SamplerFunction& sampler) {
            return Steps(self, request, inputs, Given{on_step, py::none(), py::none(), sampler});
          },
          "request"_a, py::arg_v("inputs", Inputs{}, "Inputs()"), py::kw_only(), "on_step"_a = py::none(),
          "sampler"_a = py::none(), doc("pipelines::StepIterator"))
      .def("load_textual_inversion", &Pipeline::learn_words, "path"_a, py::call_guard<py::gil_scoped_release>(),
           doc("pipelines::Pipeline::learn_words"))
      .def_property_readonly("components", &Pipeline::components, py::return_value_policy::reference_internal,
                             doc("pipelines::Components"))
      .def_property_readonly(
          "index", [](const Pipeline& p) { return p.index(); }, "what model_index.json says");

  bind_layouts(m);
  m.def("shipped_model", &shipped_model, doc("pipelines::shipped_model"));
  m.def(
      "write_part",
      [](const std::filesystem::path& folder, const std::string& part, const py::object& config, nn::Module& module,
         at::ScalarType dtype) {
        const Node node = py::isinstance<py::dict>(config) ? to_node(config) : to_node(config.attr("to_dict")());
        const py::gil_scoped_release released;
        write_part(folder, part, node, module.named_parameters(), dtype);
      },
      "folder"_a, "part"_a, "config"_a, "module"_a, py::arg_v("dtype", at::kHalf, "torch.float16"),
      "Writes <folder>/<part>/config.json and model.safetensors of a module, converted to dtype.");
}

}  // namespace vgen::bindings
