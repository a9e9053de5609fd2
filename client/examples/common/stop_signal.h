#pragma once

namespace examples {

/// From now on SIGINT and SIGTERM ask the program to end instead of ending it. A second one kills as usual.
void stop_on_signals();
bool stop_requested();

}  // namespace examples
