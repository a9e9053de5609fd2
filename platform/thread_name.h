#pragma once
// The library's threads say whose they are: `top -H` and debuggers show it, and an application's author asks.

namespace ferry::platform {

/// Names the calling thread. All of Ferry's begin with "ferry-"; @p name has at most 15 bytes (pthread_setname_np(3)).
void name_this_thread(const char* name);

}  // namespace ferry::platform
