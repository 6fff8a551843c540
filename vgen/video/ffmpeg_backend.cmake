# The FFmpeg back end: a module of its own, opened at run time by backend.cpp. Include after the folder targets exist.
# It uses no symbol of vgen. Targets: vgen_video_ffmpeg (alias of the file vgen_video_ffmpeg<major>).
if(VGEN_HAVE_FFMPEG AND NOT TARGET vgen_video_ffmpeg)
  string(REGEX MATCH "^[0-9]+" _avcodec "${LIBAV_libavcodec_VERSION}")
  math(EXPR VGEN_FFMPEG_MAJOR "${_avcodec} - 54")   # libavcodec 58 = FFmpeg 4, 59 = 5, 60 = 6, 61 = 7, 62 = 8
  add_library(vgen_video_ffmpeg MODULE "${CMAKE_CURRENT_LIST_DIR}/ffmpeg_backend.cpp")
  target_include_directories(vgen_video_ffmpeg PRIVATE "${PROJECT_SOURCE_DIR}")
  target_link_libraries(vgen_video_ffmpeg PRIVATE PkgConfig::LIBAV vgen_warnings)
  set_target_properties(vgen_video_ffmpeg PROPERTIES
    OUTPUT_NAME "vgen_video_ffmpeg${VGEN_FFMPEG_MAJOR}" LIBRARY_OUTPUT_DIRECTORY "${PROJECT_BINARY_DIR}/vgen")
  add_dependencies(vgen_video vgen_video_ffmpeg)    # whoever builds video in the tree gets its back end
endif()
