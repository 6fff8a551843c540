# Imported targets made from the pip package of torch. find_package(Torch) is not used: it stops where torch has CUDA and the
# machine has no toolkit, and it links every CUDA library. Only torch_cpu and c10 are linked.
include_guard(GLOBAL)
if(NOT VGEN_TORCH_DIR AND Python_EXECUTABLE)
  execute_process(
    COMMAND "${Python_EXECUTABLE}" -c "import importlib.util as u; print(u.find_spec('torch').submodule_search_locations[0])"
    OUTPUT_VARIABLE _dir OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET RESULT_VARIABLE _rc)
  if(_rc EQUAL 0)
    set(VGEN_TORCH_DIR "${_dir}" CACHE PATH "folder of the pip torch package" FORCE)
  endif()
endif()
if(NOT EXISTS "${VGEN_TORCH_DIR}/include/ATen/ATen.h")
  # The leading space keeps CMake from breaking the line.
  message(FATAL_ERROR " vgen: no torch beside ${Python_EXECUTABLE}; vgen is built against the torch that it will run with, so run:  \
pip install 'torch==2.11.*' 'scikit-build-core>=1.0' cmake ninja && pip install --no-build-isolation .   \
(CMake users: -DVGEN_TORCH_DIR=<folder of the torch package>)")
endif()
file(STRINGS "${VGEN_TORCH_DIR}/version.py" _line REGEX "^__version__")
string(REGEX MATCH "([0-9]+)\\.([0-9]+)\\.[0-9]+" _ "${_line}")
set(VGEN_TORCH_MINOR "${CMAKE_MATCH_1}.${CMAKE_MATCH_2}")
set(_inc "${VGEN_TORCH_DIR}/include" "${VGEN_TORCH_DIR}/include/torch/csrc/api/include")
foreach(_l IN ITEMS c10 torch_cpu torch_python c10_cuda torch_cuda)
  if(EXISTS "${VGEN_TORCH_DIR}/lib/lib${_l}.so" AND NOT TARGET vgen_torch::${_l})
    add_library(vgen_torch::${_l} SHARED IMPORTED)
    set_target_properties(vgen_torch::${_l} PROPERTIES
      IMPORTED_LOCATION "${VGEN_TORCH_DIR}/lib/lib${_l}.so"
      INTERFACE_INCLUDE_DIRECTORIES "${_inc}")
  endif()
endforeach()
if(NOT TARGET vgen_torch::torch_libs)
  add_library(vgen_torch::torch_libs INTERFACE IMPORTED)
  target_link_libraries(vgen_torch::torch_libs INTERFACE vgen_torch::torch_cpu vgen_torch::c10)
  # <ATen/TensorOperators.h> would include every operator without this.
  target_compile_definitions(vgen_torch::torch_libs INTERFACE AT_PER_OPERATOR_HEADERS)
endif()
