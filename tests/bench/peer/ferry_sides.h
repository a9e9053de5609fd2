#pragma once
// Ferry, through its public C ABI, on a device of the application's own.

#include "tests/bench/peer/sides.h"

namespace ferry::bench {

std::unique_ptr<ProducerSide> make_ferry_producer(const Device& device, const PairOptions& options,
                                                  const std::string& meet, SharedMemory& board);
std::unique_ptr<ConsumerSide> make_ferry_consumer(const Device& device, const PairOptions& options,
                                                  const std::string& meet, SharedMemory& board);

}  // namespace ferry::bench
