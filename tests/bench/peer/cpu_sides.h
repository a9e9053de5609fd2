#pragma once
// What Ferry replaces: GPU -> CPU -> GPU through shared memory, written as well as it can be. Buffers are mapped once,
// the read-back one is cached; an image travels in bands, so that the GPU's copies, this process's and the other's
// overlap.

#include "tests/bench/peer/sides.h"

namespace ferry::bench {

std::unique_ptr<ProducerSide> make_cpu_producer(const Device& device, const PairOptions& options,
                                                const std::string& meet, SharedMemory& board);
std::unique_ptr<ConsumerSide> make_cpu_consumer(const Device& device, const PairOptions& options,
                                                const std::string& meet, SharedMemory& board);

}  // namespace ferry::bench
