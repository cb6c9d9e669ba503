# Install and package: `cmake --install BUILD --prefix P`, then find_package(kedit) in other projects.
# tests/install is such a project; it is built and run as a test.
include(CMakePackageConfigHelpers)

set(KEDIT_PACKAGE_DIR "${CMAKE_INSTALL_LIBDIR}/cmake/kedit")
set_target_properties(kedit_torch PROPERTIES EXPORT_NAME torch)

include(KeditPublicHeaders)
set(KEDIT_HEADER_DIR "${CMAKE_INSTALL_INCLUDEDIR}/kedit")
if(CMAKE_VERSION VERSION_GREATER_EQUAL 3.23)
  list(TRANSFORM KEDIT_PUBLIC_HEADERS PREPEND "${PROJECT_SOURCE_DIR}/" OUTPUT_VARIABLE headers)
  target_sources(kedit INTERFACE FILE_SET HEADERS BASE_DIRS "${PROJECT_SOURCE_DIR}" FILES ${headers})
  install(TARGETS ${KEDIT_LIBRARIES} kedit kedit_torch EXPORT kedit-targets
          ARCHIVE DESTINATION "${CMAKE_INSTALL_LIBDIR}"
          FILE_SET HEADERS DESTINATION "${KEDIT_HEADER_DIR}")
else()  # Ubuntu 22.04's CMake knows no header sets
  install(TARGETS ${KEDIT_LIBRARIES} kedit kedit_torch EXPORT kedit-targets
          ARCHIVE DESTINATION "${CMAKE_INSTALL_LIBDIR}")
  foreach(header ${KEDIT_PUBLIC_HEADERS})
    get_filename_component(folder "${header}" DIRECTORY)
    install(FILES "${PROJECT_SOURCE_DIR}/${header}" DESTINATION "${KEDIT_HEADER_DIR}/${folder}")
  endforeach()
endif()
install(EXPORT kedit-targets NAMESPACE kedit:: DESTINATION "${KEDIT_PACKAGE_DIR}")

if(TARGET kedit_cli)
  # The engine stays where it is: the program finds it there.
  set_target_properties(kedit_cli PROPERTIES INSTALL_RPATH "${KEDIT_TORCH_ROOT}/lib")
  install(TARGETS kedit_cli RUNTIME DESTINATION "${CMAKE_INSTALL_BINDIR}")
endif()

if(EXISTS "${PROJECT_SOURCE_DIR}/assets/lab")
  install(DIRECTORY "${PROJECT_SOURCE_DIR}/assets/lab" DESTINATION "${CMAKE_INSTALL_DATADIR}/kedit")
endif()

configure_package_config_file(
  "${CMAKE_CURRENT_LIST_DIR}/kedit-config.cmake.in" "${CMAKE_BINARY_DIR}/kedit-config.cmake"
  INSTALL_DESTINATION "${KEDIT_PACKAGE_DIR}" NO_SET_AND_CHECK_MACRO)
write_basic_package_version_file("${CMAKE_BINARY_DIR}/kedit-config-version.cmake"
  VERSION "${PROJECT_VERSION}" COMPATIBILITY SameMinorVersion)
install(FILES "${CMAKE_BINARY_DIR}/kedit-config.cmake" "${CMAKE_BINARY_DIR}/kedit-config-version.cmake"
        DESTINATION "${KEDIT_PACKAGE_DIR}")

if(KEDIT_TESTS AND TARGET kedit_cli)
  add_test(NAME install.find_package
    COMMAND "${CMAKE_COMMAND}" "-DSOURCE=${PROJECT_SOURCE_DIR}/tests/install"
            "-DBUILD=${CMAKE_BINARY_DIR}" "-DTORCH=${KEDIT_TORCH_ROOT}" "-DCXX=${CMAKE_CXX_COMPILER}"
            "-DSANITIZE=${KEDIT_SANITIZE}" "-DGENERATOR=${CMAKE_GENERATOR}"
            -P "${PROJECT_SOURCE_DIR}/tests/install/run.cmake")
  set_tests_properties(install.find_package PROPERTIES LABELS "install;slow" TIMEOUT 900)
endif()
