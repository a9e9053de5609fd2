#pragma once
// Where a fuzzed broker listens: under a name that the kernel chooses. A fuzzer that is killed leaves no file.

#include <sys/socket.h>
#include <sys/un.h>

#include "platform/unique_fd.h"
#include "tests/fuzz/require.h"

namespace ferry::fuzz {

class ListeningSocket {
 public:
  ListeningSocket() : fd_(new_socket()) {
    sockaddr_un any{};
    any.sun_family = AF_UNIX;
    FERRY_REQUIRE(bind(fd_.get(), reinterpret_cast<sockaddr*>(&any), sizeof any.sun_family) == 0);
    FERRY_REQUIRE(listen(fd_.get(), 16) == 0);
    length_ = sizeof address_;
    FERRY_REQUIRE(getsockname(fd_.get(), reinterpret_cast<sockaddr*>(&address_), &length_) == 0);
  }
  platform::UniqueFd connect() const {
    platform::UniqueFd client = new_socket();
    FERRY_REQUIRE(::connect(client.get(), reinterpret_cast<const sockaddr*>(&address_), length_) == 0);
    return client;
  }
  const platform::UniqueFd& fd() const { return fd_; }

 private:
  static platform::UniqueFd new_socket() {
    return platform::UniqueFd{::socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)};
  }
  platform::UniqueFd fd_;
  sockaddr_un address_{};
  socklen_t length_ = 0;
};

}  // namespace ferry::fuzz
