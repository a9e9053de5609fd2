#pragma once
// The floor: exported images and timelines of plain Vulkan, a number in shared memory, nothing else. Where the driver
// exports no timelines a frame is handed over when it is complete, as in Ferry's sync mode host.

#include "tests/bench/peer/sides.h"

namespace ferry::bench {

std::unique_ptr<ProducerSide> make_raw_producer(const Device& device, const PairOptions& options,
                                                const std::string& meet, SharedMemory& board);
/// Rival "raw-early": submits the reading of the next frame before that frame is drawn, which only works while
/// producer and consumer trust each other to the end.
std::unique_ptr<ConsumerSide> make_raw_consumer(const Device& device, const PairOptions& options,
                                                const std::string& meet, SharedMemory& board);

}  // namespace ferry::bench
