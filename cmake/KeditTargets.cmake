# Warnings for our own targets (dependencies come as system headers).
add_library(kedit_warnings INTERFACE)
target_compile_options(kedit_warnings INTERFACE
  $<$<COMPILE_LANGUAGE:CXX>:-Wall -Wextra -Wpedantic -Wconversion -Wshadow -Wnon-virtual-dtor
  -Woverloaded-virtual -Wold-style-cast -Wnull-dereference>
  $<$<AND:$<COMPILE_LANGUAGE:CXX>,$<BOOL:${KEDIT_WERROR}>>:-Werror>)

if(KEDIT_SANITIZE)
  add_compile_options($<$<COMPILE_LANGUAGE:CXX>:-fsanitize=address,undefined>
                      $<$<COMPILE_LANGUAGE:CXX>:-fno-omit-frame-pointer>)
  add_link_options(-fsanitize=address,undefined)
endif()

set(KEDIT_LIBRARIES "" CACHE INTERNAL "libraries for the umbrella and the install")

# One precompiled header for every target that sees LibTorch: 24 s a file without, 2 s with.
# Reuse demands equal flags, so all of them get the same definitions and the same warnings.
function(kedit_use_pch target)
  if(NOT TARGET kedit_pch)
    if(NOT EXISTS "${CMAKE_BINARY_DIR}/kedit_pch.cpp")  # a new date would compile everything again
      file(WRITE "${CMAKE_BINARY_DIR}/kedit_pch.cpp" "// carries the precompiled header\n")
    endif()
    add_library(kedit_pch OBJECT "${CMAKE_BINARY_DIR}/kedit_pch.cpp")
    kedit_common(kedit_pch)
    # A precompiled header that comes out of a compiler cache is not always one that g++ accepts.
    set_target_properties(kedit_pch PROPERTIES CXX_COMPILER_LAUNCHER "")
    target_precompile_headers(kedit_pch PRIVATE
      <ATen/ATen.h> <nlohmann/json.hpp> <fmt/format.h> <algorithm> <filesystem> <functional> <map>
      <memory> <optional> <string> <string_view> <unordered_map> <utility> <vector>)
  endif()
  # It is made with -fPIC; an executable's -fPIE would not go with it.
  get_target_property(type ${target} TYPE)
  if(type STREQUAL "EXECUTABLE")
    set_target_properties(${target} PROPERTIES POSITION_INDEPENDENT_CODE OFF)
    target_compile_options(${target} PRIVATE -fPIC)
  endif()
  target_precompile_headers(${target} REUSE_FROM kedit_pch)
endfunction()

# fmt header-only: the wheel carries newer fmt headers than the system library that would be linked.
function(kedit_common target)
  target_compile_features(${target} PUBLIC cxx_std_20)
  target_include_directories(${target} PUBLIC
    "$<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}>" "$<INSTALL_INTERFACE:include/kedit>")
  target_link_libraries(${target} PUBLIC kedit_torch nlohmann_json::nlohmann_json
                        PRIVATE "$<BUILD_INTERFACE:kedit_warnings>" fmt::fmt-header-only)
endfunction()

# kedit_library(NAME SOURCES ... [DEPENDS kedit libraries] [PRIVATE outside libraries])
function(kedit_library name)
  cmake_parse_arguments(arg "" "" "SOURCES;DEPENDS;PRIVATE" ${ARGN})
  add_library(kedit_${name} STATIC ${arg_SOURCES})
  add_library(kedit::${name} ALIAS kedit_${name})
  set_target_properties(kedit_${name} PROPERTIES EXPORT_NAME ${name})
  kedit_common(kedit_${name})
  kedit_use_pch(kedit_${name})
  target_link_libraries(kedit_${name} PUBLIC ${arg_DEPENDS} PRIVATE ${arg_PRIVATE})
  set(KEDIT_LIBRARIES ${KEDIT_LIBRARIES} kedit_${name} CACHE INTERNAL "")
endfunction()

function(kedit_umbrella)
  add_library(kedit INTERFACE)
  add_library(kedit::kedit ALIAS kedit)
  target_link_libraries(kedit INTERFACE ${KEDIT_LIBRARIES})
endfunction()
