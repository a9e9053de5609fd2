#pragma once
// A descriptor that whoever closes it last waits for.

#include <vector>

#include "platform/unique_fd.h"

namespace ferry::test {

/// A TCP socket that has more to send than its peer reads, and is set to linger for @p linger_s seconds. Who closes it last
/// waits so long, or until this goes: unless this process has it, it is in a message.
class LingeringSocket {
 public:
  explicit LingeringSocket(int linger_s);
  int get() const { return socket_.get(); }
  /// Somebody has a copy, who will be the last.
  void leave_it_to_others();

 private:
  platform::UniqueFd peer_, socket_;
};

}  // namespace ferry::test
