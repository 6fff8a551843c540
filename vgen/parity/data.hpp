// Area "data", in four parts; each knows its own kinds of cases and says whether it ran one.
#pragma once
#include <map>
#include <string>

#include "vgen/parity/case.hpp"
#include "vgen/video/frames.hpp"

namespace vgen::parity {

bool run_data_conditions(const Case& c, Report& report);
bool run_data_lists(const Case& c, Report& report);
bool run_data_metrics(const Case& c, Report& report);
bool run_data_pictures(const Case& c, Report& report);

// Every golden tensor against ours of the same name: integers exactly, pictures and their statistics to `tolerance`.
void compare_data(const Case& c, Report& report, const std::map<std::string, Tensor>& ours, double tolerance = 1e-6);
// uint8 [h, w, 3] as one frame, and frames as uint8 [F, h, w, C].
video::Frames frame_of(const Tensor& picture);
Tensor bytes_of(const video::Frames& frames);

}  // namespace vgen::parity
