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

# Debian's fmt is linked, and its headers must win over those that LibTorch's wheel carries: formatting
# compiled once, not in every file, is two seconds a file.
get_target_property(KEDIT_FMT_INCLUDE fmt::fmt INTERFACE_INCLUDE_DIRECTORIES)
set(KEDIT_FMT_DIR "${CMAKE_BINARY_DIR}/fmt-include")
file(MAKE_DIRECTORY "${KEDIT_FMT_DIR}")
file(CREATE_LINK "${KEDIT_FMT_INCLUDE}/fmt" "${KEDIT_FMT_DIR}/fmt" SYMBOLIC)

# Precompiled headers, each made once and used by every target of its kind: `text` for what does
# without LibTorch (a file costs one second more with the other), `torch` for the rest, and both with
# Catch2 for tests. Reuse demands equal flags, so all targets get the same definitions and warnings.
set(KEDIT_PCH_TEXT <nlohmann/json.hpp> <fmt/format.h> <algorithm> <filesystem> <functional> <map>
    <memory> <optional> <string> <string_view> <unordered_map> <utility> <vector>)
set(KEDIT_PCH_TORCH <ATen/ATen.h> ${KEDIT_PCH_TEXT})

function(kedit_make_pch kind)
  set(source "${CMAKE_BINARY_DIR}/kedit_pch_${kind}.cpp")
  if(NOT EXISTS "${source}")  # a new date would compile everything again
    file(WRITE "${source}" "// carries a precompiled header\n")
  endif()
  add_library(kedit_pch_${kind} OBJECT "${source}")
  if(kind MATCHES "^text")
    kedit_common(kedit_pch_${kind} WITHOUT_TORCH)
  else()
    kedit_common(kedit_pch_${kind})
  endif()
  # A precompiled header that comes out of a compiler cache is not always one that g++ accepts.
  set_target_properties(kedit_pch_${kind} PROPERTIES CXX_COMPILER_LAUNCHER "")
  target_precompile_headers(kedit_pch_${kind} PRIVATE ${ARGN})
endfunction()

# kedit_use_pch(TARGET text|torch|text_tests|torch_tests)
function(kedit_use_pch target kind)
  # It is made with -fPIC; an executable's -fPIE would not go with it.
  get_target_property(type ${target} TYPE)
  if(type STREQUAL "EXECUTABLE")
    set_target_properties(${target} PROPERTIES POSITION_INDEPENDENT_CODE OFF)
    target_compile_options(${target} PRIVATE -fPIC)
  endif()
  target_precompile_headers(${target} REUSE_FROM kedit_pch_${kind})
endfunction()

# kedit_common(TARGET [WITHOUT_TORCH]): language level, include path, warnings, fmt, JSON.
function(kedit_common target)
  cmake_parse_arguments(arg "WITHOUT_TORCH" "" "" ${ARGN})
  target_compile_features(${target} PUBLIC cxx_std_20)
  target_include_directories(${target} PUBLIC
    "$<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}>" "$<INSTALL_INTERFACE:include/kedit>")
  target_include_directories(${target} SYSTEM BEFORE PRIVATE "${KEDIT_FMT_DIR}")
  target_link_libraries(${target} PUBLIC nlohmann_json::nlohmann_json
                        PRIVATE "$<BUILD_INTERFACE:kedit_warnings>" fmt::fmt)
  if(NOT arg_WITHOUT_TORCH)
    target_link_libraries(${target} PUBLIC kedit_torch)
  endif()
endfunction()

kedit_make_pch(text ${KEDIT_PCH_TEXT})
kedit_make_pch(torch ${KEDIT_PCH_TORCH})

# kedit_unity(TARGET): reading the precompiled header and the templates of JSON once for six sources. Sources that
# share a folder then share unnamed namespaces; those that cannot are told with SKIP_UNITY_BUILD_INCLUSION.
function(kedit_unity target)
  if(KEDIT_UNITY)
    set_target_properties(${target} PROPERTIES UNITY_BUILD ON UNITY_BUILD_BATCH_SIZE 6)
  endif()
endfunction()

# kedit_library(NAME [WITHOUT_TORCH] SOURCES ... [DEPENDS kedit libraries] [PRIVATE outside libraries])
function(kedit_library name)
  cmake_parse_arguments(arg "WITHOUT_TORCH" "" "SOURCES;DEPENDS;PRIVATE" ${ARGN})
  add_library(kedit_${name} STATIC ${arg_SOURCES})
  add_library(kedit::${name} ALIAS kedit_${name})
  set_target_properties(kedit_${name} PROPERTIES EXPORT_NAME ${name})
  if(arg_WITHOUT_TORCH)
    kedit_common(kedit_${name} WITHOUT_TORCH)
    kedit_use_pch(kedit_${name} text)
  else()
    kedit_common(kedit_${name})
    kedit_use_pch(kedit_${name} torch)
  endif()
  kedit_unity(kedit_${name})
  target_link_libraries(kedit_${name} PUBLIC ${arg_DEPENDS} PRIVATE ${arg_PRIVATE})
  set(KEDIT_LIBRARIES ${KEDIT_LIBRARIES} kedit_${name} CACHE INTERNAL "")
endfunction()

# kedit_embed(LIBRARY NAME FILE): the file's bytes as the constant kedit::assets::NAME, a string_view,
# so that the program needs no file beside it.
function(kedit_embed library name file)
  set(path "${PROJECT_SOURCE_DIR}/${file}")
  file(READ "${path}" KEDIT_ASSET_TEXT)
  set(KEDIT_ASSET_NAME ${name})
  set(KEDIT_ASSET_FILE ${file})
  set(source "${CMAKE_CURRENT_BINARY_DIR}/asset_${name}.cpp")
  configure_file("${PROJECT_SOURCE_DIR}/cmake/asset.cpp.in" "${source}" @ONLY)
  set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS "${path}")
  set_source_files_properties("${source}" PROPERTIES SKIP_PRECOMPILE_HEADERS ON)
  target_sources(kedit_${library} PRIVATE "${source}")
endfunction()

# kedit_embed_folder(LIBRARY NAME FOLDER): the JSON files of FOLDER's subfolders as one constant, an
# object of the files by their path below FOLDER without the suffix.
function(kedit_embed_folder library name folder)
  file(GLOB paths CONFIGURE_DEPENDS "${PROJECT_SOURCE_DIR}/${folder}/*/*.json")
  set(text "{")
  set(separator "")
  foreach(path IN LISTS paths)
    file(READ "${path}" content)
    file(RELATIVE_PATH key "${PROJECT_SOURCE_DIR}/${folder}" "${path}")
    string(REGEX REPLACE "\\.json$" "" key "${key}")
    string(APPEND text "${separator}\"${key}\": ${content}")
    set(separator ",")
    set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS "${path}")
  endforeach()
  set(merged "${CMAKE_CURRENT_BINARY_DIR}/${name}.json")
  file(CONFIGURE OUTPUT "${merged}" CONTENT "${text}}" @ONLY)
  file(RELATIVE_PATH merged "${PROJECT_SOURCE_DIR}" "${merged}")
  kedit_embed(${library} ${name} "${merged}")
endfunction()

function(kedit_umbrella)
  add_library(kedit INTERFACE)
  add_library(kedit::kedit ALIAS kedit)
  target_link_libraries(kedit INTERFACE ${KEDIT_LIBRARIES})
endfunction()
