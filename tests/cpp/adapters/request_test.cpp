#include "vgen/adapters/request.hpp"

#include <gtest/gtest.h>

namespace vgen::adapters {
namespace {

TEST(AdapterRequest, IsRead) {
  const auto is = [](const char* text, const AdapterRequest& wanted) {
    EXPECT_EQ(adapter_request(text), wanted) << text;
  };
  is("a.safetensors", {.file = "a.safetensors"});
  is("dir/a.pth:0.6", {.file = "dir/a.pth", .scale = 0.6});
  is("a.pth:-1e-1@0..30", {.file = "a.pth", .scale = -0.1, .first_step = 0, .last_step = 30});
  is("a.pth@5..5", {.file = "a.pth", .first_step = 5, .last_step = 5});
  is("C:a@home", {.file = "C:a@home"});
  is("a@1..x:2", {.file = "a@1..x", .scale = 2});
}
TEST(AdapterRequest, BadOnesAreRefused) {
  for (const char* text : {"", ":1", "@0..3", "a@3..1", "a@-1..2", "a:inf", "a:nan"})
    EXPECT_THROW(adapter_request(text), ConfigError) << text;
  EXPECT_THROW(inject(std::make_shared<unet::UNet>(unet::UNetOptions{.channels = 64}),
                      AdapterRequest{.file = "/nowhere/a.safetensors"}),
               IoError);
}

TEST(AdapterOptions, UnknownPositionsAreRefused) {
  const auto with = [](const char* position) {
    return read<BottleneckOptions>(Node::map({{"after_attn1", Node(position)}}));
  };
  EXPECT_EQ(with("serial").after_attn1, Position::serial);
  EXPECT_THROW(with("sideways"), ConfigError);
}

}  // namespace
}  // namespace vgen::adapters
