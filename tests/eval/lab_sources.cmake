list(APPEND KEDIT_LAB_TEST_SOURCES lab_recipe_test.cpp)
