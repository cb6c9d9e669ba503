# The check must be able to fail: a small tree with one fault a file, each of which must be named.
cmake_minimum_required(VERSION 3.22)
set(tree "${WORK}/structure-faults")
file(REMOVE_RECURSE "${tree}")
file(WRITE "${tree}/edits/request.hpp" "#pragma once\n#include \"edits/absent.hpp\"\n")
file(WRITE "${tree}/json/json.hpp" "#pragma once\n")
file(WRITE "${tree}/store/store.hpp" "#pragma once\n#include <sqlite3.h>\n")
file(WRITE "${tree}/store/database.cpp" "#include <sqlite3.h>\n#include \"edits/request.hpp\"\n")
file(WRITE "${tree}/datasets/reader.cpp" "  #  include \"store/store.hpp\"\n#include <ATen/ATen.h>\n")
file(WRITE "${tree}/model/model.cpp" "#include <torch/torch.h>\n#include \"model.hpp\"\n")
file(WRITE "${tree}/eval/runner.cpp" "#include \"apps/main.hpp\"\n#include <boost/program_options.hpp>\n")
file(WRITE "${tree}/apps/main.hpp" "#include <boost/program_options.hpp>\n#include \"eval/x.hpp\"\n")
file(WRITE "${tree}/eval/x.hpp" "#include \"misc/y.hpp\"\n")
file(WRITE "${tree}/training/public.hpp" "#include \"training/private.hpp\"\n")
file(WRITE "${tree}/training/private.hpp" "#pragma once\n")
file(WRITE "${tree}/cmake/KeditPublicHeaders.cmake" "set(KEDIT_PUBLIC_HEADERS training/public.hpp training/gone.hpp)\n")

execute_process(COMMAND ${CMAKE_COMMAND} -DROOT=${tree} -P "${CMAKE_CURRENT_LIST_DIR}/check_includes.cmake"
                RESULT_VARIABLE code OUTPUT_VARIABLE text ERROR_VARIABLE text)
# CMake wraps long messages; the comparison takes white space as one blank.
string(REGEX REPLACE "[ \n]+" " " text "${text}")
if(code EQUAL 0)
  message(FATAL_ERROR "the check passed a tree full of faults")
endif()
foreach(expected
    "edits/request.hpp: \"edits/absent.hpp\": no such file"
    "store/store.hpp: <sqlite3.h> may stand only in store/database.cpp"
    "datasets/reader.cpp: datasets may not include store (\"store/store.hpp\")"
    "datasets/reader.cpp: <ATen/ATen.h> may not stand in"
    "model/model.cpp: <torch/torch.h> may stand nowhere"
    "model/model.cpp: \"model.hpp\": expected a path from the root of the tree"
    "eval/runner.cpp: eval may not include apps (\"apps/main.hpp\")"
    "eval/runner.cpp: <boost/program_options.hpp> may stand only in"
    "eval/x.hpp: \"misc/y.hpp\": no such folder in arrows.txt"
    "KeditPublicHeaders.cmake: training/gone.hpp: no such file"
    "training/public.hpp: a public header may not include \"training/private.hpp\", which is private")
  string(FIND "${text}" "${expected}" at)
  if(at EQUAL -1)
    message(FATAL_ERROR "expected the fault: ${expected}\nfound: ${text}")
  endif()
endforeach()
foreach(innocent "apps/main.hpp:" "store/database.cpp:")
  string(FIND "${text}" "${innocent}" at)
  if(NOT at EQUAL -1)
    message(FATAL_ERROR "expected no fault in ${innocent}\nfound: ${text}")
  endif()
endforeach()
message(STATUS "each of the faults is named")
