# What the folder libraries add up to: libvgen.so, the program, its back end, the optional modules, and what is installed.
# Included at the end of vgen/CMakeLists.txt.

# One binary runs on one torch minor (packaging.md 1.7).
set(VGEN_TORCH_VERSION "2.11" CACHE STRING "torch minor to build against")
if(NOT VGEN_TORCH_MINOR VERSION_EQUAL VGEN_TORCH_VERSION)
  message(FATAL_ERROR " vgen: needs torch ${VGEN_TORCH_VERSION}, found torch ${VGEN_TORCH_MINOR} in ${VGEN_TORCH_DIR}; run:  \
pip install 'torch==${VGEN_TORCH_VERSION}.*'   (to build against the one found: -DVGEN_TORCH_VERSION=${VGEN_TORCH_MINOR}; 2.15 is tried)")
endif()

# <prefix>/bin and <prefix>/lib in the build tree too, so that the program finds its back end the same way everywhere.
set(_bin "${PROJECT_BINARY_DIR}/bin")
set(_lib "${PROJECT_BINARY_DIR}/lib")
if(SKBUILD)  # a wheel: site-packages/vgen/lib beside site-packages/torch/lib
  set(VGEN_RUNTIME_TORCH_DIR "")
  set(_rpath "$ORIGIN;$ORIGIN/../../torch/lib")
  set(_bin_destination "${SKBUILD_SCRIPTS_DIR}")
  set(_data .)
else()
  set(VGEN_RUNTIME_TORCH_DIR "${VGEN_TORCH_DIR}")
  set(_rpath "$ORIGIN;$ORIGIN/../../torch/lib;${VGEN_TORCH_DIR}/lib")
  set(_bin_destination bin)
  set(_data share/vgen)
endif()

# ---- libvgen ----
configure_file(cli/version.cpp.in "${CMAKE_CURRENT_BINARY_DIR}/version.cpp" @ONLY)
add_library(vgen_version OBJECT "${CMAKE_CURRENT_BINARY_DIR}/version.cpp")
target_include_directories(vgen_version PRIVATE "${PROJECT_SOURCE_DIR}")

# Made of the objects of every folder: the whole of each, and nothing of how they are split is exported.
add_library(vgen SHARED $<TARGET_OBJECTS:vgen_version>)
add_library(vgen::vgen ALIAS vgen)
get_property(_folders GLOBAL PROPERTY VGEN_FOLDERS)
foreach(_folder IN LISTS _folders)
  get_target_property(_type ${_folder} TYPE)
  if(_type STREQUAL "STATIC_LIBRARY")
    target_sources(vgen PRIVATE $<TARGET_OBJECTS:${_folder}>)
  endif()
endforeach()
target_include_directories(vgen PUBLIC "$<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}>" "$<INSTALL_INTERFACE:include>")
target_compile_features(vgen PUBLIC cxx_std_20)
target_link_libraries(vgen PUBLIC vgen_torch::torch_libs PRIVATE ${CMAKE_DL_LIBS})
target_link_options(vgen PRIVATE -Wl,-z,defs -fopenmp)
set_target_properties(vgen PROPERTIES LIBRARY_OUTPUT_DIRECTORY "${_lib}" INSTALL_RPATH "${_rpath}" INSTALL_RPATH_USE_LINK_PATH OFF)
if(NOT SKBUILD)  # a wheel cannot hold symbolic links
  set_target_properties(vgen PROPERTIES VERSION ${PROJECT_VERSION} SOVERSION ${PROJECT_VERSION_MAJOR}.${PROJECT_VERSION_MINOR})
endif()

# ---- the program ----
add_library(vgen_cli STATIC cli/arguments.cpp cli/commands.cpp cli/console.cpp cli/system.cpp)  # torch-free
target_link_libraries(vgen_cli PUBLIC vgen_formats vgen_core PRIVATE vgen_warnings)
add_executable(vgen_program cli/main.cpp $<TARGET_OBJECTS:vgen_version>)
target_link_libraries(vgen_program PRIVATE vgen_cli vgen_warnings ${CMAKE_DL_LIBS})
set_target_properties(vgen_program PROPERTIES OUTPUT_NAME vgen RUNTIME_OUTPUT_DIRECTORY "${_bin}")

file(GLOB _commands CONFIGURE_DEPENDS "${CMAKE_CURRENT_SOURCE_DIR}/cli/cmd_*.cpp")
add_library(vgen_cli_backend MODULE cli/backend.cpp cli/generation.cpp cli/interrupts.cpp cli/console.cpp cli/system.cpp cli/reference_run.cpp ${_commands})
target_link_libraries(vgen_cli_backend PRIVATE vgen vgen_warnings ${CMAKE_DL_LIBS})
target_link_options(vgen_cli_backend PRIVATE -Wl,-z,defs)
set_target_properties(vgen_cli_backend PROPERTIES LIBRARY_OUTPUT_DIRECTORY "${_lib}" INSTALL_RPATH "${_rpath}" INSTALL_RPATH_USE_LINK_PATH OFF)
add_dependencies(vgen_program vgen_cli_backend)

# ---- optional modules, opened at run time ----
include(video/ffmpeg_backend.cmake OPTIONAL)

set(VGEN_CUDA AUTO CACHE STRING "AUTO (where nvcc of torch's CUDA major is found), ON or OFF: build libvgen_cuda, opened at run time")
if(NOT VGEN_CUDA STREQUAL "OFF")
  include(cuda/cuda.cmake)
endif()

# ---- installation ----
include(CMakePackageConfigHelpers)
set(_package share/cmake/vgen)
configure_package_config_file("${PROJECT_SOURCE_DIR}/cmake/vgenConfig.cmake.in" "${CMAKE_CURRENT_BINARY_DIR}/vgenConfig.cmake"
  INSTALL_DESTINATION ${_package})
write_basic_package_version_file("${CMAKE_CURRENT_BINARY_DIR}/vgenConfigVersion.cmake" COMPATIBILITY SameMinorVersion)
install(TARGETS vgen EXPORT vgenTargets LIBRARY DESTINATION lib)
install(TARGETS vgen_cli_backend LIBRARY DESTINATION lib)
install(TARGETS vgen_program RUNTIME DESTINATION "${_bin_destination}")
if(TARGET vgen_video_ffmpeg)
  install(TARGETS vgen_video_ffmpeg LIBRARY DESTINATION lib)
endif()
install(EXPORT vgenTargets NAMESPACE vgen:: DESTINATION ${_package})
install(FILES "${CMAKE_CURRENT_BINARY_DIR}/vgenConfig.cmake" "${CMAKE_CURRENT_BINARY_DIR}/vgenConfigVersion.cmake"
  "${PROJECT_SOURCE_DIR}/cmake/VgenTorch.cmake" DESTINATION ${_package})
install(DIRECTORY "${CMAKE_CURRENT_SOURCE_DIR}/" DESTINATION include/vgen FILES_MATCHING PATTERN "*.hpp"
  PATTERN "cli" EXCLUDE PATTERN "cuda" EXCLUDE)
install(DIRECTORY "${PROJECT_SOURCE_DIR}/models/shapes" DESTINATION "${_data}/models" OPTIONAL)
if(NOT SKBUILD)  # in a wheel they are in dist-info
  install(FILES "${PROJECT_SOURCE_DIR}/LICENSE" "${PROJECT_SOURCE_DIR}/THIRD_PARTY_NOTICES.md" DESTINATION share/doc/vgen)
endif()

# Read by the Python package before it loads _core, so that a wrong torch gets one clear line.
file(CONFIGURE OUTPUT "${PROJECT_BINARY_DIR}/_build_info.py" CONTENT "# Generated by CMake.\nversion = \"@PROJECT_VERSION@\"\ntorch = \"@VGEN_TORCH_MINOR@\"\n" @ONLY)
if(SKBUILD)
  install(FILES "${PROJECT_BINARY_DIR}/_build_info.py" DESTINATION .)
endif()

# The tests of cli/ run the program itself; tests/cpp is added after this file.
function(vgen_link_program_test)
  if(TARGET test_cli)
    add_dependencies(test_cli vgen_program)
    target_compile_definitions(test_cli PRIVATE VGEN_PROGRAM="$<TARGET_FILE:vgen_program>")
  endif()
endfunction()
cmake_language(DEFER DIRECTORY "${PROJECT_SOURCE_DIR}" CALL vgen_link_program_test)
