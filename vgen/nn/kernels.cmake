# Instruction sets of the kernels; which one runs is decided at run time (kernels.cpp).
set(common "-O3;-ffp-contract=fast;-fno-math-errno;-fno-trapping-math;-Wno-psabi")
set_source_files_properties("${CMAKE_CURRENT_LIST_DIR}/kernels_generic.cpp" PROPERTIES COMPILE_OPTIONS "${common}")
if(CMAKE_SYSTEM_PROCESSOR MATCHES "x86_64|AMD64|amd64")
  set_source_files_properties("${CMAKE_CURRENT_LIST_DIR}/kernels_avx2.cpp" PROPERTIES COMPILE_OPTIONS "${common};-mavx2;-mfma")
  set_source_files_properties("${CMAKE_CURRENT_LIST_DIR}/kernels_avx512.cpp" PROPERTIES COMPILE_OPTIONS
    "${common};-mavx512f;-mavx512bw;-mavx512dq;-mavx512vl;-mfma;-mprefer-vector-width=512")
endif()
unset(common)
# at::parallel_for runs on one thread in a source compiled without OpenMP. torch brings libgomp.so.1 under that very name, so
# there is one runtime in the process (packaging.md 6.5).
set_source_files_properties("${CMAKE_CURRENT_LIST_DIR}/ops.cpp" "${CMAKE_CURRENT_LIST_DIR}/winograd.cpp" PROPERTIES COMPILE_OPTIONS -fopenmp)
target_link_options(vgen_nn INTERFACE -fopenmp)
