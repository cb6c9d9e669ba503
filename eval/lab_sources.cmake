set(KEDIT_LAB_SOURCES lab_check.cpp lab_recipe.cpp lab_training.cpp teacher_forcing.cpp)
