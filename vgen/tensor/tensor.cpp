#include "vgen/tensor/tensor.hpp"

namespace vgen {

std::string shape_string(at::IntArrayRef shape) {
  std::string out = "[";
  for (std::size_t i = 0; i < shape.size(); ++i) out += str(i ? ", " : "", static_cast<long long>(shape[i]));
  return out + "]";
}

void expect_shape(const Tensor& x, std::string_view who, std::string_view name,
                  std::initializer_list<std::int64_t> shape) {
  bool same = x.defined() && x.dim() == static_cast<std::int64_t>(shape.size());
  std::string expected = "[";
  std::int64_t i = 0;
  for (const std::int64_t n : shape) {
    same = same && (n == -1 || x.size(i) == n);
    expected += str(i++ ? ", " : "", n == -1 ? std::string("*") : str(static_cast<long long>(n)));
  }
  VGEN_CHECK(same, ShapeError, who, ": ", name, " must be ", expected, "], got ",
             x.defined() ? shape_string(x.sizes()) : std::string("nothing"));
}

}  // namespace vgen
