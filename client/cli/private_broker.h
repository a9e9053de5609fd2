#pragma once
// A broker for one command alone: its own socket in a folder of its own, gone when the command is.

#include <memory>
#include <string>

#include "client/cli/child_process.h"

namespace ferry::cli {

class PrivateBroker {
 public:
  /// Starts ferryd: the one beside this program, else the one in PATH. Returns when it is ready. Throws CommandError.
  PrivateBroker();
  ~PrivateBroker();
  PrivateBroker(const PrivateBroker&) = delete;
  PrivateBroker& operator=(const PrivateBroker&) = delete;

  std::string socket() const { return folder_ + "/ferryd.sock"; }
  /// A file beside the socket, for what others log.
  std::string file(const std::string& name) const { return folder_ + "/" + name; }

 private:
  std::string folder_;
  std::unique_ptr<ChildProcess> process_;
};

}  // namespace ferry::cli
