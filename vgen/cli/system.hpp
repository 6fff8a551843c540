// What the machine has, told without torch: `vgen doctor` shows it even where torch or the back end cannot be loaded.
#pragma once
#include <filesystem>
#include <string>
#include <vector>

#include "vgen/core/node.hpp"

namespace vgen::cli {

enum class Health { good, note, bad };  // note: works, but something is missing or slow
struct Finding {
  std::string name, value;
  Health health = Health::good;
  std::string fix = "";  // what to do, if anything
};

std::vector<Finding> machine();                                     // system, CPU, memory, disk
std::string torch_version(const std::filesystem::path& torch_dir);  // "2.11.0+cu130" from version.py; "" if unreadable

std::string to_text(const std::vector<Finding>& findings);
Node to_node(const std::vector<Finding>& findings);  // {"ok": bool, "findings": [...]}

}  // namespace vgen::cli
