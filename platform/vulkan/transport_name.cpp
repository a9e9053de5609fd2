#include "platform/texture.h"

namespace ferry::platform {

const char* transport_name(Transport transport) {
  switch (transport) {
    case Transport::kNone:
      return "none";
    case Transport::kOpaqueFd:
      return "opaque-fd";
    case Transport::kDmaBuf:
      return "dma-buf";
    case Transport::kHostMemory:
      return "host-memory";
  }
  return "unknown";
}

}  // namespace ferry::platform
