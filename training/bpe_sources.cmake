set(KEDIT_BPE_SOURCES bpe_trainer.cpp pair_merger.cpp)
