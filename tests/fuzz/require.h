#pragma once
// What must hold whatever came in. Not assert(): it is checked in every build.

#include <cstdio>
#include <cstdlib>

#define FERRY_REQUIRE(condition)                                                       \
  do {                                                                                 \
    if (!(condition)) {                                                                \
      std::fprintf(stderr, "%s:%d: %s does not hold\n", __FILE__, __LINE__, #condition); \
      std::abort();                                                                    \
    }                                                                                  \
  } while (false)
