set(KEDIT_LAB_SOURCES lab_check.cpp lab_recipe.cpp lab_rome.cpp lab_rome_probes.cpp lab_thoughts.cpp
                      lab_training.cpp teacher_forcing.cpp)
