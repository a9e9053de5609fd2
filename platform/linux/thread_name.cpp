#include "platform/thread_name.h"

#include <pthread.h>

namespace ferry::platform {

void name_this_thread(const char* name) {
  static_cast<void>(pthread_setname_np(pthread_self(), name));  // fails for a name that is too long alone
}

}  // namespace ferry::platform
