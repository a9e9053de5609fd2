#pragma once
// What others do with one exported image. "unsynced", as obs-vkcapture: the producer copies into it whenever it likes,
// nobody waits. "lock", as texture-share-vk: whoever copies into or out of it holds a lock between the processes until
// the GPU is done.

#include "tests/bench/peer/sides.h"

namespace ferry::bench {

std::unique_ptr<ProducerSide> make_one_image_producer(const Device& device, const PairOptions& options,
                                                      const std::string& meet, SharedMemory& board);
std::unique_ptr<ConsumerSide> make_one_image_consumer(const Device& device, const PairOptions& options,
                                                      const std::string& meet, SharedMemory& board);

}  // namespace ferry::bench
