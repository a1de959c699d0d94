/* Reference data that others made, in LLM_SHARED_DATA. A clone does not bring it: what compares with it is skipped
 * then, and says which test proves the same from what is in the repository. */
#ifndef TEST_SHARED_DATA_H
#define TEST_SHARED_DATA_H

#include <gtest/gtest.h>
#include <unistd.h>

#include <string>

/* The first words are what tests/skips.py counts by. */
#define NEEDS_SHARED(path, proof)                                                                                      \
    if (access(std::string(path).c_str(), R_OK) != 0)                                                                  \
    GTEST_SKIP() << "needs the shared data (" << (path) << "); without it: " << (proof)

#endif
